//! Files that others made of the data set.

use std::path::Path;

use super::{
    Collector, Frames, Label, Options, TRAIN_IMAGE_SIZE, cameras,
    official::{tell_none, unmarked},
    rows, sources, test_image_size,
};
use crate::{
    error::{Error, Result},
    format::{Value, npz::Npz},
    import::{
        layout::{H36M_16, MPI_INF_3DHP_17},
        marks::{marks, numbers},
    },
    pose::Intrinsics,
};

/// Where -1 to 1 is the image, few joints are further outside.
const WIDEST: f32 = 10.0;

/// PoseAug's `test_3dhp.npz`: `pose3d` (N, 16, 3) in metres from the hip and `pose2d` (N, 16, 2), -1 to 1 over the
/// width (`PoseAug:data_extra/prepare_data_3dhp.py`).
pub(super) fn poseaug(path: &Path, options: &Options, to: &mut Collector<'_>) -> Result<()> {
    options.check(path, &[])?;
    // An open file reads one array at a time.
    let (mut npz_2d, mut npz) = (Npz::open(path)?, Npz::open(path)?);
    if to.joints() != 16 {
        return Err(npz.error("pose3d", "it has 16 joints, without Neck/Nose", "import it with 16 joints"));
    }
    let (mut keypoints, mut positions) = (npz_2d.rows("pose2d")?, npz.rows("pose3d")?);
    let shapes = [keypoints.shape().to_vec(), positions.shape().to_vec()];
    let frames = Frames {
        path,
        fields: ["pose2d", "pose3d"].map(str::to_owned),
        layout: &H36M_16,
        shapes: [&shapes[0], &shapes[1]],
        per_metre: sources::per_metre(options.unit, 1.0),
        image_size: Some(TRAIN_IMAGE_SIZE),
        intrinsics: None,
    };
    // Back from x / width * 2 - 1 and y / width * 2 - height / width.
    let [width, height] = TRAIN_IMAGE_SIZE.map(|side| side as f32);
    let read = |_, count| {
        let (mut keypoints, positions) = (keypoints.read(count)?, positions.read(count)?);
        let far = keypoints.values.iter().filter(|v| v.abs() > WIDEST).count();
        if 2 * far > keypoints.values.len() {
            let problem = format!("{far} of {} coordinates are beyond {WIDEST}: pixels", keypoints.values.len());
            let fix = "give PoseAug's test_3dhp.npz, whose coordinates are -1 to 1 over the width of the image";
            return Err(Error::file(path, "pose2d", problem, fix));
        }
        for xy in keypoints.values.as_chunks_mut().0 {
            let [x, y] = *xy;
            *xy = [(x + 1.0) * width / 2.0, (y + height / width) * width / 2.0];
        }
        Ok([keypoints, positions])
    };
    let label = Label { sequence: to.new_sequence(sources::name(path), path)?, ..Label::default() };
    frames.add(to, read, |frame| (frame % options.stride.max(1) == 0).then_some(label))
}

/// P-STMO's `data`: `TS1` to a dict of `data_2d`, `data_3d` and `valid` (or, as the owners call it, `valid_frame`), or `S1 Seq1` to a list of such a dict for each
/// camera and the frame rate.
pub(super) fn pstmo(path: &Path, data: &Value, options: &Options, to: &mut Collector<'_>) -> Result<()> {
    if data.entries().is_empty() {
        let problem = format!("it is {}", data.describe());
        return Err(Error::file(path, "data", problem, "give a file of P-STMO, a dict of sequences"));
    }
    for (name, recording) in data.entries() {
        let name = name.text().unwrap_or_default();
        let Some(views) = recording.items().first() else {
            options.check(path, &["all_frames"])?;
            let label =
                Label { sequence: to.new_sequence(name, path)?, subject: Some(to.subject(name)), ..Label::default() };
            let valid = valid(path, name, recording, options)?;
            tell_none(path, &format!("data/{name}/valid"), valid.as_ref(), to);
            let (image_size, intrinsics) = (test_image_size(name), Some(cameras::test(name)));
            let view = View { recording, image_size, intrinsics, valid };
            add(path, name, &view, label, options, to)?;
            continue;
        };
        options.check(path, &["camera"])?;
        let views = chosen(path, name, views, options)?;
        let subject = Some(to.subject(name.split(' ').next().unwrap_or_default()));
        for (camera, recording) in views {
            let (image_size, intrinsics) = (TRAIN_IMAGE_SIZE, cameras::train(camera));
            let view = View { recording, image_size, intrinsics, valid: None };
            let name = format!("{}@{camera}", name.replace(' ', "/"));
            let label = Label { sequence: to.new_sequence(&name, path)?, subject, ..Label::default() };
            add(path, &name, &view, label, options, to)?;
        }
    }
    Ok(())
}

/// What the cameras that are asked for see; without such a wish, those of VNect that are there.
pub(super) fn chosen<'a>(
    path: &Path,
    name: &str,
    cameras: &'a Value,
    options: &Options,
) -> Result<Vec<(usize, &'a Value)>> {
    let (mut all, field) = (Vec::new(), format!("data/{name}"));
    for (key, view) in cameras.entries() {
        let text = key.number().map(|n| n.to_string()).or(key.text().map(str::to_owned));
        let number = text.as_ref().and_then(|text| text.parse::<usize>().ok());
        let Some(number) = number else {
            let problem = format!("camera '{}' is no number", text.unwrap_or_else(|| key.describe()));
            return Err(Error::file(path, field, problem, "give a file of P-STMO, cameras named 0 to 13"));
        };
        all.push((number, view));
    }
    let present: Vec<usize> = all.iter().map(|(number, _)| *number).collect();
    all.retain(|(number, _)| options.wants(*number));
    let missing: Vec<&usize> = options.cameras.iter().filter(|wanted| !present.contains(wanted)).collect();
    if !missing.is_empty() || all.is_empty() {
        let missing = if missing.is_empty() { "of those of VNect".into() } else { format!("{missing:?}") };
        let problem = format!("there is no camera {missing}");
        return Err(Error::file(path, field, problem, format!("choose among {:?}", &present[..present.len().min(14)])));
    }
    Ok(all)
}

/// What one camera saw.
struct View<'a> {
    recording: &'a Value,
    image_size: [i32; 2],
    intrinsics: Option<Intrinsics>,
    /// If absent, all frames are taken.
    valid: Option<Vec<bool>>,
}

/// Which frames of a test recording count; `None` for all.
fn valid(path: &Path, name: &str, recording: &Value, options: &Options) -> Result<Option<Vec<bool>>> {
    if options.all_frames {
        return Ok(None);
    }
    let frames = recording.get("data_3d").and_then(Value::shape).and_then(|shape| shape.first()).copied();
    let Some((field, value)) = ["valid", "valid_frame"].iter().find_map(|field| Some((*field, recording.get(field)?)))
    else {
        return Err(unmarked(path, format!("data/{name}/valid")));
    };
    let field = format!("data/{name}/{field}");
    // Without frames, an error about them follows.
    frames.map(|frames| marks(path, &field, &numbers(path, &field, value)?, frames)).transpose()
}

fn add(
    path: &Path,
    name: &str,
    view: &View<'_>,
    label: Label,
    options: &Options,
    to: &mut Collector<'_>,
) -> Result<()> {
    let array = |field: &str| {
        let array = view.recording.get(field).and_then(|array| Some((array, array.shape()?)));
        let field = format!("data/{name}/{field}");
        array.ok_or_else(|| Error::file(path, field, "there is no such array", "give a file of P-STMO"))
    };
    let ((keypoints, shape_2d), (positions, shape)) = (array("data_2d")?, array("data_3d")?);
    let frames = Frames {
        path,
        fields: ["data_2d", "data_3d"].map(|field| format!("data/{name}/{field}")),
        layout: &MPI_INF_3DHP_17,
        shapes: [shape_2d, shape],
        per_metre: sources::per_metre(options.unit, 1000.0),
        image_size: Some(view.image_size),
        intrinsics: view.intrinsics,
    };
    let read = |first, count| rows(path, [keypoints, positions], first, count);
    frames.add(to, read, |frame| {
        let is_valid = view.valid.as_ref().is_none_or(|valid| valid.get(frame) == Some(&true));
        (is_valid && frame % options.stride.max(1) == 0).then_some(label)
    })
}
