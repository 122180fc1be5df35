//! What is run: a model of a given size and poses.

use crate::checkpoint::Tensors;
use crate::config::{ModelConfig, TrainConfig};
use crate::data::{PoseSet, Prepared, Scenario, synthetic};
use crate::error::Result;
use crate::nn::initial_tensors;
use crate::pose::Fill;
use crate::train::{Trainer, TrainingSet};

/// Poses of the resident data set of a training program.
const POSES: usize = 1024;

/// A model and synthetic poses for it.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The model, with the poses' mean bone lengths.
    pub model: ModelConfig,
    /// The poses.
    pub set: PoseSet,
    /// Their keypoints (N, 2J), normalised.
    pub keypoints: Vec<f32>,
}

impl Subject {
    /// A model like that.
    ///
    /// # Errors
    /// [`Error::Setting`](crate::Error::Setting) for one that cannot be.
    pub fn new(model: &ModelConfig) -> Result<Self> {
        let set = synthetic(Scenario::Source, POSES, 0, model.joints)?;
        let model = Trainer::check(&set, model, &TrainConfig::default())?;
        let keypoints = Prepared::new(&set, &model, Fill::LastFrame)?.keypoints;
        Ok(Self { model, set, keypoints })
    }

    /// Initial parameters, as training would draw them.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn parameters(&self) -> Result<Tensors> {
        let mut parameters = initial_tensors(&self.model, 0);
        parameters.extend(TrainingSet::new(&self.set, &self.model)?.reservoir(&self.model));
        Ok(parameters)
    }
}
