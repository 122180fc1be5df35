//! MMPose 1: `{meta_info, instance_info}` of its demos, or the list that its inferencer writes. Both lists hold either
//! frames `{frame_id, instances}`, or the instances of one image (`open-mmlab/mmpose:mmpose/structures/utils.py`).

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::{
    COCO_OR_HALPE, Collector, Detection, Options, Progress, Video, counts, frame_number,
    json::{Json, LOOSE},
    layout_of, stem,
};
use crate::error::{Error, Result};

/// What every order that can be read begins with; others have as many keypoints too (PoseTrack18, AP-10K, H36M).
const NAMES: [&str; 17] = [
    "nose",
    "left_eye",
    "right_eye",
    "left_ear",
    "right_ear",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "left_hip",
    "right_hip",
    "left_knee",
    "right_knee",
    "left_ankle",
    "right_ankle",
];

#[derive(Deserialize)]
struct Demo {
    #[serde(default)]
    meta_info: MetaInfo,
    instance_info: Vec<Entry>,
}

#[derive(Deserialize, Default)]
struct MetaInfo {
    #[serde(default)]
    keypoint_id2name: HashMap<String, String>,
}

/// A frame, or an instance of the only frame.
#[derive(Deserialize)]
struct Entry {
    frame_id: Option<i64>,
    instances: Option<Vec<Instance>>,
    keypoints: Option<Vec<Vec<f32>>>,
    keypoint_scores: Option<Vec<f32>>,
}

#[derive(Deserialize)]
struct Instance {
    keypoints: Vec<Vec<f32>>,
    keypoint_scores: Vec<f32>,
    track_id: Option<i64>,
}

/// Reads 17 COCO, 26 or 136 Halpe, or 133 COCO-WholeBody keypoints.
///
/// # Errors
/// If a file cannot be read or is not of this form, its keypoints have other names, or nobody is left.
pub fn import(paths: &[PathBuf], options: &Options, to: &mut Collector<'_>, progress: Progress<'_>) -> Result<()> {
    super::import(paths, options, to, progress, |path, _| read(path))
}

fn read(path: &Path) -> Result<Vec<Video>> {
    let json = Json::open(path, LOOSE)?;
    let (list, entries) = if json.is_list {
        ("", json.parse("MMPose: [{frame_id, instances}] or [{keypoints, keypoint_scores}]")?)
    } else {
        let demo: Demo = json.parse("MMPose: {meta_info, instance_info}")?;
        check_names(path, &demo.meta_info)?;
        ("instance_info", demo.instance_info)
    };
    let mut people = Vec::new();
    for (i, entry) in entries.into_iter().enumerate() {
        let field = format!("{list}[{i}]");
        match entry {
            Entry { instances: Some(instances), frame_id, .. } => {
                let frame = frame_number(path, || format!("{field}.frame_id"), frame_id.unwrap_or(i as i64))?;
                for (k, instance) in instances.iter().enumerate() {
                    people.push(person(path, || format!("{field}.instances[{k}]"), frame, instance)?);
                }
            }
            Entry { keypoints: Some(keypoints), keypoint_scores: Some(keypoint_scores), .. } => {
                let instance = Instance { keypoints, keypoint_scores, track_id: None };
                people.push(person(path, || field.clone(), 0, &instance)?);
            }
            _ => {
                let problem = "it has neither instances nor keypoints with keypoint_scores";
                return Err(Error::file(path, field, problem, "give a prediction of MMPose 1"));
            }
        }
    }
    Ok(vec![Video { name: stem(path), stills: false, people }])
}

fn check_names(path: &Path, meta_info: &MetaInfo) -> Result<()> {
    for (id, expected) in NAMES.iter().enumerate() {
        if let Some(name) = meta_info.keypoint_id2name.get(&id.to_string()).filter(|name| name != expected) {
            let field = format!("meta_info.keypoint_id2name[{id}]");
            let problem = format!("it is {name} instead of {expected}");
            return Err(Error::file(
                path,
                field,
                problem,
                "use a model of COCO's, COCO-WholeBody's or Halpe's keypoints",
            ));
        }
    }
    Ok(())
}

fn person(path: &Path, field: impl Fn() -> String, frame: i32, instance: &Instance) -> Result<Detection> {
    let Instance { keypoints, keypoint_scores, track_id } = instance;
    let wrong = |name: &str, problem: String| {
        let fix = "give the predictions of a 2D model, as MMPose writes them";
        Err(Error::file(path, format!("{}.{name}", field()), problem, fix))
    };
    let Some(layout) = layout_of(keypoints.len(), COCO_OR_HALPE) else {
        let needed = counts(COCO_OR_HALPE, 1);
        return wrong("keypoints", format!("there are {} keypoints; {needed} are needed", keypoints.len()));
    };
    if keypoint_scores.len() != keypoints.len() {
        let problem = format!("there are {} scores of {} keypoints", keypoint_scores.len(), keypoints.len());
        return wrong("keypoint_scores", problem);
    }
    let mut points = Vec::with_capacity(keypoints.len());
    for (j, point) in keypoints.iter().enumerate() {
        let [x, y] = point[..] else {
            return wrong(&format!("keypoints[{j}]"), format!("it has {} numbers; 2 are needed", point.len()));
        };
        points.push([x, y]);
    }
    Ok(Detection::new(frame, *track_id, layout, &points, keypoint_scores))
}
