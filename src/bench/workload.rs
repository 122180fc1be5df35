//! One mode on one device, sample by sample.

use std::fmt;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::{KernelTime, Subject, by_kernel};
use crate::adapt::{AdaptConfig, AdaptPlan, Mode, adapt_plan};
use crate::config::TrainConfig;
use crate::error::{Error, Result};
use crate::gpu::Device;
use crate::nn::Tensors;
use crate::plan::{Cost, Executor, SectionId, TensorId, prepare};
use crate::train::{TrainPlan, train_plan};

/// What a row of the benchmark times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Task {
    /// A prediction, averaged with that of the mirror image.
    Baseline,
    /// A prediction without the mirror image.
    BaselineNoFlip,
    /// [`Mode::Vanilla`]
    Vanilla,
    /// [`Mode::VanillaLr`]
    VanillaLr,
    /// [`Mode::Online`]
    Online,
    /// [`Mode::OnlineSkip`]
    OnlineSkip,
    /// One step of joint training.
    TrainStep,
}

impl Task {
    /// Every task.
    pub const ALL: [Self; 7] = [
        Self::Baseline,
        Self::BaselineNoFlip,
        Self::Vanilla,
        Self::VanillaLr,
        Self::Online,
        Self::OnlineSkip,
        Self::TrainStep,
    ];

    /// The inference mode, if it is one.
    #[must_use]
    pub fn mode(self) -> Option<Mode> {
        match self {
            Self::Baseline | Self::BaselineNoFlip => Some(Mode::Baseline),
            Self::Vanilla => Some(Mode::Vanilla),
            Self::VanillaLr => Some(Mode::VanillaLr),
            Self::Online => Some(Mode::Online),
            Self::OnlineSkip => Some(Mode::OnlineSkip),
            Self::TrainStep => None,
        }
    }

    /// Whether it adapts, so that copies and steps matter.
    #[must_use]
    pub fn adapts(self) -> bool {
        self.mode().is_some_and(|mode| mode != Mode::Baseline)
    }
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self, self.mode()) {
            (Self::BaselineNoFlip, _) => f.pad("baseline-no-flip"),
            (_, Some(mode)) => mode.fmt(f),
            (_, None) => f.pad("train-step"),
        }
    }
}

/// A task and its sizes. Those that the task does not have are not looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Case {
    /// What is timed.
    pub task: Task,
    /// B, random views of a sample in one step.
    pub copies: usize,
    /// Samples that a vanilla mode adapts to at once.
    pub instances: usize,
    /// T, steps on a sample; the mode's own where it is not given.
    pub iterations: Option<usize>,
    /// Poses of a training step.
    pub batch: usize,
}

impl Case {
    /// T, where the task adapts.
    #[must_use]
    pub fn steps(&self) -> Option<usize> {
        let mode = self.task.mode().filter(|_| self.task.adapts())?;
        Some(self.iterations.unwrap_or(AdaptConfig::new(mode).iterations))
    }

    fn adaptation(&self, mode: Mode) -> AdaptConfig {
        let usual = AdaptConfig::new(mode);
        let instances = if mode.is_vanilla() { self.instances } else { 1 };
        AdaptConfig {
            iterations: self.steps().unwrap_or(usual.iterations),
            copies: self.copies,
            instances,
            flip: self.task != Task::BaselineNoFlip,
            // Latency is that of a sample whose prediction is wanted at once: no more than it is kept or read.
            capacity: instances,
            ..usual
        }
    }

    /// Fails when the sizes are impossible, before anything long starts.
    ///
    /// # Errors
    /// [`Error::Usage`] naming the setting and the fix.
    pub fn validate(&self, subject: &Subject) -> Result<()> {
        match self.task.mode() {
            Some(mode) => self.adaptation(mode).validate(&subject.model),
            None if (2..=1 << 16).contains(&self.batch) => Ok(()),
            None => Err(Error::Usage(format!("--batch is {}; batch norm needs 2 to 65536", self.batch))),
        }
    }
}

/// The recorded program of a case, without its plan.
enum Program {
    Adapt(AdaptPlan, AdaptConfig),
    Train(TrainPlan),
}

/// A case on a device, ready to run.
pub struct Workload {
    executor: Box<dyn Executor>,
    program: Program,
    keypoints: Vec<f32>,
    size: usize,
    runs: usize,
}

impl Workload {
    /// Records the case, brings it to the device and loads the parameters.
    ///
    /// # Errors
    /// [`Error::Usage`] for impossible sizes; [`Error::Device`] when the device is too small.
    pub fn new(subject: &Subject, parameters: &Tensors, case: &Case, device: &Device) -> Result<Self> {
        case.validate(subject)?;
        let (executor, program) = match case.task.mode() {
            Some(mode) => {
                let config = case.adaptation(mode);
                let mut ids = adapt_plan(&subject.model, &config)?;
                let mut executor = prepare(std::mem::take(&mut ids.plan), device)?;
                ids.store.load(executor.as_mut(), &subject.model, parameters)?;
                (executor, Program::Adapt(ids, config))
            }
            None => {
                let config = TrainConfig { batch: case.batch, ..TrainConfig::default() };
                let mut ids = train_plan(&subject.model, &config, subject.poses.len(), false)?;
                let mut executor = prepare(std::mem::take(&mut ids.plan), device)?;
                ids.store.load(executor.as_mut(), &subject.model, parameters)?;
                executor.write(ids.keypoints, 0, &subject.poses.keypoints);
                executor.write(ids.positions, 0, &subject.padded_positions());
                (executor, Program::Train(ids))
            }
        };
        // As many samples as one run takes at the least.
        let copies = case.instances.div_ceil(subject.poses.len()).max(1);
        let (keypoints, size) = (subject.poses.keypoints.repeat(copies), 2 * subject.model.joints);
        Ok(Self { executor, program, keypoints, size, runs: 0 })
    }

    /// Samples that one run advances.
    #[must_use]
    pub fn samples_per_run(&self) -> usize {
        match &self.program {
            Program::Adapt(_, config) => config.samples_per_replay(),
            Program::Train(_) => 1,
        }
    }

    /// Runs that make a whole round: online-skip adapts in the first of ten.
    #[must_use]
    pub fn round(&self) -> usize {
        match &self.program {
            Program::Adapt(_, config) => config.skip,
            Program::Train(_) => 1,
        }
    }

    fn section(&self, run: usize) -> SectionId {
        match &self.program {
            Program::Adapt(ids, config) => ids.adapt.filter(|_| run.is_multiple_of(config.skip)).unwrap_or(ids.predict),
            Program::Train(ids) => ids.step,
        }
    }

    /// Billions of operations and millions of bytes of a sample, averaged over a round.
    #[must_use]
    pub fn cost(&self) -> [f64; 2] {
        let mut sum = Cost::default();
        (0..self.round()).for_each(|run| sum += self.executor.plan().cost(self.section(run)));
        let samples = (self.round() * self.samples_per_run()) as f64;
        [sum.gflop() / samples, sum.mbytes() / samples]
    }

    /// Gives the next samples to the device, replays, and waits for their predictions (for the end of a training step).
    /// Returns the time that the host took to encode and submit; on the CPU that is the replay itself.
    ///
    /// # Errors
    /// The device was lost, or a prediction is not finite.
    pub fn run(&mut self) -> Result<Duration> {
        let section = self.section(self.runs);
        let predictions = self.give_samples();
        let begun = Instant::now();
        self.executor.replay(section)?;
        let encoded = begun.elapsed();
        self.runs += 1;
        let Some(predictions) = predictions else {
            self.executor.wait()?;
            return Ok(encoded);
        };
        if self.executor.read(predictions)?.iter().any(|v| !v.is_finite()) {
            return Err(Error::Device(format!(
                "{}: a prediction is not finite; run `isopose verify` on this device",
                self.executor.device()
            )));
        }
        Ok(encoded)
    }

    /// Writes the next samples and where they lie; returns the tensor of their predictions.
    fn give_samples(&mut self) -> Option<TensorId> {
        let Program::Adapt(ids, config) = &self.program else { return None };
        let count = config.samples_per_replay();
        let at = self.runs * count;
        let first = at % (self.keypoints.len() / self.size - count + 1) * self.size;
        self.executor.write(ids.samples, 0, &self.keypoints[first..first + count * self.size]);
        // sample and chunk of the state: the chunk starts at this sample.
        self.executor.write(ids.state, 2, &[f32::from_bits(at as u32); 2]);
        Some(ids.predictions)
    }

    /// Time by kernel of a run that adapts, where the case adapts: medians of `repeats`.
    ///
    /// # Errors
    /// The device was lost.
    pub fn profile(&mut self, repeats: u32) -> Result<Vec<KernelTime>> {
        let section = self.section(0);
        let state = match &self.program {
            Program::Adapt(ids, _) => ids.state,
            Program::Train(ids) => ids.state,
        };
        by_kernel(self.executor.as_mut(), section, state, repeats, |_| {})
    }
}
