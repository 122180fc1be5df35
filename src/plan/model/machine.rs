//! GPUs as the model sees them.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// What the model knows of a GPU.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// Its name, as its driver has it or in part.
    pub name: Cow<'static, str>,
    /// Multiprocessors: what workgroups are given to.
    pub multiprocessors: u32,
    /// Clock, GHz.
    pub ghz: f64,
    /// Lanes of a multiprocessor: multiply-adds that it can begin in a cycle.
    pub lanes: u32,
    /// Rate of its memory in large transfers, GB/s.
    pub dram_gbps: f64,
    /// Rate of its last-level cache, GB/s.
    pub l2_gbps: f64,
    /// A load out of that cache, microseconds.
    pub l2_us: f64,
    /// A load out of memory, microseconds.
    pub dram_us: f64,
    /// Workgroup memory of a multiprocessor, KiB.
    pub workgroup_kib: u32,
    /// Invocations that a multiprocessor holds at once.
    pub threads: u32,
    /// From the end of a dispatch to the work of the next: launch and barrier, microseconds.
    pub dispatch_us: f64,
}

/// GPUs by a short name. Every number is assumed, rates below what the makers' sheets promise; none was measured with
/// this engine.
pub const MACHINES: [(&str, Machine); 4] = [
    (
        "h100",
        Machine {
            name: Cow::Borrowed("H100"),
            multiprocessors: 132,
            ghz: 1.75,
            lanes: 128,
            dram_gbps: 2600.0,
            l2_gbps: 5500.0,
            l2_us: 0.16,
            dram_us: 0.45,
            workgroup_kib: 228,
            threads: 2048,
            dispatch_us: 3.0,
        },
    ),
    (
        "rtx4070",
        Machine {
            name: Cow::Borrowed("RTX 4070"),
            multiprocessors: 46,
            ghz: 2.5,
            lanes: 128,
            dram_gbps: 450.0,
            l2_gbps: 1600.0,
            l2_us: 0.12,
            dram_us: 0.35,
            workgroup_kib: 100,
            threads: 1536,
            dispatch_us: 3.0,
        },
    ),
    // With 10 cores.
    (
        "m2",
        Machine {
            name: Cow::Borrowed("Apple M2"),
            multiprocessors: 10,
            ghz: 1.4,
            lanes: 128,
            dram_gbps: 85.0,
            l2_gbps: 300.0,
            l2_us: 0.25,
            dram_us: 0.55,
            workgroup_kib: 60,
            threads: 1024,
            dispatch_us: 5.0,
        },
    ),
    // Of 96 execution units.
    (
        "xe",
        Machine {
            name: Cow::Borrowed("Iris(R) Xe"),
            multiprocessors: 6,
            ghz: 1.3,
            lanes: 128,
            dram_gbps: 50.0,
            l2_gbps: 350.0,
            l2_us: 0.25,
            dram_us: 0.60,
            workgroup_kib: 64,
            threads: 1792,
            dispatch_us: 8.0,
        },
    ),
];

impl Machine {
    /// The one of [`MACHINES`] by this short name.
    #[must_use]
    pub fn named(short: &str) -> Option<Self> {
        MACHINES.into_iter().find(|(name, _)| *name == short).map(|(_, machine)| machine)
    }

    /// Whether a device of this name is one of these.
    #[must_use]
    pub fn is(&self, device: &str) -> bool {
        let letters = |name: &str| name.to_lowercase().replace(' ', "");
        !self.name.trim().is_empty() && letters(device).contains(&letters(&self.name))
    }

    /// Fails with the name of the first number that no GPU has, and what is wrong with it.
    ///
    /// # Errors
    /// A number that is not between 1e-6 and 1e6; a `dispatch_us` below 0; a name that is none.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        let numbers = [
            ("multiprocessors", f64::from(self.multiprocessors)),
            ("ghz", self.ghz),
            ("lanes", f64::from(self.lanes)),
            ("dram_gbps", self.dram_gbps),
            ("l2_gbps", self.l2_gbps),
            ("l2_us", self.l2_us),
            ("dram_us", self.dram_us),
            ("workgroup_kib", f64::from(self.workgroup_kib)),
            ("threads", f64::from(self.threads)),
        ];
        if let Some((field, number)) = numbers.into_iter().find(|(_, number)| !(1e-6..=1e6).contains(number)) {
            return Err((field, format!("it is {number:e}, not between 1e-6 and 1e6")));
        }
        if !(0.0..=1e6).contains(&self.dispatch_us) {
            return Err(("dispatch_us", format!("it is {:e}, not between 0 and 1e6", self.dispatch_us)));
        }
        if self.name.trim().is_empty() || self.name.len() > 100 || self.name.contains(char::is_control) {
            return Err(("name", "it is empty, longer than 100 bytes, or holds a control character".to_owned()));
        }
        Ok(())
    }

    /// Time of so many instructions of one subgroup, one after the other, microseconds.
    pub(super) fn instructions_us(&self, count: f64) -> f64 {
        count / (1e3 * self.ghz)
    }

    /// Subgroups of 32 that a multiprocessor serves in one cycle.
    pub(super) fn subgroups(&self) -> f64 {
        f64::from(self.lanes) / 32.0
    }
}
