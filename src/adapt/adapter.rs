//! A running adaptation: parameters on a device, samples in, predictions out.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{AdaptConfig, AdaptIds, Lifter, Track, adapt_plan};
use crate::checkpoint::{Moments, Tensors};
use crate::cpu::State;
use crate::error::{Error, Result};
use crate::nn::Program;
use crate::plan::SectionId;
use crate::pose::Fill;
use crate::task::Losses;

/// Adapts and predicts: a handle on working parameters, Adam's moments and counters. [`Lifter::adapter`] makes it. Clones
/// and tracks share the same adaptation, since what one person teaches serves the next; they may live in several threads,
/// which then wait for each other.
///
/// On the device it takes what it changes, [`Self::bytes`]: with [`Start::Carry`](super::Start::Carry) extractor, SSL head
/// and discriminator with two moments each (178 MB at width 1024); with [`Start::Source`](super::Start::Source) as much for
/// each of its instances, but for T = 1 the extractor alone (25 MB); with [`Start::Never`](super::Start::Never) nothing.
/// Activations of B + 1 rows come on top, some 15 MB at width 1024 and B = 64.
#[derive(Clone)]
pub struct Adapter {
    lifter: Lifter,
    running: Arc<Mutex<Running>>,
}

/// What all handles of an adaptation share.
pub(crate) struct Running {
    pub(crate) program: Program,
    ids: AdaptIds,
    config: AdaptConfig,
    joints: usize,
    /// Samples and optimisation steps so far.
    samples: u32,
    steps: u32,
}

impl Adapter {
    pub(super) fn new(lifter: &Lifter, config: AdaptConfig) -> Result<Self> {
        let (model, parameters) = (lifter.model(), lifter.parameters());
        config.validate(model)?;
        let plan = adapt_plan(model, &config)?;
        let program = Program::sharing(plan.recording, lifter.device(), (model, parameters), lifter.weights())?;
        let joints = model.joints;
        let running = Running { program, ids: plan.ids, config, joints, samples: 0, steps: 0 };
        Ok(Self { lifter: lifter.clone(), running: Arc::new(Mutex::new(running)) })
    }

    pub(crate) fn running(&self) -> MutexGuard<'_, Running> {
        // A replay that panicked has left numbers behind, not a broken promise.
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
        let mut running = self.running();
        running.program.reload(self.lifter.model(), self.lifter.parameters())?;
        let state = State { seed: running.config.seed, ..State::default() };
        running.program.set_state(state);
        (running.samples, running.steps) = (0, 0);
        Ok(())
    }

    /// Adapts as the policy says and predicts prepared samples: `keypoints` (N, 2J), normalised, to poses (N, 3J),
    /// root-centred, metres. `seen` (N, J) is 1 for a joint that a sample has, 0 for one that was filled in; without it,
    /// samples have every joint. A policy that carries on goes on where the last call ended. [`Track`] prepares.
    ///
    /// # Errors
    /// [`Error::Setting`] for lengths that do not fit, and for a missing joint where the settings are not `masked`; or
    /// the device was lost.
    pub fn run(&self, keypoints: &[f32], seen: Option<&[f32]>) -> Result<Vec<f32>> {
        let mut running = self.running();
        running.check(keypoints, seen)?;
        running.run(keypoints, seen)
    }

    /// Gives the random views of the next sample, azimuth and elevation in radians (T B, 2), where they are not drawn.
    pub fn give_views(&self, views: &[f32]) {
        let mut running = self.running();
        if let Some(tensor) = running.ids.views {
            running.program.write(tensor, 0, views);
        }
    }

    /// Losses of the last adapted sample's steps (of its first instance).
    ///
    /// # Errors
    /// The device was lost.
    pub fn losses(&self) -> Result<Vec<Losses>> {
        let mut running = self.running();
        let Some(ring) = running.ids.losses else { return Ok(Vec::new()) };
        let words = running.program.read(ring)?;
        let &[slots, instances, columns] = &running.program.plan().tensor(ring).shape[..] else {
            return Ok(Vec::new());
        };
        let (steps, iterations) = (running.steps as usize, running.config.policy.iterations);
        let slot = |step: usize| &words[step % slots * instances * columns..][..columns];
        let last = steps.saturating_sub(iterations)..steps;
        Ok(last.map(|step| Losses::of_ring(slot(step), self.lifter.model())).collect())
    }

    /// The working parameters (of the first instance), by their checkpoint names.
    ///
    /// # Errors
    /// The device was lost.
    pub fn parameters(&self) -> Result<Tensors> {
        self.running().program.parameters()
    }

    /// Adam's moments (of the first instance).
    ///
    /// # Errors
    /// The device was lost.
    pub fn moments(&self) -> Result<Moments> {
        self.running().program.moments()
    }

    /// Bytes on the device that are this adapter's own, beside those of [`Lifter::bytes`], which all adapters share.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.running().program.own_bytes()
    }
}

impl Running {
    fn check(&self, keypoints: &[f32], seen: Option<&[f32]>) -> Result<()> {
        let count = keypoints.len() / (2 * self.joints);
        if keypoints.len() != count * 2 * self.joints {
            let problem = format!("there are {} numbers; give 2 for each of {} joints", keypoints.len(), self.joints);
            return Err(Error::setting("keypoints", problem));
        }
        let Some(seen) = seen else { return Ok(()) };
        if seen.len() != count * self.joints {
            let problem =
                format!("there are {} numbers for {} joints; give one for each", seen.len(), count * self.joints);
            return Err(Error::setting("seen", problem));
        }
        if seen.contains(&0.0) && self.ids.adapt.is_some() && self.ids.masks.is_none() {
            let problem = "a sample lacks a joint, but the adapter was made for samples that have all; make it masked";
            return Err(Error::setting("masked", problem));
        }
        Ok(())
    }

    fn run(&mut self, keypoints: &[f32], seen: Option<&[f32]>) -> Result<Vec<f32>> {
        let (joints, stride) = (self.joints, self.program.plan().tensor(self.ids.predictions).shape[1]);
        let capacity = self.program.plan().tensor(self.ids.samples).shape[0];
        let per_replay = self.config.samples_per_replay();
        let mut poses = Vec::with_capacity(keypoints.len() / 2 * 3);
        for (lot, chunk) in keypoints.chunks(capacity * 2 * joints).enumerate() {
            let count = chunk.len() / (2 * joints);
            self.program.write(self.ids.samples, 0, chunk);
            if let Some(masks) = self.ids.masks {
                let first = lot * capacity * joints;
                match seen {
                    Some(seen) => self.program.write(masks, 0, &seen[first..first + count * joints]),
                    None => self.program.write(masks, 0, &vec![1.0; count * joints]),
                }
            }
            self.program.seek(self.samples, self.samples);
            for first in (0..count).step_by(per_replay) {
                let section = self.section(self.samples as usize + first);
                if Some(section) == self.ids.adapt {
                    self.steps += self.config.policy.iterations as u32;
                }
                self.program.replay(section)?;
            }
            self.samples += count as u32;
            let predictions = self.program.read(self.ids.predictions)?;
            predictions.chunks_exact(stride).take(count).for_each(|row| poses.extend(&row[..3 * joints]));
        }
        Ok(poses)
    }

    pub(crate) fn config(&self) -> &AdaptConfig {
        &self.config
    }

    /// What sample `index` of the stream is: one to adapt to, or one to predict.
    pub(crate) fn section(&self, index: usize) -> SectionId {
        self.ids.adapt.filter(|_| index.is_multiple_of(self.config.policy.every)).unwrap_or(self.ids.predict)
    }

    /// Whether the last sample was adapted to.
    pub(super) fn has_adapted(&self) -> bool {
        let last = (self.samples as usize).saturating_sub(1);
        self.samples > 0 && Some(self.section(last)) == self.ids.adapt
    }
}
