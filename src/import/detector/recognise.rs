//! Which detector wrote a file.

use std::{collections::BTreeSet, fmt, path::Path};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use super::{Detector, HALPE, json::Json, layout_of};
use crate::error::Result;
use crate::named::Named;

/// A form, in how many lists its objects are, and fields that some of them have. The first that fits counts.
const FORMS: [(&str, usize, &[&str]); 22] = [
    ("COCO annotations", 0, &["annotations"]),
    ("OpenPose", 0, &["people"]),
    ("MMPose", 0, &["instance_info"]),
    ("MMPose", 0, &["predictions"]),
    ("MMPose", 1, &["instances"]),
    ("MMPose", 1, &["predictions"]),
    ("MMPose", 1, &["keypoints", "keypoint_scores"]),
    ("AlphaPose", 1, &["image_id", "keypoints", "box"]),
    ("AlphaPose", 1, &["image_id", "keypoints", "idx"]),
    ("COCO results", 1, &["image_id", "keypoints"]),
    ("MMPose", 1, &["keypoints", "bbox"]),
    ("MMPose", 2, &["keypoints", "bbox"]),
    ("MMPose", 2, &["keypoints", "keypoint_scores"]),
    ("MediaPipe", 1, &["landmarks"]),
    ("MediaPipe", 1, &["landmark"]),
    ("MediaPipe", 1, &["pose_landmarks"]),
    ("MediaPipe", 1, &["poseLandmarks"]),
    ("MediaPipe", 1, &["pose_world_landmarks"]),
    ("MediaPipe", 0, &["pose_landmarks"]),
    ("MediaPipe", 0, &["poseLandmarks"]),
    ("MediaPipe", 2, &["x", "y"]),
    ("MediaPipe", 3, &["x", "y"]),
];

/// Which detector's form a JSON file has, by its fields and the number of its keypoints: "COCO annotations", "COCO
/// results", "Halpe annotations", "Halpe results", "OpenPose", "MMPose", "AlphaPose" or "MediaPipe". `None` if it is of
/// another form, or an empty list.
///
/// # Errors
/// If the file cannot be read or is no JSON.
pub fn recognise(path: &Path) -> Result<Option<&'static str>> {
    let seen: Outline = Json::open(path)?.parse("keypoints")?;
    let has = |names: &[&str]| names.iter().all(|name| seen.fields.contains(name));
    let form = FORMS.iter().find(|(_, depth, names)| *depth == seen.lists.len() && has(names)).map(|(form, ..)| *form);
    let is_halpe = seen.keypoints.is_multiple_of(3) && layout_of(seen.keypoints / 3, HALPE).is_some();
    Ok(match form {
        Some("COCO results") if seen.text => Some("AlphaPose"),
        Some("COCO results") if is_halpe => Some("Halpe results"),
        Some("COCO annotations") if is_halpe => Some("Halpe annotations"),
        None if seen.is_rows() => Some("MediaPipe"),
        form => form,
    })
}

/// Whose form it is.
pub(super) fn detector(form: &str) -> Option<Detector> {
    Detector::ALL.iter().copied().find(|detector| {
        let first = form.split(' ').next().unwrap_or_default();
        first.eq_ignore_ascii_case(detector.name())
    })
}

/// What there is to see of a value. It does not grow with the file.
#[derive(Default)]
struct Outline {
    /// The lengths of lists in lists, from the outside: of each the first that is not empty.
    lists: Vec<usize>,
    /// The fields of [`FORMS`] that the object has, or any object in the lists.
    fields: BTreeSet<&'static str>,
    /// How many numbers the first keypoints of those objects have, or of their annotations.
    keypoints: usize,
    /// Whether it is text, has text in its lists, or is an object whose `image_id` is text.
    text: bool,
    /// Whether it is text that is no number.
    word: bool,
}

impl Outline {
    /// Whether these are frames, or frames of people, of MediaPipe's 33 landmarks in rows of numbers.
    fn is_rows(&self) -> bool {
        let landmarks = matches!(self.lists[..], [_, 33, (2..)] | [_, _, 33, (2..)]);
        landmarks && self.fields.is_empty() && !self.text
    }
}

impl<'de> Deserialize<'de> for Outline {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_any(OutlineVisitor)
    }
}

struct OutlineVisitor;

impl<'de> Visitor<'de> for OutlineVisitor {
    type Value = Outline;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Outline, A::Error> {
        let mut object = Outline::default();
        while let Some(name) = map.next_key::<String>()? {
            object.fields.extend(FORMS.iter().flat_map(|(_, _, names)| *names).find(|known| **known == name));
            match name.as_str() {
                "image_id" => object.text = map.next_value::<Outline>()?.word,
                "keypoints" => object.keypoints = map.next_value::<Outline>()?.lists.first().copied().unwrap_or(0),
                "annotations" => object.keypoints = map.next_value::<Outline>()?.keypoints,
                _ => _ = map.next_value::<IgnoredAny>()?,
            }
        }
        Ok(object)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> std::result::Result<Outline, A::Error> {
        let (mut list, mut length) = (Outline::default(), 0);
        while let Some(entry) = entries.next_element::<Outline>()? {
            length += 1;
            list.fields.extend(entry.fields);
            list.text |= entry.text;
            if list.lists.is_empty() {
                list.lists = entry.lists;
            }
            if list.keypoints == 0 {
                list.keypoints = entry.keypoints;
            }
        }
        if length > 0 {
            list.lists.insert(0, length);
        }
        Ok(list)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> std::result::Result<Outline, E> {
        let word = text.bytes().any(|byte| !byte.is_ascii_digit());
        Ok(Outline { text: true, word, ..Outline::default() })
    }

    fn visit_unit<E: serde::de::Error>(self) -> std::result::Result<Outline, E> {
        Ok(Outline::default())
    }

    fn visit_bool<E: serde::de::Error>(self, _: bool) -> std::result::Result<Outline, E> {
        self.visit_unit()
    }

    fn visit_i64<E: serde::de::Error>(self, _: i64) -> std::result::Result<Outline, E> {
        self.visit_unit()
    }

    fn visit_u64<E: serde::de::Error>(self, _: u64) -> std::result::Result<Outline, E> {
        self.visit_unit()
    }

    fn visit_f64<E: serde::de::Error>(self, _: f64) -> std::result::Result<Outline, E> {
        self.visit_unit()
    }
}

#[cfg(test)]
#[path = "recognise_tests.rs"]
mod tests;
