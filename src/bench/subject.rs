//! What is run: a model of a given size and poses.

use crate::checkpoint::Tensors;
use crate::config::{ModelConfig, Ssl};
use crate::data::{PoseSet, Prepared, Scenario, synthetic};
use crate::error::{Error, Result};
use crate::nn::initial_tensors;
use crate::pose::Fill;
use crate::pose::{Skeleton, mean_bone_lengths};

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
    /// A model of that size with the self-supervised task `ssl`.
    ///
    /// # Errors
    /// [`Error::Setting`] for a size that no model can have.
    pub fn new(joints: usize, width: usize, ssl: Ssl) -> Result<Self> {
        let set = synthetic(Scenario::Source, POSES, 0, joints)?;
        let skeleton = Skeleton::of(joints).ok_or_else(|| Error::setting("joints", "use 16 or 17"))?;
        let bone_lengths = mean_bone_lengths(set.positions.as_deref().unwrap_or_default(), skeleton);
        let model = ModelConfig { joints, width, ssl, bone_lengths, ..ModelConfig::default() };
        model.check()?;
        let keypoints = Prepared::new(&set, &model, Fill::LastFrame)?.keypoints;
        Ok(Self { model, set, keypoints })
    }

    /// Initial parameters, as training would draw them.
    #[must_use]
    pub fn parameters(&self) -> Tensors {
        initial_tensors(&self.model, 0)
    }
}
