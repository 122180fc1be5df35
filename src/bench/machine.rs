//! What the machine itself can do with a large matrix product, and how steadily.

use std::time::Instant;

use super::latency::percentile;
use crate::error::Result;
use crate::gpu::Device;
use crate::kernels;
use crate::plan::{Executor, Recorder, SectionId, prepare};

/// Rows of the large product, and features on either side.
const ROWS: usize = 2048;
const FEATURES: usize = 1024;
/// Rounds at least and at most; the best counts.
const ROUNDS: [usize; 2] = [1, 8];
/// Products whose times are compared, one by one, at least and at most.
const EQUAL_PRODUCTS: [usize; 2] = [10, 10_000];
/// After the least number and so many seconds no other round begins, and no other product.
const SECONDS: f64 = 2.0;
/// A GPU repeats work until it takes so long, so that submitting and waiting do not show.
const GPU_SECONDS: f64 = 0.02;

/// A device's speed and steadiness at large products: a yardstick.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Machine {
    /// Billions of operations a second in a large matrix product.
    pub gflops: f64,
    /// Such products that were timed one by one, for some seconds.
    pub products: usize,
    /// The 99th percentile of their times, in medians: what the machine itself, its other processes and its neighbours
    /// add to a latency. Of fewer than 100 products it is the slowest's.
    pub p99_to_median: f64,
}

impl Machine {
    /// Measures the device; takes a few seconds.
    ///
    /// # Errors
    /// [`Error::Device`](crate::error::Error::Device) when the device is too small or was lost.
    pub fn measure(device: &Device) -> Result<Self> {
        let mut products = Products::new(device)?;
        let mut count = 1;
        products.run(count)?;
        if matches!(device, Device::Gpu(_)) {
            while seconds(&mut || products.run(count))? < GPU_SECONDS && count < 1 << 16 {
                count *= 2;
            }
        }
        let mut best = f64::INFINITY;
        for _ in in_time(ROUNDS) {
            best = best.min(products.seconds(count)?);
        }
        let (products, p99_to_median) = products.steadiness()?;
        Ok(Self { gflops: Products::GFLOP / best, products, p99_to_median })
    }
}

/// Counts up to `least`, then on while there is time, up to `most`.
fn in_time([least, most]: [usize; 2]) -> impl Iterator<Item = usize> {
    let begun = Instant::now();
    (0..most).take_while(move |count| *count < least || begun.elapsed().as_secs_f64() < SECONDS)
}

fn seconds(run: &mut impl FnMut() -> Result<()>) -> Result<f64> {
    let begun = Instant::now();
    run()?;
    Ok(begun.elapsed().as_secs_f64())
}

/// Large products by the engine's own kernels.
struct Products {
    executor: Box<dyn Executor>,
    sections: [SectionId; 2],
}

impl Products {
    /// Of one product.
    const GFLOP: f64 = 2e-9 * (ROWS * FEATURES * FEATURES) as f64;

    fn new(device: &Device) -> Result<Self> {
        let mut rec = Recorder::new();
        let [x, y] = ["x", "y"].map(|name| rec.tensor(name, &[1, ROWS, FEATURES]));
        let parameters = rec.tensor("parameters", &[1, FEATURES + 1, FEATURES]);
        let rows = [("row", 0u32.into()), ("rows", ROWS.into())];
        let forward = rec.section("forward");
        let tensors = [("x", x), ("parameters", parameters), ("y", y)];
        rec.dispatch(&kernels::LINEAR_FORWARD, "forward", &tensors, &rows)?;
        let backward = rec.section("backward");
        let tensors = [("dy", y), ("parameters", parameters), ("dx", x)];
        rec.dispatch(&kernels::LINEAR_BACKWARD_INPUT, "backward", &tensors, &rows)?;
        Ok(Self { executor: prepare(rec.finish(), device)?, sections: [forward, backward] })
    }

    /// Of one product, the faster kernel's, when `count` follow each other.
    fn seconds(&mut self, count: usize) -> Result<f64> {
        let mut best = f64::INFINITY;
        for section in self.sections {
            let begun = Instant::now();
            self.replay(section, count)?;
            best = best.min(begun.elapsed().as_secs_f64() / count as f64);
        }
        Ok(best)
    }

    /// [`Machine::products`] and [`Machine::p99_to_median`]: each product waits for its end, as a sample does.
    fn steadiness(&mut self) -> Result<(usize, f64)> {
        let times = in_time(EQUAL_PRODUCTS).map(|_| seconds(&mut || self.run(1)));
        let mut times = times.collect::<Result<Vec<_>>>()?;
        times.sort_by(f64::total_cmp);
        Ok((times.len(), percentile(&times, 99) / percentile(&times, 50)))
    }

    fn run(&mut self, count: usize) -> Result<()> {
        self.replay(self.sections[0], count)
    }

    fn replay(&mut self, section: SectionId, count: usize) -> Result<()> {
        (0..count).try_for_each(|_| self.executor.replay(section))?;
        self.executor.wait()
    }
}
