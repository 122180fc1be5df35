//! 3DPW: the sequence files `sequenceFiles/<split>/<sequence>.pkl`, and `.npz` files of joints that were computed from
//! its body meshes.

use std::path::{Path, PathBuf};

use super::{
    Collector, Label, Layout, Pose, Progress,
    damaged::Damaged,
    frames::Frames,
    layout::{H36M_17, J14, OPENPOSE_18, SMPL_24, SPIN_16, SPIN_17},
    marks::{marks, numbers},
    motion::Unit,
    sources,
    stated::Stated,
};
use crate::{
    error::{Error, Result},
    format::{Array, Value, npz::Npz, pickle},
    named::named_enum,
    pose::Intrinsics,
};

named_enum! {
    /// Where the keypoints of the sequence files come from.
    #[derive(Default)]
    pub enum Keypoints {
        /// The positions, projected with `cam_intrinsics`; confidence 1, and 0 behind the camera.
        #[default]
        Projected = "projected",
        /// `poses2d`: OpenPose's 18 with their confidence. Frames in which it found nothing are left out.
        Detected = "detected",
    }
}

/// What to import.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options {
    /// For sequence files.
    pub keypoints: Keypoints,
    /// Every how many frames (of 30 a second) one is taken; 0 counts as 1.
    pub stride: usize,
    /// The unit of the positions; without it metres.
    pub unit: Option<Unit>,
}

/// Imports 3DPW: a sequence for each recording and person (`downtown_walking_00/0`), frames numbered from 0.
///
/// `paths` are sequence files or folders of them: every person's frames with a valid camera. Their positions are
/// `jointPositions`, SMPL's joints. These lie deeper in the body than Human3.6M's, so errors are not comparable with
/// published ones; for those, joints are regressed from the meshes by a licensed body model.
///
/// Such joints are imported from `.npz` files with `positions_3d` (N, J, 3), metres in camera axes, and `positions_2d`
/// (N, J, 2), pixels. J is 17 (SPIN's order, the left leg first), 16 (as AdaptPose's `data_3dpw_*.npz`: the 17 without
/// the jaw; import them with 16 joints) or 14 (those that 3DPW is scored on). One sequence for each file. What the file
/// says of its joints (`metadata`, as VideoPose3D's, or `joint_names`) must agree.
///
/// Frames without positions (all 0, or no number) are left out; so are, of a folder, files that are no sequence files,
/// and damaged ones while they are few.
///
/// # Errors
/// If a file cannot be read or is not of this form, a recording is there twice or does not fit into memory, detections
/// are asked of an `.npz` file, or nothing is left.
pub fn import(paths: &[PathBuf], options: &Options, to: &mut Collector<'_>, progress: Progress<'_>) -> Result<()> {
    let wanted = |path: &Path| sources::name(path).ends_with(".pkl");
    let files = sources::find(paths, "sequence file (.pkl)", wanted, to)?;
    let (mut first, mut others) = (None, Vec::new());
    let mut damaged = Damaged::among(files.len(), "file", to.tolerance().strict);
    for (done, path) in files.iter().enumerate() {
        let computed = path.extension().is_some_and(|extension| extension == "npz");
        if *first.get_or_insert(computed) != computed {
            let problem = "sequence files and .npz files have different joints";
            return Err(Error::file(path, "kind", problem, "import them apart"));
        }
        if computed {
            to.source_of(["positions_2d", "positions_3d"].map(|field| (path.as_path(), field)))?;
            computed_joints(path, options, to)?;
        } else if let Some(data) = damaged.sift(pickle::load(path))? {
            if !paths.contains(path) && ["cam_poses", "jointPositions"].iter().all(|field| data.get(field).is_none()) {
                others.push(path.clone());
                continue;
            }
            let fields = match options.keypoints {
                Keypoints::Projected => ["jointPositions"; 2],
                Keypoints::Detected => ["poses2d", "jointPositions"],
            };
            to.source_of(fields.map(|field| (path.as_path(), field)))?;
            sequence_file(path, &data, options, to)?;
        }
        progress(done + 1, files.len())?;
    }
    to.warn_all(damaged.tell()?);
    if let Some(other) = others.first().filter(|_| others.len() == files.len()) {
        let problem = "it is no sequence file, and there is no other";
        return Err(Error::file(other, "jointPositions", problem, "name the folder sequenceFiles of 3DPW"));
    }
    to.warn_all(sources::passed_over(&others, "no sequence files of 3DPW"));
    sources::check_any(to, paths, "frames with a valid camera and keypoints")
}

/// A camera that moves.
struct Cameras<'a> {
    /// (frames, 4, 4): world to camera.
    poses: &'a [[f32; 16]],
    /// (3, 3), pixels.
    matrix: [f32; 9],
}

impl Cameras<'_> {
    fn to_camera(&self, frame: usize, world: [f32; 3]) -> [f32; 3] {
        let [x, y, z] = world.map(f64::from);
        let row = |row: usize| {
            let m: [f64; 4] = std::array::from_fn(|column| f64::from(self.poses[frame][4 * row + column]));
            (m[0] * x + m[1] * y + m[2] * z + m[3]) as f32
        };
        [row(0), row(1), row(2)]
    }

    /// Not finite, so missing, unless before the camera.
    fn project(&self, point: [f32; 3]) -> [f32; 2] {
        let k = self.matrix.map(f64::from);
        let [x, y, z] = point.map(f64::from);
        if z <= 0.0 {
            return [f32::NAN; 2];
        }
        [((k[0] * x + k[1] * y) / z + k[2]) as f32, (k[4] * y / z + k[5]) as f32]
    }

    /// The matrix has no skew.
    fn intrinsics(&self) -> Intrinsics {
        let [fx, _, cx, _, fy, cy, ..] = self.matrix;
        [fx, fy, cx, cy].into()
    }

    /// All videos are of one size, upright or lying.
    fn image_size(&self) -> [i32; 2] {
        if self.matrix[2] < self.matrix[5] { [1080, 1920] } else { [1920, 1080] }
    }
}

fn sequence_file(path: &Path, data: &Value, options: &Options, to: &mut Collector<'_>) -> Result<()> {
    let wrong =
        |field: String, problem: String| Error::file(path, field, problem, "give a file of 3DPW's sequenceFiles");
    let array = |field: &str| {
        let array = data.get(field).and_then(Value::numbers);
        array.ok_or_else(|| wrong(field.into(), "there is no such array".into()))
    };
    let intrinsics = array("cam_intrinsics")?;
    let Ok(matrix) = <[f32; 9]>::try_from(intrinsics.values.as_slice()) else {
        return Err(wrong("cam_intrinsics".into(), format!("its shape is {:?}", intrinsics.shape)));
    };
    let poses = array("cam_poses")?;
    let [frames, 4, 4] = poses.shape[..] else {
        return Err(wrong("cam_poses".into(), format!("its shape is {:?}", poses.shape)));
    };
    let cameras = Cameras { poses: poses.values.as_chunks().0, matrix };
    cameras.intrinsics().validate().map_err(|problem| wrong("cam_intrinsics".into(), problem))?;
    let stem = sources::name(path).trim_end_matches(".pkl");
    let sequence = data.get("sequence").and_then(Value::text).unwrap_or(stem);
    let actors = data.get("jointPositions").map_or(&[][..], Value::items);
    if actors.is_empty() {
        return Err(wrong("jointPositions".into(), "there is no list of persons".into()));
    }
    for (actor, joints) in actors.iter().enumerate() {
        let of_actor = |field: &str| {
            let array = data.get(field).and_then(|list| list.items().get(actor)?.numbers());
            let array = array.filter(|array| array.shape.first() == Some(&frames));
            let field = format!("{field}[{actor}]");
            array.ok_or_else(|| wrong(field, format!("there is no array of the {frames} frames of cam_poses")))
        };
        let joints = joints.numbers().filter(|joints| joints.shape.first() == Some(&frames));
        let field = format!("jointPositions[{actor}]");
        let joints = joints.ok_or_else(|| wrong(field.clone(), format!("it is no array of {frames} frames")))?;
        let joints = sources::points::<3>(path, &field, joints, SMPL_24.joints.len())?;
        let valid = valid(path, data, actor, frames)?;
        if !valid.contains(&true) {
            to.warn(format!("{}: campose_valid[{actor}]: no frame has a valid camera", path.display()));
        }
        let detected = match options.keypoints {
            Keypoints::Detected => Some(detections(path, actor, of_actor("poses2d")?)?),
            Keypoints::Projected => None,
        };
        let name = format!("{sequence}/{actor}");
        let sequence = to.new_sequence(&name, path)?;
        let label = Label { sequence, subject: Some(to.subject(&name)), ..Label::default() };
        let (stride, per_metre) = (options.stride.max(1), sources::per_metre(options.unit, 1.0));
        to.room_for(frames.div_ceil(stride), path, &field)?;
        let frames = joints.chunks_exact(SMPL_24.joints.len()).zip(&valid).enumerate();
        for (frame, (joints, valid)) in frames.step_by(stride) {
            if !*valid {
                continue;
            }
            let Some(positions) = sources::positions(path, &field, frame, &SMPL_24, joints, per_metre)? else {
                to.leave_out();
                continue;
            };
            let positions = positions.map(|joint| cameras.to_camera(frame, joint));
            let (keypoints, confidence) = match detected.as_ref().and_then(|frames| frames.get(frame)) {
                Some((xy, confidence)) => OPENPOSE_18.keypoints(xy, confidence),
                // The joints are in place already; this marks the missing.
                None => H36M_17.keypoints(&positions.map(|joint| cameras.project(joint)), &[1.0; 17]),
            };
            let (image_size, intrinsics) = (Some(cameras.image_size()), Some(cameras.intrinsics()));
            let (confidence, positions) = (Some(confidence), Some(positions));
            let pose = Pose { keypoints, confidence, positions, image_size, intrinsics };
            to.push(&pose, Label { frame: frame as i32, ..label })?;
        }
    }
    Ok(())
}

/// In which frames the camera of a person's is valid.
fn valid(path: &Path, data: &Value, actor: usize, frames: usize) -> Result<Vec<bool>> {
    let field = format!("campose_valid[{actor}]");
    let Some(value) = data.get("campose_valid").and_then(|list| list.items().get(actor)) else {
        let problem = "there is no such array: which frames have a valid camera is not said";
        return Err(Error::file(path, field, problem, "give a file of 3DPW's sequenceFiles"));
    };
    marks(path, &field, &numbers(path, &field, value)?, frames)
}

/// An error if the file says of its joints what this order is not.
fn check_joints(npz: &mut Npz, layout: &Layout) -> Result<()> {
    const FIX: &str = "give joints of SPIN's order, or the 14 that 3DPW is scored on";
    let because = "by the shape of positions_3d";
    let mut stated = Vec::new();
    if npz.has("metadata") {
        let of = Stated::of(&npz.object("metadata")?);
        stated
            .push(("metadata.", of.map_err(|(field, problem)| npz.error(&format!("metadata.{field}"), problem, FIX))?));
    }
    if npz.has("joint_names") {
        stated.push(("", Stated::of_names("joint_names", npz.strings("joint_names")?)));
    }
    for (prefix, stated) in stated {
        if let Some((field, problem)) = stated.contradiction(layout, because) {
            return Err(npz.error(&format!("{prefix}{field}"), problem, FIX));
        }
    }
    Ok(())
}

type Detection = ([[f32; 2]; 18], [f32; 18]);

/// `poses2d` (frames, 3, 18): x, y, confidence.
fn detections(path: &Path, actor: usize, array: &Array<f32>) -> Result<Vec<Detection>> {
    let [_, 3, 18] = array.shape[..] else {
        let field = format!("poses2d[{actor}]");
        return Err(Error::file(path, field, format!("its shape is {:?}", array.shape), "give (frames, 3, 18)"));
    };
    let (rows, _) = array.values.as_chunks::<18>();
    let (frames, _) = rows.as_chunks::<3>();
    let detection = |[x, y, sure]: &[[f32; 18]; 3]| {
        (std::array::from_fn(|joint| [x[joint], y[joint]]), sure.map(|sure| sure.clamp(0.0, 1.0)))
    };
    Ok(frames.iter().map(detection).collect())
}

fn computed_joints(path: &Path, options: &Options, to: &mut Collector<'_>) -> Result<()> {
    // An open file reads one array at a time.
    let (mut npz_2d, mut npz) = (Npz::open(path)?, Npz::open(path)?);
    let error = |field: &str, problem: String, fix: &str| Err(Error::file(path, field, problem, fix));
    if options.keypoints == Keypoints::Detected {
        let problem = "it has no detections, which sequence files have";
        return error("option `keypoints`", problem.into(), "leave it out");
    }
    sources::refuse_crops(&npz, "give 3DPW's sequence files, or joints that were regressed from its meshes")?;
    let mut positions = npz.rows("positions_3d")?;
    let layout = match *positions.shape() {
        [_, 17, 3] => &SPIN_17,
        [_, 16, 3] if to.joints() == 16 => &SPIN_16,
        [_, 16, 3] => {
            return error("positions_3d", "it has 16 joints, without Neck/Nose".into(), "import it with 16 joints");
        }
        [_, 14, 3] => &J14,
        ref shape => {
            let problem = format!("its shape is {shape:?}");
            return error("positions_3d", problem, "give (N, 17, 3), (N, 16, 3) or (N, 14, 3)");
        }
    };
    check_joints(&mut npz_2d, layout)?;
    let mut keypoints = npz_2d.rows("positions_2d")?;
    let shapes = [keypoints.shape().to_vec(), positions.shape().to_vec()];
    if shapes[0] != [shapes[1][0], layout.joints.len(), 2] {
        let problem = format!("its shape is {:?}, positions_3d's {:?}", shapes[0], shapes[1]);
        return error("positions_2d", problem, "give x and y of the same joints");
    }
    let frames = Frames {
        path,
        fields: ["positions_2d", "positions_3d"].map(str::to_owned),
        layout,
        shapes: [&shapes[0], &shapes[1]],
        per_metre: sources::per_metre(options.unit, 1.0),
        image_size: None,
        intrinsics: None,
    };
    let (name, stride) = (sources::name(path), options.stride.max(1));
    let label = Label { sequence: to.new_sequence(name, path)?, ..Label::default() };
    let read = |_, count| Ok([keypoints.read(count)?, positions.read(count)?]);
    frames.add(to, read, |frame| (frame % stride == 0).then_some(label))
}

#[cfg(test)]
#[path = "threedpw_tests.rs"]
mod tests;
