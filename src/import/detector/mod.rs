//! What 2D detectors write: one file or one folder a video, several people a frame.
//!
//! Every reader turns its form to detections of the 17 joints. What follows is the same for all: people are told
//! apart (`tracks.rs`), and each person's poses become a sequence `video#1`, `video#2`, in the order of appearance.

pub mod alphapose;
pub mod coco;
pub mod detectron;
pub mod halpe;
mod json;
pub mod mediapipe;
pub mod mmpose;
pub mod openpose;
mod recognise;
mod tracks;

pub use recognise::recognise;

use std::{
    collections::{BTreeMap, HashSet},
    path::{Path, PathBuf},
};

use super::{
    Collector, Label, Layout, Pose, Progress,
    layout::{COCO_17, HALPE_26},
};
use crate::error::{Error, Result};
use crate::named::named_enum;

named_enum! {
    /// Which people of a video are kept.
    #[derive(Default)]
    pub enum People {
        /// Everybody.
        #[default]
        All = "all",
        /// The one who is seen in the most frames; of several, the one who is largest on average.
        Longest = "longest",
    }
}

/// What is kept of a detector's file.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Options {
    /// Width and height in pixels, for files that do not say. MediaPipe's need it.
    pub image_size: Option<[i32; 2]>,
    /// Which people.
    pub people: People,
    /// A joint of less confidence counts as missing.
    pub min_score: f32,
    /// A person who is seen in fewer frames of a video is left out.
    pub min_frames: usize,
    /// The images have nothing to do with each other: nobody is followed from one to the next.
    pub stills: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { image_size: None, people: People::All, min_score: 0.0, min_frames: 1, stills: false }
    }
}

/// One person in one frame.
#[derive(Debug, Clone, Copy)]
struct Detection {
    frame: i32,
    /// The person's number, where the file has one.
    track: Option<i64>,
    keypoints: [[f32; 2]; 17],
    confidence: [f32; 17],
    image_size: Option<[i32; 2]>,
}

/// Everybody in one recording.
#[derive(Debug)]
struct Video {
    name: String,
    /// The frames are images that have nothing to do with each other.
    stills: bool,
    people: Vec<Detection>,
}

/// More people in one frame are a damaged file, and would take forever to compare.
const MAX_PEOPLE: usize = 1000;

/// A number of keypoints, and their order.
type Layouts = [(usize, &'static Layout)];

/// The forms of COCO and of Halpe. The whole-body ones (133, 136) begin with the joints of the body.
const COCO: &Layouts = &[(17, &COCO_17), (133, &COCO_17)];
const HALPE: &Layouts = &[(26, &HALPE_26), (136, &HALPE_26)];
const COCO_OR_HALPE: &Layouts = &[(17, &COCO_17), (26, &HALPE_26), (133, &COCO_17), (136, &HALPE_26)];

impl Detection {
    fn new(frame: i32, track: Option<i64>, layout: &Layout, xy: &[[f32; 2]], confidence: &[f32]) -> Self {
        let (keypoints, confidence) = layout.keypoints(xy, confidence);
        Self { frame, track, keypoints, confidence, image_size: None }
    }

    /// From x, y, confidence of each keypoint in turn; `field` names the record for the message.
    fn flat(
        path: &Path,
        field: impl Fn() -> String,
        (frame, track): (i32, Option<i64>),
        numbers: &[f32],
        layouts: &Layouts,
    ) -> Result<Self> {
        let (triples, rest) = numbers.as_chunks::<3>();
        let Some(layout) = layout_of(triples.len(), layouts).filter(|_| rest.is_empty()) else {
            let needed = counts(layouts, 3);
            return Err(Error::file(
                path,
                field(),
                format!("it has {} numbers; {needed} are needed", numbers.len()),
                format!("give x, y, score of each of {} keypoints", counts(layouts, 1)),
            ));
        };
        let xy: Vec<[f32; 2]> = triples.iter().map(|&[x, y, _]| [x, y]).collect();
        let confidence: Vec<f32> = triples.iter().map(|&[_, _, c]| c).collect();
        Ok(Self::new(frame, track, layout, &xy, &confidence))
    }

    /// Takes away what is not sure enough. Scores above 1 (AlphaPose's reach 6) are as sure as can be.
    fn clean(&mut self, min_score: f32) {
        for (point, sure) in self.keypoints.iter_mut().zip(&mut self.confidence) {
            *sure = if *sure > 0.0 && *sure >= min_score { sure.min(1.0) } else { 0.0 };
            if *sure == 0.0 {
                *point = [0.0; 2];
            }
        }
    }

    /// The joints that are there.
    fn known(&self) -> impl Iterator<Item = [f32; 2]> + '_ {
        self.keypoints.iter().zip(&self.confidence).filter(|(_, sure)| **sure > 0.0).map(|(point, _)| *point)
    }
}

/// The order of this many keypoints.
fn layout_of(count: usize, layouts: &Layouts) -> Option<&'static Layout> {
    layouts.iter().find(|(expected, _)| *expected == count).map(|(_, layout)| *layout)
}

/// "51, 78 or 399", for messages: the numbers of keypoints times `width`.
fn counts(layouts: &Layouts, width: usize) -> String {
    let numbers: Vec<String> = layouts.iter().map(|(count, _)| (count * width).to_string()).collect();
    match numbers.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => numbers.concat(),
    }
}

/// The number of a frame as pose sets have it.
fn frame_number(path: &Path, field: impl Fn() -> String, number: i64) -> Result<i32> {
    i32::try_from(number)
        .map_err(|_| Error::file(path, field(), format!("{number} is beyond 32 bits"), "number the frames from 0"))
}

/// A width and a height in pixels, if they are that.
fn size(width: Option<f64>, height: Option<f64>) -> Option<[i32; 2]> {
    let side = |side: f64| (1.0..=f64::from(i32::MAX)).contains(&side).then_some(side as i32);
    Some([side(width?)?, side(height?)?])
}

/// The name of a file without folder and ending.
fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// The name of a recording, and the number that the name of its frame ends with: `dance_0017` is 17 of `dance`, `0017`
/// of a recording without a name. Without a number, the whole name.
fn name_and_number(frame: &str) -> (&str, Option<i64>) {
    let name = frame.trim_end_matches(|c: char| c.is_ascii_digit());
    match frame[name.len()..].parse() {
        Ok(number) => (name.strip_suffix(['_', '-']).unwrap_or(name), Some(number)),
        Err(_) => (frame, None),
    }
}

/// The common path of all readers.
fn import(
    paths: &[PathBuf],
    options: &Options,
    to: &mut Collector<'_>,
    progress: Progress<'_>,
    read: fn(&Path, &Options) -> Result<Vec<Video>>,
) -> Result<()> {
    let mut names = HashSet::new();
    for (done, path) in paths.iter().enumerate() {
        progress(done, paths.len());
        for mut video in read(path, options)?.into_iter().flat_map(|video| recordings(video, options.stills)) {
            video.name = unused(&mut names, &video.name);
            for (name, track) in people(path, video, options)? {
                collect(&name, &track, to)?;
            }
        }
    }
    progress(paths.len(), paths.len());
    let Some(first) = paths.first() else { return Err(Error::Usage("give at least one file to import".into())) };
    if to.is_empty() {
        let fix = "check the file, or ask for a lower score (`min_score`) and fewer frames (`min_frames`)";
        return Err(Error::file(first, "keypoints", "there is nobody in it, or nobody is left", fix));
    }
    Ok(())
}

/// Unrelated images are recordings of one frame each.
fn recordings(video: Video, stills: bool) -> Vec<Video> {
    if !(stills || video.stills) {
        return vec![video];
    }
    let mut images: BTreeMap<i32, Vec<Detection>> = BTreeMap::new();
    for person in video.people {
        images.entry(person.frame).or_default().push(person);
    }
    let of_image = |(frame, people)| Video { name: format!("{}/{frame}", video.name), stills: true, people };
    images.into_iter().map(of_image).collect()
}

/// A name that no other video has: that of the file where it is new.
fn unused(names: &mut HashSet<String>, name: &str) -> String {
    let numbered = (2..).map(|number| format!("{name} ({number})"));
    let name = std::iter::once(name.to_owned()).chain(numbered).find(|name| !names.contains(name)).unwrap_or_default();
    names.insert(name.clone());
    name
}

/// The people of a video that are kept, each with the name of the sequence.
fn people(path: &Path, mut video: Video, options: &Options) -> Result<Vec<(String, Vec<Detection>)>> {
    for person in &mut video.people {
        person.clean(options.min_score);
        person.image_size = person.image_size.or(options.image_size);
    }
    video.people.retain(|person| person.known().next().is_some());
    let relative = |person: &Detection| person.known().all(|point| point.iter().all(|v| v.abs() <= 1.0));
    if !video.people.is_empty() && video.people.iter().all(relative) {
        let problem = "all coordinates are within -1 and 1: relative to the image, not pixels";
        let fix = "have the detector write pixels (OpenPose: keypoint_scale 0)";
        return Err(Error::file(path, video.name, problem, fix));
    }
    let crowd = tracks::largest_crowd(&mut video.people);
    if crowd > MAX_PEOPLE {
        let problem = format!("{crowd} people in one frame; {MAX_PEOPLE} is the limit");
        return Err(Error::file(path, video.name, problem, "check the frame numbers of the file"));
    }
    let mut tracks = tracks::tracks(video.people);
    if options.people == People::Longest {
        let mean_area = |track: &[Detection]| track.iter().map(tracks::area).sum::<f32>() / track.len().max(1) as f32;
        // The first of equals: `max_by` takes the last.
        let longest = tracks
            .into_iter()
            .rev()
            .max_by(|a, b| a.len().cmp(&b.len()).then_with(|| mean_area(a).total_cmp(&mean_area(b))));
        tracks = longest.into_iter().collect();
    }
    tracks.retain(|track| track.len() >= options.min_frames);
    let named = |(k, track)| (format!("{}#{}", video.name, k + 1), track);
    Ok(tracks.into_iter().enumerate().map(named).collect())
}

fn collect(name: &str, track: &[Detection], to: &mut Collector<'_>) -> Result<()> {
    let sequence = to.sequence(name);
    for person in track {
        let pose = Pose {
            keypoints: person.keypoints,
            confidence: Some(person.confidence),
            positions: None,
            image_size: person.image_size,
            intrinsics: None,
        };
        to.push(&pose, Label { sequence, frame: person.frame, ..Label::default() })?;
    }
    Ok(())
}

#[cfg(test)]
#[path = "detector_tests.rs"]
mod tests;
