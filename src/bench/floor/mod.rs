//! The least time that replays can take on this machine: arithmetic at the rate of the best product of each shape,
//! beside passes over memory that do nothing else, the two overlapped.

mod gpu;
mod products;
mod sweep;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::error::Result;
use crate::gpu::Device;
use crate::kernel::Access;
use crate::plan::{Dispatch, Moved, Pass, Plan, SectionId, TensorId, once, passes};

pub use products::{Rates, Shape};

/// What some replays must do at the least, without the plan that says so.
#[derive(Clone, Debug)]
pub struct Work {
    dispatches: Vec<Dispatch>,
    /// Dispatches of the first replay, the one whose kernels are timed.
    first: usize,
    passes: Vec<Pass>,
    once: Vec<Pass>,
    /// Bytes of each tensor.
    bytes: Vec<u64>,
    moved: [Moved; 2],
    working_set: u64,
}

impl Work {
    /// Of a round: a replay of each of `sections`, one after the other.
    #[must_use]
    pub fn of(plan: &Plan, sections: &[SectionId]) -> Self {
        let dispatches = || sections.iter().flat_map(|section| &plan.section(*section).dispatches);
        let passes = passes(&dispatches().collect::<Vec<_>>());
        let once = once(&passes);
        let bytes: Vec<u64> = plan.tensors.iter().map(|tensor| 4 * tensor.len() as u64).collect();
        Self {
            dispatches: dispatches().cloned().collect(),
            first: sections.first().map_or(0, |section| plan.section(*section).dispatches.len()),
            moved: [Moved::by(plan, &passes), Moved::by(plan, &once)],
            working_set: once.iter().map(|pass| bytes[pass.tensor.0]).sum(),
            passes,
            once,
            bytes,
        }
    }

    /// The products, and how many there are of each.
    fn products(&self) -> BTreeMap<Shape, usize> {
        let mut counts = BTreeMap::new();
        self.dispatches.iter().filter_map(Shape::of).for_each(|shape| *counts.entry(shape).or_default() += 1);
        counts
    }
}

/// The seconds that passes over memory take.
#[derive(Clone, Debug, PartialEq)]
struct Traffic {
    by_dispatch: Vec<f64>,
    /// Of those that read, write and update.
    by_access: [f64; 3],
}

impl Traffic {
    fn none(dispatches: usize) -> Self {
        Self { by_dispatch: vec![0.0; dispatches], by_access: [0.0; 3] }
    }

    fn add(&mut self, dispatch: usize, access: Access, seconds: f64) {
        self.by_dispatch[dispatch] += seconds;
        self.by_access[access as usize] += seconds;
    }

    fn seconds(&self) -> f64 {
        self.by_access.iter().sum()
    }
}

/// Finds the floor of some work on a device. Each call of [`Self::measure`] may find a lower one: measured before and
/// after what it is compared with, it is not too high because the machine was disturbed for a while.
pub struct Meter {
    work: Work,
    traffic: Option<Traffic>,
    /// Whether each tensor counts once; see [`gpu`].
    whole: bool,
}

impl Meter {
    /// Nothing is measured yet.
    #[must_use]
    pub fn new(work: Work) -> Self {
        Self { work, traffic: None, whole: false }
    }

    /// Measures on `device`; takes a second or more. Rates of products are kept in `rates`, the best that was ever seen.
    ///
    /// # Errors
    /// [`Error::Device`](crate::error::Error::Device) when the device is too small or was lost.
    pub fn measure(&mut self, device: &Device, rates: &mut Rates) -> Result<()> {
        let Work { passes, once, bytes, dispatches, working_set, .. } = &self.work;
        rates.measure(device, self.work.products().into_keys())?;
        let traffic = match device {
            Device::Cpu(threads) => {
                sweep::Sweep::new(*threads, passes, dispatches.len(), |id: TensorId| bytes[id.0])?.measure()
            }
            Device::Gpu(gpu) => {
                self.whole = true;
                let rate = gpu::bytes_per_second(gpu, device, *working_set)?;
                let mut traffic = Traffic::none(dispatches.len());
                for pass in once {
                    let times = if pass.access == Access::Update { 2.0 } else { 1.0 };
                    traffic.add(pass.dispatch, pass.access, times * bytes[pass.tensor.0] as f64 / rate);
                }
                traffic
            }
        };
        if self.traffic.as_ref().is_none_or(|known| traffic.seconds() < known.seconds()) {
            self.traffic = Some(traffic);
        }
        Ok(())
    }

    /// The floor of a sample, where the work is that of `samples`.
    #[must_use]
    pub fn floor(&self, rates: &Rates, samples: f64) -> Floor {
        let products = self.work.products();
        let arithmetic = products.iter().map(|(shape, count)| *count as f64 * rates.seconds(shape)).sum::<f64>();
        let none = Traffic::none(0);
        let traffic = self.traffic.as_ref().unwrap_or(&none);
        let moved = self.work.moved[usize::from(self.whole)];
        let bytes = [moved.read, moved.written, 2 * moved.updated];
        let rate = |at: usize| {
            let seconds = traffic.by_access[at];
            if seconds > 0.0 { 1e-9 * bytes[at] as f64 / seconds } else { 0.0 }
        };
        let mb = |bytes: u64| 1e-6 * bytes as f64 / samples;
        Floor {
            arithmetic_ms: 1e3 * arithmetic / samples,
            traffic_ms: 1e3 * traffic.seconds() / samples,
            working_set_mb: 1e-6 * self.work.working_set as f64,
            read_mb: mb(moved.read),
            written_mb: mb(moved.written),
            updated_mb: mb(moved.updated),
            read_gbps: rate(0),
            write_gbps: rate(1),
            update_gbps: rate(2),
            products: products.iter().map(|(shape, count)| rates.of(shape, *count)).collect(),
        }
    }

    /// The least milliseconds of the dispatches of `kernel` in the first replay: their arithmetic or their passes over
    /// memory, whichever takes longer.
    #[must_use]
    pub fn kernel_ms(&self, rates: &Rates, kernel: &str) -> f64 {
        let own = self.work.dispatches[..self.work.first].iter().enumerate().filter(|(_, d)| d.kernel.name == kernel);
        let (mut arithmetic, mut moving) = (0.0, 0.0);
        for (index, dispatch) in own {
            arithmetic += Shape::of(dispatch).map_or(0.0, |shape| rates.seconds(&shape));
            moving += self.traffic.as_ref().map_or(0.0, |traffic| traffic.by_dispatch[index]);
        }
        1e3 * f64::max(arithmetic, moving)
    }
}

/// The least time of a sample on the machine, its parts, and what they were counted and measured from.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Floor {
    /// Milliseconds of its products, each as fast as the best product of its shape.
    pub arithmetic_ms: f64,
    /// Milliseconds of the passes over memory, and of nothing else.
    pub traffic_ms: f64,
    /// Millions of bytes of all distinct tensors that are passed over, the buffers that rates were measured on.
    pub working_set_mb: f64,
    /// Millions of bytes a sample that are read only.
    pub read_mb: f64,
    /// Millions of bytes a sample that are written without being read.
    pub written_mb: f64,
    /// Millions of bytes a sample that are updated in place, each counted once.
    pub updated_mb: f64,
    /// Billions of bytes a second of what is read; 0 for nothing, as in the next two.
    pub read_gbps: f64,
    /// Billions of bytes a second of what is written.
    pub write_gbps: f64,
    /// Billions of bytes a second of what is updated, reads and writes added.
    pub update_gbps: f64,
    /// The products of a round, by shape.
    pub products: Vec<ProductRate>,
}

impl Floor {
    /// The least milliseconds of a sample: arithmetic hides behind traffic, or traffic behind arithmetic.
    #[must_use]
    pub fn ms(&self) -> f64 {
        self.arithmetic_ms.max(self.traffic_ms)
    }
}

/// The best product of a shape.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ProductRate {
    /// Its sizes.
    #[serde(flatten)]
    pub shape: Shape,
    /// How many a round has.
    pub count: usize,
    /// Billions of operations a second.
    pub gflops: f64,
    /// The kernel that was the fastest at it.
    pub kernel: &'static str,
}
