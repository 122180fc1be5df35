//! What a file itself says of its joints, and whether that is what it is taken for.

use super::Layout;
use crate::{format::Value, pose::words};

/// What is said, as in the `metadata` of VideoPose3D's files. Nothing of it need be there.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Stated {
    /// The numbers of the joints on the left and on the right, in ascending order.
    pub(super) symmetry: Option<[Vec<usize>; 2]>,
    pub(super) layout_name: Option<String>,
    joints: Option<f64>,
    /// Names of the joints in order, and of the field that has them.
    names: Option<(&'static str, Vec<String>)>,
}

/// A field, and what is wrong with it.
pub(super) type Problem = (&'static str, String);

const NAMES: [&str; 4] = ["joint_names", "joints_name", "keypoints_name", "keypoints_names"];

/// Names of layouts, as files have them.
const KNOWN: [&str; 9] = ["h36m", "coco", "mpii", "humaneva", "lsp", "smpl", "halpe", "openpose", "body"];

impl Stated {
    /// Of a dict.
    ///
    /// # Errors
    /// If `keypoints_symmetry` is not two lists of joints.
    pub(super) fn of(metadata: &Value) -> Result<Self, Problem> {
        let symmetry = metadata.get("keypoints_symmetry").filter(|value| **value != Value::None);
        let lists = symmetry.map(|value| {
            let problem = format!("it is {}; the numbers of the joints on the left and on the right", value.describe());
            lists(value).ok_or(("keypoints_symmetry", format!("{problem} are needed")))
        });
        let names = NAMES.iter().find_map(|field| {
            let names = metadata.get(field)?.items().iter().map(|name| name.text().map(str::to_owned));
            Some((*field, names.collect::<Option<Vec<_>>>()?))
        });
        Ok(Self {
            symmetry: lists.transpose()?,
            layout_name: metadata.get("layout_name").and_then(Value::text).map(str::to_lowercase),
            joints: metadata.get("num_joints").and_then(Value::number),
            names,
        })
    }

    /// Only names of joints.
    pub(super) fn of_names(field: &'static str, names: Vec<String>) -> Self {
        Self { names: Some((field, names)), ..Self::default() }
    }

    /// The names of the joints, in order, and their field.
    pub(super) fn names(&self) -> Option<(&'static str, &[String])> {
        self.names.as_ref().map(|(field, names)| (*field, names.as_slice()))
    }

    /// What is said that does not go with the joints of this layout. `because` says why it is taken to be this one.
    pub(super) fn contradiction(&self, layout: &Layout, because: &str) -> Option<Problem> {
        let is = format!("{because} the joints are {}", layout.name);
        let sides = sides(layout);
        if let Some([left, right]) = self.symmetry.as_ref().filter(|lists| **lists != sides) {
            let what = if *left == sides[1] { "left and right are changed over" } else { "those are others" };
            return Some(("keypoints_symmetry", format!("it is [{left:?}, {right:?}], but {is}: {what}")));
        }
        if let Some(joints) = self.joints.filter(|joints| *joints != layout.joints.len() as f64) {
            return Some((
                "num_joints",
                format!("it is {joints}, but {is}, of which there are {}", layout.joints.len()),
            ));
        }
        let known = |name: &&&str| self.layout_name.as_ref().is_some_and(|stated| stated.starts_with(**name));
        if let Some(name) = KNOWN.iter().find(known).filter(|name| !families(layout).contains(name)) {
            return Some(("layout_name", format!("it is '{name}', but {is}")));
        }
        let (field, names) = self.names.as_ref()?;
        if names.len() != layout.joints.len() {
            return Some((
                field,
                format!("it has {} names, but {is}, of which there are {}", names.len(), layout.joints.len()),
            ));
        }
        let (said, own) = (words(names), words(layout.joints));
        let joint = said.iter().zip(&own).position(|(said, own)| is_limb(said) && is_limb(own) && said != own)?;
        let (said, own) = (&names[joint], layout.joints[joint]);
        Some((field, format!("joint {joint} is '{said}', but {is}, where it is {own}")))
    }
}

/// The joints of a layout on the left and on the right.
pub(super) fn sides(layout: &Layout) -> [Vec<usize>; 2] {
    ['L', 'R'].map(|side| {
        let is_there = |name: &str| name.strip_prefix(side).is_some_and(|rest| rest.starts_with(char::is_uppercase));
        (0..layout.joints.len()).filter(|joint| is_there(layout.joints[*joint])).collect()
    })
}

/// What files call this order.
fn families(layout: &Layout) -> &'static [&'static str] {
    match layout.name {
        name if name.starts_with("H36M") => &["h36m"],
        name if name.starts_with("COCO") => &["coco"],
        name if name.starts_with("MPII") => &["mpii"],
        // MPII's order, fine-tuned on Human3.6M.
        name if name.starts_with("SH") => &["mpii", "h36m"],
        _ => &["h36m", "lsp", "smpl"],
    }
}

/// Two lists of whole numbers, each in ascending order.
fn lists(value: &Value) -> Option<[Vec<usize>; 2]> {
    let whole = |v: f64| (v >= 0.0 && v.fract() == 0.0).then_some(v as usize);
    let list = |numbers: Vec<f64>| {
        let mut list = numbers.into_iter().map(whole).collect::<Option<Vec<_>>>()?;
        list.sort_unstable();
        Some(list)
    };
    let floats = |values: &[f32]| values.iter().map(|v| f64::from(*v)).collect::<Vec<_>>();
    let one = |value: &Value| match value {
        Value::Numbers(array) => list(floats(&array.values)),
        _ => list(value.items().iter().map(Value::number).collect::<Option<_>>()?),
    };
    match (value, value.items()) {
        (Value::Numbers(array), _) if array.shape.len() == 2 && array.shape[0] == 2 => {
            let (left, right) = array.values.split_at(array.shape[1]);
            Some([list(floats(left))?, list(floats(right))?])
        }
        (_, [left, right]) => Some([one(left)?, one(right)?]),
        _ => None,
    }
}

/// Whether this is the word of a limb's joint, of which no two conventions mean different ones.
fn is_limb(word: &str) -> bool {
    let part = word.strip_prefix("l_").or_else(|| word.strip_prefix("r_"));
    part.is_some_and(|part| ["hip", "knee", "ankle", "shoulder", "elbow", "wrist"].contains(&part))
}

#[cfg(test)]
#[path = "stated_tests.rs"]
mod tests;
