//! What a replay should take on a GPU, from the plan and a few numbers of the GPU: a model, to compare one way of
//! cutting a product, or one order of dispatches, with another where there is no such GPU. It was never compared with
//! one. [`ASSUMPTIONS`] says what it takes for granted; `docs/model.md` is the users' view.
//!
//! A dispatch takes its launch and the longest of four times, as if the others were hidden behind it ([`Bound`]): its
//! weights from memory; all that its workgroups load, from the cache; its instructions, on the busiest multiprocessor;
//! and one workgroup after another, each as long as its chain of loads, barriers and instructions.

mod machine;
mod product;
mod small;
#[cfg(test)]
mod tests;

pub use machine::{MACHINES, Machine};
pub use product::{Cut, summed};

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Dispatch, Plan, SectionId};
use crate::kernel::{Product, Tiling};
use crate::named::named_enum;

named_enum! {
    /// What decides the time of a dispatch.
    #[derive(PartialOrd, Ord)]
    pub enum Bound {
        /// The weights that it moves, at the rate of memory.
        Dram = "dram",
        /// What its workgroups load, at the rate of the last-level cache.
        L2 = "l2",
        /// Loads, barriers and instructions of a workgroup that wait for each other.
        Latency = "latency",
        /// Instructions of the busiest multiprocessor.
        Issue = "issue",
        /// Launch and barrier.
        Dispatch = "dispatch",
    }
}

/// What the model takes for granted, a sentence each.
pub const ASSUMPTIONS: &[&str] = &[
    "dispatches run one after the other, each after a barrier; none overlaps another",
    "a dispatch takes its launch and the longest of: weights by memory, loads by cache, instructions, latency",
    "products are cut by the tiles of a GPU that was not tuned; the loads of a turn are in flight together, no more",
    "a forward or input-gradient product loads its weights from memory, a gradient its inputs from the cache",
    "activations stay in the cache; weights and moments are read, and written, in every dispatch that uses them",
    "as many workgroups run at once as invocations, workgroup memory and 16 or 32 in number allow",
    "instructions of a product's step of k are those that one compiler makes for RDNA3, on every GPU",
    "other kernels take what their serial loads take, 1 microsecond where there are few",
    "clock and rates are constant, and the driver adds nothing",
];

/// The time of a dispatch without its launch, microseconds, and what decides it.
#[derive(Clone, Copy, Debug)]
struct Parts {
    us: f64,
    bound: Bound,
}

impl Parts {
    /// The longest.
    fn of(parts: [(Bound, f64); 4]) -> Self {
        let longest = parts.into_iter().max_by(|a, b| a.1.total_cmp(&b.1));
        longest.map_or(Self { us: 0.0, bound: Bound::Latency }, |(bound, us)| Self { us, bound })
    }
}

/// What the dispatches of one kernel should take in a replay.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct KernelPrediction {
    /// The kernel.
    pub kernel: &'static str,
    /// How many dispatches.
    pub count: usize,
    /// Their time, launches included.
    pub ms: f64,
    /// Of the time of all kernels.
    pub share: f64,
    /// What decides most of that time.
    pub bound: Bound,
}

/// The model: a GPU, and tiles.
#[derive(Clone, Debug)]
pub struct Model {
    /// The GPU.
    pub machine: Machine,
    /// How linear products are cut.
    pub tiling: Tiling,
}

impl Model {
    /// Of a GPU with the tiles of one that was not tuned.
    #[must_use]
    pub fn of(machine: Machine) -> Self {
        Self { machine, tiling: Tiling::of_gpu() }
    }

    /// The time of one replay of a section, by kernel, longest first. The host is not in it.
    #[must_use]
    pub fn predict(&self, plan: &Plan, section: SectionId) -> Vec<KernelPrediction> {
        let mut kernels = BTreeMap::<&'static str, (usize, BTreeMap<Bound, f64>)>::new();
        for dispatch in &plan.section(section).dispatches {
            let Parts { us, bound } = self.time(plan, dispatch);
            let launch = self.machine.dispatch_us;
            let bound = if launch > us { Bound::Dispatch } else { bound };
            let (count, bounds) = kernels.entry(dispatch.kernel.name).or_default();
            *count += 1;
            *bounds.entry(bound).or_default() += 1e-3 * (us + launch);
        }
        let total = kernels.values().flat_map(|(_, bounds)| bounds.values()).sum::<f64>().max(f64::MIN_POSITIVE);
        let prediction = |(kernel, (count, bounds)): (&'static str, (usize, BTreeMap<Bound, f64>))| {
            let ms = bounds.values().sum::<f64>();
            let most = bounds.into_iter().max_by(|a, b| a.1.total_cmp(&b.1));
            let bound = most.map_or(Bound::Dispatch, |(bound, _)| bound);
            KernelPrediction { kernel, count, ms, share: ms / total, bound }
        };
        let mut all: Vec<KernelPrediction> = kernels.into_iter().map(prediction).collect();
        all.sort_by(|a, b| b.ms.total_cmp(&a.ms));
        all
    }

    fn time(&self, plan: &Plan, dispatch: &Dispatch) -> Parts {
        let Some(product) = Product::of(dispatch.kernel) else {
            return Parts { us: small::time(dispatch, &self.machine), bound: Bound::Latency };
        };
        let tile = self.tiling.tile(product, &dispatch.uniforms);
        let workgroups = tile.grid(product, &dispatch.uniforms).iter().product();
        product::time(plan, dispatch, product, &Cut::of(tile), workgroups, &self.machine)
    }
}
