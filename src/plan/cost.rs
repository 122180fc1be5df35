//! What a replay must do at the least: arithmetic and memory traffic, counted from the plan.

use std::collections::BTreeSet;
use std::ops::AddAssign;

use super::{Dispatch, Plan};
use crate::kernel::{Access, Element};

/// Arithmetic and traffic of some dispatches.
///
/// **Arithmetic** is that of the matrix products ([`crate::kernel::Kernel::flops`]).
///
/// **Traffic** takes each tensor whole. A linear layer's parameters and moments ([`Element::Weight`]) count at every
/// dispatch that reads them and at every one that writes them: together they are larger than caches. Every other tensor
/// counts once, however many dispatches use it: activations are small and stay in a cache. So this is what the plan asks
/// for, not the least that a machine must move: [`super::passes`] counts that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Floating-point operations, two a multiply-add.
    pub flop: u64,
    /// Bytes read and written.
    pub bytes: u64,
}

impl Cost {
    /// Counts `dispatches` of `plan`.
    #[must_use]
    pub fn of<'a>(plan: &Plan, dispatches: impl IntoIterator<Item = &'a Dispatch>) -> Self {
        let mut cost = Self::default();
        let mut seen = BTreeSet::new();
        for dispatch in dispatches {
            cost.flop += (dispatch.kernel.flops)(&dispatch.uniforms);
            for (binding, &id) in dispatch.kernel.bindings.iter().zip(&dispatch.tensors) {
                let bytes = 4 * plan.tensor(id).len() as u64;
                cost.bytes += match (binding.element, binding.access) {
                    (Element::Weight, Access::Update) => 2 * bytes,
                    (Element::Weight, _) => bytes,
                    _ if seen.insert(id) => bytes,
                    _ => 0,
                };
            }
        }
        cost
    }

    /// Operations in units of 10^9.
    #[must_use]
    pub fn gflop(&self) -> f64 {
        self.flop as f64 / 1e9
    }

    /// Bytes in units of 10^6.
    #[must_use]
    pub fn mbytes(&self) -> f64 {
        self.bytes as f64 / 1e6
    }
}

impl AddAssign for Cost {
    fn add_assign(&mut self, other: Self) {
        self.flop += other.flop;
        self.bytes += other.bytes;
    }
}
