//! What is timed: one mode on one device, sample by sample, by the very code that users run.

use std::fmt;

use serde::{Serialize, Serializer};

use super::{KernelTime, Subject, Work, by_kernel};
use crate::adapt::{AdaptConfig, Adapter, Lifter, MODES, Mode, Policy, Start, adapt_plan};
use crate::config::{ModelConfig, TrainConfig};
use crate::error::{Error, Result};
use crate::gpu::Device;
use crate::nn::{HostTime, parameter_bytes};
use crate::plan::{Cost, Plan, SectionId, check_fits, check_rows};
use crate::train::{Trainer, train_plan};

/// What a row of the benchmark times.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Timed {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub what: What,
}

/// See [`Timed`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum What {
    /// A sample in a mode.
    Sample {
        /// The mode.
        mode: Mode,
        /// Whether the prediction is averaged with that of the mirror image.
        flip: bool,
    },
    /// One step of joint training.
    TrainStep,
}

impl Timed {
    /// Everything that can be timed: each mode, prediction without the mirror image, a training step.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for &mode in MODES {
            all.push(Self { name: mode.name, what: What::Sample { mode, flip: true } });
            if !mode.adapts() {
                all.push(Self { name: "baseline-no-flip", what: What::Sample { mode, flip: false } });
            }
        }
        all.push(Self { name: "train-step", what: What::TrainStep });
        all
    }

    /// The one of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::all().into_iter().find(|timed| timed.name == name)
    }

    /// The policy for `model`, if samples are timed.
    #[must_use]
    pub fn policy(self, model: &ModelConfig) -> Option<Policy> {
        match self.what {
            What::Sample { mode, .. } => Some(mode.policy(model)),
            What::TrainStep => None,
        }
    }

    /// Where a sample's adaptation starts, if samples are timed and adapted to.
    #[must_use]
    pub fn start(self) -> Option<Start> {
        match self.what {
            What::Sample { mode, .. } if mode.adapts() => Some(mode.start()),
            _ => None,
        }
    }
}

impl fmt::Display for Timed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name)
    }
}

impl Serialize for Timed {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name)
    }
}

/// What is timed, and its sizes. Those that it does not have are not looked at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sizes {
    /// What is timed.
    pub timed: Timed,
    /// B, random views of a sample in one step.
    pub copies: usize,
    /// Samples that a vanilla mode adapts to at once.
    pub instances: usize,
    /// T, steps on a sample; the mode's own where it is not given.
    pub iterations: Option<usize>,
    /// Poses of a training step.
    pub batch: usize,
}

impl Sizes {
    /// T, where it adapts.
    #[must_use]
    pub fn steps(&self, model: &ModelConfig) -> Option<usize> {
        let policy = self.timed.policy(model).filter(Policy::adapts)?;
        Some(self.iterations.unwrap_or(policy.iterations))
    }

    fn adaptation(&self, policy: Policy, flip: bool) -> AdaptConfig {
        let instances = if policy.forgets() { self.instances } else { 1 };
        let adapts = policy.adapts();
        let iterations = self.iterations.filter(|_| adapts).unwrap_or(policy.iterations);
        AdaptConfig {
            instances,
            flip,
            masked: false,
            // Latency is that of a sample whose prediction is wanted at once: no more than it is kept or read.
            capacity: instances,
            ..Policy { iterations, copies: self.copies, ..policy }.into()
        }
    }

    /// How models of the preset are trained.
    fn training(&self, model: &ModelConfig) -> TrainConfig {
        TrainConfig { batch: self.batch, ..model.preset().training() }.without_empty_shares()
    }

    /// Fails when the sizes are impossible, before anything long starts.
    ///
    /// # Errors
    /// [`Error::Setting`] naming the setting and the fix.
    pub fn validate(&self, subject: &Subject) -> Result<()> {
        match self.timed.what {
            What::Sample { mode, flip } => self.adaptation(mode.policy(&subject.model), flip).validate(&subject.model),
            What::TrainStep => self.training(&subject.model).validate(),
        }
    }
}

impl Sizes {
    /// Fails where the subject's parameters on this machine, and the plan on `device`, cannot be; before they are drawn.
    ///
    /// # Errors
    /// [`Error::Device`] naming the limit.
    pub fn check_fits(&self, subject: &Subject, device: &Device) -> Result<()> {
        let Subject { model, set, .. } = subject;
        let recording = match self.timed.what {
            What::Sample { mode, flip } => {
                let config = self.adaptation(mode.policy(model), flip);
                check_rows(device, config.rows(model), model.width)?;
                adapt_plan(model, &config)?.recording
            }
            What::TrainStep => train_plan(model, &self.training(model), set.len(), false)?.recording,
        };
        check_fits(&recording.plan, device, parameter_bytes(model))
    }
}

/// What runs.
enum Running {
    Samples(Adapter),
    Steps(Box<Trainer>),
}

/// Something timed on a device, ready to run.
pub struct Workload {
    running: Running,
    keypoints: Vec<f32>,
    size: usize,
    runs: usize,
}

impl Workload {
    /// Brings it to the device of `lifter`, whose model is the subject's.
    ///
    /// # Errors
    /// [`Error::Setting`] for impossible sizes; [`Error::Device`] when the device is too small.
    pub fn new(subject: &Subject, sizes: &Sizes, lifter: &Lifter) -> Result<Self> {
        sizes.validate(subject)?;
        let running = match sizes.timed.what {
            What::Sample { mode, flip } => {
                Running::Samples(lifter.adapter(sizes.adaptation(mode.policy(&subject.model), flip))?)
            }
            What::TrainStep => {
                let trainer =
                    Trainer::new(&subject.set, &subject.model, &sizes.training(&subject.model), lifter.device())?;
                Running::Steps(Box::new(trainer))
            }
        };
        // As many samples as one run takes at the least.
        let copies = sizes.instances.div_ceil(subject.set.len()).max(1);
        let (keypoints, size) = (subject.keypoints.repeat(copies), 2 * subject.model.joints);
        Ok(Self { running, keypoints, size, runs: 0 })
    }

    /// Samples that one run advances.
    #[must_use]
    pub fn samples_per_run(&self) -> usize {
        match &self.running {
            Running::Samples(adapter) => adapter.config().samples_per_replay(),
            Running::Steps(_) => 1,
        }
    }

    /// Runs that make a whole round: a mode that leaves samples out adapts in the first.
    #[must_use]
    pub fn round(&self) -> usize {
        match &self.running {
            Running::Samples(adapter) => adapter.config().policy.every,
            Running::Steps(_) => 1,
        }
    }

    /// Samples of a round.
    #[must_use]
    pub fn samples_per_round(&self) -> usize {
        self.round() * self.samples_per_run()
    }

    /// Billions of operations and millions of bytes of a sample, averaged over a round.
    #[must_use]
    pub fn cost(&mut self) -> [f64; 2] {
        let samples = self.samples_per_round() as f64;
        let mut sum = Cost::default();
        self.with_round(|plan, sections| sections.iter().for_each(|section| sum += plan.cost(*section)));
        [sum.gflop() / samples, sum.mbytes() / samples]
    }

    /// What a round must do at the least.
    #[must_use]
    pub fn work(&mut self) -> Work {
        self.with_round(Work::of)
    }

    /// The plan, and the sections that a round replays.
    fn with_round<T>(&mut self, of: impl FnOnce(&Plan, &[SectionId]) -> T) -> T {
        match &mut self.running {
            Running::Samples(adapter) => {
                let running = adapter.running();
                let every = running.config().policy.every;
                let sections: Vec<_> = (0..every).map(|run| running.section(run)).collect();
                of(running.program.plan(), &sections)
            }
            Running::Steps(trainer) => {
                let (program, step) = trainer.program();
                of(program.plan(), &[step])
            }
        }
    }

    /// Adapts to the next samples and waits for their predictions, or takes a training step and waits for its end.
    /// Returns what that cost the host.
    ///
    /// # Errors
    /// The device was lost, or a prediction is not finite.
    pub fn run(&mut self) -> Result<HostTime> {
        let (count, runs) = (self.samples_per_run(), self.runs);
        self.runs += 1;
        match &mut self.running {
            Running::Samples(adapter) => {
                let first = runs * count % (self.keypoints.len() / self.size - count + 1) * self.size;
                let ran = adapter.run(&self.keypoints[first..first + count * self.size], None);
                let mut running = adapter.running();
                // Random parameters predict what is finite.
                ran.map_err(|error| match error {
                    Error::Diverged(_) => Error::Device(format!(
                        "{}: a prediction is not finite; `verify` this device",
                        running.program.device()
                    )),
                    error => error,
                })?;
                Ok(running.program.take_host_time())
            }
            Running::Steps(trainer) => {
                trainer.advance(1)?;
                let (program, _) = trainer.program();
                program.wait()?;
                Ok(program.take_host_time())
            }
        }
    }

    /// Time by kernel of a run that adapts, where anything does: medians of `repeats`.
    ///
    /// # Errors
    /// The device was lost.
    pub fn profile(&mut self, repeats: u32) -> Result<Vec<KernelTime>> {
        match &mut self.running {
            Running::Samples(adapter) => {
                let mut running = adapter.running();
                let section: SectionId = running.section(0);
                by_kernel(&mut running.program, section, repeats, |_| {})
            }
            Running::Steps(trainer) => {
                let (program, step) = trainer.program();
                by_kernel(program, step, repeats, |_| {})
            }
        }
    }
}
