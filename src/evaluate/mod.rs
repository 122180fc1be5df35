//! Predicting a whole set of poses: predictions, and the time that they took.

#[cfg(feature = "import")]
mod folder;
#[cfg(feature = "import")]
mod merge;
#[cfg(feature = "import")]
mod pieces;
mod results;
mod shard;
#[cfg(feature = "import")]
mod spread;
mod walk;

use std::ops::Range;

use crate::adapt::{AdaptConfig, Lifter};
use crate::data::PoseSet;
use crate::error::{Error, Result};
use crate::pose::Fill;
#[cfg(feature = "import")]
pub(crate) use folder::device_kind;
pub use results::{Line, Results};
pub use shard::{Shard, ShardBy, all_parts};
use walk::{Clock, Walk};
#[cfg(feature = "import")]
pub use {
    folder::{Folder, InputFile, Manifest, Predicted, Settings},
    merge::merge,
    pieces::Pieces,
    spread::Spread,
};

/// What was made of a set of samples.
#[derive(Clone, Debug, PartialEq)]
pub struct Predictions {
    /// Predicted poses (N, 3J), root-centred, metres; NaN for a sample that failed.
    pub poses: Vec<f32>,
    /// The samples that could not be predicted, by their index among these.
    pub failed: Vec<usize>,
    /// Wall-clock time of a sample, preparation, adaptation and prediction, milliseconds.
    pub ms_per_sample: f64,
}

/// How a prediction goes.
#[derive(Debug)]
pub enum Told<'a> {
    /// Samples that are predicted.
    At(usize),
    /// A sample of the set, by its number, cannot be predicted, and why.
    Failed(usize, &'a str),
    /// A save failed. It will be tried again, where more is predicted.
    NotSaved(&'a Error),
}

/// How a set is taken.
#[derive(Clone, Debug)]
pub struct Stream<'a> {
    /// What stands in for missing joints.
    pub fill: Fill,
    /// Before each of these samples (ascending) a policy that carries on goes back to the source parameters; without any,
    /// all samples are one stream.
    pub resets: &'a [usize],
    /// The samples that are predicted, none is all: as they would be among all, but that a policy that carries on begins
    /// with the first of them.
    pub range: Option<Range<usize>>,
}

impl Default for Stream<'_> {
    fn default() -> Self {
        Self { fill: Fill::LastFrame, resets: &[], range: None }
    }
}

impl Stream<'_> {
    /// The samples of `set` that are predicted.
    fn range_of(&self, set: &PoseSet) -> Result<Range<usize>> {
        let range = self.range.clone().unwrap_or(0..set.len());
        if range.end > set.len() || range.start > range.end {
            return Err(Error::setting(
                "range",
                format!("{range:?} is no range of {} samples; use another", set.len()),
            ));
        }
        Ok(range)
    }
}

/// Adapts to the samples of `set` in their order and predicts them, as one track between two resets; the positions are
/// not looked at. `progress` is told how many samples are done, and may end the work by an error.
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
    stream: &Stream<'_>,
    mut progress: impl FnMut(usize) -> Result<()>,
) -> Result<Predictions> {
    let mut walk = Walk::new(lifter, config, set, stream)?;
    let first = walk.at();
    let mut poses = Vec::new();
    while let Some(lot) = walk.next()? {
        poses.extend(lot);
        progress(walk.at() - first)?;
    }
    Ok(Predictions { poses, failed: Vec::new(), ms_per_sample: walk.clock().ms_per_sample() })
}

/// As [`predict`], but a sample that cannot be predicted does not end it: it is told, and marked.
///
/// # Errors
/// As [`predict`]; [`Error::Diverged`] only where none of a set's samples can be predicted, or where more fail than not.
pub fn predict_each(
    lifter: &Lifter,
    config: &AdaptConfig,
    set: &PoseSet,
    stream: &Stream<'_>,
    mut observe: impl FnMut(Told<'_>) -> Result<()>,
) -> Result<Predictions> {
    let mut walk = Walk::new(lifter, config, set, stream)?;
    let (first, mut poses) = (walk.at(), Vec::new());
    while let Some(lot) = walk.next_each()? {
        poses.extend(lot.poses);
        lot.failed.iter().try_for_each(|(sample, why)| observe(Told::Failed(*sample, why)))?;
        match observe(Told::At(walk.at() - first)) {
            // What is done is not stopped any more.
            Err(Error::Stopped) if walk.at() == walk.end() => {}
            told => told?,
        }
    }
    Ok(Predictions::of(poses, set.joints, walk.clock()))
}

impl Predictions {
    /// Of poses that took so long.
    fn of(poses: Vec<f32>, joints: usize, clock: Clock) -> Self {
        let rows = poses.chunks_exact(3 * joints).enumerate();
        let failed = rows.filter(|(_, pose)| pose.iter().any(|value| value.is_nan())).map(|(row, _)| row).collect();
        Self { poses, failed, ms_per_sample: clock.ms_per_sample() }
    }
}

/// What is wrong with poses that are neither finite nor marked as failed.
#[cfg(feature = "import")]
fn half_finite(poses: &[f32], joints: usize) -> Option<String> {
    let mut rows = poses.chunks_exact(3 * joints).enumerate();
    let is_wrong =
        |pose: &[f32]| !pose.iter().all(|value| value.is_nan()) && !pose.iter().all(|value| value.is_finite());
    let (row, _) = rows.find(|(_, pose)| is_wrong(pose))?;
    Some(format!("pose {row}: some of its numbers are not finite"))
}
