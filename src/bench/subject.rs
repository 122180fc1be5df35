//! What is run: a model of a given size and poses.

use crate::config::{ModelConfig, Ssl};
use crate::data::{Scenario, synthetic};
use crate::error::{Error, Result};
use crate::nn::{Tensors, initial_tensors, pose_size};
use crate::pose::{Skeleton, mean_bone_lengths};
use crate::train::TrainingSet;

/// Poses of the resident data set of a training program.
const POSES: usize = 1024;

/// A model and synthetic poses for it.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The model, with the poses' mean bone lengths.
    pub model: ModelConfig,
    /// Normalised keypoints and centred poses.
    pub poses: TrainingSet,
}

impl Subject {
    /// A model of that size with the self-supervised task `ssl`.
    ///
    /// # Errors
    /// [`Error::Usage`] for a size that no model can have.
    pub fn new(joints: usize, width: usize, ssl: Ssl) -> Result<Self> {
        let set = synthetic(Scenario::Source, POSES, 0, joints)?;
        let skeleton = Skeleton::of(joints).ok_or_else(|| Error::Usage("--joints: use 16 or 17".to_owned()))?;
        let bone_lengths = mean_bone_lengths(set.positions.as_deref().unwrap_or_default(), skeleton);
        let model = ModelConfig { joints, width, ssl, bone_lengths, ..ModelConfig::default() };
        model.validate().map_err(Error::Usage)?;
        let poses = TrainingSet::new(&set, &model)?;
        Ok(Self { model, poses })
    }

    /// Initial parameters, as training would draw them.
    #[must_use]
    pub fn parameters(&self) -> Tensors {
        initial_tensors(&self.model, 0)
    }

    /// The poses as a device keeps them: rows padded to [`pose_size`].
    #[must_use]
    pub fn padded_positions(&self) -> Vec<f32> {
        let (size, stride) = (3 * self.model.joints, pose_size(&self.model));
        let padding = std::iter::repeat_n(&0.0, stride - size);
        self.poses.positions.chunks_exact(size).flat_map(|pose| pose.iter().chain(padding.clone())).copied().collect()
    }
}
