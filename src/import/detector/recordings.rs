//! From files to recordings: the numbered files of one video are one, unrelated images are one each.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::{Detection, Video, name_and_number, stem};

/// Endings that detectors put behind the name of a frame.
const ENDINGS: [&str; 4] = ["_keypoints", "_predictions", ".jpg", ".png"];

/// A file, and the number at the end of its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct File {
    pub(super) path: PathBuf,
    number: Option<i64>,
}

/// Files of one folder whose names differ in the number at their end only.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Group {
    /// The common part of the name; that of the folder where the files have only numbers.
    name: String,
    /// In the order of their numbers.
    pub(super) files: Vec<File>,
    /// Each is an image, whatever it holds.
    one_image: bool,
    /// The numbers are beyond 32 bits, and only say the order.
    by_order: bool,
}

/// Groups files; each is alone if they are `stills`, unless every file is an image (`one_image`), and where two of a
/// name have the same number.
pub(super) fn groups(files: &[PathBuf], one_image: bool, stills: bool) -> Vec<Group> {
    type Key<'a> = (Option<&'a Path>, String);
    let mut named: BTreeMap<Key<'_>, Vec<(usize, File)>> = BTreeMap::new();
    let mut groups: Vec<(usize, Group)> = Vec::new();
    let alone =
        |place: usize, name: String, file: File| (place, Group { name, files: vec![file], one_image, by_order: false });
    for (place, path) in files.iter().enumerate() {
        let (name, number) = frame_of(path);
        let file = File { path: path.clone(), number };
        if number.is_none() || stills && !one_image {
            groups.push(alone(place, name, file));
        } else {
            named.entry((path.parent(), name)).or_default().push((place, file));
        }
    }
    for ((_, name), mut several) in named {
        several.sort_by_key(|(_, file)| file.number);
        let name = match several.first() {
            Some((_, file)) if name.is_empty() => folder_name(&file.path),
            _ => name,
        };
        if several.windows(2).any(|two| two[0].1.number == two[1].1.number) {
            groups.extend(several.into_iter().map(|(place, file)| alone(place, stem(&file.path), file)));
            continue;
        }
        // Time stamps: what is left of them is the order.
        let by_order = several.iter().any(|(_, file)| file.number.is_some_and(|number| i32::try_from(number).is_err()));
        if by_order {
            several.iter_mut().zip(0..).for_each(|((_, file), number)| file.number = Some(number));
        }
        let first = several.iter().map(|(place, _)| *place).min().unwrap_or_default();
        let files = several.into_iter().map(|(_, file)| file).collect();
        groups.push((first, Group { name, files, one_image, by_order }));
    }
    // In the order in which they were given.
    groups.sort_by_key(|(place, _)| *place);
    groups.into_iter().map(|(_, group)| group).collect()
}

/// A warning where names have another number, which says more: `v_0001_cam1`, `v_0001_cam2`, `v_0002_cam1` are not
/// recordings of two frames each.
pub(super) fn numbered_elsewhere(groups: &[Group]) -> Option<String> {
    let without = |name: &str| name.chars().filter(|c| !c.is_ascii_digit()).collect::<String>();
    let mut alike: BTreeMap<(Option<&Path>, String), Vec<&Group>> = BTreeMap::new();
    for group in
        groups.iter().filter(|group| group.files.len() > 1 && group.name.contains(|c: char| c.is_ascii_digit()))
    {
        alike.entry((group.path().parent(), without(&group.name))).or_default().push(group);
    }
    let (_, several) =
        alike.into_iter().find(|(_, groups)| groups.iter().all(|group| group.files.len() < groups.len()))?;
    let first = several.first()?;
    let (count, frames) = (several.len(), first.files.len());
    let path = first.path().display();
    Some(format!(
        "{path}: files are numbered twice; the last number makes {count} recordings of about {frames} frames, such as \
         {}: put the frame's number last if that is wrong",
        first.name
    ))
}

impl Group {
    /// The first file, or their folder.
    pub(super) fn path(&self) -> &Path {
        match &self.files[..] {
            [only] => &only.path,
            several => several.first().map_or(Path::new("."), |file| folder(&file.path)),
        }
    }

    /// What is to be told of the numbers.
    pub(super) fn note(&self) -> Option<String> {
        let note = "the numbers of the files are beyond 32 bits: frames are numbered in their order";
        self.by_order.then(|| format!("{}: {note}", self.path().display()))
    }

    /// The recordings of its files: one, if they are the numbered images of one.
    pub(super) fn recordings(&self, read: Vec<(&File, Vec<Video>)>) -> Vec<Video> {
        let one = self.one_image || self.files.len() > 1 && read.iter().all(|(_, videos)| is_image(videos));
        if !one {
            return read.into_iter().flat_map(|(_, videos)| videos).collect();
        }
        let mut people = Vec::new();
        for (file, videos) in read {
            let frame = file.number.and_then(|number| i32::try_from(number).ok()).unwrap_or(0);
            let of_frame = |person: Detection| Detection { frame, image: 0, ..person };
            people.extend(videos.into_iter().flat_map(|video| video.people).map(of_frame));
        }
        vec![Video { name: self.name.clone(), stills: false, people }]
    }
}

/// Whether everybody in what was read of a file is in one image.
pub(super) fn is_image(videos: &[Video]) -> bool {
    let mut frames = videos.iter().flat_map(|video| &video.people).map(|person| (person.frame, person.image));
    let first = frames.next();
    videos.len() <= 1 && frames.all(|frame| Some(frame) == first)
}

/// The folder of a file, also of one that is given by its name alone.
pub(super) fn folder(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Unrelated images are recordings of one frame each.
pub(super) fn images(video: Video, stills: bool) -> Vec<Video> {
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

/// The name of the video, and the number of the frame, that a file's name says: `dance_000000000017_keypoints` is frame
/// 17 of `dance`. A name without a number is a still image.
fn frame_of(path: &Path) -> (String, Option<i64>) {
    let stem = stem(path);
    let name = ENDINGS.iter().fold(stem.as_str(), |name, ending| name.strip_suffix(ending).unwrap_or(name));
    let (video, number) = name_and_number(name);
    (video.to_owned(), number)
}

/// The name of the folder of a file, also of one that is given as `.` or `..`.
fn folder_name(file: &Path) -> String {
    let folder = std::path::absolute(file).ok().and_then(|file| file.parent()?.canonicalize().ok());
    folder.and_then(|folder| Some(folder.file_name()?.to_string_lossy().into_owned())).unwrap_or("video".into())
}

#[cfg(test)]
#[path = "recordings_tests.rs"]
mod tests;
