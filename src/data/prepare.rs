//! Keypoints made ready for a model, pose by pose: missing joints filled in, cameras turned, root-centred, normalised.

use std::ops::Range;

use super::PoseSet;
use crate::config::{ModelConfig, Normalize};
use crate::error::{Error, Result};
use crate::pose::follow::MAX_GAP;
use crate::pose::missing::{Fill, fill_from_last_frame, fill_from_neighbours};
use crate::pose::{Intrinsics, Skeleton, Turn, bone_normalize, root_centred};

/// Prepares the poses of one person in their order.
#[derive(Clone, Debug)]
pub struct Preparer {
    joints: usize,
    bone_lengths: Vec<f32>,
    depth: f32,
    normalize: Normalize,
    plane_scale: f32,
    /// Whether cameras are turned.
    rays: bool,
    fill: Fill,
    /// Of poses that do not come with their own.
    camera: Option<Intrinsics>,
    /// The last frame in which any joint was seen, in pixels, with what was filled in, so that a joint stays known for as
    /// long as it is away.
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
            plane_scale: model.plane_scale,
            // What is in the plane already has no pixels to turn.
            rays: model.rays && model.normalize == Normalize::Bone,
            fill,
            camera: None,
            last: None,
        }
    }

    /// The camera of the poses that come, unless a set has intrinsics of its own; none: they are not turned.
    pub(crate) fn set_camera(&mut self, camera: Option<Intrinsics>) {
        self.camera = camera;
    }

    /// Forgets the last frame.
    pub fn cut(&mut self) {
        self.last = None;
    }

    /// Prepares the next pose, `x` (J, 2), pixels, in place. `seen` (J) is 1 for a joint that is there, 0 for one to be
    /// filled in, which does not count in the scale; empty where every joint is there. `frame` is the frame's number;
    /// without numbers, frames follow each other.
    ///
    /// Returns the turn of the camera, by which predictions are turned back, if the model takes rays and the camera is
    /// known.
    pub fn prepare(&mut self, x: &mut [f32], seen: &[f32], frame: Option<i32>) -> Option<Turn> {
        self.prepare_of(self.camera, x, seen, frame)
    }

    fn prepare_of(
        &mut self,
        camera: Option<Intrinsics>,
        x: &mut [f32],
        seen: &[f32],
        frame: Option<i32>,
    ) -> Option<Turn> {
        let skeleton = Skeleton::of(self.joints)?;
        if seen.contains(&0.0) {
            let recent = |last: &&Frame| match (last.number, frame) {
                (Some(last), Some(now)) => (1..=MAX_GAP).contains(&(i64::from(now) - i64::from(last))),
                _ => true,
            };
            match self.last.as_ref().filter(|_| self.fill == Fill::LastFrame).filter(recent) {
                Some(last) => fill_from_last_frame(x, seen, &last.keypoints),
                None => fill_from_neighbours(x, seen, skeleton, &self.bone_lengths),
            }
        }
        // What stands in for a frame without any joint is nobody, and must not be taken for where the person was.
        if seen.is_empty() || seen.iter().any(|&seen| seen > 0.0) {
            let last = self.last.get_or_insert_with(|| Frame { number: None, keypoints: Vec::new() });
            last.number = frame;
            last.keypoints.clear();
            last.keypoints.extend_from_slice(x);
        }
        // After joints are filled in: what fills them knows pixels.
        let turn = camera.filter(|_| self.rays).map(|camera| camera.turn(x));
        if self.normalize == Normalize::Bone {
            bone_normalize(x, seen, skeleton, &self.bone_lengths, self.depth);
            x.iter_mut().for_each(|v| *v *= self.plane_scale);
        }
        turn
    }

    /// Prepares the poses `range` of a set, forgetting the last frame where a sequence begins. There are no positions.
    ///
    /// # Errors
    /// [`Error::Setting`] when the joint counts differ, the set has no such poses, or its fields disagree.
    pub fn prepare_range(&mut self, set: &PoseSet, range: Range<usize>) -> Result<Prepared> {
        let joints = self.joints;
        if set.joints != joints {
            let problem = format!("it has {} joints, the model {joints}; make it with {joints}", set.joints);
            return Err(Error::setting("data", problem));
        }
        if let Some(field) = set.misfit() {
            let problem =
                format!("its `{field}` does not match {} poses of {joints} joints; give every pose one", set.len());
            return Err(Error::setting("data", problem));
        }
        if range.start > range.end || range.end > set.len() {
            return Err(Error::setting(
                "range",
                format!("{range:?} is no range of its {} poses; use another", set.len()),
            ));
        }
        let mut keypoints = set.keypoints[2 * joints * range.start..2 * joints * range.end].to_vec();
        let seen = set.seen_in(range.clone());
        let mut turns = Vec::new();
        for (pose, x) in range.clone().zip(keypoints.chunks_exact_mut(2 * joints)) {
            if set.begins_sequence(pose) {
                self.cut();
            }
            let first = (pose - range.start) * joints;
            let seen = seen.get(first..first + joints).unwrap_or_default();
            let frame = set.frame.as_ref().map(|frame| frame[pose]);
            turns.extend(self.prepare_of(set.camera(pose).or(self.camera), x, seen, frame));
        }
        Ok(Prepared { joints, keypoints, seen, turns, positions: Vec::new() })
    }
}

/// Poses of a set, prepared.
#[derive(Clone, Debug, PartialEq)]
pub struct Prepared {
    /// J.
    pub joints: usize,
    /// Normalised keypoints (N, 2J), those of missing joints filled in.
    pub keypoints: Vec<f32>,
    /// (N, J): 1, or 0 for a joint that was missing and is filled in. Empty where no pose lacks a joint.
    pub seen: Vec<f32>,
    /// (N): how the camera of each pose was turned. Empty where none was.
    pub turns: Vec<Turn>,
    /// Root-centred poses (N, 3J), metres, in the axes of the turned cameras, if the set has poses.
    pub positions: Vec<f32>,
}

impl Prepared {
    /// Prepares every pose of a set for `model`, in their order.
    ///
    /// # Errors
    /// [`Error::Setting`] when the joint counts differ.
    pub fn new(set: &PoseSet, model: &ModelConfig, fill: Fill) -> Result<Self> {
        let prepared = Preparer::new(model, fill).prepare_range(set, 0..set.len())?;
        let mut positions = root_centred(set.positions.as_deref().unwrap_or_default(), set.joints);
        let poses = positions.chunks_exact_mut(3 * set.joints);
        poses.zip(&prepared.turns).for_each(|(pose, turn)| turn.apply(pose));
        Ok(Self { positions, ..prepared })
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

#[cfg(test)]
#[path = "prepare_tests.rs"]
mod tests;
