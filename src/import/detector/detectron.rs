//! Detectron for VideoPose3D: one `.npz` a video (`facebookresearch/VideoPose3D:inference/infer_video_d2.py`), or all
//! videos in `data_2d_custom_*.npz` (`data/prepare_data_2d_custom.py`).

use std::{
    path::{Path, PathBuf},
    slice::from_ref,
};

use super::{
    Collector, Detection, Form, Options, Progress, Tally, Video, frame_number,
    keypoints::{OTHER, unknown},
    size, stem,
};
use crate::{
    error::{Error, Result},
    format::{Array, Value, npz::Npz},
    import::{
        layout::{COCO_17, Slot, by_names},
        stated::Stated,
    },
};

/// Reads COCO's 17 keypoints. A file of one video has everybody whom Detectron saw, with the probability of each joint
/// as confidence. `data_2d_custom_*.npz` has the best person of each frame, with gaps filled in, mostly without scores:
/// then every joint has confidence 1.
///
/// # Errors
/// If a file cannot be read or is not of this form, or nobody is left.
pub fn import(paths: &[PathBuf], options: &Options, to: &mut Collector<'_>, progress: Progress<'_>) -> Result<()> {
    let wanted = |path: &Path| path.extension().is_some_and(|ending| ending == "npz");
    let form = Form { wanted, ..Form::new("file of Detectron (.npz)", read) };
    super::import(paths, options, to, progress, &form)
}

fn read(path: &Path, _: &Options, tally: &mut Tally) -> Result<Vec<Video>> {
    let mut npz = Npz::open(path)?;
    if npz.has("positions_2d") {
        return custom(path, &mut npz, tally);
    }
    if !npz.has("keypoints") {
        let problem = format!("neither this nor `positions_2d` is there, but {}", npz.names().join(", "));
        return Err(npz.error("keypoints", problem, "give the .npz of infer_video_d2.py or prepare_data_2d_custom.py"));
    }
    Ok(vec![video(path, &mut npz, tally)?])
}

/// `keypoints[frame]` is `[[], people]`: Detectron's classes are background and person. People are (n, 4, 17) or a list
/// of (4, 17), with the rows x, y, logit, probability; or the same with a row for each joint, (n, 17, 4) or (n, 17, 3).
fn video(path: &Path, npz: &mut Npz, tally: &mut Tally) -> Result<Video> {
    const FIX: &str = "write the file with VideoPose3D's infer_video_d2.py";
    // Without anybody in any frame, NumPy may make an array of no numbers.
    let (descr, shape) = npz.describe("keypoints")?;
    let is_empty = descr != "|O" && shape.contains(&0);
    let keypoints = if is_empty { Value::None } else { npz.object("keypoints")? };
    tally.frames += shape.first().copied().unwrap_or_default();
    let image_size = if npz.has("metadata") { image_size(scalar(&npz.object("metadata")?)) } else { None };
    if image_size.is_none() {
        let note = "it has no `metadata` of the width `w` and the height `h`; `image_size` says the image's size";
        tally.notes.push(format!("{}: {note}", path.display()));
    }
    let mut people = Vec::new();
    for (i, persons) in second_class(&keypoints).into_iter().enumerate() {
        let Some(persons) = persons else { continue };
        let wrong = |problem: String, fix: &str| npz.error(&format!("keypoints[{i}][1]"), problem, fix);
        let frame = frame_number(i as i64, wrong)?;
        let mut add = |points: Vec<[f32; 2]>, scores: Vec<f32>| {
            people.push(Detection { image_size, ..Detection::new(frame, None, &COCO_17.slots, &points, &scores) });
        };
        let arrays =
            if matches!(persons, Value::List(_) | Value::Objects(_)) { persons.items() } else { from_ref(persons) };
        for array in arrays {
            match array {
                Value::None => {}
                Value::Numbers(array) if array.values.is_empty() => {}
                Value::Numbers(array) if matches!(array.shape[..], [4, 17] | [_, 4, 17]) => {
                    for rows in array.values.chunks_exact(4 * 17) {
                        add((0..17).map(|j| [rows[j], rows[17 + j]]).collect(), rows[3 * 17..].to_vec());
                    }
                }
                Value::Numbers(array) if matches!(array.shape[..], [17, 3 | 4] | [_, 17, 3 | 4]) => {
                    let width = array.shape.last().copied().unwrap_or(3);
                    for rows in array.values.chunks_exact(17 * width) {
                        let joints = || rows.chunks_exact(width);
                        add(joints().map(|j| [j[0], j[1]]).collect(), joints().map(|j| j[width - 1]).collect());
                    }
                }
                other => {
                    let problem = format!("it holds {}; (n, 4, 17) or a list of (4, 17) is needed", other.describe());
                    return Err(wrong(problem, FIX));
                }
            }
        }
    }
    Ok(Video { name: stem(path), stills: false, people })
}

/// The second entry of every row: of an array of objects (frames, 2), or of a list of pairs. A row without one is a
/// frame without anybody.
fn second_class(rows: &Value) -> Vec<Option<&Value>> {
    match rows {
        Value::Objects(Array { shape, values }) if matches!(shape[..], [_, 2]) => {
            values.iter().skip(1).step_by(2).map(Some).collect()
        }
        rows => rows.items().iter().map(|row| row.items().get(1)).collect(),
    }
}

/// `positions_2d[video][action]` is a list of (frames, 17, 2) or (frames, 17, 3), one a camera, or an array of such;
/// `metadata` has the order of the joints and the size of each video.
fn custom(path: &Path, npz: &mut Npz, tally: &mut Tally) -> Result<Vec<Video>> {
    const FIX: &str = "write the file with VideoPose3D's prepare_data_2d_custom.py";
    let positions = npz.object("positions_2d")?;
    if !npz.has("metadata") {
        let problem = "it is missing, and with it the order of the joints and the size of the videos";
        return Err(npz.error("metadata", problem, add_metadata(path)));
    }
    let metadata = npz.object("metadata")?;
    let metadata = scalar(&metadata);
    let slots = slots(path, metadata)?;
    let mut videos = Vec::new();
    for recording in recordings(scalar(&positions)) {
        let Recording { subject, action, camera, shape, values, field } = match recording {
            Ok(recording) => recording,
            Err((field, problem)) => return Err(npz.error(&field, problem, FIX)),
        };
        let sizes = metadata.get("video_metadata").and_then(|videos| videos.get(&subject));
        let image_size = sizes.and_then(image_size);
        let mut people = Vec::new();
        tally.frames += shape[0];
        let third = values.iter().skip(2).step_by(3).filter(|_| shape[2] == 3);
        if let Some(score) = third.into_iter().find(|score| **score < 0.0 || **score > 1.0) {
            let problem = format!("the third number of a joint is {score}, no score from 0 to 1: is this 3D?");
            return Err(npz.error(&field, problem, FIX));
        }
        for (i, joints) in values.chunks_exact((17 * shape[2]).max(1)).enumerate() {
            let frame = frame_number(i as i64, |problem, fix| npz.error(&field, problem, fix))?;
            let joints = || joints.chunks_exact(shape[2]);
            let scores: Vec<f32> = joints().map(|joint| joint.get(2).copied().unwrap_or(1.0)).collect();
            let points: Vec<[f32; 2]> = joints().map(|joint| [joint[0], joint[1]]).collect();
            people.push(Detection { image_size, ..Detection::new(frame, Some(0), &slots, &points, &scores) });
        }
        let action = if action == "custom" { String::new() } else { format!("/{action}") };
        let camera = if camera == 0 { String::new() } else { format!("/{camera}") };
        videos.push(Video { name: format!("{subject}{action}{camera}"), stills: false, people });
    }
    if videos.iter().flat_map(|video| &video.people).any(|person| person.image_size.is_none()) {
        let note = "metadata.video_metadata lacks the width `w` and the height `h` of videos; `image_size` says them";
        tally.notes.push(format!("{}: {note}", path.display()));
    }
    if videos.is_empty() {
        let problem = format!("it is {}, not a dict of videos, each a dict of actions", scalar(&positions).describe());
        return Err(npz.error("positions_2d", problem, FIX));
    }
    Ok(videos)
}

/// The lines that give a file its metadata.
fn add_metadata(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    format!(
        "in Python: import numpy as np; z = np.load('{name}', allow_pickle=True); np.savez_compressed('{name}', \
         positions_2d=z['positions_2d'], metadata={{'layout_name': 'coco', 'num_joints': 17, 'keypoints_symmetry': \
         [[1, 3, 5, 7, 9, 11, 13, 15], [2, 4, 6, 8, 10, 12, 14, 16]], 'video_metadata': {{'VIDEO': {{'w': WIDTH, 'h': \
         HEIGHT}}}}}})"
    )
}

/// How the 17 joints are made, by what the metadata say of their order: by the names of the joints, else all that is said
/// has to be COCO's.
fn slots(path: &Path, metadata: &Value) -> Result<[Slot; 17]> {
    const FIX: &str = "give COCO's 17 keypoints, or name them in metadata.joint_names";
    let wrong = |field: &str, problem: String, fix: &str| Error::file(path, format!("metadata.{field}"), problem, fix);
    let stated = Stated::of(metadata).map_err(|(field, problem)| wrong(field, problem, FIX))?;
    if let Some((field, names)) = stated.names() {
        let slots = by_names(names).filter(|_| names.len() == 17);
        return slots.ok_or_else(|| wrong(field, unknown(names), OTHER));
    }
    match stated.contradiction(&COCO_17, "by the form of the file") {
        Some((field, problem)) => Err(wrong(field, problem, FIX)),
        None => Ok(COCO_17.slots),
    }
}

/// What one camera saw of one action: (frames, 17, 2) or (frames, 17, 3).
struct Recording<'a> {
    subject: String,
    action: String,
    camera: usize,
    shape: [usize; 3],
    values: &'a [f32],
    field: String,
}

/// Every recording; or of what is none, the field and what it is.
fn recordings(positions: &Value) -> Vec<std::result::Result<Recording<'_>, (String, String)>> {
    let text = |key: &Value| key.text().unwrap_or("?").to_owned();
    let mut found = Vec::new();
    for (subject, actions) in positions.entries() {
        let subject = text(subject);
        if actions.entries().is_empty() {
            let problem = format!("it holds {}; a dict of actions is needed", actions.describe());
            found.push(Err((format!("positions_2d[{subject}]"), problem)));
        }
        for (action, cameras) in actions.entries() {
            let action = text(action);
            let mut add = |camera: usize, shape: &[usize], values, value: &Value| {
                let field = format!("positions_2d[{subject}][{action}][{camera}]");
                found.push(match *shape {
                    [frames, 17, width @ (2 | 3)] => {
                        let (subject, action, shape) = (subject.clone(), action.clone(), [frames, 17, width]);
                        Ok(Recording { subject, action, camera, shape, values, field })
                    }
                    _ => Err((field, format!("it holds {}; an array (N, 17, 2) is needed", value.describe()))),
                });
            };
            match cameras {
                // An array in place of the list of cameras: of all of them, or the only one.
                Value::Numbers(Array { shape, values }) if shape.len() == 4 => {
                    let each = shape[1..].iter().product::<usize>();
                    let views = values.chunks_exact(each.max(1)).enumerate();
                    views.for_each(|(camera, values)| add(camera, &shape[1..], values, cameras));
                }
                Value::Numbers(Array { shape, values }) => add(0, shape, values, cameras),
                _ if cameras.items().is_empty() => add(0, &[], &[], cameras),
                _ => {
                    for (camera, value) in cameras.items().iter().enumerate() {
                        match value {
                            Value::Numbers(Array { shape, values }) => add(camera, shape, values, value),
                            other => add(camera, &[], &[], other),
                        }
                    }
                }
            }
        }
    }
    found
}

fn image_size(metadata: &Value) -> Option<[i32; 2]> {
    let side = |name: &str| metadata.get(name).and_then(Value::number);
    size(side("w"), side("h"))
}

/// What a zero-dimensional array of objects holds: NumPy's way to save a dict.
fn scalar(value: &Value) -> &Value {
    match value {
        Value::Objects(Array { shape, values }) if shape.is_empty() => values.first().unwrap_or(value),
        _ => value,
    }
}
