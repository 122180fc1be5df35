//! What all handles of an adaptation share: its program on the device, and how far it is.

use std::ops::Range;

use super::recover::{Journal, is_finite};
use super::{AdaptConfig, AdaptIds, Lifter, adapt_plan};
use crate::checkpoint::{RESERVOIR, Tensors};
use crate::cpu::State;
use crate::error::{Error, Result};
use crate::nn::Program;
use crate::plan::{SectionId, TensorId, check_rows};
use crate::task::ReplaySource;

/// What all handles of an adaptation share.
pub(crate) struct Running {
    pub(crate) program: Program,
    pub(super) ids: AdaptIds,
    pub(super) config: AdaptConfig,
    pub(super) joints: usize,
    /// Samples and optimisation steps so far.
    pub(super) samples: u32,
    pub(super) steps: u32,
    /// How to get here again, for policies that carry on.
    pub(super) journal: Option<Journal>,
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
pub(super) fn write_replay(program: &mut Program, to: ReplaySource, keypoints: &[f32], positions: &[f32]) {
    let size = |tensor| program.plan().tensor(tensor).shape[1];
    let (stride, used) = (size(to.positions), size(to.keypoints) / 2 * 3);
    let mut padded = vec![0.0; positions.len() / used * stride];
    let rows = padded.chunks_exact_mut(stride).zip(positions.chunks_exact(used));
    rows.for_each(|(to, from)| to[..used].copy_from_slice(from));
    program.write(to.keypoints, 0, keypoints);
    program.write(to.positions, 0, &padded);
}

pub(super) fn fits(name: &'static str, given: usize, expected: usize) -> Result<()> {
    if given == expected {
        return Ok(());
    }
    Err(Error::setting(name, format!("there are {given} numbers; the adapter takes {expected}")))
}

/// An executor gives what it was asked for.
fn unread() -> Error {
    Error::Plan("a tensor that was to be read was not".to_owned())
}

impl Running {
    pub(super) fn new(lifter: &Lifter, config: AdaptConfig) -> Result<Self> {
        let (model, parameters) = (lifter.model(), lifter.parameters());
        config.validate(model)?;
        check_rows(lifter.device(), config.rows(model), model.width)?;
        let plan = adapt_plan(model, &config)?;
        let mut program = Program::sharing(plan.recording, lifter.device(), (model, parameters), lifter.weights())?;
        if let Some(source) = plan.ids.replay.filter(|source| source.drawn) {
            write_reservoir(&mut program, source, parameters)?;
        }
        let (joints, journal) = (model.joints, Journal::of(&config, model.joints));
        Ok(Self { program, ids: plan.ids, config, joints, samples: 0, steps: 0, journal })
    }

    /// As if the program were new, on the device opened again where it was lost.
    pub(super) fn renew(&mut self, lifter: &Lifter) -> Result<()> {
        let parameters = (lifter.model(), lifter.parameters());
        self.program.renew(lifter.device(), parameters, Some(lifter.weights()))?;
        match self.ids.replay.filter(|source| source.drawn) {
            Some(source) => write_reservoir(&mut self.program, source, lifter.parameters()),
            None => Ok(()),
        }
    }

    pub(super) fn reset(&mut self, lifter: &Lifter) -> Result<()> {
        self.load_trained(lifter)?;
        self.samples = 0;
        self.journal.iter_mut().for_each(|journal| journal.begin(None));
        Ok(())
    }

    /// What is adapted becomes what was trained, and nothing was learnt.
    pub(super) fn load_trained(&mut self, lifter: &Lifter) -> Result<()> {
        self.program.reload(lifter.model(), lifter.parameters())?;
        self.program.set_state(State { seed: self.config.seed, ..State::default() });
        self.steps = 0;
        Ok(())
    }

    pub(super) fn check(&self, keypoints: &[f32], seen: Option<&[f32]>) -> Result<()> {
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

    /// The poses of samples, up to the first lot of which one is not finite: the adaptation is then as it was before
    /// that lot.
    pub(super) fn run(&mut self, lifter: &Lifter, keypoints: &[f32], seen: Option<&[f32]>) -> Result<Vec<f32>> {
        let (joints, lot, capacity) = (self.joints, self.lot(), self.capacity());
        let mut poses = Vec::<f32>::with_capacity(keypoints.len() / 2 * 3);
        for (index, chunk) in keypoints.chunks(lot * 2 * joints).enumerate() {
            let seen = seen.map(|seen| &seen[index * lot * joints..][..chunk.len() / 2]);
            let (first, before) = (self.samples, poses.len());
            let predictions = self.recovering(lifter, |running| running.run_lot(chunk, seen))?;
            let stride = predictions.len() / capacity;
            let rows = predictions.chunks_exact(stride).take(chunk.len() / (2 * joints));
            rows.for_each(|row| poses.extend(&row[..3 * joints]));
            if !is_finite(&poses[before..]) {
                self.samples = first;
                self.roll_back(lifter)?;
                break;
            }
            self.remember(first, chunk, seen);
        }
        Ok(poses)
    }

    /// As [`Self::run`] of all samples: those that cannot be predicted are left out, as if there had been no time to
    /// adapt to them, and come as NaN; with their indices.
    pub(super) fn run_each(
        &mut self,
        lifter: &Lifter,
        keypoints: &[f32],
        seen: Option<&[f32]>,
    ) -> Result<(Vec<f32>, Vec<usize>)> {
        let joints = self.joints;
        let (count, mut poses, mut failed) = (keypoints.len() / (2 * joints), Vec::<f32>::new(), Vec::new());
        let part = |range: Range<usize>| {
            let seen = seen.map(|seen| &seen[range.start * joints..range.end * joints]);
            (&keypoints[2 * joints * range.start..2 * joints * range.end], seen)
        };
        // Samples before `alone` go one by one, to find the one that fails.
        let (mut done, mut alone) = (0, 0);
        while done < count {
            let (start, first) = (done, self.samples);
            let end = if start < alone { start + 1 } else { count };
            let (keypoints, seen) = part(start..end);
            let mut lifted = self.run(lifter, keypoints, seen)?;
            done += self.samples.wrapping_sub(first) as usize;
            lifted.truncate(3 * joints * (done - start));
            poses.append(&mut lifted);
            if done < end && end - start > 1 {
                alone = count.min(done + self.lot());
            } else if done < end {
                failed.push(start);
                poses.resize(poses.len() + 3 * joints, f32::NAN);
                // What forgets has nothing to mend.
                if self.journal.is_some() {
                    self.mend(lifter, keypoints, seen)?;
                }
                self.samples = first.wrapping_add(1);
                done = end;
            }
        }
        Ok((poses, failed))
    }

    fn capacity(&self) -> usize {
        self.program.plan().tensor(self.ids.samples).shape[0]
    }

    /// Samples that go to the device at once.
    fn lot(&self) -> usize {
        if self.journal.is_some() { self.capacity().min(Journal::MOST) } else { self.capacity() }
    }

    /// The predictions (capacity, pose_size) of no more samples than fit.
    fn run_lot(&mut self, keypoints: &[f32], seen: Option<&[f32]>) -> Result<Vec<f32>> {
        let (first, count) = (self.samples, keypoints.len() / (2 * self.joints));
        let per_replay = self.config.samples_per_replay();
        self.make_room(count)?;
        self.write(keypoints, seen);
        let last = (count - 1) / per_replay * per_replay;
        for done in (0..last).step_by(per_replay) {
            let section = self.section(first as usize + done);
            self.replay(section)?;
        }
        let section = self.section(first as usize + last);
        let read = self.replay_reading(section, &[self.ids.predictions])?;
        self.samples = first.wrapping_add(count as u32);
        read.into_iter().next().ok_or_else(unread)
    }

    /// The pose of one sample, adapted to if it is due and may be; and the slot of the ring that its last step wrote.
    /// Where the pose is not finite, the adaptation is as it was before.
    pub(super) fn lift_one(
        &mut self,
        lifter: &Lifter,
        (x, seen): (&[f32], Option<&[f32]>),
        may_adapt: bool,
    ) -> Result<(Vec<f32>, Option<Vec<f32>>)> {
        let (due, first) = (self.section(self.samples as usize), self.samples);
        let section = if may_adapt { due } else { self.ids.predict };
        let lifted = self.recovering(lifter, |running| running.run_one(x, seen, section))?;
        let adapted = Some(section) == self.ids.adapt;
        if !is_finite(&lifted.0) {
            self.samples = first;
            if adapted {
                self.roll_back(lifter)?;
            }
        } else if adapted {
            self.remember(first, x, seen);
        }
        Ok(lifted)
    }

    /// The pose of one sample and the slot of the ring, in one wait.
    pub(super) fn run_one(
        &mut self,
        x: &[f32],
        seen: Option<&[f32]>,
        section: SectionId,
    ) -> Result<(Vec<f32>, Option<Vec<f32>>)> {
        self.make_room(1)?;
        self.write(x, seen);
        let ring = self.ids.losses.filter(|_| Some(section) == self.ids.adapt);
        let read: Vec<TensorId> = [self.ids.predictions].into_iter().chain(ring).collect();
        let mut reads = self.replay_reading(section, &read)?.into_iter();
        self.samples = self.samples.wrapping_add(1);
        let mut pose = reads.next().ok_or_else(unread)?;
        pose.truncate(3 * self.joints);
        let slot = reads.next().map(|words| self.slot(&words, self.steps.wrapping_sub(1) as usize).to_vec());
        Ok((pose, slot))
    }

    /// Brings samples to the first rows of the chunk, and goes there.
    pub(super) fn write(&mut self, keypoints: &[f32], seen: Option<&[f32]>) {
        self.program.write(self.ids.samples, 0, keypoints);
        if let Some(masks) = self.ids.masks {
            match seen {
                Some(seen) => self.program.write(masks, 0, seen),
                None => self.program.write(masks, 0, &vec![1.0; keypoints.len() / 2]),
            }
        }
        self.program.seek(self.samples, self.samples);
    }

    pub(super) fn replay(&mut self, section: SectionId) -> Result<()> {
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
            self.steps = self.steps.wrapping_add(self.config.policy.iterations as u32);
        }
    }

    /// What the ring holds of a step (of the first instance).
    pub(super) fn slot<'a>(&self, words: &'a [f32], step: usize) -> &'a [f32] {
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
