//! Keypoints and positions of the same frames, read piece by piece.

use std::path::Path;

use super::{
    Collector, Label, Layout, Pose,
    sources::{self, PIECE},
};
use crate::{
    error::{Error, Result},
    format::{Array, Value},
    pose::Intrinsics,
};

/// Frames of one camera.
pub(super) struct Frames<'a> {
    pub(super) path: &'a Path,
    /// For messages: `TS3/annot2` and `TS3/annot3`.
    pub(super) fields: [String; 2],
    pub(super) layout: &'static Layout,
    /// Of all keypoints and of all positions.
    pub(super) shapes: [&'a [usize]; 2],
    pub(super) per_metre: f32,
    pub(super) image_size: Option<[i32; 2]>,
    pub(super) intrinsics: Option<Intrinsics>,
}

impl Frames<'_> {
    /// Adds the frames that are `wanted`, with the label of each. `read` gives the keypoints and positions of so many
    /// frames from this one on; it is asked for all, one piece after the other.
    pub(super) fn add(
        &self,
        to: &mut Collector<'_>,
        mut read: impl FnMut(usize, usize) -> Result<[Array<f32>; 2]>,
        wanted: impl Fn(usize) -> Option<Label>,
    ) -> Result<()> {
        let ([field_2d, field], joints) = (&self.fields, self.layout.joints.len());
        let seen = sources::frames(self.path, field_2d, self.shapes[0], joints, 2)?;
        let frames = sources::frames(self.path, field, self.shapes[1], joints, 3)?;
        if seen != frames {
            let problem = format!("{frames} frames in 3D, {seen} in 2D");
            return Err(Error::file(self.path, field, problem, "download the file again"));
        }
        for first in (0..frames).step_by(PIECE) {
            let count = PIECE.min(frames - first);
            let poses = (first..first + count).filter(|frame| wanted(*frame).is_some()).count();
            to.room_for(poses, self.path, field)?;
            let [keypoints, positions] = read(first, count)?;
            let keypoints = sources::points(self.path, field_2d, &keypoints, joints)?;
            let positions = sources::points(self.path, field, &positions, joints)?;
            let pairs = keypoints.chunks_exact(joints).zip(positions.chunks_exact(joints));
            for (frame, (keypoints, positions)) in (first..).zip(pairs) {
                let Some(label) = wanted(frame) else { continue };
                let (points, confidence) = self.layout.keypoints(keypoints, &[1.0; 28]);
                let positions = sources::positions(self.path, field, frame, self.layout, positions, self.per_metre)?;
                let Some(positions) = positions else {
                    to.leave_out();
                    continue;
                };
                let pose = Pose {
                    keypoints: points,
                    confidence: Some(confidence),
                    positions: Some(positions),
                    image_size: self.image_size,
                    intrinsics: self.intrinsics,
                };
                to.push(&pose, Label { frame: frame as i32, ..label })?;
            }
        }
        Ok(())
    }
}

/// Rows of keypoints and of positions, for [`Frames::add`].
pub(super) fn rows(path: &Path, arrays: [&Value; 2], first: usize, count: usize) -> Result<[Array<f32>; 2]> {
    let rows = |array: &Value| array.rows(first, count).map_err(|error| Error::io(path, "read", error));
    Ok([rows(arrays[0])?, rows(arrays[1])?])
}
