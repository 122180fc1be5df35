//! Programs to show and to time: a model of the size asked for and synthetic poses.

use clap::Args;
use serde::{Deserialize, Serialize};

use super::options;
use crate::adapt::{AdaptConfig, AdaptPlan, Mode, adapt_plan};
use crate::config::{ModelConfig, Ssl, TrainConfig};
use crate::data::{Scenario, synthetic};
use crate::error::{Error, Result};
use crate::nn::{Store, pose_size};
use crate::plan::{Plan, SectionId, TensorId};
use crate::pose::{Skeleton, mean_bone_lengths};
use crate::train::{TrainPlan, TrainingSet, train_plan};

/// Poses of the resident data set of a training program.
const POSES: usize = 1024;

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
        let set = synthetic(Scenario::Source, POSES, 0, self.joints)?;
        let skeleton = Skeleton::of(self.joints).ok_or_else(|| Error::Usage("--joints: use 16 or 17".to_owned()))?;
        let bone_lengths = mean_bone_lengths(set.positions.as_deref().unwrap_or_default(), skeleton);
        let (joints, width, ssl) = (self.joints, self.width, self.ssl);
        let model = ModelConfig { joints, width, ssl, bone_lengths, ..ModelConfig::default() };
        model.validate().map_err(Error::Usage)?;
        let data = TrainingSet::new(&set, &model)?;
        if self.program == Kind::Train {
            self.record_training(model, data)
        } else {
            self.record_adaptation(model, data)
        }
    }

    fn record_training(&self, model: ModelConfig, data: TrainingSet) -> Result<Ready> {
        let usual = TrainConfig::default();
        let config = TrainConfig { batch: self.batch.unwrap_or(usual.batch), ..usual };
        if !(2..=1 << 16).contains(&config.batch) {
            return Err(Error::Usage(format!("--batch is {}; batch norm needs 2 to 65536", config.batch)));
        }
        let TrainPlan { plan, store, keypoints, positions, state, step, .. } =
            train_plan(&model, &config, data.len(), false)?;
        let stride = pose_size(&model);
        let padded = data.positions.chunks_exact(3 * model.joints).flat_map(|pose| {
            let zeros = std::iter::repeat(&0.0);
            pose.iter().chain(zeros).take(stride).copied()
        });
        let inputs = vec![(positions, padded.collect()), (keypoints, data.keypoints)];
        Ok(Ready { plan, section: step, inputs, state, store, model })
    }

    fn record_adaptation(&self, model: ModelConfig, data: TrainingSet) -> Result<Ready> {
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
        let keypoints = data.keypoints.iter().copied().cycle().take(room).collect();
        let section = adapt.unwrap_or(predict);
        Ok(Ready { plan, section, inputs: vec![(samples, keypoints)], state, store, model })
    }
}
