//! Poses to train on.

use crate::checkpoint::{RESERVOIR, Tensor, Tensors};
use crate::config::{ModelConfig, Ssl};
use crate::data::{PoseSet, Prepared};
use crate::error::{Error, Result};
use crate::nn::pose_size;
use crate::pose::Fill;

/// Labelled poses as a device keeps them.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainingSet {
    /// Normalised keypoints (N, 2J).
    pub keypoints: Vec<f32>,
    /// Root-centred poses (N, pose_size), metres, in the axes of the turned cameras, if they are turned.
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
        let Prepared { joints, keypoints, seen, positions, .. } = Prepared::new(set, model, Fill::Neighbours)?;
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

    /// The poses that `model` keeps for replay, evenly over the set, by their checkpoint names; none where it keeps none.
    #[must_use]
    pub fn reservoir(&self, model: &ModelConfig) -> Tensors {
        let (joints, kept) = (model.joints, model.reservoir);
        if model.ssl != Ssl::Geometry || kept == 0 {
            return Tensors::new();
        }
        let take = |values: &[f32], stride: usize, size: usize| -> Tensor {
            let row = |k: usize| &values[k * self.poses / kept * stride..][..size * joints];
            Tensor { shape: vec![kept, joints, size], data: (0..kept).flat_map(row).copied().collect() }
        };
        let tensors = [take(&self.keypoints, 2 * joints, 2), take(&self.positions, pose_size(model), 3)];
        RESERVOIR.map(str::to_owned).into_iter().zip(tensors).collect()
    }
}

/// FNV-1a of the numbers that `model` is trained on, to know them again: with rays they depend on the cameras.
pub(crate) fn checksum(set: &PoseSet, model: &ModelConfig) -> u64 {
    let cameras = set.intrinsics.iter().flatten().flatten().filter(|_| model.rays);
    let numbers = set.keypoints.iter().chain(set.positions.iter().flatten()).chain(cameras);
    numbers.fold(0xcbf2_9ce4_8422_2325, |sum, v| (sum ^ u64::from(v.to_bits())).wrapping_mul(0x0100_0000_01b3))
}
