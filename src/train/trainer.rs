//! A training run: data and parameters on a device, steps in chunks, losses out.

use std::collections::BTreeMap;

use super::{TrainPlan, TrainingSet, train_plan};
use crate::checkpoint::{Checkpoint, TrainingState};
use crate::config::{ModelConfig, TrainConfig};
use crate::cpu::State;
use crate::cpu::loss::LOSS_TERMS;
use crate::data::PoseSet;
use crate::error::{Error, Result};
use crate::gpu::Device;
use crate::nn::{LossTerms, initial_tensors, pose_size};
use crate::plan::{Executor, prepare};
use crate::pose::{Skeleton, mean_bone_lengths};

/// Trains a model on one device.
pub struct Trainer {
    model: ModelConfig,
    config: TrainConfig,
    ids: TrainPlan,
    executor: Box<dyn Executor>,
    poses: usize,
    step: u32,
}

impl Trainer {
    /// A model for `set` with initial parameters: its mean bone lengths enter the model.
    ///
    /// # Errors
    /// [`Error::Usage`] for data without poses or settings that cannot be trained; [`Error::Device`] when the device
    /// is too small.
    pub fn new(set: &PoseSet, model: &ModelConfig, config: &TrainConfig, device: &Device) -> Result<Self> {
        let model = Self::check(set, model, config)?;
        let tensors = initial_tensors(&model, config.seed);
        let start = Checkpoint { model, tensors, training: None };
        Self::start(set, start, config, 0, device)
    }

    /// The model that [`Self::new`] would train: with the set's joints and mean bone lengths. To find out early what is wrong.
    ///
    /// # Errors
    /// [`Error::Usage`] as there.
    pub fn check(set: &PoseSet, model: &ModelConfig, config: &TrainConfig) -> Result<ModelConfig> {
        let positions = set.positions.as_ref().ok_or_else(|| {
            Error::Usage("--data: training needs `positions` (3D poses); this file has keypoints only".to_owned())
        })?;
        let skeleton = Skeleton::of(set.joints)
            .ok_or_else(|| Error::Usage(format!("--data: {} joints; 16 or 17 are supported", set.joints)))?;
        let mut model = ModelConfig { joints: set.joints, ..model.clone() };
        if model.bone_lengths.is_empty() {
            model.bone_lengths = mean_bone_lengths(positions, skeleton);
            if let Some(bone) = model.bone_lengths.iter().position(|length| !(length.is_finite() && *length > 0.0)) {
                let (name, length) = (skeleton.names[bone + 1], model.bone_lengths[bone]);
                return Err(Error::Usage(format!(
                    "--data: `positions`: the bone to {name} has a mean length of {length} m; check joints and units"
                )));
            }
        }
        model.validate().map_err(Error::Usage)?;
        validate(config)?;
        Ok(model)
    }

    /// Goes on where a checkpoint of this run was written.
    ///
    /// # Errors
    /// As [`Self::new`]; also when the checkpoint is not one that training can go on from.
    pub fn resume(set: &PoseSet, checkpoint: Checkpoint, device: &Device) -> Result<Self> {
        let TrainingState { config, step, poses, .. } = checkpoint.training.clone().ok_or_else(|| {
            Error::Usage("--resume: the checkpoint has no training state; start a new run without --resume".to_owned())
        })?;
        if poses != set.len() {
            return Err(Error::Usage(format!(
                "--data: {} poses to train on, but the run to resume had {poses}; give it the same file",
                set.len()
            )));
        }
        if step > 0 && !checkpoint.tensors.keys().any(|name| name.starts_with("adam.")) {
            return Err(Error::Usage(
                "--resume: the checkpoint has no `adam.*` tensors, without which training cannot go on as it was; \
                 start a new run without --resume"
                    .to_owned(),
            ));
        }
        Self::start(set, checkpoint, &config, step, device)
    }

    fn start(set: &PoseSet, from: Checkpoint, config: &TrainConfig, step: u32, device: &Device) -> Result<Self> {
        let model = from.model;
        model.validate().map_err(Error::Usage)?;
        validate(config)?;
        let data = TrainingSet::new(set, &model)?;
        if !data.seen.is_empty() {
            let problem = "--data: some poses lack a joint (confidence 0); leave them out (PoseSet::complete)";
            return Err(Error::Usage(problem.to_owned()));
        }
        if data.positions.is_empty() || data.is_empty() {
            return Err(Error::Usage("--data: training needs at least one pose with `positions`".to_owned()));
        }
        let mut ids = train_plan(&model, config, data.len(), false)?;
        let mut executor = prepare(std::mem::take(&mut ids.plan), device)?;
        ids.store.load(executor.as_mut(), &model, &from.tensors)?;
        executor.write(ids.keypoints, 0, &data.keypoints);
        executor.write(ids.positions, 0, &padded(&data.positions, 3 * model.joints, pose_size(&model)));
        executor.write(ids.state, 0, &resumed_state(config.seed, step).words());
        Ok(Self { model, config: config.clone(), ids, executor, poses: data.len(), step })
    }

    /// Steps so far.
    #[must_use]
    pub fn step(&self) -> u32 {
        self.step
    }

    /// The device's name.
    #[must_use]
    pub fn device(&self) -> &str {
        self.executor.device()
    }

    /// Runs until `steps` in all, calling `progress(step, losses)` every `every` steps with the mean losses since the
    /// last call. The host never waits for the newest steps: it reads the losses of one chunk while the next runs.
    ///
    /// # Errors
    /// The device was lost, or a loss is no longer finite.
    pub fn run(&mut self, steps: u32, every: u32, mut progress: impl FnMut(u32, &LossTerms)) -> Result<()> {
        let slots = self.executor.plan().tensor(self.ids.losses).shape[0] as u32;
        let every = every.clamp(1, slots / 2);
        let mut pending = None;
        while self.step < steps {
            let first = self.step;
            let count = every.min(steps - first);
            for _ in 0..count {
                self.executor.replay(self.ids.step)?;
            }
            self.step += count;
            let readback = self.executor.begin_read(self.ids.losses)?;
            if let Some((readback, first, count)) = pending.replace((readback, first, count)) {
                self.report(readback, first, count, &mut progress)?;
            }
        }
        match pending {
            Some((readback, first, count)) => self.report(readback, first, count, &mut progress),
            None => Ok(()),
        }
    }

    fn report(
        &mut self,
        readback: crate::plan::Readback,
        first: u32,
        count: u32,
        progress: &mut impl FnMut(u32, &LossTerms),
    ) -> Result<()> {
        let ring = self.executor.finish_read(readback)?;
        let slots = ring.len() / LOSS_TERMS;
        let mut mean = [0.0f32; LOSS_TERMS];
        for step in first..first + count {
            let slot = &ring[step as usize % slots * LOSS_TERMS..][..LOSS_TERMS];
            mean.iter_mut().zip(slot).for_each(|(m, v)| *m += v / count as f32);
        }
        if mean.iter().any(|v| !v.is_finite()) {
            return Err(Error::Device(format!(
                "training diverged before step {}: a loss is no longer finite; use a smaller --lr",
                first + count
            )));
        }
        progress(first + count, &LossTerms::of_ring(&mean, &self.model));
        Ok(())
    }

    /// Parameters, running statistics and Adam's state, as they are now.
    ///
    /// # Errors
    /// The device was lost.
    pub fn checkpoint(&mut self, held_back: Vec<i32>) -> Result<Checkpoint> {
        let mut tensors: BTreeMap<_, _> = self.ids.store.parameters(self.executor.as_mut())?;
        tensors.extend(self.ids.store.moments(self.executor.as_mut())?);
        let training = TrainingState { config: self.config.clone(), step: self.step, poses: self.poses, held_back };
        Ok(Checkpoint { model: self.model.clone(), tensors, training: Some(training) })
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

fn padded(values: &[f32], size: usize, stride: usize) -> Vec<f32> {
    let mut out = vec![0.0; values.len() / size * stride];
    out.chunks_exact_mut(stride).zip(values.chunks_exact(size)).for_each(|(o, v)| o[..size].copy_from_slice(v));
    out
}

fn validate(config: &TrainConfig) -> Result<()> {
    let usage = |what: String| Err(Error::Usage(what));
    if config.steps == 0 {
        return usage("--steps is 0; use at least 1".to_owned());
    }
    if !(2..=1 << 16).contains(&config.batch) {
        return usage(format!("--batch is {}; batch norm needs 2 to 65536", config.batch));
    }
    if !(0.0..1.0).contains(&config.dropout) {
        return usage(format!("--dropout is {}; use 0 to below 1", config.dropout));
    }
    if !(config.lr.is_finite() && config.lr > 0.0) {
        return usage(format!("--lr is {}; use a positive number", config.lr));
    }
    config.decay.validate().map_err(Error::Usage)?;
    if !(0.0..=1.0).contains(&config.bn_momentum) {
        return usage(format!("bn_momentum is {}; use 0 to 1", config.bn_momentum));
    }
    Ok(())
}
