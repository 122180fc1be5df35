//! Human3.6M: VideoPose3D's `data_3d_h36m.npz` and `data_2d_h36m_*.npz` (`VideoPose3D:data/prepare_data_h36m.py`,
//! `DATASETS.md`), and the `h36m.zip` of `una-dinosauria/3d-pose-baseline`.

mod detections;

use std::path::{Path, PathBuf};

use super::{
    Collector, Label, Pose, Progress,
    damaged::Damaged,
    layout::H36M_32,
    motion::Unit,
    sources::{self, PIECE},
};
use crate::{
    error::{Error, Result},
    format::{Value, hdf5::Hdf5, npz::Npz},
    pose::Camera,
};
use detections::{Detections, Seen};

/// The cameras, in the order of the 2D files' lists.
pub const CAMERAS: [&str; 4] = ["54138969", "55011271", "58860488", "60457274"];

/// What to import.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options {
    /// Subjects, such as `S1`; all if empty.
    pub subjects: Vec<String>,
    /// Actions without their number, such as `Walking`; all if empty.
    pub actions: Vec<String>,
    /// Some of [`CAMERAS`]; all if empty.
    pub cameras: Vec<String>,
    /// Every how many frames (of 50 a second) one is taken; 0 counts as 1.
    pub stride: usize,
    /// The unit of the positions; without it metres of `.npz` and millimetres of `.h5` files.
    pub unit: Option<Unit>,
}

/// Imports Human3.6M: every frame as each camera sees it, a sequence for each recording and camera
/// (`S1/Directions 1@54138969`), the frames numbered as in the recording.
///
/// `paths` are `data_3d_h36m.npz` (world, metres) and at most one `data_2d_h36m_*.npz`, or folders and files
/// `S*/MyPoses/3D_positions/*.h5` (world, millimetres; S11's Directions is left out, its video is broken). Without a
/// 2D file the keypoints are the positions projected with the camera's distortion, as VideoPose3D makes them. With
/// one, they are the file's; what it has beyond the last position is left out. The confidence is that of the 2D file's
/// third column if there is one, else 1, and 0 for a joint that the 2D file does not have.
///
/// Of which joints the keypoints are, the 2D file says: `metadata` has `keypoints_symmetry`, and what else it has
/// (`layout_name`, `num_joints`, `joint_names` or `keypoints_name`) must agree. Frames without positions (all 0, or no
/// number) are left out. So are damaged `.h5` files, while they are few.
///
/// # Errors
/// If a file cannot be read or is not of this form, a recording is there twice or does not fit into memory, or there is
/// nothing of what is asked for.
pub fn import(paths: &[PathBuf], options: &Options, to: &mut Collector<'_>, progress: Progress<'_>) -> Result<()> {
    let cameras = camera_numbers(&options.cameras)?;
    let stride = options.stride.max(1);
    let (recordings, detections) = read(paths, to)?;
    let (mut recordings, mut total) = (select(recordings, options)?, 0usize);
    let mut damaged = Damaged::among(recordings.len(), "recording", to.tolerance().strict);
    let mut whole = Vec::new();
    for recording in recordings.drain(..) {
        let Some(frames) = damaged.sift(recording.open().map(|open| open.frames))? else { continue };
        let poses = frames.div_ceil(stride).saturating_mul(cameras.len());
        to.room_for(total.saturating_add(poses), &recording.path, &recording.field())?;
        if damaged.sift(recording.check())?.is_some() {
            total = total.saturating_add(poses);
            whole.push(recording);
        }
    }
    to.warn_all(damaged.tell()?);
    for recording in &whole {
        let place = (&*recording.path, recording.place());
        let seen = detections.as_ref().map_or(place, |file| (&*file.path, "positions_2d"));
        to.source_of([seen, place])?;
        let Some(placed) = Camera::h36m(&recording.subject) else {
            return Err(recording.error("its cameras are not known", "choose among S1, S5, S6, S7, S8, S9, S11"));
        };
        let label = Label {
            subject: Some(to.subject(&recording.subject)),
            action: Some(to.action(recording.action())),
            ..Label::default()
        };
        let (field, open) = (recording.field(), recording.open()?);
        let needed = open.frames.checked_sub(1).map_or(0, |last| last / stride * stride + 1);
        // A sequence is one camera's, so every camera reads all.
        for (number, camera) in placed.iter().enumerate().filter(|(number, _)| cameras.contains(number)) {
            let sequence = to.new_sequence(&format!("{field}@{}", camera.id), &recording.path)?;
            let view = View {
                camera,
                detections: detections
                    .as_ref()
                    .map(|file| file.of([&recording.subject, &recording.name], number, needed))
                    .transpose()?,
                label: Label { sequence, ..label },
            };
            for first in (0..needed).step_by(PIECE) {
                let count = PIECE.min(needed - first);
                view.add(&open, first, count, stride, options.unit, to)?;
                progress(to.len(), total)?;
            }
        }
    }
    let asked = [("subjects", &options.subjects), ("actions", &options.actions), ("cameras", &options.cameras)]
        .map(|(what, names)| if names.is_empty() { format!("all {what}") } else { names.join(", ") });
    sources::check_any(to, paths, &asked.join("; "))
}

/// Looks at a 2D file alone: adds its keypoints without positions.
///
/// # Errors
/// As [`import`], of that file.
pub fn keypoints(path: &Path, to: &mut Collector<'_>) -> Result<()> {
    let detections = Detections::read(path.to_owned(), &mut Npz::open(path)?, to)?;
    to.source_of([(path, "positions_2d"); 2])?;
    detections.add_all(to)
}

/// How a camera sees a recording.
struct View<'a> {
    camera: &'a Camera,
    /// If absent, the positions are projected.
    detections: Option<Seen<'a>>,
    label: Label,
}

impl View<'_> {
    /// Adds every `stride`-th of `count` frames, all of which `open` has.
    fn add(
        &self,
        open: &Open<'_>,
        first: usize,
        count: usize,
        stride: usize,
        unit: Option<Unit>,
        to: &mut Collector<'_>,
    ) -> Result<()> {
        let (path, field) = (&open.recording.path, open.recording.field());
        let usual = if open.recording.array.is_some() { 1.0 } else { 1000.0 };
        let per_metre = sources::per_metre(unit, usual);
        let seen = self.detections.map(|seen| Ok((seen, seen.rows(&field, first, count)?))).transpose()?;
        for (i, world) in (first..).zip(open.world(first, count)?).filter(|(i, _)| i % stride == 0) {
            let Some(joints) = sources::positions(path, &field, i, &H36M_32, &world, per_metre)? else {
                to.leave_out();
                continue;
            };
            let positions = joints.map(|joint| self.camera.to_camera(joint.map(f64::from)));
            let (keypoints, confidence) = match &seen {
                Some((seen, piece)) => seen.keypoints(piece, i - first),
                None => (positions.map(|joint| self.camera.project(joint).map(|v| v as f32)), [1.0; 17]),
            };
            let pose = Pose {
                keypoints,
                confidence: Some(confidence),
                positions: Some(positions.map(|joint| joint.map(|v| v as f32))),
                image_size: Some([self.camera.width as i32, self.camera.height as i32]),
                intrinsics: Some(self.camera.intrinsics()),
            };
            to.push(&pose, Label { frame: i as i32, ..self.label })?;
        }
        Ok(())
    }
}

fn camera_numbers(wanted: &[String]) -> Result<Vec<usize>> {
    if wanted.is_empty() {
        return Ok((0..CAMERAS.len()).collect());
    }
    let number = |id: &String| {
        let number = CAMERAS.iter().position(|known| known == id);
        number.ok_or_else(|| Error::setting("camera", format!("'{id}' is unknown; use some of {}", CAMERAS.join(", "))))
    };
    wanted.iter().map(number).collect()
}

/// The array of an HDF5 file.
const NAME: &str = "3D_positions";

/// One subject doing one action.
struct Recording {
    path: PathBuf,
    subject: String,
    /// With its number: `Walking 1`.
    name: String,
    /// (frames, 32, 3), usually metres; if absent, the path is an HDF5 file that has it, usually in millimetres.
    array: Option<Value>,
}

/// A recording whose frames can be read.
struct Open<'a> {
    recording: &'a Recording,
    source: Source<'a>,
    /// How many there are, or how many an HDF5 file claims.
    frames: usize,
}

enum Source<'a> {
    Array(&'a Value),
    Hdf5(Hdf5),
}

impl Recording {
    fn field(&self) -> String {
        format!("{}/{}", self.subject, self.name)
    }

    /// The array that has its positions.
    fn place(&self) -> &'static str {
        if self.array.is_some() { "positions_3d" } else { NAME }
    }

    /// Reads the last frame of an HDF5 file: of one that was cut short it is not there.
    fn check(&self) -> Result<()> {
        let open = self.open()?;
        match (&open.source, open.frames.checked_sub(1)) {
            (Source::Hdf5(_), Some(last)) => open.world(last, 1).map(drop),
            _ => Ok(()),
        }
    }

    fn action(&self) -> &str {
        self.name.split(' ').next().unwrap_or_default()
    }

    fn error(&self, problem: impl Into<String>, fix: &str) -> Error {
        Error::file(&self.path, self.field(), problem, fix)
    }

    fn open(&self) -> Result<Open<'_>> {
        let (source, frames) = if let Some(array) = &self.array {
            let shape = array.shape().unwrap_or_default();
            (Source::Array(array), sources::frames(&self.path, &self.field(), shape, H36M_32.joints.len(), 3)?)
        } else {
            let file = Hdf5::open(&self.path)?;
            match file.shape(NAME)?[..] {
                [96, frames] => (Source::Hdf5(file), frames),
                ref shape => return Err(self.error(format!("{NAME} has shape {shape:?}"), "give (96, frames)")),
            }
        };
        Ok(Open { recording: self, source, frames })
    }
}

impl Open<'_> {
    /// `count` frames from `first` on.
    fn world(&self, first: usize, count: usize) -> Result<Vec<[[f32; 3]; 32]>> {
        let values = match &self.source {
            Source::Array(array) => {
                array.rows(first, count).map_err(|error| Error::io(&self.recording.path, "read", error))?.values
            }
            Source::Hdf5(file) => {
                // (96, count), x, y and z of each joint, to (count, 96).
                let stored = file.slice(NAME, 1, first, count)?.values;
                (0..count).flat_map(|frame| stored.iter().skip(frame).step_by(count)).copied().collect()
            }
        };
        Ok(values.as_chunks().0.as_chunks().0.to_vec())
    }
}

const GIVE: &str = "give VideoPose3D's data_3d_h36m.npz, with a data_2d_h36m_*.npz or alone";

/// The recordings of all files, and the 2D file.
fn read(paths: &[PathBuf], to: &mut Collector<'_>) -> Result<(Vec<Recording>, Option<Detections>)> {
    let wanted = |path: &Path| {
        let (name, folder) = (sources::name(path), path.parent().map_or("", sources::name));
        name.ends_with(".h5") && folder == "3D_positions" || name == "data_3d_h36m.npz"
    };
    let (mut recordings, mut detections) = (Vec::new(), None);
    for path in sources::find(paths, "data_3d_h36m.npz or 3D_positions/*.h5", wanted, to)? {
        if path.extension().is_some_and(|extension| extension == "h5") {
            recordings.extend(hdf5_recording(path)?);
            continue;
        }
        let mut npz = Npz::open(&path)?;
        sources::refuse_crops(&npz, GIVE)?;
        if npz.has("positions_3d") {
            recordings.extend(npz_recordings(&path, npz.object_into("positions_3d", to.scratch()?)?)?);
        } else if !npz.has("positions_2d") {
            return Err(npz.error("positions_3d", "neither this nor 'positions_2d' is there", GIVE));
        } else if detections.is_some() {
            return Err(npz.error("positions_2d", "it is the second 2D file", "give one of them"));
        } else {
            detections = Some(Detections::read(path, &mut npz, to)?);
        }
    }
    if let Some(detections) = detections.as_ref().filter(|_| recordings.is_empty()) {
        let problem = "it has 2D keypoints only";
        return Err(Error::file(&detections.path, "positions_3d", problem, "give data_3d_h36m.npz too"));
    }
    Ok((recordings, detections))
}

fn npz_recordings(path: &Path, value: Value) -> Result<Vec<Recording>> {
    let mut recordings = Vec::new();
    let wrong = |field: &str, form: &str| {
        Error::file(path, field, format!("it is not {form}"), "give the file that VideoPose3D prepares")
    };
    let Value::Dict(subjects) = value else {
        return Err(wrong("positions_3d", "a dict of subjects"));
    };
    for (subject, actions) in subjects {
        let (Value::Text(subject), Value::Dict(actions)) = (subject, actions) else {
            return Err(wrong("positions_3d", "a dict of actions for the name of each subject"));
        };
        for (name, array) in actions {
            let (Value::Text(name), Some(_)) = (name, array.shape()) else {
                return Err(wrong(&subject, "an array (frames, 32, 3) for the name of each action"));
            };
            recordings.push(Recording { path: path.to_owned(), subject: subject.clone(), name, array: Some(array) });
        }
    }
    Ok(recordings)
}

/// `.../S1/MyPoses/3D_positions/Walking 1.h5`.
fn hdf5_recording(path: PathBuf) -> Result<Option<Recording>> {
    let Some(subject) = sources::numbered_folder(&path, "S").map(str::to_owned) else {
        let fix = "keep the archive's folders S1/MyPoses/3D_positions";
        return Err(Error::file(&path, "path", "its folders do not name the subject", fix));
    };
    // The names of the original files and of VideoPose3D's.
    let name = sources::name(&path).trim_end_matches(".h5");
    let name = name.replace("TakingPhoto", "Photo").replace("WalkingDog", "WalkDog");
    let broken = (subject.as_str(), name.as_str()) == ("S11", "Directions");
    Ok((!broken).then_some(Recording { path, subject, name, array: None }))
}

/// The recordings that are asked for; an error if there is none of a subject or an action.
fn select(mut recordings: Vec<Recording>, options: &Options) -> Result<Vec<Recording>> {
    let absent = |what: &str, wanted: &[String], of: fn(&Recording) -> &str| {
        let missing = wanted.iter().find(|name| !recordings.iter().any(|recording| of(recording) == *name))?;
        let mut present: Vec<&str> = recordings.iter().map(of).collect();
        present.sort_unstable();
        present.dedup();
        let problem = format!("there is no {what} {missing}");
        let path = &recordings.first()?.path;
        Some(Error::file(path, "positions_3d", problem, format!("use some of {}", present.join(", "))))
    };
    let subjects = absent("subject", &options.subjects, |recording| &recording.subject);
    if let Some(error) = subjects.or_else(|| absent("action", &options.actions, Recording::action)) {
        return Err(error);
    }
    let wanted = |wanted: &[String], name: &str| wanted.is_empty() || wanted.iter().any(|wanted| wanted == name);
    recordings.retain(|recording| {
        wanted(&options.subjects, &recording.subject) && wanted(&options.actions, recording.action())
    });
    Ok(recordings)
}

#[cfg(test)]
#[path = "h36m_tests.rs"]
mod tests;
