//! A person before a camera.

use std::ops::Range;

use super::recover::Mended;
use super::{Adapter, Lot};
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

    /// Adapts to the next frame and lifts it: `keypoints` in pixels, x right, y down; `confidence` 0 for a joint that
    /// was not found, whose keypoint is then not looked at. Without it, every joint was found.
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
        self.lift(frame, keypoints, confidence, |adapter, x, seen| adapter.run_one(x, Some(seen), true))
    }

    /// As [`Self::push_frame`] without adaptation, where there is no time for it: lifts as adapted so far, with a
    /// policy that forgets as trained.
    ///
    /// # Errors
    /// As [`Self::push`].
    pub fn predict_frame(&mut self, frame: i32, keypoints: &[[f32; 2]], confidence: Option<&[f32]>) -> Result<Pose> {
        self.lift(frame, keypoints, confidence, |adapter, x, seen| adapter.run_one(x, Some(seen), false))
    }

    /// As [`Self::push_frame`], or as [`Self::predict_frame`] where it may not adapt. A frame that adaptation cannot
    /// take is lifted as adapted before, at worst as trained; with what became of the adaptation, if it is one.
    pub(crate) fn lift_somehow(
        &mut self,
        frame: i32,
        keypoints: &[[f32; 2]],
        confidence: Option<&[f32]>,
        may_adapt: bool,
    ) -> Result<(Pose, Option<Mended>)> {
        let mut mended = None;
        let pose = self.lift(frame, keypoints, confidence, |adapter, x, seen| {
            let (pose, losses, became) = adapter.run_somehow(x, Some(seen), may_adapt)?;
            mended = became;
            Ok((pose, losses))
        })?;
        Ok((pose, mended))
    }

    fn lift(
        &mut self,
        frame: i32,
        keypoints: &[[f32; 2]],
        confidence: Option<&[f32]>,
        run: impl FnOnce(&Adapter, &[f32], &[f32]) -> Result<(Vec<f32>, Option<Losses>)>,
    ) -> Result<Pose> {
        let seen = self.check(keypoints, confidence)?;
        let mut x = keypoints.as_flattened().to_vec();
        let turn = self.preparer.prepare(&mut x, &seen, Some(frame));
        self.frame = frame.saturating_add(1);
        let (mut numbers, losses) = run(&self.adapter, &x, &seen)?;
        if let Some(turn) = turn {
            turn.undo(&mut numbers);
        }
        let joints = numbers.as_chunks().0.to_vec();
        let guessed = seen.iter().map(|&seen| seen == 0.0).collect();
        Ok(Pose { joints, guessed, adapted: losses.is_some(), losses })
    }

    /// Adapts to the poses `range` of a set and lifts them, several at a time where the adapter can: (N, 3J), metres
    /// from the root. The memory of the last frame ends with each of the set's sequences. The set's intrinsics go
    /// before the track's.
    ///
    /// # Errors
    /// As [`Self::push`]; [`Error::Setting`] for a range that is none of the set's, or fields of the set that disagree.
    pub fn push_set(&mut self, set: &PoseSet, range: Range<usize>) -> Result<Vec<f32>> {
        self.push_prepared(set, range, Adapter::run, |poses| poses)
    }

    /// As [`Self::push_set`], but a sample that cannot be predicted does not end it, see [`Adapter::run_each`].
    ///
    /// # Errors
    /// As [`Self::push_set`], but for [`Error::Diverged`].
    pub fn push_set_each(&mut self, set: &PoseSet, range: Range<usize>) -> Result<Lot> {
        self.push_prepared(set, range, Adapter::run_each, |lot| &mut lot.poses)
    }

    fn push_prepared<T>(
        &mut self,
        set: &PoseSet,
        range: Range<usize>,
        run: impl FnOnce(&Adapter, &[f32], Option<&[f32]>) -> Result<T>,
        poses: impl FnOnce(&mut T) -> &mut Vec<f32>,
    ) -> Result<T> {
        let Prepared { joints, keypoints, seen, turns, .. } = self.preparer.prepare_range(set, range.clone())?;
        let mut lifted = run(&self.adapter, &keypoints, (!seen.is_empty()).then_some(&seen))?;
        poses(&mut lifted).chunks_exact_mut(3 * joints).zip(&turns).for_each(|(pose, turn)| turn.undo(pose));
        self.follow(set, &range);
        Ok(lifted)
    }

    /// Takes the poses `range` of a set as seen, without lifting them or adapting to them: the next frame is filled in
    /// as if they had been pushed. With [`Adapter::seek`] or [`Adapter::restore`] a set is gone on with where another
    /// track left off.
    ///
    /// # Errors
    /// [`Error::Setting`] as [`Self::push_set`].
    pub fn skip_set(&mut self, set: &PoseSet, range: Range<usize>) -> Result<()> {
        self.preparer.prepare_range(set, range.clone())?;
        self.follow(set, &range);
        Ok(())
    }

    /// The next frame follows the last of these.
    fn follow(&mut self, set: &PoseSet, range: &Range<usize>) {
        self.frame = match &set.frame {
            Some(frames) if !range.is_empty() => frames[range.end - 1].saturating_add(1),
            _ => self.frame.saturating_add(range.len() as i32),
        };
    }

    /// Says what the camera is, from the next frame on. A model of rays ([`ModelConfig::rays`]) lifts each pose as if
    /// the camera had been turned to it; without intrinsics, as at first, or for another model, poses are lifted as
    /// seen.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapt::{AdaptConfig, Lifter, Policy};
    use crate::config::{ModelConfig, Normalize};
    use crate::gpu::Device;
    use crate::nn::initial_tensors;

    /// Keypoints reach its model as they are, so that there are some that no network can take.
    fn online() -> Adapter {
        let small = ModelConfig { joints: 16, width: 16, bone_lengths: vec![0.25; 15], ..ModelConfig::default() };
        let model = ModelConfig { normalize: Normalize::Plane, ..small };
        let parameters = initial_tensors(&model, 3);
        let policy = Policy { iterations: 2, copies: 4, ..Policy::ONLINE };
        let config = AdaptConfig { capacity: 1, ..policy.into() };
        Lifter::new(model, parameters, &Device::Cpu(1)).unwrap().adapter(config).unwrap()
    }

    fn frame(number: usize) -> Vec<[f32; 2]> {
        (0..16).map(|joint| [1.0, 0.7].map(|speed| 0.1 * (speed * (number + 3 * joint) as f32).sin())).collect()
    }

    /// All that an adapter has learnt, and how many steps that took.
    fn learnt(adapter: &Adapter) -> impl PartialEq + use<> {
        (adapter.parameters().unwrap(), adapter.moments().unwrap(), adapter.snapshot().unwrap().steps)
    }

    #[test]
    fn a_frame_that_nothing_can_take_leaves_what_was_learnt() {
        let adapter = online();
        let mut track = adapter.track();
        (0..3).for_each(|number| {
            assert_eq!(track.lift_somehow(number, &frame(number as usize), None, true).unwrap().1, None)
        });
        let before = learnt(&adapter);
        assert!(before != learnt(&online()));
        for may_adapt in [true, false] {
            let lifted = track.lift_somehow(3, &[[3e38; 2]; 16], None, may_adapt);
            assert!(matches!(lifted, Err(Error::Diverged(_))));
            assert!(before == learnt(&adapter));
            assert_eq!(adapter.snapshot().unwrap().samples, 3);
        }
    }

    #[test]
    fn what_lets_a_frame_not_be_lifted_is_forgotten() {
        let adapter = online();
        let mut track = adapter.track();
        track.push(&frame(0), None).unwrap();
        let mut snapshot = adapter.snapshot().unwrap();
        snapshot.tensors.get_mut("extractor.stem").unwrap().fill(3e38);
        adapter.restore(&snapshot).unwrap();
        let (pose, mended) = track.lift_somehow(1, &frame(1), None, true).unwrap();
        assert_eq!((mended, pose.adapted), (Some(Mended::Anew), false));
        assert!(learnt(&adapter) == learnt(&online()));
        assert_eq!(adapter.snapshot().unwrap().samples, 2);
    }
}
