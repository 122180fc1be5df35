//! Predicting a whole set of poses in one mode: predictions, their scores, the time that they took.

use std::time::{Duration, Instant};

use crate::adapt::{AdaptConfig, Adapter, Mode};
use crate::checkpoint::Checkpoint;
use crate::error::{Error, Result};
use crate::gpu::Device;
use crate::metrics::{Metrics, Protocol, evaluate};
use crate::train::TrainingSet;

/// Samples go to the device in lots that take about this long, so that progress is seen and read-backs cost nothing.
const LOT: Duration = Duration::from_millis(200);

/// What a mode made of a set of samples.
#[derive(Clone, Debug, PartialEq)]
pub struct ModeResult {
    /// The mode.
    pub mode: Mode,
    /// Predicted poses (N, 3J), root-centred, metres.
    pub predictions: Vec<f32>,
    /// Wall-clock time of a sample, adaptation and prediction, milliseconds.
    pub ms_per_sample: f64,
}

impl ModeResult {
    /// Compares the predictions with the poses of the set that they were made from.
    #[must_use]
    pub fn score(&self, set: &TrainingSet, protocol: Protocol) -> Metrics {
        evaluate(&self.predictions, &set.positions, set.joints, protocol, None)
    }
}

/// Runs a mode over the samples of `set` in their order; the positions are not looked at. Before each sample of
/// `stream_starts` (ascending) an online mode goes back to the source parameters; without any, all samples are one
/// stream. `progress` is told how many samples are done.
///
/// The time per sample leaves out preparation and, where there are more samples, the first replays: they touch memory
/// for the first time, and drivers put off work until then. As many as one round of skipping are left out, so that the
/// timed rest of an online-skip run has its share of adaptations. They are left out of the time only: every sample is
/// predicted once, by one adapter, whatever is timed.
///
/// # Errors
/// [`crate::Error::Usage`] for settings that do not fit the model; [`crate::Error::Diverged`] for a prediction that is
/// not finite; [`crate::Error::Device`] when the device is too small or was lost.
pub fn run_mode(
    checkpoint: &Checkpoint,
    config: &AdaptConfig,
    device: &Device,
    set: &TrainingSet,
    stream_starts: &[usize],
    mut progress: impl FnMut(usize),
) -> Result<ModeResult> {
    let config = &AdaptConfig { masked: !set.seen.is_empty(), ..config.clone() };
    let mut adapter = Adapter::new(checkpoint, config, device)?;
    let (size, count) = (2 * set.joints, set.len());
    let online = matches!(config.mode, Mode::Online | Mode::OnlineSkip);
    let starts = if online { stream_starts } else { &[] };
    let warm_up = config.skip * config.samples_per_replay();
    let mut predictions = Vec::with_capacity(3 * set.joints * count);
    let (mut clock, mut timed) = (Instant::now(), count);
    let (mut done, mut lot) = (0, warm_up);
    while done < count {
        if done > 0 && starts.binary_search(&done).is_ok() {
            adapter.reset()?;
        }
        let next_start = starts.iter().copied().find(|&start| start > done).unwrap_or(count);
        let end = count.min(next_start).min(done + lot);
        let begun = Instant::now();
        let keypoints = &set.keypoints[done * size..end * size];
        predictions.extend(match set.seen.get(done * set.joints..end * set.joints) {
            Some(seen) => adapter.run_masked(keypoints, seen)?,
            None => adapter.run(keypoints)?,
        });
        if done == 0 && end < count {
            (clock, timed) = (Instant::now(), count - end);
        } else if begun.elapsed() < LOT / 2 && lot < config.capacity {
            // Stays a multiple of what one replay advances: only the last lot is cut short.
            lot *= 2;
        }
        if predictions[3 * set.joints * done..].iter().any(|v| !v.is_finite()) {
            let (mode, alpha) = (config.mode, config.alpha);
            let cause = match mode {
                Mode::Baseline => "the model itself is at fault: train it again".to_owned(),
                _ => format!("adaptation diverged: use an --alpha below {alpha:e}"),
            };
            return Err(Error::Diverged(format!("{mode}: a prediction before sample {end} is not finite; {cause}")));
        }
        done = end;
        progress(done);
    }
    let ms_per_sample = 1000.0 * clock.elapsed().as_secs_f64() / timed.max(1) as f64;
    Ok(ModeResult { mode: config.mode, predictions, ms_per_sample })
}
