//! A running adaptation: parameters on a device, samples in, predictions out.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{AdaptConfig, AdaptIds, Lifter, Policy, Track, adapt_plan};
use crate::checkpoint::{Moments, RESERVOIR, Tensors};
use crate::cpu::State;
use crate::error::{Error, Result};
use crate::nn::Program;
use crate::plan::{SectionId, TensorId, check_rows};
use crate::pose::Fill;
use crate::task::{Losses, ReplaySource, Stage};

/// Adapts and predicts: a handle on working parameters, Adam's moments and counters. [`Lifter::adapter`] makes it. Clones
/// and tracks share the same adaptation, since what one person teaches serves the next; they may live in several threads,
/// which then wait for each other.
///
/// On the device it takes what it changes, [`Self::bytes`]. With the geometry task that is the extractor with two moments
/// (76 MB at width 1024), with the paper's tasks SSL head and discriminator too (178 MB), with
/// [`Start::Source`](super::Start::Source) as much for each of its instances, but for T = 1 the extractor alone (25 MB); with
/// [`Start::Never`](super::Start::Never) nothing. Activations come on top, of B + R + 2 rows or, with the paper's tasks, of
/// B + 1: some 15 MB at width 1024 and B = 64.
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

/// Writes the poses that a model keeps.
fn write_reservoir(program: &mut Program, to: ReplaySource, parameters: &Tensors) -> Result<()> {
    let [keypoints, positions] = RESERVOIR.map(|name| {
        let missing = || Error::Plan(format!("the parameters have no tensor `{name}`"));
        parameters.get(name).map(|tensor| &tensor.data[..]).ok_or_else(missing)
    });
    write_replay(program, to, keypoints?, positions?);
    Ok(())
}

/// Writes poses to replay: keypoints (n, 2J) and positions (n, 3J).
fn write_replay(program: &mut Program, to: ReplaySource, keypoints: &[f32], positions: &[f32]) {
    let size = |tensor| program.plan().tensor(tensor).shape[1];
    let (stride, used) = (size(to.positions), size(to.keypoints) / 2 * 3);
    let mut padded = vec![0.0; positions.len() / used * stride];
    let rows = padded.chunks_exact_mut(stride).zip(positions.chunks_exact(used));
    rows.for_each(|(to, from)| to[..used].copy_from_slice(from));
    program.write(to.keypoints, 0, keypoints);
    program.write(to.positions, 0, &padded);
}

fn fits(name: &'static str, given: usize, expected: usize) -> Result<()> {
    if given == expected {
        return Ok(());
    }
    Err(Error::setting(name, format!("there are {given} numbers; the adapter takes {expected}")))
}

impl Adapter {
    pub(super) fn new(lifter: &Lifter, config: AdaptConfig) -> Result<Self> {
        let (model, parameters) = (lifter.model(), lifter.parameters());
        config.validate(model)?;
        check_rows(lifter.device(), config.rows(model), model.width)?;
        let plan = adapt_plan(model, &config)?;
        let mut program = Program::sharing(plan.recording, lifter.device(), (model, parameters), lifter.weights())?;
        let joints = model.joints;
        if let Some(source) = plan.ids.replay.filter(|source| source.drawn) {
            write_reservoir(&mut program, source, parameters)?;
        }
        let running = Running { program, ids: plan.ids, config, joints, samples: 0, steps: 0 };
        Ok(Self { lifter: lifter.clone(), running: Arc::new(Mutex::new(running)) })
    }

    pub(crate) fn running(&self) -> MutexGuard<'_, Running> {
        // What panicked in a replay is a fault of the program; other tracks hear of it by an error or by their own panic.
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
    /// [`Error::Setting`] for lengths that do not fit, for keypoints that are not finite or masks that are neither 0 nor
    /// 1, and for a missing joint where the settings are not `masked`; [`Error::Diverged`] for a prediction that is not
    /// finite; or the device was lost.
    pub fn run(&self, keypoints: &[f32], seen: Option<&[f32]>) -> Result<Vec<f32>> {
        let poses = {
            let mut running = self.running();
            running.check(keypoints, seen)?;
            running.run(keypoints, seen)?
        };
        self.finite(poses, keypoints, seen)
    }

    /// As [`Self::run`] for one sample, which is not adapted to where `may_adapt` is false; then it is predicted as adapted so
    /// far, with a policy that forgets as trained. With the losses of the last step, where there was one.
    pub(crate) fn run_one(
        &self,
        keypoints: &[f32],
        seen: Option<&[f32]>,
        may_adapt: bool,
    ) -> Result<(Vec<f32>, Option<Losses>)> {
        let (pose, losses) = {
            // Both under one lock: other tracks may push in between.
            let mut running = self.running();
            running.check(keypoints, seen)?;
            let section = running.section(running.samples as usize);
            let section = if may_adapt { section } else { running.ids.predict };
            running.run_one(keypoints, seen, section)?
        };
        let losses = losses.map(|slot| Losses::of_ring(&slot, self.lifter.model(), Stage::Adaptation));
        Ok((self.finite(pose, keypoints, seen)?, losses))
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
        let cause = self.cause(x, seen.map(|seen| &seen[joints * sample..][..joints]));
        Err(Error::Diverged(format!("a prediction is not finite; {cause}")))
    }

    /// Why the prediction of a sample is not finite: whether it would be without adaptation tells.
    fn cause(&self, x: &[f32], seen: Option<&[f32]>) -> String {
        let AdaptConfig { policy, flip, .. } = self.config();
        let as_trained = || {
            let config = AdaptConfig { flip, capacity: 1, ..Policy::BASELINE.into() };
            self.lifter.adapter(config).and_then(|adapter| adapter.run(x, seen))
        };
        // A smaller step mends nothing where there is none.
        if policy.adapts() && !matches!(as_trained(), Err(Error::Diverged(_))) {
            match policy.alpha > 1e-9 {
                true => format!("adaptation diverged: use an `alpha` below {:e}", policy.alpha),
                false => "no `alpha` mends that: the model's reservoir or bone lengths are damaged; train it again"
                    .to_owned(),
            }
        } else {
            "the model itself is at fault: train it again".to_owned()
        }
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

    /// Gives the replayed poses of the next sample, keypoints (T R, 2J) and positions (T R, 3J) as they enter the network,
    /// where they are not drawn.
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
        let words = running.program.read(ring)?;
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

/// An executor gives what it was asked for.
fn unread() -> Error {
    Error::Plan("a tensor that was to be read was not".to_owned())
}

impl Running {
    fn check(&self, keypoints: &[f32], seen: Option<&[f32]>) -> Result<()> {
        let count = keypoints.len() / (2 * self.joints);
        if keypoints.len() != count * 2 * self.joints {
            let problem = format!("there are {} numbers; give 2 for each of {} joints", keypoints.len(), self.joints);
            return Err(Error::setting("keypoints", problem));
        }
        if let Some(index) = keypoints.iter().position(|v| !v.is_finite()) {
            let (sample, joint) = (index / 2 / self.joints, index / 2 % self.joints);
            let problem = format!(
                "sample {sample}, joint {joint}: {} is not finite; leave the sample out, or fill the joint in",
                keypoints[index]
            );
            return Err(Error::setting("keypoints", problem));
        }
        let Some(seen) = seen else { return Ok(()) };
        if seen.len() != count * self.joints {
            let problem =
                format!("there are {} numbers for {} joints; give one for each", seen.len(), count * self.joints);
            return Err(Error::setting("seen", problem));
        }
        if let Some(other) = seen.iter().find(|seen| !matches!(**seen, 0.0 | 1.0)) {
            let problem =
                format!("{other} is neither 1, for a joint that is there, nor 0, for one that is not; threshold it");
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
            self.write(chunk, seen.map(|seen| &seen[lot * capacity * joints..][..count * joints]));
            let last = (count - 1) / per_replay * per_replay;
            for first in (0..last).step_by(per_replay) {
                let section = self.section(self.samples as usize + first);
                self.replay(section)?;
            }
            let section = self.section(self.samples as usize + last);
            let read = self.replay_reading(section, &[self.ids.predictions])?;
            self.samples += count as u32;
            let predictions = read.into_iter().next().ok_or_else(unread)?;
            predictions.chunks_exact(stride).take(count).for_each(|row| poses.extend(&row[..3 * joints]));
        }
        Ok(poses)
    }

    /// The pose of one sample, by that section; and the slot of the ring that its last step wrote. Both come in one wait.
    fn run_one(&mut self, x: &[f32], seen: Option<&[f32]>, section: SectionId) -> Result<(Vec<f32>, Option<Vec<f32>>)> {
        self.write(x, seen);
        let ring = self.ids.losses.filter(|_| Some(section) == self.ids.adapt);
        let read: Vec<TensorId> = [self.ids.predictions].into_iter().chain(ring).collect();
        let mut reads = self.replay_reading(section, &read)?.into_iter();
        self.samples += 1;
        let mut pose = reads.next().ok_or_else(unread)?;
        pose.truncate(3 * self.joints);
        let slot = reads.next().map(|words| self.slot(&words, self.steps.saturating_sub(1) as usize).to_vec());
        Ok((pose, slot))
    }

    /// Brings samples to the first rows of the chunk, and goes there.
    fn write(&mut self, keypoints: &[f32], seen: Option<&[f32]>) {
        self.program.write(self.ids.samples, 0, keypoints);
        if let Some(masks) = self.ids.masks {
            match seen {
                Some(seen) => self.program.write(masks, 0, seen),
                None => self.program.write(masks, 0, &vec![1.0; keypoints.len() / 2]),
            }
        }
        self.program.seek(self.samples, self.samples);
    }

    fn replay(&mut self, section: SectionId) -> Result<()> {
        self.count(section);
        self.program.replay(section)
    }

    /// Replays a section and waits for what it leaves in some tensors.
    fn replay_reading(&mut self, section: SectionId, tensors: &[TensorId]) -> Result<Vec<Vec<f32>>> {
        self.count(section);
        let reads = self.program.replay_reading(section, tensors)?;
        reads.into_iter().map(|read| self.program.finish_read(read)).collect()
    }

    /// The steps that a replay takes.
    fn count(&mut self, section: SectionId) {
        if Some(section) == self.ids.adapt {
            self.steps += self.config.policy.iterations as u32;
        }
    }

    /// What the ring holds of a step (of the first instance).
    fn slot<'a>(&self, words: &'a [f32], step: usize) -> &'a [f32] {
        let shape = self.ids.losses.map(|ring| &self.program.plan().tensor(ring).shape[..]);
        let Some(&[slots, instances, columns]) = shape else { return &[] };
        &words[step % slots * instances * columns..][..columns]
    }

    pub(crate) fn config(&self) -> &AdaptConfig {
        &self.config
    }

    /// What sample `index` of the stream is: one to adapt to, or one to predict.
    pub(crate) fn section(&self, index: usize) -> SectionId {
        self.ids.adapt.filter(|_| index.is_multiple_of(self.config.policy.every)).unwrap_or(self.ids.predict)
    }
}
