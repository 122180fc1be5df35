//! Published ways of scoring, by name: which joints count in which metric, after which alignment.

use super::{Metrics, Protocol, aligned_errors};
use crate::named::named_enum;

named_enum! {
    /// A published way of scoring predictions of 16 or 17 joints (Human3.6M order).
    pub enum ProtocolSet {
        /// The ISO paper's tables: every joint, the root included, under US, GS and PA. What it means by "glob. scaled" is
        /// not published, so GS is given both ways: one factor a pose, and one for the whole set.
        Paper = "paper",
        /// `mpii_test_predictions_py.m` of MPI-INF-3DHP: PCK and AUC over 14 joints, MPJPE over all, unaligned; then each
        /// of its joint groups.
        Official3dhp = "3dhp-official",
        /// SPIN's evaluation of 3DPW: 14 joints, centred on the pelvis; Procrustes on those 14.
        ThreeDpw = "3dpw",
        /// PoseAug's `utils/loss.py`: every joint of 16 with the root, MPJPE, P-MPJPE and N-MPJPE.
        PoseAug = "poseaug",
    }
}

/// One line of a protocol set's table.
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    /// The alignment, and the joint group where it is one.
    pub label: &'static str,
    /// The metrics.
    pub metrics: Metrics,
}

/// A line: its label, its alignment, the joints of MPJPE and those of PCK and AUC.
type Line = (&'static str, Protocol, &'static [usize], &'static [usize]);

/// Joints by their number among 17; 9 is Neck/Nose, which 16 joints do not have.
const ALL: &[usize] = &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];
/// ALL but Neck/Nose: PoseAug's 16.
const SIXTEEN: &[usize] = &[0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 15, 16];
/// Head top, neck, shoulders, elbows, wrists, hips, knees, ankles.
const FOURTEEN: &[usize] = &[10, 8, 14, 11, 15, 12, 16, 13, 1, 4, 2, 5, 3, 6];

const PAPER: &[Line] = &[
    ("us", Protocol::Us, ALL, ALL),
    ("gs", Protocol::Gs, ALL, ALL),
    ("gs-set", Protocol::GsSet, ALL, ALL),
    ("pa", Protocol::Pa, ALL, ALL),
];
const OFFICIAL_3DHP: &[Line] = &[
    ("us", Protocol::Us, ALL, FOURTEEN),
    ("us head", Protocol::Us, &[10], &[10]),
    ("us neck", Protocol::Us, &[8], &[8]),
    ("us shoulder", Protocol::Us, &[14, 11], &[14, 11]),
    ("us elbow", Protocol::Us, &[15, 12], &[15, 12]),
    ("us wrist", Protocol::Us, &[16, 13], &[16, 13]),
    ("us hip", Protocol::Us, &[1, 4], &[1, 4]),
    ("us knee", Protocol::Us, &[2, 5], &[2, 5]),
    ("us ankle", Protocol::Us, &[3, 6], &[3, 6]),
];
const THREE_DPW: &[Line] = &[("us", Protocol::Us, FOURTEEN, FOURTEEN), ("pa", Protocol::Pa, FOURTEEN, FOURTEEN)];
const POSEAUG: &[Line] = &[
    ("us", Protocol::Us, SIXTEEN, SIXTEEN),
    ("pa", Protocol::Pa, SIXTEEN, SIXTEEN),
    ("gs", Protocol::Gs, SIXTEEN, SIXTEEN),
];

impl ProtocolSet {
    /// Scores (N, J, 3) poses in metres, J 16 or 17. Poses are centred on the root, then aligned on the joints that a
    /// line counts. Lines are in the order of the published table. Empty for any other J.
    #[must_use]
    pub fn scores(self, pred: &[f32], gt: &[f32], joints: usize) -> Vec<Score> {
        let lines = match self {
            Self::Paper => PAPER,
            Self::Official3dhp => OFFICIAL_3DHP,
            Self::ThreeDpw => THREE_DPW,
            Self::PoseAug => POSEAUG,
        };
        if !matches!(joints, 16 | 17) {
            return Vec::new();
        }
        let errors = |protocol, set: &[usize]| {
            let numbered: Vec<usize> = set.iter().filter_map(|&joint| number(joint, joints)).collect();
            Metrics::of_errors(&aligned_errors(pred, gt, joints, protocol, &numbered))
        };
        let score = |&(label, protocol, of_error, of_pck): &Line| {
            let mpjpe_mm = errors(protocol, of_error).mpjpe_mm;
            Score { label, metrics: Metrics { mpjpe_mm, ..errors(protocol, of_pck) } }
        };
        lines.iter().map(score).collect()
    }
}

/// The number among `joints` of the joint that has this number among 17.
fn number(joint: usize, joints: usize) -> Option<usize> {
    match (joints, joint) {
        (16, 9) => None,
        (16, 10..) => Some(joint - 1),
        _ => Some(joint),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::example;
    use super::*;
    use crate::pose::Skeleton;

    #[test]
    fn joints_are_the_published_ones_by_name() {
        let skeleton = Skeleton::of(17).unwrap();
        let names = |set: &[usize]| set.iter().map(|&joint| skeleton.names[joint]).collect::<Vec<_>>();
        assert_eq!(
            names(FOURTEEN),
            [
                "Head",
                "Thorax",
                "RShoulder",
                "LShoulder",
                "RElbow",
                "LElbow",
                "RWrist",
                "LWrist",
                "RHip",
                "LHip",
                "RKnee",
                "LKnee",
                "RFoot",
                "LFoot"
            ]
        );
        let groups: Vec<usize> = OFFICIAL_3DHP[1..].iter().flat_map(|line| line.3).copied().collect();
        assert_eq!(groups, FOURTEEN, "the groups are the 14 joints");
        let of_16 = Skeleton::of(16).unwrap();
        for (joint, name) in skeleton.names.iter().enumerate() {
            assert_eq!(number(joint, 16).map(|k| of_16.names[k]), Some(*name).filter(|_| joint != 9));
        }
        assert!(!SIXTEEN.contains(&9) && SIXTEEN.len() == 16);
    }

    #[test]
    fn other_skeletons_have_no_scores() {
        let (pred, gt) = example(16);
        assert!(ProtocolSet::Paper.scores(&pred, &gt, 14).is_empty());
    }

    #[test]
    fn every_set_agrees_with_numpy() {
        // NumPy, float64, joints by name, Procrustes by SVD: (MPJPE, PCK, AUC) of each line.
        type Expected = (usize, ProtocolSet, &'static [[f64; 3]]);
        #[rustfmt::skip]
        let expected: [Expected; 8] = [
            (16, ProtocolSet::Paper, &[
                [371.1463272, 15.6250000, 9.7782258],
                [233.5988346, 34.3750000, 15.9274194],
                [230.7663982, 40.6250000, 24.6975806],
                [162.7975916, 43.7500000, 16.0282258],
            ]),
            (16, ProtocolSet::Official3dhp, &[
                [371.1463272, 10.7142857, 4.2626728],
                [605.8809942, 0.0000000, 0.0000000],
                [397.0512798, 0.0000000, 0.0000000],
                [303.4405559, 0.0000000, 0.0000000],
                [404.3948973, 25.0000000, 10.4838710],
                [388.8448741, 0.0000000, 0.0000000],
                [470.2332649, 0.0000000, 0.0000000],
                [297.3872729, 50.0000000, 19.3548387],
                [355.3010429, 0.0000000, 0.0000000],
            ]),
            (16, ProtocolSet::ThreeDpw, &[
                [388.7240064, 10.7142857, 4.2626728],
                [159.0943281, 46.4285714, 18.0875576],
            ]),
            (16, ProtocolSet::PoseAug, &[
                [371.1463272, 15.6250000, 9.7782258],
                [162.7975916, 43.7500000, 16.0282258],
                [233.5988346, 34.3750000, 15.9274194],
            ]),
            (17, ProtocolSet::Paper, &[
                [338.4960611, 20.5882353, 9.6774194],
                [219.6463126, 29.4117647, 15.1802657],
                [241.2617245, 38.2352941, 20.0189753],
                [157.5852458, 47.0588235, 17.8368121],
            ]),
            (17, ProtocolSet::Official3dhp, &[
                [338.4960611, 14.2857143, 4.2626728],
                [235.1189643, 0.0000000, 0.0000000],
                [416.3173674, 0.0000000, 0.0000000],
                [378.4742751, 25.0000000, 6.4516129],
                [360.9684198, 0.0000000, 0.0000000],
                [310.9496439, 25.0000000, 8.0645161],
                [466.6569262, 0.0000000, 0.0000000],
                [242.9933183, 50.0000000, 15.3225806],
                [333.7912177, 0.0000000, 0.0000000],
            ]),
            (17, ProtocolSet::ThreeDpw, &[
                [345.6502810, 14.2857143, 4.2626728],
                [146.1059431, 53.5714286, 21.6589862],
            ]),
            (17, ProtocolSet::PoseAug, &[
                [323.6202535, 21.8750000, 10.2822581],
                [146.7802857, 56.2500000, 21.4717742],
                [207.5365692, 37.5000000, 17.6411290],
            ]),
        ];
        for (joints, set, lines) in expected {
            let (pred, gt) = example(joints);
            let scores = set.scores(&pred, &gt, joints);
            assert_eq!(scores.len(), lines.len(), "{set:?}");
            for (Score { label, metrics }, expected) in scores.iter().zip(lines) {
                for (got, expected) in [metrics.mpjpe_mm, metrics.pck, metrics.auc].iter().zip(expected) {
                    assert!((got - expected).abs() < 1e-6, "{set:?} {joints} {label}: {got} {expected}");
                }
            }
        }
    }
}
