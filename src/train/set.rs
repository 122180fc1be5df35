//! Poses to train on.

use crate::config::ModelConfig;
use crate::data::{PoseSet, Prepared};
use crate::error::{Error, Result};
use crate::nn::pose_size;
use crate::pose::Fill;

/// Labelled poses as a device keeps them.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainingSet {
    /// Normalised keypoints (N, 2J).
    pub keypoints: Vec<f32>,
    /// Root-centred poses (N, pose_size), metres.
    pub positions: Vec<f32>,
    /// N.
    pub poses: usize,
}

impl TrainingSet {
    /// Prepares the poses of `set` for `model`.
    ///
    /// # Errors
    /// [`Error::Setting`] when the joint counts differ, a pose lacks a joint, or there are no labels.
    pub fn new(set: &PoseSet, model: &ModelConfig) -> Result<Self> {
        // Nothing is to be filled in.
        let Prepared { joints, keypoints, seen, positions } = Prepared::new(set, model, Fill::Neighbours)?;
        if seen.contains(&0.0) {
            let problem = "some poses lack a joint (confidence 0); leave them out (PoseSet::complete)";
            return Err(Error::setting("data", problem));
        }
        if positions.is_empty() || keypoints.is_empty() {
            return Err(Error::setting("data", "training needs at least one pose with `positions`"));
        }
        let (size, stride) = (3 * joints, pose_size(model));
        let mut padded = vec![0.0; set.len() * stride];
        padded
            .chunks_exact_mut(stride)
            .zip(positions.chunks_exact(size))
            .for_each(|(o, v)| o[..size].copy_from_slice(v));
        Ok(Self { keypoints, positions: padded, poses: set.len() })
    }
}
