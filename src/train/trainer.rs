//! A training run: data and parameters on a device, steps in chunks, losses out.

use super::gate::with_gate;
use super::scale::plane_scale;
use super::{TrainIds, TrainPlan, TrainingSet, checksum, train_plan};
use crate::checkpoint::{Checkpoint, Moments, RESERVOIR, Tensor, Tensors, TrainingState};
use crate::config::{ModelConfig, Ssl, TrainConfig};
use crate::cpu::State;
use crate::data::PoseSet;
use crate::error::{Error, Result};
use crate::gpu::Device;
use crate::nn::{Program, initial_tensors, keypoint_size, parameter_bytes, pose_size};
use crate::plan::{Readback, check_fits};
use crate::pose::{Skeleton, mean_bone_lengths};
use crate::task::{Losses, Stage};

/// How often a device may be lost in a row, with no step further.
const ATTEMPTS: usize = 3;

/// Trains a model on one device. Where that is lost it is opened again, and training goes on from what was written last, or
/// from its start, with the same bits. For that the host keeps the poses as they enter the network, and what was written.
pub struct Trainer {
    model: ModelConfig,
    config: TrainConfig,
    ids: TrainIds,
    program: Program,
    data: TrainingSet,
    /// What was written last, to go on from.
    kept: Kept,
    /// What the model keeps for replay.
    reservoir: Tensors,
    device: Device,
    checksum: u64,
    step: u32,
}

/// A training after some steps.
struct Kept {
    parameters: Tensors,
    optimiser: Option<Moments>,
    step: u32,
}

impl Trainer {
    /// A model for `set` with initial parameters, and what [`Self::check`] takes from the set.
    ///
    /// # Errors
    /// [`Error::Setting`] for data without poses or settings that cannot be trained; [`Error::Device`] when the device
    /// is too small.
    pub fn new(set: &PoseSet, model: &ModelConfig, config: &TrainConfig, device: &Device) -> Result<Self> {
        let model = Self::check(set, model, config)?;
        // Before anything of a size that cannot be is drawn.
        let plan = train_plan(&model, config, set.len(), false)?.recording.plan;
        // The host keeps parameters, moments and poses, to go on with where the device is lost.
        let poses = 4 * (set.len() * (keypoint_size(&model) + pose_size(&model))) as u64;
        check_fits(&plan, device, (4 * parameter_bytes(&model)).saturating_add(poses))?;
        let mut parameters = initial_tensors(&model, config.seed);
        if let Some(stem) = parameters.get_mut("extractor.stem.weight") {
            stem.data.iter_mut().for_each(|weight| *weight *= config.stem_gain);
        }
        parameters.extend(TrainingSet::new(set, &model)?.reservoir(&model));
        let start = Checkpoint { model, parameters, optimiser: None, training: None };
        Self::start(set, start, config, 0, device)
    }

    /// The model that [`Self::new`] would train: with the set's joints, its mean bone lengths where the model has none, its
    /// plane scale where the model's is 0, and `rays` only where it knows its cameras. To find out early what is wrong.
    ///
    /// # Errors
    /// [`Error::Setting`] as there.
    pub fn check(set: &PoseSet, model: &ModelConfig, config: &TrainConfig) -> Result<ModelConfig> {
        let positions = set.positions.as_ref().ok_or_else(|| {
            Error::setting("data", "training needs `positions` (3D poses), and there are keypoints only")
        })?;
        let skeleton = Skeleton::of(set.joints)
            .ok_or_else(|| Error::setting("data", format!("{} joints; 16 or 17 are supported", set.joints)))?;
        let mut model = ModelConfig { joints: set.joints, ..model.clone() };
        if model.bone_lengths.is_empty() {
            model.bone_lengths = mean_bone_lengths(positions, skeleton);
            if let Some(bone) = model.bone_lengths.iter().position(|length| !(length.is_finite() && *length > 0.0)) {
                let (name, length) = (skeleton.names[bone + 1], model.bone_lengths[bone]);
                let problem =
                    format!("`positions`: the bone to {name} has a mean length of {length} m; check joints and units");
                return Err(Error::setting("data", problem));
            }
        }
        // Without cameras nothing is turned, and so must be what is predicted later.
        model.rays &= set.intrinsics.is_some();
        // No more poses can be kept than there are.
        model.reservoir = if model.ssl == Ssl::Geometry { model.reservoir.min(set.len()) } else { 0 };
        // What is still to be measured is no fault.
        let measured = model.plane_scale != 0.0;
        ModelConfig { plane_scale: if measured { model.plane_scale } else { 1.0 }, ..model.clone() }.check()?;
        config.validate()?;
        if !measured {
            model.plane_scale = plane_scale(set, &model)?;
            model.check()?;
        }
        Ok(model)
    }

    /// Goes on where a checkpoint of this run was written.
    ///
    /// # Errors
    /// As [`Self::new`]; also when the checkpoint is not one that training can go on from.
    pub fn resume(set: &PoseSet, checkpoint: Checkpoint, device: &Device) -> Result<Self> {
        let TrainingState { config, step, poses, checksum: known, .. } =
            checkpoint.training.clone().ok_or_else(|| {
                Error::setting("resume", "the checkpoint has no training state; start a new run without it")
            })?;
        if poses != set.len() {
            let problem =
                format!("{} poses to train on, but the run to resume had {poses}; give it the same file", set.len());
            return Err(Error::setting("data", problem));
        }
        if known.is_some_and(|known| known != checksum(set, &checkpoint.model)) {
            let problem = "these are other poses, or other cameras, than those of the run to resume; give it the same \
                           file, and the same `focal`";
            return Err(Error::setting("data", problem));
        }
        if step > 0 && checkpoint.optimiser.is_none() {
            let problem = "the checkpoint has no `adam.*` tensors, without which training cannot go on as it was; start \
                           a new run without it";
            return Err(Error::setting("resume", problem));
        }
        if let Some(wrong) = checkpoint.wrong() {
            return Err(wrong.of_setting("resume"));
        }
        Self::start(set, checkpoint, &config, step, device)
    }

    fn start(set: &PoseSet, from: Checkpoint, config: &TrainConfig, step: u32, device: &Device) -> Result<Self> {
        let model = from.model;
        model.check()?;
        config.validate()?;
        let data = TrainingSet::new(set, &model)?;
        let TrainPlan { recording, ids } = train_plan(&model, config, data.poses, false)?;
        let kept = Kept { parameters: from.parameters, optimiser: from.optimiser, step };
        let program = Program::new(recording, device, &model, &kept.parameters)?;
        let is_reservoir = |(name, _): &(&String, &Tensor)| RESERVOIR.contains(&&***name);
        let reservoir = kept.parameters.iter().filter(is_reservoir).map(|(n, t)| (n.clone(), t.clone())).collect();
        let (config, device, checksum) = (config.clone(), device.clone(), checksum(set, &model));
        let mut trainer = Self { model, config, ids, program, data, kept, reservoir, device, checksum, step };
        trainer.load()?;
        Ok(trainer)
    }

    /// Brings to the device what a new program has not: poses, moments, state.
    fn load(&mut self) -> Result<()> {
        if let Some(moments) = &self.kept.optimiser {
            self.program.load_moments(moments)?;
        }
        self.program.write(self.ids.keypoints, 0, &self.data.keypoints);
        self.program.write(self.ids.positions, 0, &self.data.positions);
        self.step = self.kept.step;
        self.program.set_state(resumed_state(self.config.seed, self.step));
        Ok(())
    }

    /// Does some work; where the device is lost meanwhile, goes back to what was kept and does it again.
    fn recovering<T>(&mut self, mut work: impl FnMut(&mut Self) -> Result<T>) -> Result<T> {
        let (mut furthest, mut attempts) = (self.step, 0);
        let mut done = work(self);
        while let Err(Error::Lost(what)) = done {
            if self.step > furthest {
                (furthest, attempts) = (self.step, 0);
            }
            if attempts == ATTEMPTS {
                let times = ATTEMPTS + 1;
                return Err(Error::Lost(format!("{times} times in a row, before step {}: {what}", furthest + 1)));
            }
            attempts += 1;
            let renewed = self.program.renew(&self.device, (&self.model, &self.kept.parameters), None);
            done = renewed.and_then(|()| self.load()).and_then(|()| work(self));
        }
        done
    }

    /// Steps so far.
    #[must_use]
    pub fn step(&self) -> u32 {
        self.step
    }

    /// The device's name.
    #[must_use]
    pub fn device(&self) -> &str {
        self.program.device()
    }

    /// Takes `count` steps; on a GPU without waiting for the newest.
    ///
    /// # Errors
    /// The device was lost.
    pub(crate) fn advance(&mut self, count: u32) -> Result<()> {
        (0..count).try_for_each(|_| self.program.replay(self.ids.step))?;
        self.step += count;
        Ok(())
    }

    /// The program of a step, and the section that is one.
    pub(crate) fn program(&mut self) -> (&mut Program, crate::plan::SectionId) {
        (&mut self.program, self.ids.step)
    }

    /// Runs until `steps` in all, calling `progress(step, losses)` every `every` steps with the mean losses since the
    /// last call. The host never waits for the newest steps: it reads the losses of one chunk while the next runs.
    ///
    /// # Errors
    /// The device was lost and could not be recovered, or a loss is no longer finite.
    pub fn run(&mut self, steps: u32, every: u32, mut progress: impl FnMut(u32, &Losses)) -> Result<()> {
        self.recovering(|trainer| trainer.run_through(steps, every, &mut progress))
    }

    fn run_through(&mut self, steps: u32, every: u32, progress: &mut impl FnMut(u32, &Losses)) -> Result<()> {
        let slots = self.program.plan().tensor(self.ids.losses).shape[0] as u32;
        let every = every.clamp(1, slots / 2);
        let mut pending = None;
        while self.step < steps {
            let first = self.step;
            let count = every.min(steps - first);
            self.advance(count)?;
            let readback = self.program.begin_read(self.ids.losses)?;
            if let Some((readback, first, count)) = pending.replace((readback, first, count)) {
                self.report(readback, first, count, progress)?;
            }
        }
        match pending {
            Some((readback, first, count)) => self.report(readback, first, count, progress),
            None => Ok(()),
        }
    }

    fn report(
        &mut self,
        readback: Readback,
        first: u32,
        count: u32,
        progress: &mut impl FnMut(u32, &Losses),
    ) -> Result<()> {
        let ring = self.program.finish_read(readback)?;
        let &[slots, _, columns] = &self.program.plan().tensor(self.ids.losses).shape[..] else { return Ok(()) };
        let mut mean = vec![0.0f32; columns];
        for step in first..first + count {
            let slot = &ring[step as usize % slots * columns..][..columns];
            mean.iter_mut().zip(slot).for_each(|(m, v)| *m += v / count as f32);
        }
        if mean.iter().any(|v| !v.is_finite()) {
            return Err(Error::Diverged(format!(
                "training diverged before step {}: a loss is no longer finite; use a smaller `lr`",
                first + count
            )));
        }
        progress(first + count, &Losses::of_ring(&mean, &self.model, Stage::Training));
        Ok(())
    }

    /// Parameters, running statistics and Adam's state, as they are now; a model of the geometry task with what it keeps
    /// for replay and its gate.
    ///
    /// # Errors
    /// The device was lost.
    pub fn checkpoint(&mut self, held_back: Vec<i32>) -> Result<Checkpoint> {
        let goal = self.step;
        let (mut parameters, optimiser) = self.recovering(|trainer| {
            // What was lost on the way here is done again.
            trainer.advance(goal - trainer.step)?;
            Ok((trainer.program.parameters()?, Some(trainer.program.moments()?)))
        })?;
        parameters.extend(self.reservoir.clone());
        self.kept = Kept { parameters: parameters.clone(), optimiser: optimiser.clone(), step: goal };
        // The gate is measured by a program of its own, with which the device may be lost, too.
        let model = self.recovering(|trainer| {
            let (model, quantile) = (trainer.model.clone(), trainer.config.gate_quantile);
            with_gate(model, &trainer.kept.parameters, quantile, &trainer.device)
        })?;
        let (config, checksum) = (self.config.clone(), Some(self.checksum));
        let training = TrainingState { config, step: self.step, poses: self.data.poses, checksum, held_back };
        Ok(Checkpoint { model, parameters, optimiser, training: Some(training) })
    }
}

/// The state after `step` steps: Adam's corrections by the device's own recurrence, so that a resumed run equals an
/// uninterrupted one to the bit.
fn resumed_state(seed: u32, step: u32) -> State {
    let mut state = State { seed, step, ..Default::default() };
    for _ in 0..step {
        let before = state;
        state.correction1 += 0.1 * (1.0 - state.correction1);
        state.correction2 += 0.001 * (1.0 - state.correction2);
        if state == before {
            break;
        }
    }
    state
}
