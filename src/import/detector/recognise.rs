//! Which detector wrote a file.

use std::{collections::BTreeMap, fmt, path::Path};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use super::json::Json;
use crate::error::Result;

/// A form, whether it is a list, and fields that all such objects have; of a list, its first entry.
const FORMS: [(&str, bool, &[&str]); 10] = [
    ("COCO annotations", false, &["images", "annotations"]),
    ("OpenPose", false, &["people"]),
    ("MMPose", false, &["instance_info"]),
    ("MMPose", true, &["instances"]),
    ("MMPose", true, &["keypoints", "keypoint_scores"]),
    ("AlphaPose", true, &["image_id", "keypoints", "box"]),
    ("AlphaPose", true, &["image_id", "keypoints", "idx"]),
    ("COCO results", true, &["image_id", "keypoints"]),
    ("MediaPipe", true, &["landmarks"]),
    ("MediaPipe", true, &["pose_landmarks"]),
];

/// Which detector's form a JSON file has, by the names of its fields; `None` if none that has names.
///
/// # Errors
/// If the file cannot be read or is no JSON.
pub fn recognise(path: &Path) -> Result<Option<&'static str>> {
    let json = Json::open(path)?;
    let is_list = json.is_list;
    let Fields(fields) = json.parse("keypoints")?;
    let has = |names: &[&str]| names.iter().all(|name| fields.contains_key(*name));
    Ok(FORMS.iter().find(|(_, list, names)| *list == is_list && has(names)).map(|(form, ..)| *form))
}

/// The names of the fields of an object, or of the first object of a list. Values are skipped, not kept.
struct Fields(BTreeMap<String, IgnoredAny>);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_any(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object or a list")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Fields, A::Error> {
        let mut fields = BTreeMap::new();
        while let Some((name, value)) = map.next_entry()? {
            fields.insert(name, value);
        }
        Ok(Fields(fields))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> std::result::Result<Fields, A::Error> {
        let first: Option<Fields> = list.next_element()?;
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(first.unwrap_or(Fields(BTreeMap::new())))
    }
}
