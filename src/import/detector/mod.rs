//! What 2D detectors write: one file or one folder a video, several people a frame.
//!
//! Every reader turns its form to detections of the 17 joints. What follows is the same for all: people are told
//! apart (`tracks.rs`), and each person's poses become a sequence `video#1`, `video#2`, in the order of appearance.

pub mod alphapose;
mod categories;
pub mod coco;
pub mod detectron;
pub mod halpe;
mod images;
mod json;
mod keypoints;
pub mod mediapipe;
pub mod mmpose;
pub mod openpose;
mod recognise;
mod recordings;
mod tally;
mod tracks;
mod which;

pub use recognise::recognise;
pub use which::Detector;

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
};

use keypoints::Layouts;
use recordings::groups;
use tally::Tally;

use super::{
    Collector, Label, Layout, Pose, Progress,
    layout::{self, COCO_17, HALPE_26, Slot},
    sources,
};
use crate::error::{Error, Result};
use crate::named::named_enum;
use crate::pose::is_far;

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

named_enum! {
    /// What keypoints are that are not pixels.
    pub enum Normalised {
        /// Shares of the image: x of its width, y of its height, 0 to 1.
        Image = "image",
        /// VideoPose3D's: both of half of the width, x from -1 to 1, 0 in the middle of the image.
        Width = "width",
        /// OpenPose's of keypoint_scale 4: -1 to 1 over the width, and over the height.
        Sides = "sides",
    }
}

/// What is kept of a detector's file.
#[derive(Debug, Clone, PartialEq)]
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
    /// What the keypoints are, if not pixels; needs the size of the image.
    pub normalised: Option<Normalised>,
    /// The category of people, by its name or number, where the file says that they are something else.
    pub category: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            image_size: None,
            people: People::All,
            min_score: 0.0,
            min_frames: 1,
            stills: false,
            normalised: None,
            category: None,
        }
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
    /// The file has no score for any joint, or 0 for all; the confidence of those with a place is 1.
    unscored: bool,
    /// A number of the image where it has a name, by which one image in several files is known; else 0.
    image: u64,
    /// Keypoints with a score that lie too far from the image to be any, and count as missing.
    far: usize,
}

/// Everybody in one recording.
#[derive(Debug)]
struct Video {
    name: String,
    /// The frames are images that have nothing to do with each other.
    stills: bool,
    people: Vec<Detection>,
}

/// How a detector writes its files.
struct Form {
    /// For messages.
    what: &'static str,
    /// Which files of a folder are read.
    wanted: fn(&Path) -> bool,
    /// Every file is an image, numbered in its name.
    one_image: bool,
    /// Records have categories.
    has_categories: bool,
    read: fn(&Path, &Options, &mut Tally) -> Result<Vec<Video>>,
}

impl Form {
    /// Of JSON files without categories, each a recording.
    fn new(what: &'static str, read: fn(&Path, &Options, &mut Tally) -> Result<Vec<Video>>) -> Self {
        Self { what, wanted: is_json, one_image: false, has_categories: false, read }
    }
}

fn is_json(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("json"))
}

/// More people in one frame are a damaged file, and would take forever to compare.
const MAX_PEOPLE: usize = 1000;

/// The forms of COCO and of Halpe. The whole-body ones (133, 136) begin with the joints of the body.
const COCO: &Layouts = &[(17, &COCO_17), (133, &COCO_17)];
const HALPE: &Layouts = &[(26, &HALPE_26), (136, &HALPE_26)];
const COCO_OR_HALPE: &Layouts = &[(17, &COCO_17), (26, &HALPE_26), (133, &COCO_17), (136, &HALPE_26)];

impl Detection {
    /// Of keypoints in pixels. Without any score above 0, every keypoint that has a place counts.
    fn new(frame: i32, track: Option<i64>, slots: &[Slot; 17], xy: &[[f32; 2]], scores: &[f32]) -> Self {
        let unscored = scores.iter().all(|score| *score == 0.0 || score.is_nan());
        let ones = vec![1.0; if unscored { xy.len() } else { 0 }];
        let (keypoints, confidence) = layout::keypoints(slots, xy, if unscored { &ones } else { scores });
        let is_scored = |keypoint: usize| unscored || scores.get(keypoint).is_some_and(|score| *score > 0.0);
        // NaN is a word for what was not found.
        let is_far = |xy: &[f32; 2]| !xy.iter().any(|v| v.is_nan()) && xy.iter().any(|v| is_far(*v));
        let far = xy.iter().enumerate().filter(|(keypoint, xy)| is_far(xy) && is_scored(*keypoint)).count();
        Self { frame, track, keypoints, confidence, image_size: None, unscored, image: 0, far }
    }

    /// From shares of the image to pixels; `None` without its size.
    fn restore(&mut self, normalised: Normalised) -> Option<()> {
        let [width, height] = self.image_size?.map(|side| side as f32);
        for (point, _) in self.keypoints.iter_mut().zip(&self.confidence).filter(|(_, sure)| **sure > 0.0) {
            let [x, y] = *point;
            *point = match normalised {
                Normalised::Image => [x * width, y * height],
                Normalised::Sides => [(x + 1.0) * width / 2.0, (y + 1.0) * height / 2.0],
                Normalised::Width => [(x + 1.0) * width / 2.0, (y + height / width) * width / 2.0],
            };
        }
        Some(())
    }

    /// Takes away what is not sure enough. Scores above 1 (AlphaPose's reach 6) are as sure as can be.
    fn clean(&mut self, min_score: f32) {
        for (point, sure) in self.keypoints.iter_mut().zip(&mut self.confidence) {
            // Shares of the image may be of an image that is far smaller.
            self.far += usize::from(*sure > 0.0 && point.iter().any(|v| is_far(*v)));
            let is_there = *sure > 0.0 && *sure >= min_score && !point.iter().any(|v| is_far(*v));
            *sure = if is_there { sure.min(1.0) } else { 0.0 };
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
fn frame_number(number: i64, problem: impl FnOnce(String, &'static str) -> Error) -> Result<i32> {
    i32::try_from(number).map_err(|_| problem(format!("frame {number} is beyond 32 bits"), "number the frames from 0"))
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
    form: &Form,
) -> Result<()> {
    if options.category.is_some() && !form.has_categories {
        let problem = "this detector's files have no categories, only people; leave it out";
        return Err(Error::setting("category", problem));
    }
    let files = sources::find(paths, form.what, form.wanted, to)?;
    let (mut tally, mut names, mut known) = (Tally::new(to.tolerance().strict), HashSet::new(), HashSet::new());
    let (mut done, mut people) = (0, 0);
    let groups = groups(&files, form.one_image, options.stills);
    tally.notes.extend(recordings::numbered_elsewhere(&groups));
    for group in groups {
        tally.notes.extend(group.note());
        let mut read = Vec::new();
        for file in &group.files {
            progress(done, files.len())?;
            done += 1;
            let videos = (form.read)(&file.path, options, &mut tally);
            // A missing file that is named is a slip of the hand, not one damaged file of many.
            let is_slip = !file.path.exists() && paths.contains(&file.path);
            let videos = if is_slip { Some(videos?) } else { tally.file(videos)? };
            read.extend(videos.map(|videos| (file, videos)));
        }
        // Images that stand alone are judged together.
        let is_one_of_many =
            files.len() > 1 && group.files.len() == 1 && read.iter().all(|(_, v)| recordings::is_image(v));
        to.source(if is_one_of_many { recordings::folder(group.path()) } else { group.path() })?;
        let mut videos = group.recordings(read);
        for video in &mut videos {
            settle_scores(&mut video.people, &mut tally);
            video.people.retain(|person| tally.is_there(person) && tally.is_new(person, &mut known));
            people += video.people.len();
        }
        for mut video in videos.into_iter().flat_map(|video| recordings::images(video, options.stills)) {
            video.name = unused(&mut names, &video.name);
            for (name, track) in kept(group.path(), video, options, &mut tally)? {
                collect(&name, &track, to)?;
            }
        }
    }
    progress(files.len(), files.len())?;
    if to.is_empty() {
        let (problem, fix) = tally.why_nobody(people);
        let is_of_nothing = tally.is_of_nothing();
        tally.finish(to)?;
        let first = paths.first().map(PathBuf::as_path).unwrap_or(Path::new(""));
        let other = files.first().filter(|_| is_of_nothing).and_then(|file| recognise(file).ok().flatten());
        let other = other.filter(|other| !form.what.contains(other.split(' ').next().unwrap_or_default()));
        let fix = other.map_or(fix.to_owned(), |other| format!("it looks like {other}: import it as that"));
        return Err(Error::file(first, "keypoints", problem, fix));
    }
    tally.finish(to)
}

/// Where all scores of a recording are 0, there are none; elsewhere somebody without any is not there.
fn settle_scores(people: &mut [Detection], tally: &mut Tally) {
    if people.iter().all(|person| person.unscored) {
        tally.unscored += people.iter().filter(|person| person.known().next().is_some()).count();
        return;
    }
    people.iter_mut().filter(|person| person.unscored).for_each(|person| person.confidence = [0.0; 17]);
}

/// A name that no other video has: that of the file where it is new.
fn unused(names: &mut HashSet<String>, name: &str) -> String {
    let numbered = (2..).map(|number| format!("{name} ({number})"));
    let name = std::iter::once(name.to_owned()).chain(numbered).find(|name| !names.contains(name)).unwrap_or_default();
    names.insert(name.clone());
    name
}

/// The people of a video that are kept, each with the name of the sequence.
fn kept(path: &Path, mut video: Video, options: &Options, tally: &mut Tally) -> Result<Vec<(String, Vec<Detection>)>> {
    for person in &mut video.people {
        person.image_size = person.image_size.or(options.image_size);
        if let Some(normalised) = options.normalised {
            person.restore(normalised).ok_or_else(|| {
                let problem = "shares of the image are pixels only with its size, which the file does not have";
                Error::file(path, "image size", problem, "give width and height in pixels, as `image_size` 1920x1080")
            })?;
        }
        person.clean(options.min_score);
        tally.far += person.far;
    }
    video.people.retain(|person| person.known().next().is_some());
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

#[cfg(test)]
#[path = "truth_tests.rs"]
mod truth_tests;

#[cfg(test)]
#[path = "files_tests.rs"]
mod files_tests;
