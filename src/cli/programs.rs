//! Programs to show and to time: a model of the size asked for and synthetic poses.

use clap::Args;

use super::options;
use crate::adapt::{AdaptConfig, Mode, Policy, adapt_plan};
use crate::bench::Subject;
use crate::config::{ModelConfig, Ssl, TrainConfig};
use crate::error::Result;
use crate::named::named_enum;
use crate::nn::Recording;
use crate::plan::{SectionId, TensorId};
use crate::train::{TrainingSet, train_plan};

named_enum! {
    enum Kind {
        Train = "train",
        Adapt = "adapt",
        Predict = "predict",
    }
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
    /// The self-supervised task
    #[arg(long, default_value = "cycle", value_parser = options::named::<Ssl>())]
    ssl: Ssl,
    /// adapt: the mode
    #[arg(long, default_value = "vanilla", value_parser = options::mode(|mode| mode.policy.adapts()))]
    mode: Mode,
    /// adapt: T, steps on a sample; more than 2 repeat the one in the middle [default: 2 for vanilla, else 1]
    #[arg(long, value_name = "T")]
    iterations: Option<usize>,
    /// adapt: B, random views of a sample in one step
    #[arg(long, value_name = "B", default_value_t = 64)]
    copies: usize,
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
}

impl Programs {
    /// Its name, as on the command line.
    pub(super) fn name(&self) -> String {
        match self.program {
            Kind::Adapt => format!("adapt {}", self.mode),
            kind => kind.to_string(),
        }
    }

    pub(super) fn record(&self) -> Result<Ready> {
        let subject = Subject::new(self.joints, self.width, self.ssl)?;
        if self.program == Kind::Train { self.record_training(subject) } else { self.record_adaptation(subject) }
    }

    fn record_training(&self, subject: Subject) -> Result<Ready> {
        let usual = TrainConfig::default();
        let config = TrainConfig { batch: self.batch.unwrap_or(usual.batch), ..usual };
        config.validate()?;
        let set = TrainingSet::new(&subject.set, &subject.model)?;
        let plan = train_plan(&subject.model, &config, set.poses, false)?;
        let inputs = vec![(plan.ids.positions, set.positions), (plan.ids.keypoints, set.keypoints)];
        Ok(Ready { recording: plan.recording, section: plan.ids.step, inputs, model: subject.model })
    }

    fn record_adaptation(&self, Subject { model, keypoints, .. }: Subject) -> Result<Ready> {
        let usual = if self.program == Kind::Predict { Policy::BASELINE } else { self.mode.policy };
        let policy = Policy {
            // Two of vanilla's ten show all there is: a first step and a last.
            iterations: self.iterations.unwrap_or(usual.iterations.min(2)),
            copies: self.copies,
            ..usual
        };
        let config = AdaptConfig {
            instances: if self.program == Kind::Adapt { self.instances } else { 1 },
            batch: self.batch.unwrap_or(1),
            masked: false,
            ..policy.into()
        };
        config.validate(&model)?;
        let plan = adapt_plan(&model, &config)?;
        let room = plan.recording.plan.tensor(plan.ids.samples).len();
        let keypoints = keypoints.iter().copied().cycle().take(room).collect();
        let section = plan.ids.adapt.unwrap_or(plan.ids.predict);
        Ok(Ready { recording: plan.recording, section, inputs: vec![(plan.ids.samples, keypoints)], model })
    }
}
