//! OpenPose's `--write_json`: a folder with a file `<name>_<12 digits>_keypoints.json` for every frame, or with the
//! names of the images that it was given.

use std::path::{Path, PathBuf};

use super::{
    Collector, Detection, Form, Layouts, Options, Progress, Tally, Video,
    images::track,
    json::{Json, Node},
    keypoints::{self, At, Order},
    stem,
};
use crate::{
    error::{Error, Result},
    import::layout::{BODY_25, OPENPOSE_18},
};

const LAYOUTS: &Layouts = &[(25, &BODY_25), (18, &OPENPOSE_18)];

/// Reads folders of frames, or single frames: BODY_25, or COCO's 18 keypoints. A folder may have several videos.
///
/// # Errors
/// If a file cannot be read or is not of this form, a folder has no frames, or nobody is left.
pub fn import(paths: &[PathBuf], options: &Options, to: &mut Collector<'_>, progress: Progress<'_>) -> Result<()> {
    let form = Form { one_image: true, ..Form::new("frame of OpenPose (.json)", read) };
    super::import(paths, options, to, progress, &form)
}

fn read(path: &Path, _: &Options, tally: &mut Tally) -> Result<Vec<Video>> {
    let (mut order, mut people, mut is_frame) = (Order::new(LAYOUTS), Vec::new(), false);
    Json::open(path)?.records("an OpenPose frame, {people: [{pose_keypoints_2d}]}", &mut |record| {
        let node = record.node();
        match record.index {
            Some(_) if record.list == "people" => people.extend(tally.record(person(&node, &order))?),
            None => order.learn(&node)?,
            _ => {}
        }
        is_frame |= record.list == "people" || node.get("people").is_some_and(|people| people.value.is_array());
        Ok(())
    })?;
    if !is_frame {
        return Err(Error::file(path, "people", "there is no such list", "give a frame that OpenPose wrote"));
    }
    tally.frames += 1;
    Ok(vec![Video { name: stem(path), stills: false, people }])
}

fn person(node: &Node<'_>, order: &Order) -> Result<Detection> {
    // Before version 1.2 without the ending.
    let points = match node.get("pose_keypoints") {
        Some(points) => points,
        None => node.need("pose_keypoints_2d", "x, y, score of every keypoint")?,
    };
    let read = keypoints::read(&points, None)?;
    let slots = order.slots(At { path: node.path, field: &|| points.field() }, &read)?;
    Ok(Detection::new(0, track(node), &slots, &read.xy, &read.scores))
}
