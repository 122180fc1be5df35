//! How fast a GPU moves memory. Each tensor counts once a round there, for a cache may hold it between its uses, and
//! all that is moved at the best of three rates, on as many bytes as the round touches.

use std::time::Instant;

use crate::error::Result;
use crate::gpu::{BufferCopy, Device, Gpu};
use crate::kernels;
use crate::plan::{Executor, Recorder, SectionId, prepare};

/// Features of a row of what is added or read.
const FEATURES: usize = 4096;
/// Bytes of the largest tensor: below the 128 MiB that every device can bind.
const TENSOR: usize = 126_000_000;
/// Work is repeated until it takes so long, so that submitting and waiting do not show.
const SECONDS: f64 = 0.02;
const ROUNDS: usize = 5;

/// The best of a copy by the driver, `y += x`, and a product of one row, which but reads its weights; bytes read and
/// bytes written are added.
pub(super) fn bytes_per_second(gpu: &Gpu, device: &Device, working_set: u64) -> Result<f64> {
    let bytes = usize::try_from(working_set).unwrap_or(usize::MAX).max(1 << 12);
    // Two buffers of half the size each.
    let half = (bytes / 2).min(TENSOR).next_multiple_of(4);
    let copy = BufferCopy::new(gpu, half as u64)?;
    let copied = 2.0 * half as f64 / best(|count| copy.run(count))?;

    let mut rec = Recorder::new();
    let section = rec.section("move");
    let rows = (bytes / (4 * FEATURES)).max(2);
    let most = TENSOR / (4 * FEATURES);
    let pairs = (rows / 2).div_ceil(most);
    let each = (rows / 2).div_ceil(pairs);
    for pair in 0..pairs {
        let [x, y] = ["x", "y"].map(|name| rec.tensor(format!("{name}.{pair}"), &[1, each, FEATURES]));
        let range = [("row", 0u32.into()), ("rows", each.into())];
        rec.dispatch(&kernels::ADD, "add", &[("x", x), ("y", y)], &range)?;
    }
    let added = 3.0 * (4 * pairs * each * FEATURES) as f64 / best(replays(prepare(rec.finish(), device)?, section))?;

    let mut rec = Recorder::new();
    let section = rec.section("read");
    let tensors = rows.div_ceil(most);
    let each = rows.div_ceil(tensors).max(2);
    let [x, y] = [("x", each - 1), ("y", FEATURES)].map(|(name, features)| rec.tensor(name, &[1, 1, features]));
    for tensor in 0..tensors {
        let parameters = rec.tensor(format!("parameters.{tensor}"), &[1, each, FEATURES]);
        let range = [("row", 0u32.into()), ("rows", 1u32.into())];
        let bound = [("x", x), ("parameters", parameters), ("y", y)];
        rec.dispatch(&kernels::LINEAR_FORWARD, "read", &bound, &range)?;
    }
    let read = (4 * tensors * each * FEATURES) as f64 / best(replays(prepare(rec.finish(), device)?, section))?;
    Ok(copied.max(added).max(read))
}

fn replays(mut executor: Box<dyn Executor>, section: SectionId) -> impl FnMut(usize) -> Result<()> {
    move |count| {
        (0..count).try_for_each(|_| executor.replay(section))?;
        executor.wait()
    }
}

/// The least seconds of one run, when many follow each other.
fn best(mut run: impl FnMut(usize) -> Result<()>) -> Result<f64> {
    let mut seconds = |count: usize| -> Result<f64> {
        let begun = Instant::now();
        run(count)?;
        Ok(begun.elapsed().as_secs_f64())
    };
    let mut count = 1;
    seconds(count)?;
    while seconds(count)? < SECONDS && count < 1 << 16 {
        count *= 2;
    }
    (0..ROUNDS).try_fold(f64::INFINITY, |least, _| Ok(least.min(seconds(count)? / count as f64)))
}
