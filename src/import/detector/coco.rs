//! COCO keypoints: a results list `[{image_id, keypoints, score}]`, or annotations `{images, annotations}`.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::{
    COCO, Collector, Detection, Layouts, Options, Progress, Video, frame_number,
    json::{Json, TYPED},
    size, stem,
};
use crate::error::{Error, Result};

/// How sure an annotator is of a joint that is labelled but not visible (v = 1): COCO says no more than that it is a
/// guess, so it gets half of what a visible one (v = 2) has.
const OCCLUDED: f32 = 0.5;

#[derive(Deserialize)]
struct Prediction {
    image_id: i64,
    keypoints: Vec<f32>,
    track_id: Option<i64>,
}

#[derive(Deserialize)]
struct Annotations {
    images: Vec<Image>,
    annotations: Vec<Annotation>,
}

#[derive(Deserialize)]
struct Image {
    id: i64,
    width: Option<f64>,
    height: Option<f64>,
}

#[derive(Deserialize)]
struct Annotation {
    image_id: i64,
    // Annotations of things, not people, have none.
    #[serde(default)]
    keypoints: Vec<f32>,
    track_id: Option<i64>,
}

/// Reads COCO's 17 keypoints, or the 133 of COCO-WholeBody; the frame is the image's id.
///
/// A results list is a video, unless [`Options::stills`] says otherwise. Annotations are one only if they have a
/// `track_id`; else their images are unrelated, as COCO's own are. v = 0 is missing, v = 1 has confidence 0.5, v = 2
/// has 1.
///
/// # Errors
/// If a file cannot be read or is not of this form, or nobody is left.
pub fn import(paths: &[PathBuf], options: &Options, to: &mut Collector<'_>, progress: Progress<'_>) -> Result<()> {
    super::import(paths, options, to, progress, |path, _| read(path, COCO))
}

/// Either form, with keypoints of these numbers.
pub(super) fn read(path: &Path, layouts: &Layouts) -> Result<Vec<Video>> {
    let json = Json::open(path, TYPED)?;
    if json.is_list { results(path, json, layouts) } else { annotations(path, json, layouts) }
}

fn results(path: &Path, json: Json, layouts: &Layouts) -> Result<Vec<Video>> {
    let predictions: Vec<Prediction> = json.parse("COCO results: [{image_id, keypoints, score}]")?;
    let mut people = Vec::with_capacity(predictions.len());
    for (i, person) in predictions.iter().enumerate() {
        let frame = frame_number(path, || format!("[{i}].image_id"), person.image_id)?;
        let keypoints = || format!("[{i}].keypoints");
        people.push(Detection::flat(path, keypoints, (frame, person.track_id), &person.keypoints, layouts)?);
    }
    Ok(vec![Video { name: stem(path), stills: false, people }])
}

fn annotations(path: &Path, json: Json, layouts: &Layouts) -> Result<Vec<Video>> {
    let file: Annotations = json.parse("COCO annotations: {images, annotations}")?;
    let sizes: HashMap<i64, _> = file.images.iter().map(|image| (image.id, size(image.width, image.height))).collect();
    let stills = file.annotations.iter().all(|person| person.track_id.is_none());
    let mut people = Vec::new();
    for (i, person) in file.annotations.iter().enumerate().filter(|(_, person)| !person.keypoints.is_empty()) {
        let field = |name: &str| format!("annotations[{i}].{name}");
        let Some(&image_size) = sizes.get(&person.image_id) else {
            let problem = format!("there is no image {}", person.image_id);
            return Err(Error::file(path, field("image_id"), problem, "add it to images, or drop the annotation"));
        };
        let frame = frame_number(path, || field("image_id"), person.image_id)?;
        let mut numbers = person.keypoints.clone();
        for visibility in numbers.iter_mut().skip(2).step_by(3) {
            *visibility = if *visibility == 1.0 { OCCLUDED } else { *visibility };
        }
        let label = (frame, person.track_id);
        let person = Detection::flat(path, || field("keypoints"), label, &numbers, layouts)?;
        people.push(Detection { image_size, ..person });
    }
    Ok(vec![Video { name: stem(path), stills, people }])
}
