//! The paper's own numbers, to be quoted beside ours where the target is one of its data sets.

use crate::named::named_enum;

named_enum! {
    /// A data set that the paper adapts to.
    pub enum PaperTarget {
        /// MPI-INF-3DHP's test set.
        MpiInf3dhp = "mpi-inf-3dhp",
        /// 3DPW.
        ThreeDpw = "3dpw",
    }
}

/// A quoted row: its name, and PCK, AUC and MPJPE in mm where the paper has them.
pub(super) type Quoted = (&'static str, [Option<f64>; 3]);

const fn all(pck: f64, auc: f64, mpjpe: f64) -> [Option<f64>; 3] {
    [Some(pck), Some(auc), Some(mpjpe)]
}

/// Table 1, MPI-INF-3DHP.
pub(super) const TABLE_1: &[Quoted] = &[
    ("Yang", [Some(69.0), Some(32.0), None]),
    ("Ci", [Some(74.0), Some(36.7), None]),
    ("Chang", [Some(76.5), Some(40.2), None]),
    ("Wandt", all(81.8, 54.8, 92.5)),
    ("Zhao, the paper's implementation (US)", all(76.2, 42.8, 126.1)),
    ("ISO (US)", all(83.6, 48.2, 92.2)),
    ("Zhao, the paper's implementation (GS)", all(77.1, 45.5, 108.0)),
    ("ISO (GS)", all(84.5, 50.9, 88.4)),
    ("Wandt, the paper's implementation (PA)", all(81.6, 47.0, 95.4)),
    ("Zhao, the paper's implementation (PA)", all(86.0, 46.7, 96.8)),
    ("ISO (PA)", all(91.3, 54.0, 75.8)),
];

/// Table 2, 3DPW, 14 joints: PCK and PA-MPJPE.
pub(super) const TABLE_2: &[Quoted] = &[
    ("Martinez", [None, None, Some(157.0)]),
    ("Dabral", [None, None, Some(92.3)]),
    ("Kanazawa (HMR)", [Some(84.1), None, Some(76.7)]),
    ("Kanazawa (HMMR)", [Some(86.4), None, Some(80.1)]),
    ("Arnab, trained on 3DPW", [None, None, Some(77.2)]),
    ("Doersch", [None, None, Some(74.7)]),
    ("Sun, trained on 3DPW", [None, None, Some(69.5)]),
    ("ISO", [Some(82.0), None, Some(70.8)]),
];

/// Tables 3 and 4, MPI-INF-3DHP under US, by the names of our methods.
pub(super) const TABLES_3_AND_4: &[Quoted] = &[
    ("Baseline", all(78.9, 43.7, 103.8)),
    ("Joint-Adv", all(80.9, 46.1, 97.0)),
    ("Vanilla-Adv", all(82.1, 47.2, 95.3)),
    ("Online-Adv", all(83.0, 47.6, 93.1)),
    ("Joint-Cyc", all(81.3, 46.9, 96.2)),
    ("Vanilla-Cyc", all(82.5, 47.6, 94.1)),
    ("Online-Cyc", all(83.6, 48.2, 92.2)),
    ("Vanilla-lr", all(82.1, 47.3, 94.6)),
    ("Online-skip", all(83.0, 48.0, 92.7)),
];

/// Table 4's times of a sample on a TITAN X, milliseconds, by the names of our methods.
pub(super) const TIMES_MS: &[(&str, f64)] =
    &[("Vanilla-Cyc", 244.0), ("Vanilla-lr", 27.0), ("Online-Cyc", 27.0), ("Online-skip", 4.0), ("Baseline", 3.0)];

/// Table 5, MPI-INF-3DHP under US: online ISO at each noise in pixels.
pub(super) const TABLE_5: &[(f64, Quoted)] = &[
    (0.0, ("ISO", all(83.6, 48.2, 92.2))),
    (5.0, ("ISO, σ = 5 px", all(82.5, 47.4, 94.0))),
    (10.0, ("ISO, σ = 10 px", all(79.6, 43.7, 103.4))),
];

/// The percentages of Baseline's and of ISO's poses that the paper's domain classifier takes for the target's (Sec. 4.3).
pub(super) const DOMAIN_SHARES: [(&str, f64); 2] = [("Baseline", 52.6), ("ISO", 83.4)];

/// What sets a quoted row's name apart.
pub(super) const SUFFIX: &str = ", the paper";

/// The numbers quoted for `name`.
pub(super) fn quoted(table: &[Quoted], name: &str) -> Option<[Option<f64>; 3]> {
    table.iter().find(|(row, _)| *row == name).map(|(_, numbers)| *numbers)
}
