//! Time by kernel.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use crate::error::Result;
use crate::nn::Program;
use crate::plan::{Cost, Dispatch, SectionId};

/// What the dispatches of one kernel take in a replay.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct KernelTime {
    /// The kernel.
    pub kernel: &'static str,
    /// How many dispatches.
    pub count: usize,
    /// Their time, the median over repeats.
    pub ms: f64,
    /// Of the time of all kernels.
    pub share: f64,
    /// Arithmetic rate; 0 for kernels without a matrix product.
    pub gflops: f64,
    /// Rate of the traffic that [`Cost`] counts.
    pub gbps: f64,
    /// The least time that they can take, by a [`Meter`](super::Meter) where one was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub floor_ms: Option<f64>,
    /// That in relation to their time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub floor_share: Option<f64>,
}

impl KernelTime {
    /// With the least time that it can take.
    #[must_use]
    pub fn beside(self, floor_ms: f64) -> Self {
        let share = floor_ms / self.ms.max(f64::MIN_POSITIVE);
        Self { floor_ms: Some(floor_ms), floor_share: Some(share), ..self }
    }
}

/// Replays a section `repeats` times, after one that is not counted, and sorts the time by kernel, longest first.
/// `progress` is told how many repeats are done.
///
/// # Errors
/// The device was lost.
pub fn by_kernel(
    program: &mut Program,
    section: SectionId,
    repeats: u32,
    mut progress: impl FnMut(usize),
) -> Result<Vec<KernelTime>> {
    let dispatches: Vec<Dispatch> = program.plan().section(section).dispatches.clone();
    let mut times: BTreeMap<&'static str, Vec<Duration>> = BTreeMap::new();
    // The first run touches memory for the first time and is not counted.
    for repeat in 0..=repeats {
        // Back to the first sample: the resident chunk of samples is finite.
        program.seek(0, 0);
        let each = program.profile(section)?;
        let mut sums: BTreeMap<&'static str, Duration> = BTreeMap::new();
        dispatches.iter().zip(each).for_each(|(d, time)| *sums.entry(d.kernel.name).or_default() += time);
        if repeat > 0 {
            sums.into_iter().for_each(|(kernel, time)| times.entry(kernel).or_default().push(time));
        }
        progress(repeat as usize);
    }
    let mut kernels: Vec<KernelTime> = Vec::with_capacity(times.len());
    for (kernel, mut times) in times {
        times.sort_unstable();
        let seconds = times[times.len() / 2].as_secs_f64();
        let own = || dispatches.iter().filter(|dispatch| dispatch.kernel.name == kernel);
        let cost = Cost::of(program.plan(), own());
        let rate = |amount: f64| amount / seconds.max(f64::MIN_POSITIVE);
        let (gflops, gbps) = (rate(cost.gflop()), rate(cost.mbytes() / 1e3));
        let (count, ms) = (own().count(), 1e3 * seconds);
        kernels.push(KernelTime { kernel, count, ms, share: 0.0, gflops, gbps, floor_ms: None, floor_share: None });
    }
    let total = kernels.iter().map(|time| time.ms).sum::<f64>().max(f64::MIN_POSITIVE);
    kernels.iter_mut().for_each(|time| time.share = time.ms / total);
    kernels.sort_by(|a, b| b.ms.total_cmp(&a.ms));
    Ok(kernels)
}
