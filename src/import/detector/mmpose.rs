//! MMPose: of version 1 `{meta_info, instance_info}` of its demos, or the list that its inferencer writes, or what the
//! inferencer returns, `{predictions}`; of version 0 the lists of results that people save. All hold frames of people,
//! or the people of one image (`open-mmlab/mmpose:mmpose/structures/utils.py`).

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{
    COCO_OR_HALPE, Collector, Detection, Form, Options, Progress, Tally, Video, coco, frame_number,
    images::track,
    json::{Json, Node},
    keypoints::{self, At, Order},
    stem,
};
use crate::error::{Error, Result};

/// Reads 17 COCO, 26 or 136 Halpe, or 133 COCO-WholeBody keypoints, or those that `meta_info` names.
///
/// # Errors
/// If a file cannot be read or is not of this form, its keypoints have other names, or nobody is left.
pub fn import(paths: &[PathBuf], options: &Options, to: &mut Collector<'_>, progress: Progress<'_>) -> Result<()> {
    let form = Form { has_categories: true, ..Form::new("predictions of MMPose (.json)", read) };
    super::import(paths, options, to, progress, &form)
}

/// What is wrong with a value that is neither.
const FORM: &str = "a frame {frame_id, instances}, or a person {keypoints, keypoint_scores}, as MMPose writes them";

fn read(path: &Path, options: &Options, tally: &mut Tally) -> Result<Vec<Video>> {
    let (order, people) = (Order::new(COCO_OR_HALPE), Vec::new());
    let mut frames = Frames { order, people, tally, is_known: false, is_results: false };
    Json::open(path)?.records("MMPose's predictions", &mut |record| {
        let node = record.node();
        match (record.list, record.index) {
            (_, Some(0)) if record.list.is_empty() && node.get("image_id").is_some() => {
                frames.is_results = true;
                Ok(())
            }
            (_, Some(_)) if frames.is_results => Ok(()),
            ("" | "instance_info" | "predictions" | "instances", Some(index)) => frames.element(&node, index),
            (_, Some(_)) => Ok(()),
            (_, None) => {
                frames.is_known |= node.any(&["instance_info", "predictions", "instances"]).is_some();
                frames.tally.fields.extend(node.names().cloned());
                frames.order.learn(&node)
            }
        }
    })?;
    let Frames { people, tally, is_known, is_results, .. } = frames;
    if is_results {
        return coco::read(path, options, tally, COCO_OR_HALPE);
    }
    if !is_known && tally.records() == 0 && people.is_empty() {
        let fix = "give the JSON that MMPose's demo or inferencer wrote";
        return Err(Error::file(path, "instance_info", "neither this list nor `predictions` is there", fix));
    }
    Ok(vec![Video { name: stem(path), stills: false, people }])
}

struct Frames<'a> {
    order: Order,
    people: Vec<Detection>,
    tally: &'a mut Tally,
    /// Whether the file says that it is of this form, also if nobody is in it.
    is_known: bool,
    /// Whether it is COCO's list of results, which MMPose's evaluation writes: people with the number of their image.
    is_results: bool,
}

impl Frames<'_> {
    /// An element of the outermost list: a frame, or a person of the only image.
    fn element(&mut self, node: &Node<'_>, index: usize) -> Result<()> {
        self.is_known = true;
        let is_person = node.get("keypoints").is_some();
        let number = match node.any(&["frame_id", "frame_index"]) {
            Some(number) => number.whole(),
            // People without a number are all of one image.
            None if is_person => Ok(0),
            None => Ok(index as i64),
        };
        let frame = number.and_then(|number| frame_number(number, |problem, fix| node.error(problem, fix)));
        self.tally.frames += usize::from(!is_person || index == 0);
        match (frame, &node.value) {
            (Ok(frame), Value::Object(_)) if is_person => self.person(node, frame),
            (Ok(frame), _) => self.frame(node, frame),
            (Err(error), _) => self.tally.record::<()>(Err(error)).map(|_| ()),
        }
    }

    /// A list of people, also in lists of their own, or an object that has one; null is an empty frame.
    fn frame(&mut self, node: &Node<'_>, frame: i32) -> Result<()> {
        match node.value {
            Value::Null => Ok(()),
            Value::Array(_) => {
                for item in node.items(FORM)? {
                    if item.value.is_array() {
                        self.frame(&item, frame)?;
                    } else {
                        self.person(&item, frame)?;
                    }
                }
                Ok(())
            }
            _ => match node.any(&["instances", "predictions", "pose_results"]) {
                Some(inside) => self.frame(&inside, frame),
                // A person, or what says that it is none.
                None => self.person(node, frame),
            },
        }
    }

    fn person(&mut self, node: &Node<'_>, frame: i32) -> Result<()> {
        let person = person(node, frame, &self.order);
        self.people.extend(self.tally.record(person)?);
        Ok(())
    }
}

fn person(node: &Node<'_>, frame: i32, order: &Order) -> Result<Detection> {
    let points = node.get("keypoints").ok_or_else(|| node.expected(FORM))?;
    let keypoints = keypoints::read(&points, node.get("keypoint_scores"))?;
    if keypoints.scores.is_empty() {
        let problem = "`keypoint_scores` is missing, and the keypoints have no third number";
        return Err(node.error(problem, "give the predictions of a 2D model, as MMPose writes them"));
    }
    let slots = order.slots(At { path: node.path, field: &|| points.field() }, &keypoints)?;
    Ok(Detection::new(frame, track(node), &slots, &keypoints.xy, &keypoints.scores))
}
