//! MediaPipe Pose has no file of its own; people write its 33 landmarks to JSON as a list of frames. A frame is a list
//! of landmarks, of people, or an object with such a list, or null.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{
    Collector, Detection, Form, Layouts, Options, Progress, Tally, Video, frame_number,
    json::{Json, Node},
    keypoints::{At, Keypoints, Order, order},
    stem,
};
use crate::{
    error::{Error, Result},
    import::layout::MEDIAPIPE_33,
};

const LAYOUTS: &Layouts = &[(33, &MEDIAPIPE_33)];

/// What a frame calls its landmarks.
const LANDMARKS: [&str; 6] = ["pose_landmarks", "landmarks", "landmark", "poseLandmarks", "pose_landmark", "keypoints"];

/// The same in metres about the hips, which no camera saw.
const WORLD: [&str; 4] = ["pose_world_landmarks", "world_landmarks", "poseWorldLandmarks", "worldLandmarks"];

/// Nothing that MediaPipe sees is so many images away.
const MOST: f32 = 10.0;

const WORLD_PROBLEM: &str = "these are world landmarks: metres about the hips, which no camera saw";
const WORLD_FIX: &str = "write pose_landmarks, the shares of the image";

const FORM: &str = "landmarks: a list of {x, y, visibility} or of [x, y, z, visibility], or a list of such lists";

/// Reads lists of frames; needs [`Options::image_size`]. The visibility is the confidence, 1 where there is none.
///
/// # Errors
/// If a file cannot be read or is not of this form, the size of the image is not given, or nobody is left.
pub fn import(paths: &[PathBuf], options: &Options, to: &mut Collector<'_>, progress: Progress<'_>) -> Result<()> {
    if options.normalised.is_some() {
        let problem = "landmarks of MediaPipe are shares of the image in any case; leave it out";
        return Err(Error::setting("normalised", problem));
    }
    let form = Form::new("landmarks of MediaPipe (.json)", read);
    super::import(paths, options, to, progress, &form)
}

fn read(path: &Path, options: &Options, tally: &mut Tally) -> Result<Vec<Video>> {
    let Some(size) = options.image_size.map(|size| size.map(|side| side as f32)) else {
        let problem = "landmarks are relative to the size of the image, which the file does not have";
        let fix = "give width and height in pixels, as `image_size` 1920x1080";
        return Err(Error::file(path, "image size", problem, fix));
    };
    let (mut names, mut people) = (Order::new(LAYOUTS), Vec::new());
    let (mut image, mut has_world) = (Vec::new(), false);
    Json::open(path)?.records("MediaPipe's landmarks, a list of frames", &mut |record| {
        let node = record.node();
        match (record.list, record.index) {
            ("" | "frames", Some(index)) => {
                tally.frames += 1;
                let read = frame(&node, index, size, &names);
                people.extend(tally.record(read)?.into_iter().flatten());
            }
            // Of one image: a person's landmarks, or each person's.
            (list, Some(_)) if LANDMARKS.contains(&list) => image.push(node.value.clone()),
            (list, Some(index)) => {
                if WORLD.contains(&list) && index == 0 {
                    has_world = true;
                }
                tally.fields.insert(list.to_owned());
            }
            (_, None) => {
                tally.fields.extend(node.names().cloned());
                names.learn(&node)?;
            }
        }
        Ok(())
    })?;
    if !image.is_empty() {
        tally.frames += 1;
        let image = serde_json::json!({ "landmarks": image });
        let read = frame(&Node::root(path, &image), 0, size, &names);
        people.extend(tally.record(read)?.into_iter().flatten());
    } else if has_world && people.is_empty() {
        return Err(Error::file(path, WORLD[0], WORLD_PROBLEM, WORLD_FIX));
    }
    Ok(vec![Video { name: stem(path), stills: false, people }])
}

/// The people of a frame.
fn frame(node: &Node<'_>, index: usize, size: [f32; 2], names: &Order) -> Result<Vec<Detection>> {
    let number = node.any(&["frame", "frame_id", "frame_index"]).map_or(Ok(index as i64), |number| number.whole())?;
    let number = frame_number(number, |problem, fix| node.error(problem, fix))?;
    let inside = node.any(&LANDMARKS);
    let landmarks = match node.value {
        Value::Null => return Ok(Vec::new()),
        Value::Array(_) => node,
        Value::Object(_) => match (&inside, node.any(&WORLD)) {
            (Some(landmarks), _) => landmarks,
            (None, Some(world)) => {
                return Err(world.error(WORLD_PROBLEM, WORLD_FIX));
            }
            // A frame without anybody has null.
            (None, None) if LANDMARKS.iter().any(|name| node.value.get(name).is_some()) => return Ok(Vec::new()),
            (None, None) => return Err(node.expected(FORM)),
        },
        _ => return Err(node.expected(FORM)),
    };
    people(landmarks, number, size, names)
}

/// Those of a list of landmarks, or of lists of them.
fn people(node: &Node<'_>, frame: i32, size: [f32; 2], names: &Order) -> Result<Vec<Detection>> {
    let inside = node.any(&LANDMARKS);
    let node = inside.as_ref().unwrap_or(node);
    let list = node.value.as_array().ok_or_else(|| node.expected(FORM))?;
    let is_several = match list.first() {
        // A frame without anybody is an empty list.
        None => return Ok(Vec::new()),
        Some(Value::Array(first)) => first.first().is_none_or(|inner| !inner.is_number()),
        Some(Value::Object(first)) => LANDMARKS.iter().any(|name| first.contains_key(*name)),
        Some(_) => return Err(node.expected(FORM)),
    };
    if is_several {
        let people = node.items(FORM)?.map(|person| people(&person, frame, size, names));
        return Ok(people.collect::<Result<Vec<_>>>()?.concat());
    }
    let mut keypoints = Keypoints::default();
    let mut named = Vec::new();
    for landmark in node.items(FORM)? {
        let ([x, y], visibility) = read_landmark(&landmark)?;
        if x.abs().max(y.abs()) > MOST {
            let problem = format!("a landmark is at {x}, {y}: these are pixels, not shares of the image");
            return Err(landmark.error(problem, "divide them by the image's width and height"));
        }
        keypoints.xy.push([x * size[0], y * size[1]]);
        keypoints.scores.push(visibility);
        named.extend(landmark.get("name").and_then(|name| name.value.as_str().map(str::to_owned)));
    }
    if named.len() == keypoints.xy.len() {
        keypoints.slots = Some(order(node, &named)?);
    }
    let slots = names.slots(At { path: node.path, field: &|| node.field() }, &keypoints)?;
    Ok(vec![Detection::new(frame, None, &slots, &keypoints.xy, &keypoints.scores)])
}

/// x, y and the visibility of {x, y, z, visibility, presence} or [x, y, z, visibility, presence].
fn read_landmark(node: &Node<'_>) -> Result<([f32; 2], f32)> {
    if node.value.is_array() {
        return match node.floats(FORM)?[..] {
            [x, y] | [x, y, _] => Ok(([x, y], 1.0)),
            [x, y, _, visibility, ..] => Ok(([x, y], visibility)),
            _ => Err(node.expected(FORM)),
        };
    }
    let (x, y) = (node.need("x", "a number")?, node.need("y", "a number")?);
    // A model that gives none writes null.
    let visibility = node.any(&["visibility", "score", "confidence"]);
    Ok(([x.float()?, y.float()?], visibility.map_or(Ok(1.0), |visibility| visibility.float())?))
}
