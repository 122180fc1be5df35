//! Which frame of which recording an image is.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    hash::{DefaultHasher, Hash, Hasher},
};

use serde_json::Value;

use super::{json::Node, name_and_number};
use crate::error::Result;

/// What a file calls an image.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum ImageId {
    Number(i64),
    Name(String),
}

impl std::fmt::Display for ImageId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Name(name) => name.fmt(f),
        }
    }
}

impl ImageId {
    /// A number, also as `12.0` or `"000000000012"`; or a name.
    pub(super) fn of(node: &Node<'_>) -> Result<Self> {
        match node.value {
            Value::String(text) if !(text.len() < 19 && text.bytes().all(|byte| byte.is_ascii_digit())) => {
                Ok(Self::Name(text.clone()))
            }
            Value::String(_) | Value::Number(_) => node.whole().map(Self::Number),
            _ => Err(node.expected("the number or the name of an image")),
        }
    }
}

/// What is known of an image.
#[derive(Debug, Clone, Default)]
pub(super) struct Image {
    pub(super) size: Option<[i32; 2]>,
    /// With its folders.
    pub(super) file_name: Option<String>,
    /// The number in its recording.
    pub(super) frame: Option<i64>,
    /// The recording.
    pub(super) video: Option<String>,
    /// The file has a list of images, and this one in it.
    pub(super) is_listed: bool,
}

impl Image {
    /// A number by which an image in several files is known, by its name or else its id; 0 where nothing is known of it.
    pub(super) fn key(&self, id: &ImageId) -> u64 {
        let mut hash = DefaultHasher::new();
        match &self.file_name {
            Some(name) => name.replace('\\', "/").hash(&mut hash),
            None if self.is_listed => id.hash(&mut hash),
            None => return 0,
        }
        hash.finish().max(1)
    }
}

/// Where an image belongs: the name of its recording, empty where nothing says one, and the frame.
pub(super) type Places = HashMap<ImageId, (String, i32)>;

/// What numbers an image, where it does.
type Source<'a> = dyn Fn(&ImageId, &Image) -> Option<i64> + 'a;

/// The place of every image. The recording is what the file says, else the folder of the image's name. Frames are
/// numbered by what the file says, else by the ids, else by the number at the end of each name: by the first of these
/// that gives every image of a recording a number of its own; else in their order, of which the note tells.
pub(super) fn places(images: &[(ImageId, Image)]) -> (Places, Vec<String>) {
    // Merged files list an image twice.
    let mut known = HashSet::new();
    let all = images;
    let images: Vec<&(ImageId, Image)> = all.iter().filter(|(id, _)| known.insert(id)).collect();
    let twice = all.len() - images.len();
    let twice = (twice > 0).then(|| format!("{twice} ids of images stand in the list again: the first counts"));
    let name = |id: &ImageId, image: &Image| match (&image.file_name, id) {
        (Some(name), _) | (None, ImageId::Name(name)) => name.replace('\\', "/"),
        _ => String::new(),
    };
    let video = |id: &ImageId, image: &Image| {
        let folder = || name(id, image).rsplit_once('/').map(|(folder, _)| folder.to_owned());
        image.video.clone().or_else(folder).unwrap_or_default()
    };
    let at_end = |id: &ImageId, image: &Image| {
        let name = name(id, image);
        let base = name.rsplit('/').next().unwrap_or_default();
        name_and_number(base.rsplit_once('.').map_or(base, |(stem, _)| stem)).1
    };
    let by_id = |id: &ImageId, _: &Image| match id {
        ImageId::Number(number) => Some(*number),
        ImageId::Name(_) => None,
    };
    let told = |_: &ImageId, image: &Image| image.frame;
    let sources: [&Source; 3] = [&told, &by_id, &at_end];
    let numbers = sources.iter().find_map(|number| {
        let mut seen = HashSet::new();
        let number = |(id, image): &&(ImageId, Image)| {
            let number = number(id, image).and_then(|number| i32::try_from(number).ok())?;
            seen.insert((video(id, image), number)).then_some(number)
        };
        images.iter().map(number).collect::<Option<Vec<i32>>>()
    });
    // What numbers every image, but beyond 32 bits, says the order.
    let large = sources.iter().find_map(|number| {
        let numbers = images.iter().map(|(id, image)| number(id, image)).collect::<Option<Vec<i64>>>()?;
        numbers.iter().any(|number| i32::try_from(*number).is_err()).then_some(numbers)
    });
    let note = large.as_ref().filter(|_| numbers.is_none());
    let note = note.map(|_| "numbers of images are beyond 32 bits: frames are numbered in their order".to_owned());
    let numbers = numbers.or_else(|| large.map(|numbers| ranks(&numbers)));
    // Else in the order of the file.
    let numbers = numbers.unwrap_or_else(|| (0..).take(images.len()).collect());
    let place = |((id, image), frame): (&&(ImageId, Image), i32)| (id.clone(), (video(id, image), frame));
    let notes = [note, twice].into_iter().flatten().collect();
    (images.iter().zip(numbers).map(place).collect(), notes)
}

/// Numbers from 0, with their gaps where they count something, one by one; else their places among each other.
fn ranks(numbers: &[i64]) -> Vec<i32> {
    let sorted: BTreeSet<i64> = numbers.iter().copied().collect();
    let counts = sorted.iter().zip(sorted.iter().skip(1)).any(|(a, b)| b.wrapping_sub(*a) == 1);
    let first = sorted.first().copied().unwrap_or_default();
    let from_first = |number: &i64| i32::try_from(number.checked_sub(first)?).ok();
    if let Some(numbers) = numbers.iter().map(from_first).collect::<Option<Vec<i32>>>().filter(|_| counts) {
        return numbers;
    }
    let rank: HashMap<i64, i32> = sorted.into_iter().zip(0..).collect();
    numbers.iter().map(|number| rank.get(number).copied().unwrap_or_default()).collect()
}

/// Who somebody is from frame to frame, if the record says so: a number, text, or the list of AlphaPose, whose first is
/// the person's.
pub(super) fn track(node: &Node<'_>) -> Option<i64> {
    const NAMES: [&str; 6] = ["track_id", "idx", "tracking_id", "person_id", "instance_id", "object_id"];
    // Annotation tools give attributes the names that people write: `Track ID`.
    let inside = || {
        let attributes = node.value.get("attributes")?.as_object()?;
        let is_track = |name: &String| NAMES.contains(&name.to_lowercase().replace([' ', '-'], "_").as_str());
        attributes.iter().find(|(name, _)| is_track(name)).map(|(_, value)| value)
    };
    let told = node.any(&NAMES).map(|told| told.value).or_else(inside)?;
    // -1 is nobody in particular.
    number_of(told).filter(|number| *number >= 0)
}

fn number_of(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64().or_else(|| number.as_f64().map(|v| v as i64)),
        Value::String(text) => text.parse().ok().or_else(|| Some(hash(text))),
        Value::Array(list) => list.iter().find_map(number_of),
        _ => None,
    }
}

/// A number for a name.
fn hash(text: &str) -> i64 {
    text.bytes().fold(7, |hash: i64, byte| hash.wrapping_mul(31).wrapping_add(i64::from(byte))) & i64::MAX
}

#[cfg(test)]
#[path = "images_tests.rs"]
mod tests;
