//! What the machine itself can do: copy memory and multiply matrices; and how steadily.

use std::time::Instant;

use rayon::prelude::*;

use super::latency::percentile;
use crate::error::Result;
use crate::gpu::{BufferCopy, Device, Gpu};
use crate::kernels;
use crate::plan::{Executor, Recorder, SectionId, prepare, thread_pool};

/// Rows of the large product, and features on either side.
const ROWS: usize = 2048;
const FEATURES: usize = 1024;
/// Rounds of copy and product, by turns, at least and at most; the best of each counts.
const ROUNDS: [usize; 2] = [1, 8];
/// Products whose times are compared, one by one, at least and at most.
const EQUAL_PRODUCTS: [usize; 2] = [10, 10_000];
/// After the least number and so many seconds no other round begins, and no other product.
const SECONDS: f64 = 2.0;
/// Words of each buffer that the CPU copies: 256 MB, far beyond caches.
const CPU_WORDS: usize = 1 << 26;
/// Rows and features of each tensor that a GPU adds: 126 MB, below the 128 MiB that every device can bind.
const GPU_ROWS: usize = 7680;
const GPU_FEATURES: usize = 4096;
/// A GPU repeats work until it takes so long, so that submitting and waiting do not show.
const GPU_SECONDS: f64 = 0.02;

/// A device's rates and steadiness, measured on large data: a yardstick. Small work that stays in a cache may be faster.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Floor {
    /// Billions of operations a second in a large matrix product.
    pub gflops: f64,
    /// Billions of bytes a second in a large copy, read and written.
    pub gbps: f64,
    /// Such products that were timed one by one, for some seconds.
    pub products: usize,
    /// The 99th percentile of their times, in medians: what the machine itself, its other processes and its neighbours
    /// add to a latency. Of fewer than 100 products it is the slowest's.
    pub p99_to_median: f64,
    /// Whether arithmetic hides behind traffic, or the other way round.
    pub overlap: bool,
}

impl Floor {
    /// Measures the device; takes a few seconds.
    ///
    /// # Errors
    /// [`Error::Device`] when the device is too small or was lost.
    pub fn measure(device: &Device) -> Result<Self> {
        match device {
            Device::Cpu(threads) => of_cpu(*threads, device),
            Device::Gpu(gpu) => of_gpu(gpu, device),
        }
    }

    /// The least milliseconds for some arithmetic and some traffic. A GPU does both at once: the longer of the two. On
    /// a CPU they come one after the other: with few rows a product waits for its weights.
    #[must_use]
    pub fn ms(&self, [gflop, mbytes]: [f64; 2]) -> f64 {
        let (arithmetic, traffic) = (1e3 * gflop / self.gflops, mbytes / self.gbps);
        if self.overlap { arithmetic.max(traffic) } else { arithmetic + traffic }
    }
}

fn of_cpu(threads: usize, device: &Device) -> Result<Floor> {
    let pool = thread_pool(threads)?;
    let share = CPU_WORDS.div_ceil(pool.current_num_threads());
    let (from, mut to) = (vec![1.0f32; CPU_WORDS], vec![0.0f32; CPU_WORDS]);
    let mut copy = || {
        let chunks = to.par_chunks_mut(share).zip(from.par_chunks(share));
        pool.install(|| chunks.for_each(|(to, from)| to.copy_from_slice(from)));
        Ok(())
    };
    let mut products = Products::new(device)?;
    let (mut copied, mut multiplied) = (f64::INFINITY, f64::INFINITY);
    for _ in in_time(ROUNDS) {
        copied = copied.min(seconds(&mut copy)?);
        multiplied = multiplied.min(products.seconds(1)?);
    }
    let gbps = 8e-9 * CPU_WORDS as f64 / copied;
    let (products, p99_to_median) = products.steadiness()?;
    Ok(Floor { gflops: Products::GFLOP / multiplied, gbps, products, p99_to_median, overlap: false })
}

fn of_gpu(gpu: &Gpu, device: &Device) -> Result<Floor> {
    let bytes = 4 * (GPU_ROWS * GPU_FEATURES) as u64;
    let copy = BufferCopy::new(gpu, bytes)?;
    let mut add = Addition::new(device)?;
    let mut products = Products::new(device)?;
    let counts =
        [repeats(|count| copy.run(count))?, repeats(|count| add.run(count))?, repeats(|count| products.run(count))?];
    let (mut copied, mut added, mut multiplied) = (f64::INFINITY, f64::INFINITY, f64::INFINITY);
    for _ in in_time(ROUNDS) {
        copied = copied.min(seconds(&mut || copy.run(counts[0]))? / counts[0] as f64);
        added = added.min(seconds(&mut || add.run(counts[1]))? / counts[1] as f64);
        multiplied = multiplied.min(products.seconds(counts[2])?);
    }
    // A copy reads and writes once; `y += x` reads twice and writes once. Some drivers copy with an engine that is
    // slower than a kernel.
    let gbps = 1e-9 * bytes as f64 * (2.0 / copied).max(3.0 / added);
    let (products, p99_to_median) = products.steadiness()?;
    Ok(Floor { gflops: Products::GFLOP / multiplied, gbps, products, p99_to_median, overlap: true })
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

/// How often to repeat `run` so that it takes [`GPU_SECONDS`].
fn repeats(mut run: impl FnMut(usize) -> Result<()>) -> Result<usize> {
    let mut count = 1;
    run(count)?;
    while seconds(&mut || run(count))? < GPU_SECONDS && count < 1 << 16 {
        count *= 2;
    }
    Ok(count)
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

    /// [`Floor::products`] and [`Floor::p99_to_median`]: each product waits for its end, as a sample does.
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

/// `y += x` on large tensors.
struct Addition {
    executor: Box<dyn Executor>,
    section: SectionId,
}

impl Addition {
    fn new(device: &Device) -> Result<Self> {
        let mut rec = Recorder::new();
        let [x, y] = ["x", "y"].map(|name| rec.tensor(name, &[1, GPU_ROWS, GPU_FEATURES]));
        let section = rec.section("add");
        let rows = [("row", 0u32.into()), ("rows", GPU_ROWS.into())];
        rec.dispatch(&kernels::ADD, "add", &[("x", x), ("y", y)], &rows)?;
        Ok(Self { executor: prepare(rec.finish(), device)?, section })
    }

    fn run(&mut self, count: usize) -> Result<()> {
        (0..count).try_for_each(|_| self.executor.replay(self.section))?;
        self.executor.wait()
    }
}
