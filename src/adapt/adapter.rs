//! A running adaptation: parameters on a device, samples in, predictions out.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::recover::{Mended, is_finite};
use super::running::{Running, fits, write_replay};
use super::{AdaptConfig, Lifter, Policy, Snapshot, Track};
use crate::checkpoint::{Moments, Tensors};
use crate::error::{Error, Result};
use crate::pose::Fill;
use crate::task::{Losses, Stage};

/// Adapts and predicts: a handle on working parameters, Adam's moments and counters. [`Lifter::adapter`] makes it.
/// Clones and tracks share the same adaptation, since what one person teaches serves the next; they may live in several
/// threads, which then wait for each other.
///
/// On the device it takes what it changes, [`Self::bytes`]. With the geometry task that is the extractor with two
/// moments (76 MB at width 1024), with the paper's tasks SSL head and discriminator too (178 MB), with
/// [`Start::Source`](super::Start::Source) as much for each of its instances, but for T = 1 the extractor alone (25
/// MB); with [`Start::Never`](super::Start::Never) nothing. Activations come on top, of B + R + 2 rows or, with the
/// paper's tasks, of B + 1: some 15 MB at width 1024 and B = 64.
///
/// Where the device is lost, it is opened again and the samples' work done again, with the same bits: after four losses
/// in a row it is an error. For that a policy that carries on keeps a snapshot on the host, after its first 1,024
/// samples, of what it changes.
#[derive(Clone)]
pub struct Adapter {
    lifter: Lifter,
    running: Arc<Mutex<Running>>,
}

/// Poses of some samples, not all of which could be predicted.
#[derive(Clone, Debug, PartialEq)]
pub struct Lot {
    /// The poses (N, 3J), root-centred, metres; NaN for a sample that failed.
    pub poses: Vec<f32>,
    /// The samples that failed, by their index among these, with the reason that the first did and what to do.
    pub failed: Vec<(usize, String)>,
}

impl Adapter {
    pub(super) fn new(lifter: &Lifter, config: AdaptConfig) -> Result<Self> {
        let running = Running::new(lifter, config)?;
        Ok(Self { lifter: lifter.clone(), running: Arc::new(Mutex::new(running)) })
    }

    pub(crate) fn running(&self) -> MutexGuard<'_, Running> {
        // What panicked in a replay is a fault of the program; other tracks hear of it by an error or by their own
        // panic.
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The lifter that it adapts.
    #[must_use]
    pub fn lifter(&self) -> &Lifter {
        &self.lifter
    }

    /// Its settings.
    #[must_use]
    pub fn config(&self) -> AdaptConfig {
        self.running().config.clone()
    }

    /// A person before a camera, whose missing joints are filled in from the frame before.
    #[must_use]
    pub fn track(&self) -> Track {
        self.track_filled(Fill::LastFrame)
    }

    /// A person before a camera, whose missing joints are filled in as `fill` says.
    #[must_use]
    pub fn track_filled(&self, fill: Fill) -> Track {
        Track::new(self.clone(), fill)
    }

    /// Back to the source parameters, a fresh Adam and sample 0: a new stream, as if this adapter were new.
    ///
    /// # Errors
    /// The device was lost.
    pub fn reset(&self) -> Result<()> {
        self.running().reset(&self.lifter)
    }

    /// What the adaptation has learnt so far and how far it is, so that [`Self::restore`] goes on from here with the
    /// same bits, also in another process. Of a policy that carries on it takes as much memory as [`Self::bytes`] says
    /// for what it changes; of the others next to none.
    ///
    /// # Errors
    /// The device was lost.
    pub fn snapshot(&self) -> Result<Snapshot> {
        self.running().reading(&self.lifter, Running::snapshot)
    }

    /// Goes on where `snapshot` was taken, of this adapter or of another of the same lifter and settings.
    ///
    /// # Errors
    /// [`Error::Setting`] for a snapshot of another model or other settings, as far as its sizes tell; this adapter is
    /// then as it was.
    pub fn restore(&self, snapshot: &Snapshot) -> Result<()> {
        self.running().restore(snapshot)
    }

    /// Goes to target sample `samples`, as if those before had been pushed: what is drawn at random depends on it.
    ///
    /// # Errors
    /// [`Error::Setting`] for a policy that carries on, which learns from each sample: that goes by [`Self::restore`].
    pub fn seek(&self, samples: u32) -> Result<()> {
        self.running().seek(samples)
    }

    /// Adapts as the policy says and predicts prepared samples: `keypoints` (N, 2J), normalised, to poses (N, 3J),
    /// root-centred, metres. `seen` (N, J) is 1 for a joint that a sample has, 0 for one that was filled in; without
    /// it, samples have every joint. A policy that carries on goes on where the last call ended. [`Track`] prepares.
    ///
    /// # Errors
    /// [`Error::Setting`] for lengths that do not fit, for keypoints that are not finite or masks that are neither 0
    /// nor 1, and for a missing joint where the settings are not `masked`; [`Error::Diverged`] for a prediction that is
    /// not finite, whereupon the adaptation is as it was before the samples that went to the device with that one (but
    /// with `draw_views` false and a policy that carries on, of which nothing is rolled back); [`Error::Lost`] for a
    /// device that was lost again and again.
    pub fn run(&self, keypoints: &[f32], seen: Option<&[f32]>) -> Result<Vec<f32>> {
        let poses = {
            let mut running = self.running();
            running.check(keypoints, seen)?;
            running.run(&self.lifter, keypoints, seen)?
        };
        self.finite(poses, keypoints, seen)
    }

    /// As [`Self::run`], but a sample that cannot be predicted does not end it: it is marked and listed, and adaptation
    /// goes on as if there had been no time for that sample; it begins anew where the sample could be predicted as
    /// trained, but not as adapted before. Of a model that predicts nothing every sample is listed: how many are too
    /// many is the caller's to say.
    ///
    /// # Errors
    /// As [`Self::run`], but for [`Error::Diverged`].
    pub fn run_each(&self, keypoints: &[f32], seen: Option<&[f32]>) -> Result<Lot> {
        let joints = self.lifter.model().joints;
        let (poses, failed) = {
            let mut running = self.running();
            running.check(keypoints, seen)?;
            running.run_each(&self.lifter, keypoints, seen)?
        };
        // To look for a cause takes an adapter as trained: once is enough for a lot.
        let why = failed.first().map(|&sample| {
            let x = &keypoints[2 * joints * sample..][..2 * joints];
            self.cause(x, seen.map(|seen| &seen[joints * sample..][..joints]))
        });
        let why = why.unwrap_or_default();
        Ok(Lot { poses, failed: failed.into_iter().map(|sample| (sample, why.clone())).collect() })
    }

    /// As [`Self::run`] for one sample, which is not adapted to where `may_adapt` is false; then it is predicted as
    /// adapted so far, with a policy that forgets as trained. With the losses of the last step, where there was one.
    pub(crate) fn run_one(
        &self,
        keypoints: &[f32],
        seen: Option<&[f32]>,
        may_adapt: bool,
    ) -> Result<(Vec<f32>, Option<Losses>)> {
        let (pose, losses) = {
            let mut running = self.running();
            running.check(keypoints, seen)?;
            running.lift_one(&self.lifter, (keypoints, seen), may_adapt)?
        };
        Ok((self.finite(pose, keypoints, seen)?, self.losses_of(losses)))
    }

    /// As [`Self::run_one`], but a sample that adaptation cannot take is predicted as adapted before, at worst as
    /// trained; with what became of the adaptation, if it is one.
    pub(crate) fn run_somehow(
        &self,
        keypoints: &[f32],
        seen: Option<&[f32]>,
        may_adapt: bool,
    ) -> Result<(Vec<f32>, Option<Losses>, Option<Mended>)> {
        let (pose, losses, mended) = {
            let mut running = self.running();
            running.check(keypoints, seen)?;
            let (pose, losses) = running.lift_one(&self.lifter, (keypoints, seen), may_adapt)?;
            if is_finite(&pose) || !running.config.policy.adapts() {
                (pose, losses, None)
            } else {
                let (pose, mended) = running.mend(&self.lifter, keypoints, seen)?;
                (pose, None, Some(mended))
            }
        };
        Ok((self.finite(pose, keypoints, seen)?, self.losses_of(losses), mended))
    }

    fn losses_of(&self, slot: Option<Vec<f32>>) -> Option<Losses> {
        slot.map(|slot| Losses::of_ring(&slot, self.lifter.model(), Stage::Adaptation))
    }

    /// Whether the policy adapts to the next sample.
    pub(crate) fn is_due(&self) -> bool {
        let running = self.running();
        Some(running.section(running.samples as usize)) == running.ids.adapt
    }

    /// The poses, if they are finite.
    fn finite(&self, poses: Vec<f32>, keypoints: &[f32], seen: Option<&[f32]>) -> Result<Vec<f32>> {
        let joints = self.lifter.model().joints;
        let Some(index) = poses.iter().position(|v| !v.is_finite()) else { return Ok(poses) };
        let sample = index / (3 * joints);
        let x = &keypoints[2 * joints * sample..][..2 * joints];
        Err(Error::Diverged(self.cause(x, seen.map(|seen| &seen[joints * sample..][..joints]))))
    }

    /// Why the prediction of a sample is not finite.
    fn cause(&self, x: &[f32], seen: Option<&[f32]>) -> String {
        let AdaptConfig { policy, flip, .. } = self.config();
        let as_trained = || {
            let config = AdaptConfig { flip, capacity: 1, ..Policy::BASELINE.into() };
            self.lifter.adapter(config).and_then(|adapter| adapter.running().run(&self.lifter, x, seen))
        };
        // A smaller step mends nothing where there is none.
        let model_fails = !policy.adapts() || as_trained().is_ok_and(|poses| !is_finite(&poses));
        let cause = match policy.alpha > 1e-9 {
            _ if model_fails => "the model itself is at fault: train it again".to_owned(),
            true => format!("adaptation diverged: use an `alpha` below {:e}", policy.alpha),
            false => {
                "no `alpha` mends that: the model's reservoir or bone lengths are damaged; train it again".to_owned()
            }
        };
        format!("a prediction is not finite; {cause}")
    }

    /// Gives the random views of the next sample, azimuth and elevation in radians (T B, 2), where they are not drawn.
    ///
    /// # Errors
    /// [`Error::Setting`] for another number of views.
    pub fn give_views(&self, views: &[f32]) -> Result<()> {
        let mut running = self.running();
        let Some(tensor) = running.ids.views else { return Ok(()) };
        fits("views", views.len(), running.program.plan().tensor(tensor).len())?;
        running.program.write(tensor, 0, views);
        Ok(())
    }

    /// Gives the replayed poses of the next sample, keypoints (T R, 2J) and positions (T R, 3J) as they enter the
    /// network, where they are not drawn.
    ///
    /// # Errors
    /// [`Error::Setting`] for another number of poses.
    pub fn give_replay(&self, keypoints: &[f32], positions: &[f32]) -> Result<()> {
        let mut running = self.running();
        let Some(source) = running.ids.replay else { return Ok(()) };
        let &[poses, size] = &running.program.plan().tensor(source.keypoints).shape[..] else { return Ok(()) };
        fits("keypoints", keypoints.len(), poses * size)?;
        fits("positions", positions.len(), poses * size / 2 * 3)?;
        write_replay(&mut running.program, source, keypoints, positions);
        Ok(())
    }

    /// Losses of the last adapted sample's steps (of its first instance).
    ///
    /// # Errors
    /// The device was lost.
    pub fn losses(&self) -> Result<Vec<Losses>> {
        let mut running = self.running();
        let Some(ring) = running.ids.losses else { return Ok(Vec::new()) };
        let words = running.reading(&self.lifter, |running| running.program.read(ring))?;
        let (steps, iterations) = (running.steps as usize, running.config.policy.iterations);
        let last = steps.saturating_sub(iterations)..steps;
        let slot = |step| Losses::of_ring(running.slot(&words, step), self.lifter.model(), Stage::Adaptation);
        Ok(last.map(slot).collect())
    }

    /// The working parameters (of the first instance), by their checkpoint names.
    ///
    /// # Errors
    /// The device was lost.
    pub fn parameters(&self) -> Result<Tensors> {
        self.running().reading(&self.lifter, |running| running.program.parameters())
    }

    /// Adam's moments (of the first instance).
    ///
    /// # Errors
    /// The device was lost.
    pub fn moments(&self) -> Result<Moments> {
        self.running().reading(&self.lifter, |running| running.program.moments())
    }

    /// Bytes on the device that are this adapter's own, beside those of [`Lifter::bytes`], which all adapters share.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.running().program.own_bytes()
    }
}
