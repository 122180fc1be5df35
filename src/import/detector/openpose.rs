//! OpenPose's `--write_json`: a folder with a file `<name>_<12 digits>_keypoints.json` for every frame, or with the
//! names of the images that it was given.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::{
    Collector, Detection, Layouts, Options, Progress, Video, frame_number,
    json::{Json, TYPED},
    name_and_number, stem,
};
use crate::{
    error::{Error, Result},
    import::layout::{BODY_25, OPENPOSE_18},
};

const LAYOUTS: &Layouts = &[(25, &BODY_25), (18, &OPENPOSE_18)];
const ENDING: &str = "_keypoints";

#[derive(Deserialize)]
struct Frame {
    people: Vec<Person>,
}

#[derive(Deserialize)]
struct Person {
    // [-1] for nobody in particular.
    #[serde(default)]
    person_id: Vec<i64>,
    // Before version 1.2 without the ending.
    #[serde(alias = "pose_keypoints")]
    pose_keypoints_2d: Vec<f32>,
}

/// Reads folders of frames, or single frames: BODY_25, or COCO's 18 keypoints. A folder may have several videos. A
/// joint at (0, 0) with score 0 is missing.
///
/// # Errors
/// If a file cannot be read or is not of this form, a folder has no frames, or nobody is left.
pub fn import(paths: &[PathBuf], options: &Options, to: &mut Collector<'_>, progress: Progress<'_>) -> Result<()> {
    super::import(paths, options, to, progress, |path, _| read(path))
}

fn read(path: &Path) -> Result<Vec<Video>> {
    let mut videos: BTreeMap<String, Vec<Detection>> = BTreeMap::new();
    for file in frames(path)? {
        let (name, number) = video_and_frame(&file)?;
        let frame: Frame = Json::open(&file, TYPED)?.parse("an OpenPose frame: {people: [{pose_keypoints_2d}]}")?;
        let people = videos.entry(name).or_default();
        for (i, person) in frame.people.iter().enumerate() {
            let track = person.person_id.first().copied().filter(|id| *id >= 0);
            let field = || format!("people[{i}].pose_keypoints_2d");
            people.push(Detection::flat(&file, field, (number, track), &person.pose_keypoints_2d, LAYOUTS)?);
        }
    }
    Ok(videos.into_iter().map(|(name, people)| Video { name, stills: false, people }).collect())
}

/// The frames of a folder in order, or the one frame.
fn frames(path: &Path) -> Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let failed = |error| Error::io(path, "read", error);
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(failed)? {
        let file = entry.map_err(failed)?.path();
        if stem(&file).ends_with(ENDING) && file.extension().is_some_and(|ending| ending == "json") {
            files.push(file);
        }
    }
    files.sort();
    if files.is_empty() {
        let fix = "give the folder that OpenPose's write_json named";
        return Err(Error::file(path, "*_keypoints.json", "there is no such file in the folder", fix));
    }
    Ok(files)
}

/// `dance_000000000017_keypoints` is frame 17 of `dance`. Of a number only, the folder has the name of the video. A name
/// without a number is a still image.
fn video_and_frame(file: &Path) -> Result<(String, i32)> {
    let stem = stem(file);
    let (video, number) = name_and_number(stem.strip_suffix(ENDING).unwrap_or(&stem));
    let frame = frame_number(file, || "file name".into(), number.unwrap_or(0))?;
    Ok((if video.is_empty() { folder_name(file) } else { video.to_owned() }, frame))
}

/// The name of the folder of a file, also of one that is given as `.` or `..`.
fn folder_name(file: &Path) -> String {
    let folder = std::path::absolute(file).ok().and_then(|file| file.parent()?.canonicalize().ok());
    folder.and_then(|folder| Some(folder.file_name()?.to_string_lossy().into_owned())).unwrap_or("video".into())
}
