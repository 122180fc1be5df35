//! Keypoints made ready for a model, pose by pose: missing joints filled in, root-centred, normalised.

use std::ops::Range;

use super::PoseSet;
use crate::config::{ModelConfig, Normalize};
use crate::error::{Error, Result};
use crate::pose::missing::{Fill, fill_from_last_frame, fill_from_neighbours};
use crate::pose::{Skeleton, bone_normalize, root_centred};

/// After more frames than this a joint may be anywhere.
const MAX_GAP: i32 = 10;

/// Prepares the poses of one person in their order.
#[derive(Clone, Debug)]
pub struct Preparer {
    joints: usize,
    bone_lengths: Vec<f32>,
    depth: f32,
    normalize: Normalize,
    fill: Fill,
    /// The frame before, in pixels, with what was filled in, so that a joint stays known for as long as it is away.
    last: Option<Frame>,
}

#[derive(Clone, Debug)]
struct Frame {
    number: Option<i32>,
    keypoints: Vec<f32>,
}

impl Preparer {
    /// Prepares for `model`, and fills in as `fill` says.
    #[must_use]
    pub fn new(model: &ModelConfig, fill: Fill) -> Self {
        Self {
            joints: model.joints,
            bone_lengths: model.bone_lengths.clone(),
            depth: model.depth,
            normalize: model.normalize,
            fill,
            last: None,
        }
    }

    /// Forgets the last frame.
    pub fn cut(&mut self) {
        self.last = None;
    }

    /// Prepares the next pose, `x` (J, 2), pixels, in place. `seen` (J) is 1 for a joint that is there, 0 for one to be
    /// filled in, which does not count in the scale; empty where every joint is there. `frame` is the frame's number;
    /// without numbers, frames follow each other.
    pub fn prepare(&mut self, x: &mut [f32], seen: &[f32], frame: Option<i32>) {
        let Some(skeleton) = Skeleton::of(self.joints) else { return };
        if seen.contains(&0.0) {
            let recent = |last: &&Frame| match (last.number, frame) {
                (Some(last), Some(now)) => (1..=MAX_GAP).contains(&now.saturating_sub(last)),
                _ => true,
            };
            match self.last.as_ref().filter(|_| self.fill == Fill::LastFrame).filter(recent) {
                Some(last) => fill_from_last_frame(x, seen, &last.keypoints),
                None => fill_from_neighbours(x, seen, skeleton, &self.bone_lengths),
            }
        }
        let last = self.last.get_or_insert_with(|| Frame { number: None, keypoints: Vec::new() });
        last.number = frame;
        last.keypoints.clear();
        last.keypoints.extend_from_slice(x);
        if self.normalize == Normalize::Bone {
            bone_normalize(x, seen, skeleton, &self.bone_lengths, self.depth);
        }
    }

    /// Prepares the poses `range` of a set, forgetting the last frame where a sequence begins: keypoints (N, 2J) and
    /// masks (N, J), which are empty where no pose of the set lacks a joint.
    ///
    /// # Errors
    /// [`Error::Setting`] when the joint counts differ.
    pub fn prepare_range(&mut self, set: &PoseSet, range: Range<usize>) -> Result<(Vec<f32>, Vec<f32>)> {
        let joints = self.joints;
        if set.joints != joints {
            let problem = format!("it has {} joints, the model {joints}; make it with {joints}", set.joints);
            return Err(Error::setting("data", problem));
        }
        let mut keypoints = set.keypoints[2 * joints * range.start..2 * joints * range.end].to_vec();
        let seen = set.seen_in(range.clone());
        for (pose, x) in range.clone().zip(keypoints.chunks_exact_mut(2 * joints)) {
            if set.begins_sequence(pose) {
                self.cut();
            }
            let first = (pose - range.start) * joints;
            let seen = seen.get(first..first + joints).unwrap_or_default();
            self.prepare(x, seen, set.frame.as_ref().map(|frame| frame[pose]));
        }
        Ok((keypoints, seen))
    }
}

/// A whole pose set, prepared.
#[derive(Clone, Debug, PartialEq)]
pub struct Prepared {
    /// J.
    pub joints: usize,
    /// Normalised keypoints (N, 2J), those of missing joints filled in.
    pub keypoints: Vec<f32>,
    /// (N, J): 1, or 0 for a joint that was missing and is filled in. Empty where no pose lacks a joint.
    pub seen: Vec<f32>,
    /// Root-centred poses (N, 3J), metres, if the set has poses.
    pub positions: Vec<f32>,
}

impl Prepared {
    /// Prepares every pose for `model`, in their order.
    ///
    /// # Errors
    /// [`Error::Setting`] when the joint counts differ.
    pub fn new(set: &PoseSet, model: &ModelConfig, fill: Fill) -> Result<Self> {
        let (keypoints, seen) = Preparer::new(model, fill).prepare_range(set, 0..set.len())?;
        let positions = root_centred(set.positions.as_deref().unwrap_or_default(), set.joints);
        Ok(Self { joints: set.joints, keypoints, seen, positions })
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
