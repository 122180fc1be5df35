//! Programs to show and to time: a model of the size asked for and synthetic poses.

use clap::Args;
use serde::{Deserialize, Serialize};

use super::options;
use crate::adapt::{AdaptConfig, AdaptPlan, Mode, adapt_plan};
use crate::bench::Subject;
use crate::config::{ModelConfig, Ssl, TrainConfig};
use crate::error::{Error, Result};
use crate::nn::Store;
use crate::plan::{Plan, SectionId, TensorId};
use crate::train::{TrainPlan, train_plan};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Train,
    Adapt,
    Predict,
}

/// Which program.
#[derive(Debug, Args)]
pub(super) struct Program {
    /// train: one joint training step; adapt: one sample of a mode; predict: one sample without adaptation
    #[arg(value_parser = options::choice::<Kind>(&["train", "adapt", "predict"]))]
    program: Kind,
    /// Features of every hidden layer, a multiple of 4
    #[arg(long, value_name = "W", default_value_t = 1024)]
    width: usize,
    /// Joints of the skeleton: 16 or 17
    #[arg(long, value_name = "J", default_value = "16", value_parser = options::joints)]
    joints: usize,
    /// The self-supervised task
    #[arg(long, default_value = "cycle", value_parser = options::choice::<Ssl>(&["none", "adversary", "cycle"]))]
    ssl: Ssl,
    /// adapt: the mode
    #[arg(long, default_value = "vanilla",
          value_parser = options::choice::<Mode>(&["vanilla", "vanilla-lr", "online", "online-skip"]))]
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
    pub(super) plan: Plan,
    /// What one run replays.
    pub(super) section: SectionId,
    /// Poses.
    pub(super) inputs: Vec<(TensorId, Vec<f32>)>,
    pub(super) state: TensorId,
    pub(super) store: Store,
    pub(super) model: ModelConfig,
}

impl Program {
    /// Its name, as on the command line.
    pub(super) fn name(&self) -> String {
        match self.program {
            Kind::Train => "train".to_owned(),
            Kind::Adapt => format!("adapt {}", self.mode),
            Kind::Predict => "predict".to_owned(),
        }
    }

    pub(super) fn record(&self) -> Result<Ready> {
        let subject = Subject::new(self.joints, self.width, self.ssl)?;
        if self.program == Kind::Train { self.record_training(subject) } else { self.record_adaptation(subject) }
    }

    fn record_training(&self, subject: Subject) -> Result<Ready> {
        let usual = TrainConfig::default();
        let config = TrainConfig { batch: self.batch.unwrap_or(usual.batch), ..usual };
        if !(2..=1 << 16).contains(&config.batch) {
            return Err(Error::Usage(format!("--batch is {}; batch norm needs 2 to 65536", config.batch)));
        }
        let TrainPlan { plan, store, keypoints, positions, state, step, .. } =
            train_plan(&subject.model, &config, subject.poses.len(), false)?;
        let inputs = vec![(positions, subject.padded_positions()), (keypoints, subject.poses.keypoints)];
        let model = subject.model;
        Ok(Ready { plan, section: step, inputs, state, store, model })
    }

    fn record_adaptation(&self, Subject { model, poses }: Subject) -> Result<Ready> {
        let usual = match self.program {
            Kind::Predict => AdaptConfig::new(Mode::Baseline),
            _ => AdaptConfig::new(self.mode),
        };
        let config = AdaptConfig {
            // Two of vanilla's ten show all there is: a first step and a last.
            iterations: self.iterations.unwrap_or(usual.iterations.min(2)),
            copies: self.copies,
            instances: if self.program == Kind::Adapt { self.instances } else { 1 },
            batch: self.batch.unwrap_or(usual.batch),
            ..usual
        };
        config.validate(&model)?;
        let AdaptPlan { plan, store, samples, state, adapt, predict, .. } = adapt_plan(&model, &config)?;
        let room = plan.tensor(samples).len();
        let keypoints = poses.keypoints.iter().copied().cycle().take(room).collect();
        let section = adapt.unwrap_or(predict);
        Ok(Ready { plan, section, inputs: vec![(samples, keypoints)], state, store, model })
    }
}
