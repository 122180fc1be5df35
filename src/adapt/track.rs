//! A person before a camera.

use std::ops::Range;

use super::Adapter;
use crate::data::{PoseSet, Prepared, Preparer};
use crate::error::{Error, Result};
use crate::pose::{Fill, Intrinsics};
use crate::task::Losses;

/// A person before a camera, frame by frame: what fills in and normalises the keypoints, with the memory of the last
/// frame that this takes (some hundred bytes). Tracks of one adapter share what it learns; tracks of their own adapters
/// do not.
pub struct Track {
    adapter: Adapter,
    preparer: Preparer,
    frame: i32,
}

/// A lifted pose.
#[derive(Clone, Debug, PartialEq)]
pub struct Pose {
    /// The joints in the order of the model's skeleton, metres from the root, camera axes: x right, y down, z forward.
    pub joints: Vec<[f32; 3]>,
    /// Whether a joint is a guess, because the frame lacks it.
    pub guessed: Vec<bool>,
    /// Whether the model was adapted to this frame before it was lifted.
    pub adapted: bool,
    /// Losses of the last step on this frame, if it was adapted to.
    pub losses: Option<Losses>,
}

impl Track {
    pub(super) fn new(adapter: Adapter, fill: Fill) -> Self {
        let preparer = Preparer::new(adapter.lifter().model(), fill);
        Self { adapter, preparer, frame: 0 }
    }

    /// Adapts to the next frame and lifts it: `keypoints` in pixels, x right, y down; `confidence` 0 for a joint that was
    /// not found, whose keypoint is then not looked at. Without it, every joint was found.
    ///
    /// # Errors
    /// [`Error::Setting`] for another number of joints than the model's, or numbers that no keypoint has;
    /// [`Error::Diverged`] for a pose that is not finite; or the device was lost.
    pub fn push(&mut self, keypoints: &[[f32; 2]], confidence: Option<&[f32]>) -> Result<Pose> {
        self.push_frame(self.frame, keypoints, confidence)
    }

    /// As [`Self::push`] for frame number `frame`, where frames may be missing: what a joint was ten frames ago says
    /// nothing any more.
    ///
    /// # Errors
    /// As [`Self::push`].
    pub fn push_frame(&mut self, frame: i32, keypoints: &[[f32; 2]], confidence: Option<&[f32]>) -> Result<Pose> {
        self.lift(frame, keypoints, confidence, true)
    }

    /// As [`Self::push_frame`] without adaptation, where there is no time for it: lifts as adapted so far, with a policy that
    /// forgets as trained.
    ///
    /// # Errors
    /// As [`Self::push`].
    pub fn predict_frame(&mut self, frame: i32, keypoints: &[[f32; 2]], confidence: Option<&[f32]>) -> Result<Pose> {
        self.lift(frame, keypoints, confidence, false)
    }

    fn lift(
        &mut self,
        frame: i32,
        keypoints: &[[f32; 2]],
        confidence: Option<&[f32]>,
        may_adapt: bool,
    ) -> Result<Pose> {
        let seen = self.check(keypoints, confidence)?;
        let mut x = keypoints.as_flattened().to_vec();
        let turn = self.preparer.prepare(&mut x, &seen, Some(frame));
        self.frame = frame.saturating_add(1);
        let (mut numbers, losses) = self.adapter.run_one(&x, Some(&seen), may_adapt)?;
        if let Some(turn) = turn {
            turn.undo(&mut numbers);
        }
        let joints = numbers.as_chunks().0.to_vec();
        let guessed = seen.iter().map(|&seen| seen == 0.0).collect();
        Ok(Pose { joints, guessed, adapted: losses.is_some(), losses })
    }

    /// Adapts to the poses `range` of a set and lifts them, several at a time where the adapter can: (N, 3J), metres from
    /// the root. The memory of the last frame ends with each of the set's sequences. The set's intrinsics go before the
    /// track's.
    ///
    /// # Errors
    /// As [`Self::push`]; [`Error::Setting`] for a range that is none of the set's, or fields of the set that disagree.
    pub fn push_set(&mut self, set: &PoseSet, range: Range<usize>) -> Result<Vec<f32>> {
        let Prepared { joints, keypoints, seen, turns, .. } = self.preparer.prepare_range(set, range.clone())?;
        let mut numbers = self.adapter.run(&keypoints, (!seen.is_empty()).then_some(&seen))?;
        numbers.chunks_exact_mut(3 * joints).zip(&turns).for_each(|(pose, turn)| turn.undo(pose));
        // The next frame follows the last of these.
        self.frame = match &set.frame {
            Some(frames) if !range.is_empty() => frames[range.end - 1].saturating_add(1),
            _ => self.frame.saturating_add(range.len() as i32),
        };
        Ok(numbers)
    }

    /// Says what the camera is, from the next frame on. A model of rays ([`ModelConfig::rays`]) lifts each pose as if the
    /// camera had been turned to it; without intrinsics, as at first, or for another model, poses are lifted as seen.
    ///
    /// # Errors
    /// [`Error::Setting`] for a camera that cannot be.
    ///
    /// [`ModelConfig::rays`]: crate::config::ModelConfig::rays
    pub fn set_intrinsics(&mut self, intrinsics: Option<Intrinsics>) -> Result<()> {
        if let Some(Err(problem)) = intrinsics.map(|camera| camera.validate()) {
            return Err(Error::setting("intrinsics", format!("{problem}; give fx, fy, cx, cy in pixels")));
        }
        self.preparer.set_camera(intrinsics);
        Ok(())
    }

    /// Forgets the last frame: the next one is of another recording, or of another person.
    pub fn cut(&mut self) {
        self.preparer.cut();
    }

    /// The adapter that it shares.
    #[must_use]
    pub fn adapter(&self) -> &Adapter {
        &self.adapter
    }

    /// 1 for a joint that is there, 0 for a missing one.
    fn check(&self, keypoints: &[[f32; 2]], confidence: Option<&[f32]>) -> Result<Vec<f32>> {
        let joints = self.adapter.lifter().model().joints;
        let counts = [("keypoints", keypoints.len()), ("confidence", confidence.map_or(joints, <[f32]>::len))];
        if let Some((name, count)) = counts.into_iter().find(|(_, count)| *count != joints) {
            return Err(Error::setting(name, format!("there are {count} joints; the model has {joints}")));
        }
        let sure = |joint: usize| confidence.map_or(1.0, |confidence| confidence[joint]);
        for (joint, point) in keypoints.iter().enumerate() {
            // NaN is in no range.
            if !(0.0..=1.0).contains(&sure(joint)) {
                let problem =
                    format!("joint {joint}: {} is not between 0 and 1; rescale the detector's scores", sure(joint));
                return Err(Error::setting("confidence", problem));
            }
            if sure(joint) > 0.0 && !point.iter().all(|v| v.is_finite()) {
                let problem =
                    format!("joint {joint}: {point:?} is not finite; give it confidence 0 if it was not found");
                return Err(Error::setting("keypoints", problem));
            }
        }
        Ok((0..joints).map(|joint| if sure(joint) > 0.0 { 1.0 } else { 0.0 }).collect())
    }
}
