//! AlphaPose: `[{image_id: "0.jpg", keypoints, score, idx}]` (`MVIG-SJTU/AlphaPose:docs/output.md`).

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::{
    COCO_OR_HALPE, Collector, Detection, Options, Progress, Video, frame_number,
    json::{Json, LOOSE},
    name_and_number, stem,
};
use crate::error::Result;

#[derive(Deserialize)]
struct Person {
    image_id: ImageId,
    keypoints: Vec<f32>,
    idx: Option<Track>,
}

#[derive(Deserialize, Clone, PartialEq, Eq, Hash)]
#[serde(untagged, expecting = "image_id is neither a number nor text")]
enum ImageId {
    Number(i64),
    Name(String),
}

/// The numbers of all boxes that a pose was merged from, or one number; the first is the person's.
#[derive(Deserialize)]
#[serde(untagged, expecting = "idx is neither a number nor a list of numbers")]
enum Track {
    Number(f64),
    List(Vec<Self>),
}

impl Track {
    fn first(&self) -> Option<i64> {
        match self {
            Self::Number(number) => Some(*number as i64),
            Self::List(list) => list.iter().find_map(Self::first),
        }
    }
}

/// Reads 17 COCO, 26 or 136 Halpe, or 133 COCO-WholeBody keypoints. Scores above 1, which models that were trained on
/// COCO give, count as 1.
///
/// # Errors
/// If a file cannot be read or is not of this form, or nobody is left.
pub fn import(paths: &[PathBuf], options: &Options, to: &mut Collector<'_>, progress: Progress<'_>) -> Result<()> {
    super::import(paths, options, to, progress, |path, _| read(path))
}

fn read(path: &Path) -> Result<Vec<Video>> {
    let list: Vec<Person> = Json::open(path, LOOSE)?.parse("AlphaPose: [{image_id, keypoints, score}]")?;
    let frames = frame_numbers(&list);
    let mut people = Vec::with_capacity(list.len());
    for (i, person) in list.iter().enumerate() {
        let number = frames.get(&person.image_id).copied().unwrap_or_default();
        let frame = frame_number(path, || format!("[{i}].image_id"), number)?;
        let label = (frame, person.idx.as_ref().and_then(Track::first));
        people.push(Detection::flat(path, || format!("[{i}].keypoints"), label, &person.keypoints, COCO_OR_HALPE)?);
    }
    Ok(vec![Video { name: stem(path), stills: false, people }])
}

/// The number at the end of each image's name, if all have one of their own; else images are counted as they come.
fn frame_numbers(people: &[Person]) -> HashMap<ImageId, i64> {
    let mut seen = HashSet::new();
    let images: Vec<&ImageId> = people.iter().map(|p| &p.image_id).filter(|image| seen.insert(*image)).collect();
    let numbers: Option<HashSet<i64>> = images.iter().map(|image| image.number()).collect();
    let distinct = numbers.is_some_and(|numbers| numbers.len() == images.len());
    let number = |(k, image): (usize, &ImageId)| image.number().filter(|_| distinct).unwrap_or(k as i64);
    images.into_iter().enumerate().map(|(k, image)| (image.clone(), number((k, image)))).collect()
}

impl ImageId {
    fn number(&self) -> Option<i64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Name(name) => name_and_number(name.rsplit_once('.').map_or(name, |(stem, _)| stem)).1,
        }
    }
}
