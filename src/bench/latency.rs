//! The time of single samples.

use std::time::{Duration, Instant};

use super::Workload;
use crate::error::Result;

/// Where no number of samples is given: at least so many, ...
const SAMPLES: usize = 20;
/// ... then until so long has passed, ...
const LONG_ENOUGH: Duration = Duration::from_secs(3);
/// ... but no more than so many.
const MOST: usize = 10_000;
/// Runs that are not counted go on for so long, and for a round at least: memory is touched for the first time, clocks
/// rise, drivers finish what they put off.
const WARM_UP: Duration = Duration::from_millis(200);

/// Times of a sample, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Latency {
    /// Samples timed; where several are adapted to at once, they count as one.
    pub samples: usize,
    /// Half of the samples took no longer.
    pub median: f64,
    /// Nine in ten took no longer.
    pub p90: f64,
    /// 99 in 100 took no longer.
    pub p99: f64,
    /// The mean, which counts where the samples differ, as where a mode leaves samples out.
    pub mean: f64,
    /// Until the host has submitted a sample; the median.
    pub submit: f64,
    /// What the host takes to encode the next while it would wait; the median.
    pub ahead: f64,
}

impl Latency {
    /// Milliseconds that stand for a sample of a mode whose rounds have `round` runs: the median; where the runs of a
    /// round differ, the mean.
    #[must_use]
    pub fn typical(&self, round: usize) -> f64 {
        if round > 1 { self.mean } else { self.median }
    }
}

/// Times `samples` runs of the workload one by one, rounded up to whole rounds, after a warm-up; without a number, as
/// many as take a few seconds. `progress` is told how many of how many are done.
///
/// # Errors
/// Those of [`Workload::run`].
pub fn measure(
    workload: &mut Workload,
    samples: Option<usize>,
    mut progress: impl FnMut(usize, usize),
) -> Result<Latency> {
    let round = workload.round();
    let begun = Instant::now();
    loop {
        (0..round).try_for_each(|_| workload.run().map(|_| ()))?;
        if begun.elapsed() >= WARM_UP {
            break;
        }
    }
    let wanted = samples.unwrap_or(SAMPLES).next_multiple_of(round);
    let per_run = 1e3 / workload.samples_per_run() as f64;
    let (mut total, mut submit, mut ahead) = (Vec::new(), Vec::new(), Vec::new());
    let begun = Instant::now();
    loop {
        for _ in 0..round {
            let start = Instant::now();
            let host = workload.run()?;
            total.push(per_run * start.elapsed().as_secs_f64());
            submit.push(per_run * host.submit.as_secs_f64());
            ahead.push(per_run * host.ahead.as_secs_f64());
        }
        if total.len() <= wanted {
            progress(total.len(), wanted);
        }
        let more = samples.is_none() && begun.elapsed() < LONG_ENOUGH && total.len() < MOST;
        if total.len() >= wanted && !more {
            break;
        }
    }
    let (samples, mean) = (total.len(), total.iter().sum::<f64>() / total.len() as f64);
    total.sort_by(f64::total_cmp);
    submit.sort_by(f64::total_cmp);
    ahead.sort_by(f64::total_cmp);
    let at = |percent| percentile(&total, percent);
    Ok(Latency {
        samples,
        median: at(50),
        p90: at(90),
        p99: at(99),
        mean,
        submit: percentile(&submit, 50),
        ahead: percentile(&ahead, 50),
    })
}

/// The smallest of the ascending values that `percent` of them do not exceed (nearest rank).
pub(super) fn percentile(ascending: &[f64], percent: usize) -> f64 {
    let rank = (percent * ascending.len()).div_ceil(100).max(1);
    ascending.get(rank - 1).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::percentile;

    #[test]
    fn percentiles_are_nearest_ranks() {
        let values: Vec<f64> = (1..=10).map(f64::from).collect();
        assert_eq!([50, 90, 99, 100].map(|percent| percentile(&values, percent)), [5.0, 9.0, 10.0, 10.0]);
        assert_eq!(percentile(&[3.0], 50), 3.0);
    }
}
