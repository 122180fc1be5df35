//! Detectron for VideoPose3D: one `.npz` a video (`facebookresearch/VideoPose3D:inference/infer_video_d2.py`), or all
//! videos in `data_2d_custom_*.npz` (`data/prepare_data_2d_custom.py`).

use std::{
    path::{Path, PathBuf},
    slice::from_ref,
};

use super::{Collector, Detection, Options, Progress, Video, frame_number, size, stem};
use crate::{
    error::Result,
    format::{Array, Value, npz::Npz},
    import::layout::COCO_17,
};

/// Reads COCO's 17 keypoints. A file of one video has everybody whom Detectron saw, with the probability of each joint
/// as confidence. `data_2d_custom_*.npz` has the best person of each frame, with gaps filled in and no scores: every
/// joint has confidence 1.
///
/// # Errors
/// If a file cannot be read or is not of this form, or nobody is left.
pub fn import(paths: &[PathBuf], options: &Options, to: &mut Collector<'_>, progress: Progress<'_>) -> Result<()> {
    super::import(paths, options, to, progress, |path, _| read(path))
}

fn read(path: &Path) -> Result<Vec<Video>> {
    let mut npz = Npz::open(path)?;
    if npz.has("positions_2d") { custom(path, &mut npz) } else { Ok(vec![video(path, &mut npz)?]) }
}

/// `keypoints[frame]` is `[[], people]`: Detectron's classes are background and person. People are (n, 4, 17) or a list
/// of (4, 17), with the rows x, y, logit, probability.
fn video(path: &Path, npz: &mut Npz) -> Result<Video> {
    const FIX: &str = "write the file with VideoPose3D's infer_video_d2.py";
    // Without anybody in any frame, NumPy may make an array of no numbers.
    let is_empty = npz.describe("keypoints").is_ok_and(|(descr, shape)| descr != "|O" && shape.contains(&0));
    let keypoints = if is_empty { Value::None } else { npz.object("keypoints")? };
    let metadata = npz.object("metadata")?;
    let image_size = image_size(scalar(&metadata));
    let mut people = Vec::new();
    for (i, persons) in second_class(&keypoints).into_iter().enumerate() {
        let Some(persons) = persons else { continue };
        let frame = frame_number(path, || format!("keypoints[{i}]"), i as i64)?;
        let person = |rows: &[f32]| {
            let points: Vec<[f32; 2]> = (0..17).map(|j| [rows[j], rows[17 + j]]).collect();
            Detection { image_size, ..Detection::new(frame, None, &COCO_17, &points, &rows[3 * 17..]) }
        };
        let arrays =
            if matches!(persons, Value::List(_) | Value::Objects(_)) { persons.items() } else { from_ref(persons) };
        for array in arrays {
            match array {
                Value::None => {}
                Value::Numbers(array) if array.values.is_empty() => {}
                Value::Numbers(array) if matches!(array.shape[..], [4, 17] | [_, 4, 17]) => {
                    people.extend(array.values.chunks_exact(4 * 17).map(person));
                }
                other => {
                    let problem = format!("it holds {}; (n, 4, 17) or a list of (4, 17) is needed", other.describe());
                    return Err(npz.error(&format!("keypoints[{i}][1]"), problem, FIX));
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

/// `positions_2d[video][action]` is a list of (frames, 17, 2), one a camera; `metadata` has the order of the joints and
/// the size of each video.
fn custom(path: &Path, npz: &mut Npz) -> Result<Vec<Video>> {
    const FIX: &str = "write the file with VideoPose3D's prepare_data_2d_custom.py";
    let positions = npz.object("positions_2d")?;
    let metadata = npz.object("metadata")?;
    let metadata = scalar(&metadata);
    if let Some(order) = metadata.get("layout_name").and_then(Value::text).filter(|order| *order != "coco") {
        return Err(npz.error("metadata", format!("layout_name is {order} instead of coco"), FIX));
    }
    let mut videos = Vec::new();
    for (subject, action, camera, value) in recordings(scalar(&positions)) {
        let field = format!("positions_2d[{subject}][{action}][{camera}]");
        let Some(array) = value.numbers().filter(|array| matches!(array.shape[..], [_, 17, 2])) else {
            let problem = format!("it holds {}; an array (N, 17, 2) is needed", value.describe());
            return Err(npz.error(&field, problem, FIX));
        };
        let sizes = metadata.get("video_metadata").and_then(|videos| videos.get(&subject));
        let image_size = sizes.and_then(image_size);
        let mut people = Vec::new();
        for (i, joints) in array.values.chunks_exact(17 * 2).enumerate() {
            let frame = frame_number(path, || field.clone(), i as i64)?;
            let (points, _) = joints.as_chunks::<2>();
            people.push(Detection { image_size, ..Detection::new(frame, Some(0), &COCO_17, points, &[1.0; 17]) });
        }
        let action = if action == "custom" { String::new() } else { format!("/{action}") };
        let camera = if camera == 0 { String::new() } else { format!("/{camera}") };
        videos.push(Video { name: format!("{subject}{action}{camera}"), stills: false, people });
    }
    Ok(videos)
}

/// Every subject, action, number of the camera, and what it holds.
fn recordings(positions: &Value) -> Vec<(String, String, usize, &Value)> {
    let text = |key: &Value| key.text().unwrap_or("?").to_owned();
    let mut found = Vec::new();
    for (subject, actions) in positions.entries() {
        for (action, cameras) in actions.entries() {
            found.extend(cameras.items().iter().enumerate().map(|(k, value)| (text(subject), text(action), k, value)));
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
