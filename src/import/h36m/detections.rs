//! VideoPose3D's `data_2d_h36m_*.npz`: keypoints of each recording and camera, and what it says of its joints.

use std::path::{Path, PathBuf};

use super::{CAMERAS, Collector, Label, Pose, sources};
use crate::{
    error::{Error, Result},
    format::{Array, Value, npz::Npz},
    import::{
        Layout,
        layout::{COCO_17, H36M_16, H36M_17, MPII_16, SH_16},
        sources::PIECE,
        stated::{Stated, sides},
    },
};

/// As sure as a file is that says nothing of it.
const ONES: [f32; 32] = [1.0; 32];

/// A 2D file: subject, action, list of four arrays (frames, joints, 2), or 3 with a confidence.
pub(super) struct Detections {
    pub(super) path: PathBuf,
    pub(super) layout: &'static Layout,
    pub(super) value: Value,
}

/// What one camera saw.
#[derive(Clone, Copy)]
pub(super) struct Seen<'a> {
    file: &'a Detections,
    array: &'a Value,
    pub(super) frames: usize,
    /// x and y, and confidence.
    columns: usize,
    /// No confidence is above 0: there is none.
    unscored: bool,
}

impl Detections {
    pub(super) fn read(path: PathBuf, npz: &mut Npz, to: &Collector<'_>) -> Result<Self> {
        let fix = "give the metadata of the joints that are there, as VideoPose3D's prepare_data_2d_h36m_*.py do";
        let wrong = |(field, problem): (&str, String)| Error::file(&path, format!("metadata.{field}"), problem, fix);
        let stated =
            if npz.has("metadata") { Stated::of(&npz.object("metadata")?).map_err(wrong)? } else { Stated::default() };
        let Some(symmetry) = &stated.symmetry else {
            let value = npz.object_into("positions_2d", to.scratch()?)?;
            return Err(unsaid(&path, npz.has("metadata"), &stated, &value));
        };
        let known = [&H36M_17, &H36M_16, &SH_16, &COCO_17];
        let whole = known.iter().find(|layout| *symmetry == sides(layout));
        // By the left ones alone, or changed over: to say what is wrong with the rest.
        let near = whole.or_else(|| known.iter().find(|layout| sides(layout).contains(&symmetry[0])));
        let Some(layout) = near else {
            let problem = format!("{symmetry:?} is of no known order of joints");
            let fix = "use the 17 or 16 joints of Human3.6M, SH's 16 or COCO's 17";
            return Err(Error::file(&path, "metadata.keypoints_symmetry", problem, fix));
        };
        if let Some(problem) = stated.contradiction(layout, "by keypoints_symmetry") {
            return Err(wrong(problem));
        }
        // Before fine-tuning it finds MPII's joints; the metadata are the same.
        let raw = **layout == SH_16 && sources::name(&path).contains("_pt_");
        let value = npz.object_into("positions_2d", to.scratch()?)?;
        Ok(Self { value, path, layout: if raw { &MPII_16 } else { layout } })
    }

    /// The keypoints of one camera, of `frames` frames at least. `recording` is subject and action.
    pub(super) fn of(&self, recording: [&str; 2], camera: usize, frames: usize) -> Result<Seen<'_>> {
        let [subject, action] = recording;
        let views = self.value.get(subject).and_then(|actions| actions.get(action));
        let Some(view) = views.and_then(|views| views.items().get(camera)) else {
            let problem = format!("there are no keypoints of camera {}", CAMERAS[camera]);
            let fix = "choose subjects and actions that both files have";
            return Err(Error::file(&self.path, recording.join("/"), problem, fix));
        };
        let seen = self.seen(&recording.join("/"), view, camera)?;
        if seen.frames < frames {
            let problem = format!("{} frames where the 3D file has {frames}", seen.frames);
            return Err(Error::file(&self.path, recording.join("/"), problem, "use files of the same preparation"));
        }
        Ok(seen)
    }

    fn seen<'a>(&'a self, field: &str, array: &'a Value, camera: usize) -> Result<Seen<'a>> {
        let wrong = |problem: String, fix: &str| Error::file(&self.path, field, problem, fix);
        let Some(shape) = array.shape().filter(|shape| !shape.contains(&0)) else {
            let camera = CAMERAS.get(camera).copied().unwrap_or("beyond the fourth");
            let problem = format!("camera {camera} has no detections: {}", array.describe());
            return Err(wrong(problem, "leave it out by naming the others with `camera`, or detect its people again"));
        };
        let joints = self.layout.joints.len();
        if let [_, other, 2 | 3] = *shape
            && other != joints
        {
            let problem = format!("it is of {joints} joints, {}, but {field} has {other}", self.layout.name);
            let fix = "give the keypoints_symmetry of the joints that are there";
            return Err(Error::file(&self.path, "metadata.keypoints_symmetry", problem, fix));
        }
        let columns =
            if shape.last() == Some(&3) || matches!(*shape, [_, width] if width == 3 * joints) { 3 } else { 2 };
        let frames = sources::frames(&self.path, field, shape, joints, columns)?;
        let mut unscored = columns == 3;
        for first in (0..frames).step_by(PIECE).take_while(|_| columns == 3) {
            let piece = array.rows(first, PIECE.min(frames - first)).map_err(|e| Error::io(&self.path, "read", e))?;
            unscored &= !piece.values.iter().skip(2).step_by(3).any(|score| *score > 0.0);
        }
        Ok(Seen { file: self, array, frames, columns, unscored })
    }

    /// Every keypoint, without positions: for a look at the file alone.
    pub(super) fn add_all(&self, to: &mut Collector<'_>) -> Result<()> {
        for (subject, actions) in self.value.entries() {
            for (action, views) in actions.entries() {
                let field = format!("{}/{}", subject.text().unwrap_or_default(), action.text().unwrap_or_default());
                for (camera, view) in views.items().iter().enumerate() {
                    let seen = self.seen(&field, view, camera)?;
                    let sequence = to.sequence(&format!("{field}@{camera}"));
                    for first in (0..seen.frames).step_by(PIECE) {
                        let count = PIECE.min(seen.frames - first);
                        let piece = seen.rows(&field, first, count)?;
                        for i in 0..count {
                            let (keypoints, confidence) = seen.keypoints(&piece, i);
                            let confidence = Some(confidence);
                            let pose =
                                Pose { keypoints, confidence, positions: None, image_size: None, intrinsics: None };
                            to.push(&pose, Label { sequence, frame: (first + i) as i32, ..Label::default() })?;
                        }
                    }
                }
            }
        }
        Ok(())
    }
}

impl Seen<'_> {
    /// `count` frames from `first` on.
    pub(super) fn rows(&self, field: &str, first: usize, count: usize) -> Result<Array<f32>> {
        let path: &Path = &self.file.path;
        let array = self.array.rows(first, count).map_err(|error| Error::io(path, "read", error))?;
        let sure = array.values.iter().skip(2).step_by(3).filter(|_| self.columns == 3);
        if let Some(value) = sure.filter(|sure| !sure.is_nan()).find(|sure| !(0.0..=1.0).contains(*sure)) {
            let problem = format!("its third column has {value}; a confidence is from 0 to 1");
            return Err(Error::file(path, field, problem, "give (frames, joints, 2), or a confidence with it"));
        }
        Ok(array)
    }

    /// Frame `i` of such a piece as the 17 joints, with their confidence.
    pub(super) fn keypoints(&self, piece: &Array<f32>, i: usize) -> ([[f32; 2]; 17], [f32; 17]) {
        let (layout, columns) = (self.file.layout, self.columns);
        let width = layout.joints.len() * columns;
        let rows = piece.values[i * width..][..width].chunks_exact(columns);
        let points: Vec<[f32; 2]> = rows.clone().map(|row| [row[0], row[1]]).collect();
        if columns == 2 || self.unscored {
            return layout.keypoints(&points, &ONES);
        }
        layout.keypoints(&points, &rows.map(|row| row[2]).collect::<Vec<_>>())
    }
}

/// That a file does not say its joints, with the lines that make it say so.
fn unsaid(path: &Path, has_metadata: bool, stated: &Stated, value: &Value) -> Error {
    let actions = value.entries().iter().flat_map(|(_, actions)| actions.entries());
    let mut views = actions.flat_map(|(_, views)| views.items()).filter_map(Value::shape);
    let joints = views.find_map(|shape| if let [_, joints, 2 | 3] = *shape { Some(joints) } else { None });
    let (field, there) = if has_metadata {
        ("metadata.keypoints_symmetry", "it is missing")
    } else {
        ("metadata", "it is missing, and keypoints_symmetry with it")
    };
    let hint = stated.layout_name.as_deref().unwrap_or(sources::name(path));
    let (layout, name) = match joints {
        Some(17) if hint.contains("coco") => (&COCO_17, "coco"),
        Some(17) => (&H36M_17, "h36m"),
        Some(16) if hint.contains("mpii") || hint.contains("_sh_") => (&SH_16, "mpii"),
        Some(16) => (&H36M_16, "h36m"),
        joints => {
            let joints = joints.map_or("unknown".to_owned(), |joints| joints.to_string());
            let problem =
                format!("{there}: which are its joints ({joints}) is not said, and no known order has as many");
            return Error::file(path, field, problem, "use the 17 or 16 joints of Human3.6M, SH's 16 or COCO's 17");
        }
    };
    let (count, list) = (layout.joints.len(), |layout: &Layout| {
        let [left, right] = sides(layout);
        format!("[{left:?}, {right:?}]")
    });
    let other = if *layout == H36M_17 { format!("; COCO's 17 have {}", list(&COCO_17)) } else { String::new() };
    let (file, first) = (path.display(), layout.joints[..4].join(", "));
    let fix = format!(
        "if they are {first} and so on ({}{other}), type in Python: import numpy as np; f = dict(np.load('{file}', \
         allow_pickle=True)); f['metadata'] = {{'layout_name': '{name}', 'num_joints': {count}, 'keypoints_symmetry': \
         {}}}; np.savez('{file}', **f)",
        layout.name,
        list(layout),
    );
    Error::file(path, field, format!("{there}: which are its {count} joints is not said"), fix)
}

#[cfg(test)]
#[path = "detections_tests.rs"]
mod tests;
