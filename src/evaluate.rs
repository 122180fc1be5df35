//! Predicting a whole set of poses: predictions, and the time that they took.

use std::time::{Duration, Instant};

use crate::adapt::{AdaptConfig, Lifter, Start};
use crate::data::PoseSet;
use crate::error::{Error, Result};
use crate::pose::Fill;

/// Samples go to the device in lots that take about this long, so that progress is seen and read-backs cost nothing.
const LOT: Duration = Duration::from_millis(200);

/// What was made of a set of samples.
#[derive(Clone, Debug, PartialEq)]
pub struct Predictions {
    /// Predicted poses (N, 3J), root-centred, metres.
    pub poses: Vec<f32>,
    /// Wall-clock time of a sample, preparation, adaptation and prediction, milliseconds.
    pub ms_per_sample: f64,
}

/// How a set is taken.
#[derive(Clone, Copy, Debug)]
pub struct Stream<'a> {
    /// What stands in for missing joints.
    pub fill: Fill,
    /// Before each of these samples (ascending) a policy that carries on goes back to the source parameters; without any,
    /// all samples are one stream.
    pub resets: &'a [usize],
}

impl Default for Stream<'_> {
    fn default() -> Self {
        Self { fill: Fill::LastFrame, resets: &[] }
    }
}

/// Adapts to the samples of `set` in their order and predicts them, as one track between two resets; the positions are
/// not looked at. `progress` is told how many samples are done, and may end
/// the work by an error.
///
/// The time per sample leaves out the making of the adapter and, where there are more samples, the first replays: they
/// touch memory for the first time, and drivers put off work until then. As many as one round of a policy that leaves
/// samples out are left out, so that the timed rest has its share of adaptations. They are left out of the time only:
/// every sample is predicted once, by one adapter, whatever is timed.
///
/// # Errors
/// [`Error::Setting`] for settings or data that do not fit the model; [`Error::Diverged`] for a prediction that is not
/// finite; [`Error::Device`] when the device is too small or was lost.
pub fn predict(
    lifter: &Lifter,
    config: &AdaptConfig,
    set: &PoseSet,
    stream: Stream<'_>,
    mut progress: impl FnMut(usize) -> Result<()>,
) -> Result<Predictions> {
    let config = AdaptConfig { masked: !set.seen().is_empty(), ..config.clone() };
    let (every, capacity) = (config.policy.every, config.capacity);
    let warm_up = every * config.samples_per_replay();
    let resets = if config.policy.start == Start::Carry { stream.resets } else { &[] };
    let adapter = lifter.adapter(config)?;
    let count = set.len();
    let mut poses = Vec::with_capacity(3 * set.joints * count);
    let (mut clock, mut timed) = (Instant::now(), count);
    let (mut done, mut lot) = (0, warm_up);
    let mut track = adapter.track_filled(stream.fill);
    while done < count {
        if done > 0 && resets.binary_search(&done).is_ok() {
            adapter.reset()?;
            track = adapter.track_filled(stream.fill);
        }
        let next = resets.iter().copied().find(|&reset| reset > done).unwrap_or(count);
        let end = count.min(next).min(done + lot);
        let begun = Instant::now();
        let lifted = track.push_set(set, done..end);
        poses.extend(lifted.map_err(|error| before(error, end))?);
        if done == 0 && end < count {
            (clock, timed) = (Instant::now(), count - end);
        } else if begun.elapsed() < LOT / 2 && lot < capacity {
            // Stays a multiple of what one replay advances: only the last lot is cut short.
            lot *= 2;
        }
        done = end;
        progress(done)?;
    }
    let ms_per_sample = 1000.0 * clock.elapsed().as_secs_f64() / timed.max(1) as f64;
    Ok(Predictions { poses, ms_per_sample })
}

/// Says where predictions ceased to be finite.
fn before(error: Error, end: usize) -> Error {
    match error {
        Error::Diverged(what) => Error::Diverged(format!("before sample {end}: {what}")),
        error => error,
    }
}
