//! A pose set made ready for a model: missing joints filled in, keypoints normalised, poses root-centred.

use crate::config::{ModelConfig, Normalize};
use crate::data::PoseSet;
use crate::error::{Error, Result};
use crate::pose::missing::{Fill, fill_from_last_frame, fill_from_neighbours};
use crate::pose::{Skeleton, bone_normalize};

/// Poses ready to train on or to score against.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainingSet {
    /// J.
    pub joints: usize,
    /// Normalised keypoints (N, 2J), those of missing joints filled in.
    pub keypoints: Vec<f32>,
    /// (N, J): 1, or 0 for a joint that was missing and is filled in. Empty where no pose lacks a joint.
    pub seen: Vec<f32>,
    /// Root-centred poses (N, 3J), metres.
    pub positions: Vec<f32>,
}

impl TrainingSet {
    /// As [`Self::filled`] with [`Fill::LastFrame`].
    ///
    /// # Errors
    /// [`Error::Usage`] when the joint counts differ.
    pub fn new(set: &PoseSet, model: &ModelConfig) -> Result<Self> {
        Self::filled(set, model, Fill::LastFrame)
    }

    /// Normalises a pose set for `model` and centres its poses, if it has any. A joint of confidence 0 is missing: it is
    /// filled in as `fill` says, and does not count in the scale.
    ///
    /// # Errors
    /// [`Error::Usage`] when the joint counts differ.
    pub fn filled(set: &PoseSet, model: &ModelConfig, fill: Fill) -> Result<Self> {
        let joints = model.joints;
        let skeleton = Skeleton::of(joints).filter(|_| set.joints == joints).ok_or_else(|| {
            Error::Usage(format!(
                "the data have {} joints, the model has {joints}; make them with --joints {joints}",
                set.joints
            ))
        })?;
        let mut keypoints = set.keypoints.clone();
        let seen = set.seen();
        if !seen.is_empty() {
            fill_all(&mut keypoints, &seen, (set, skeleton), &model.bone_lengths, fill);
        }
        if model.normalize == Normalize::Bone {
            for (pose, x) in keypoints.chunks_exact_mut(2 * joints).enumerate() {
                let seen = seen.get(pose * joints..(pose + 1) * joints).unwrap_or_default();
                bone_normalize(x, seen, skeleton, &model.bone_lengths, model.depth);
            }
        }
        let mut positions = set.positions.clone().unwrap_or_default();
        for pose in positions.chunks_exact_mut(3 * joints) {
            let root = [pose[0], pose[1], pose[2]];
            pose.chunks_exact_mut(3).for_each(|joint| joint.iter_mut().zip(root).for_each(|(v, r)| *v -= r));
        }
        Ok(Self { joints, keypoints, seen, positions })
    }

    /// Number of poses.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keypoints.len() / (2 * self.joints)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keypoints.is_empty()
    }
}

/// After more frames than this a joint may be anywhere.
const MAX_GAP: i32 = 10;

/// Fills every missing joint, in pixels.
fn fill_all(x: &mut [f32], seen: &[f32], (set, skeleton): (&PoseSet, &Skeleton), lengths: &[f32], fill: Fill) {
    let joints = set.joints;
    let starts = set.sequence_starts();
    for pose in 0..set.len() {
        let mask = &seen[pose * joints..(pose + 1) * joints];
        if !mask.contains(&0.0) {
            continue;
        }
        let (before, now) = x.split_at_mut(2 * joints * pose);
        let now = &mut now[..2 * joints];
        let recent = |frame: &Vec<i32>| (1..=MAX_GAP).contains(&frame[pose].saturating_sub(frame[pose - 1]));
        let follows = starts.binary_search(&pose).is_err() && set.frame.as_ref().is_none_or(recent);
        if fill == Fill::LastFrame && follows {
            // The frame before was filled itself, so that a joint stays known for as long as it is away.
            let last = &before[2 * joints * (pose - 1)..];
            fill_from_last_frame(now, mask, last);
        } else {
            fill_from_neighbours(now, mask, skeleton, lengths);
        }
    }
}
