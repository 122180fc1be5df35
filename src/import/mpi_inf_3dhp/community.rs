//! Files that others made of the data set.

use std::path::Path;

use super::{Collector, Frames, Label, Options, TRAIN_IMAGE_SIZE, cameras, rows, sources, test_image_size};
use crate::{
    error::{Error, Result},
    format::{Value, npz::Npz},
    import::layout::{H36M_16, MPI_INF_3DHP_17},
    pose::Intrinsics,
};

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
        per_metre: 1.0,
        image_size: Some(TRAIN_IMAGE_SIZE),
        intrinsics: None,
    };
    // Back from x / width * 2 - 1 and y / width * 2 - height / width.
    let [width, height] = TRAIN_IMAGE_SIZE.map(|side| side as f32);
    let read = |_, count| {
        let (mut keypoints, positions) = (keypoints.read(count)?, positions.read(count)?);
        for xy in keypoints.values.as_chunks_mut().0 {
            let [x, y] = *xy;
            *xy = [(x + 1.0) * width / 2.0, (y + height / width) * width / 2.0];
        }
        Ok([keypoints, positions])
    };
    let label = Label { sequence: to.new_sequence(sources::name(path), path)?, ..Label::default() };
    frames.add(to, read, |frame| (frame % options.stride.max(1) == 0).then_some(label))
}

/// P-STMO's `data`: `TS1` to a dict of `data_2d`, `data_3d` and `valid`, or `S1 Seq1` to a list of such a dict for each
/// camera and the frame rate.
pub(super) fn pstmo(path: &Path, options: &Options, to: &mut Collector<'_>) -> Result<()> {
    let data = Npz::open(path)?.object_into("data", to.scratch()?)?;
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
            let view = View { recording, image_size: test_image_size(name), intrinsics: Some(cameras::test(name)) };
            add(path, name, &view, label, options, to)?;
            continue;
        };
        options.check(path, &["camera"])?;
        let views = chosen(path, name, views, options)?;
        let subject = Some(to.subject(name.split(' ').next().unwrap_or_default()));
        for (camera, recording) in views {
            let view = View { recording, image_size: TRAIN_IMAGE_SIZE, intrinsics: cameras::train(camera) };
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
        per_metre: 1000.0,
        image_size: Some(view.image_size),
        intrinsics: view.intrinsics,
    };
    // A number a frame: small, but it may be in the temporary file with the rest.
    let valid = view.recording.get("valid").and_then(|valid| Some(valid.rows(0, *valid.shape()?.first()?)));
    let valid = valid.transpose().map_err(|error| Error::io(path, "read", error))?;
    let read = |first, count| rows(path, [keypoints, positions], first, count);
    frames.add(to, read, |frame| {
        let valid = options.all_frames || valid.as_ref().is_none_or(|valid| valid.values.get(frame) == Some(&1.0));
        (valid && frame % options.stride.max(1) == 0).then_some(label)
    })
}
