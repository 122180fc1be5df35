//! Programs to show and to time: a model of the size asked for and synthetic poses.

use clap::Args;

use super::options;
use crate::adapt::{AdaptConfig, Mode, Policy, adapt_plan};
use crate::bench::Subject;
use crate::config::{ModelConfig, Preset, Ssl, TrainConfig};
use crate::error::Result;
use crate::gpu::Device;
use crate::named::named_enum;
use crate::nn::Recording;
use crate::plan::{SectionId, TensorId, check_rows};
use crate::train::{TrainingSet, train_plan};

named_enum! {
    enum Kind {
        Train = "train",
        Adapt = "adapt",
        Predict = "predict",
    }
}

/// How many steps of a sample are recorded where nobody says it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Steps {
    /// Two of vanilla's ten show all there is: a first step and a last.
    Few,
    /// The mode's own.
    All,
}

/// Which program.
#[derive(Debug, Args)]
pub(super) struct Programs {
    /// train: one joint training step; adapt: one sample of a mode; predict: one sample without adaptation
    #[arg(value_parser = options::named::<Kind>())]
    program: Kind,
    /// Features of every hidden layer, a multiple of 4
    #[arg(long, value_name = "W", default_value_t = 1024)]
    width: usize,
    /// Joints of the skeleton: 16 or 17
    #[arg(long, value_name = "J", default_value = "16", value_parser = options::joints)]
    joints: usize,
    /// The kind of model
    #[arg(long, default_value = "geometry", value_parser = options::named::<Preset>())]
    preset: Preset,
    /// The self-supervised task [default: the preset's]
    #[arg(long, value_parser = options::named::<Ssl>())]
    ssl: Option<Ssl>,
    /// adapt: the mode
    #[arg(long, default_value = "vanilla", value_parser = options::mode(|mode| mode.adapts()))]
    mode: Mode,
    /// adapt: T, steps on a sample; more than 2 repeat the one in the middle [default: the mode's; of plan show and plan
    /// profile at most 2]
    #[arg(long, value_name = "T")]
    iterations: Option<usize>,
    /// adapt: B, random views of a sample in one step [default: the mode's]
    #[arg(long, value_name = "B")]
    copies: Option<usize>,
    /// adapt: samples that a vanilla mode adapts to at once
    #[arg(long, value_name = "N", default_value_t = 1)]
    instances: usize,
    /// train: poses in a step [default: 64]; predict: samples at once [default: 1]
    #[arg(long, value_name = "N")]
    batch: Option<usize>,
}

/// A recorded program and what it needs to run.
pub(super) struct Ready {
    pub(super) recording: Recording,
    /// What one run replays.
    pub(super) section: SectionId,
    /// Poses.
    pub(super) inputs: Vec<(TensorId, Vec<f32>)>,
    pub(super) model: ModelConfig,
    /// T, of an adaptation.
    pub(super) iterations: usize,
}

impl Programs {
    /// Its name, as on the command line.
    pub(super) fn name(&self) -> String {
        match self.program {
            Kind::Adapt => format!("adapt {}", self.mode),
            kind => kind.to_string(),
        }
    }

    /// Records it, for a device if there is one to run it on.
    pub(super) fn record(&self, device: Option<&Device>, steps: Steps) -> Result<Ready> {
        let model = self.preset.model();
        let ssl = self.ssl.unwrap_or(model.ssl);
        let subject = Subject::new(&ModelConfig { joints: self.joints, width: self.width, ssl, ..model })?;
        if self.program == Kind::Train {
            self.record_training(subject)
        } else {
            self.record_adaptation(subject, device, steps)
        }
    }

    fn record_training(&self, subject: Subject) -> Result<Ready> {
        let usual = self.preset.training();
        let config = TrainConfig { batch: self.batch.unwrap_or(usual.batch), ..usual }.without_empty_shares();
        config.validate()?;
        let set = TrainingSet::new(&subject.set, &subject.model)?;
        let plan = train_plan(&subject.model, &config, set.poses, false)?;
        let inputs = vec![(plan.ids.positions, set.positions), (plan.ids.keypoints, set.keypoints)];
        Ok(Ready { recording: plan.recording, section: plan.ids.step, inputs, model: subject.model, iterations: 0 })
    }

    fn record_adaptation(
        &self,
        Subject { model, keypoints, .. }: Subject,
        device: Option<&Device>,
        steps: Steps,
    ) -> Result<Ready> {
        let usual = if self.program == Kind::Predict { Policy::BASELINE } else { self.mode.policy(&model) };
        let most = if steps == Steps::Few { 2 } else { usize::MAX };
        let policy = Policy {
            iterations: self.iterations.unwrap_or(usual.iterations.min(most)),
            copies: self.copies.unwrap_or(usual.copies),
            ..usual
        };
        let config = AdaptConfig {
            instances: if self.program == Kind::Adapt { self.instances } else { 1 },
            batch: self.batch.unwrap_or(1),
            masked: false,
            ..policy.into()
        };
        config.validate(&model)?;
        match device {
            Some(device) => check_rows(device, config.rows(&model), model.width)?,
            // What is only shown need not fit, but its listing must: four numbers a row, which the host holds.
            None => check_rows(&Device::Cpu(0), config.rows(&model), 4)?,
        }
        let plan = adapt_plan(&model, &config)?;
        let room = plan.recording.plan.tensor(plan.ids.samples).len();
        let keypoints = keypoints.iter().copied().cycle().take(room).collect();
        let section = plan.ids.adapt.unwrap_or(plan.ids.predict);
        let iterations = if plan.ids.adapt.is_some() { policy.iterations } else { 0 };
        Ok(Ready { recording: plan.recording, section, inputs: vec![(plan.ids.samples, keypoints)], model, iterations })
    }
}
