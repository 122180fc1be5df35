//! The keypoints of one person in JSON, however they are written, and the order that names give them.

use std::path::Path;

use serde_json::Value;

use super::{json::Node, layout_of};
use crate::{
    error::{Error, Result},
    import::{
        Layout,
        layout::{Slot, by_names, twice},
    },
};

/// A number of keypoints, and their order.
pub(super) type Layouts = [(usize, &'static Layout)];

/// Keypoints as a file has them.
#[derive(Debug, Clone, Default)]
pub(super) struct Keypoints {
    pub(super) xy: Vec<[f32; 2]>,
    /// The score of each; empty where there are none.
    pub(super) scores: Vec<f32>,
    /// How the 17 joints are made of them, if each came with its name.
    pub(super) slots: Option<[Slot; 17]>,
}

const FORM: &str = "a list of x, y, score of every keypoint";

/// Reads a list of numbers, three for each keypoint; of [x, y] or [x, y, score]; of {x, y, score}, with names or
/// without; or an object of such by their names. `scores` stand in a list of their own.
pub(super) fn read(node: &Node<'_>, scores: Option<Node<'_>>) -> Result<Keypoints> {
    let mut read = match node.value {
        Value::Array(list) if !list.iter().any(|item| item.is_array() || item.is_object()) => flat(node)?,
        Value::Array(_) => {
            let (mut points, mut names) = (Vec::new(), Vec::new());
            for item in node.items(FORM)? {
                points.push(point(&item)?);
                names.extend(
                    item.any(&["name", "part", "bodyPart"]).and_then(|name| name.value.as_str()).map(str::to_owned),
                );
            }
            // Names of some only say nothing.
            let slots = (names.len() == points.len() && !names.is_empty()).then(|| order(node, &names)).transpose()?;
            Keypoints { slots, ..gathered(node, points)? }
        }
        Value::Object(object) => {
            let names: Vec<&String> = object.keys().collect();
            let points = names.iter().map(|name| node.get(name).map_or(Ok(NOWHERE), |item| point(&item)));
            Keypoints { slots: Some(order(node, &names)?), ..gathered(node, points.collect::<Result<_>>()?)? }
        }
        _ => return Err(node.expected(FORM)),
    };
    if let Some(scores) = scores {
        if !read.scores.is_empty() {
            let problem = "its points have three numbers, and their scores stand beside them: this is 3D";
            return Err(node.error(problem, "give the predictions of a 2D model"));
        }
        read.scores = scores.floats("a list of scores")?;
    }
    if !read.scores.is_empty() && read.scores.len() != read.xy.len() {
        let problem = format!("there are {} scores of {} keypoints", read.scores.len(), read.xy.len());
        return Err(node.error(problem, "give a score for every keypoint, or for none"));
    }
    Ok(read)
}

/// The order that names give; an error if no layout has them.
pub(super) fn order<S: AsRef<str>>(node: &Node<'_>, names: &[S]) -> Result<[Slot; 17]> {
    by_names(names).ok_or_else(|| node.error(unknown(names), OTHER))
}

/// What is wrong with names that no layout has.
pub(super) fn unknown<S: AsRef<str>>(names: &[S]) -> String {
    let shown: Vec<&str> = names.iter().map(AsRef::as_ref).take(40).collect();
    let why = match twice(names) {
        Some(name) => format!("two of its names are of one joint, {name}"),
        None => "these are the joints of no known person".to_owned(),
    };
    format!("{why}: {}", shown.join(", "))
}

/// What to do then.
pub(super) const OTHER: &str = "use a detector of a person's keypoints: COCO's, BODY_25's, Halpe's, MediaPipe's, \
                                PoseTrack's, MPII's or Human3.6M's";

fn flat(node: &Node<'_>) -> Result<Keypoints> {
    let numbers = node.floats(FORM)?;
    let (triples, rest) = numbers.as_chunks::<3>();
    if !rest.is_empty() {
        let problem = format!("it has {} numbers, no three for each keypoint", numbers.len());
        return Err(node.error(problem, "give x, y, score of each"));
    }
    let xy = triples.iter().map(|&[x, y, _]| [x, y]).collect();
    Ok(Keypoints { xy, scores: triples.iter().map(|&[.., score]| score).collect(), slots: None })
}

/// A keypoint that is not there, which needs no score.
const NOWHERE: Point = ([f32::NAN; 2], None);

/// A place, and the score where there is one.
type Point = ([f32; 2], Option<f32>);

/// Keypoints of which all that are there have a score, or none.
fn gathered(node: &Node<'_>, points: Vec<Point>) -> Result<Keypoints> {
    let is_there = |point: &&Point| point.0.iter().any(|v| !v.is_nan());
    let scored = points.iter().filter(is_there).filter(|(_, score)| score.is_some()).count();
    let there = points.iter().filter(is_there).count();
    if scored > 0 && scored < there {
        let problem = format!("there are {scored} scores of {there} keypoints");
        return Err(node.error(problem, "give a score for every keypoint, or for none"));
    }
    let xy = points.iter().map(|(xy, _)| *xy).collect();
    let scores = points.into_iter().map(|(_, score)| score.unwrap_or(0.0));
    Ok(Keypoints { xy, scores: if scored > 0 { scores.collect() } else { Vec::new() }, slots: None })
}

fn point(node: &Node<'_>) -> Result<Point> {
    const FORM: &str = "a keypoint: [x, y], [x, y, score] or {x, y, score}";
    match node.value {
        Value::Null => Ok(NOWHERE),
        Value::Array(_) => match node.floats(FORM)?[..] {
            [x, y] => Ok(([x, y], None)),
            [x, y, score] => Ok(([x, y], Some(score))),
            ref other => {
                let problem = format!("it has {} numbers; 2 or 3 are needed", other.len());
                Err(node.error(problem, "give x, y, score"))
            }
        },
        Value::Object(_) => {
            let inside = node.get("position");
            let place = inside.as_ref().unwrap_or(node);
            let axis = |key: &'static str| match place.value.get(key) {
                Some(Value::Null) => Ok(f32::NAN),
                _ => place.need(key, "a number")?.float(),
            };
            let names =
                ["score", "confidence", "visibility", "conf", "prob", "probability", "likelihood", "visible", "v", "c"];
            // A null score is a joint that was not found.
            let is_null = names.iter().any(|name| node.value.get(name).is_some_and(Value::is_null));
            let score = node.any(&names).map(|score| score.float()).transpose()?;
            Ok(([axis("x")?, axis("y")?], score.or(is_null.then_some(0.0))))
        }
        _ => Err(node.expected(FORM)),
    }
}

/// The order of a file's keypoints: by the names that it gives, else by their number.
pub(super) struct Order {
    layouts: &'static Layouts,
    named: Option<(usize, [Slot; 17], String)>,
}

impl Order {
    /// By the number of keypoints.
    pub(super) fn new(layouts: &'static Layouts) -> Self {
        Self { layouts, named: None }
    }

    /// Takes the names, if a value that the file has beside its records gives any, itself or in a block about the file.
    ///
    /// # Errors
    /// If no layout has them.
    pub(super) fn learn(&mut self, node: &Node<'_>) -> Result<()> {
        let block = node.any(&BLOCKS);
        if let Some((field, names)) = names(node).or_else(|| names(block.as_ref()?)) {
            let slots = by_names(&names).ok_or_else(|| Error::file(node.path, &field, unknown(&names), OTHER))?;
            self.named = Some((names.len(), slots, field));
        }
        Ok(())
    }

    /// How the 17 joints are made of a person's keypoints.
    ///
    /// # Errors
    /// If they are not as many as the names, or no layout has so many.
    pub(super) fn slots(&self, at: At<'_>, keypoints: &Keypoints) -> Result<[Slot; 17]> {
        let count = keypoints.xy.len();
        match (keypoints.slots, &self.named) {
            (Some(slots), _) => Ok(slots),
            (None, Some((names, slots, _))) if *names == count => Ok(*slots),
            (None, Some((names, _, field))) => {
                Err(at.error(format!("it has {count} keypoints, and {field} {names} names"), "name every keypoint"))
            }
            (None, None) => layout_of(count, self.layouts).map(|layout| layout.slots).ok_or_else(|| {
                let needed = super::counts(self.layouts, 1);
                let fix = format!("give x, y, score of each of {needed} keypoints, or their names");
                at.error(format!("it has {count} keypoints; {needed} are needed"), fix)
            }),
        }
    }
}

/// Where somebody's keypoints stand, for messages.
#[derive(Clone, Copy)]
pub(super) struct At<'a> {
    pub(super) path: &'a Path,
    pub(super) field: &'a dyn Fn() -> String,
}

impl At<'_> {
    fn error(&self, problem: impl Into<String>, fix: impl Into<String>) -> Error {
        Error::file(self.path, (self.field)(), problem, fix)
    }
}

/// What files call what they say of themselves.
const BLOCKS: [&str; 7] = ["info", "meta", "meta_info", "metadata", "dataset_info", "dataset_meta", "header"];

/// Under which a block of a file lists the names of keypoints.
const LISTS: [&str; 10] = [
    "keypoint_id2name",
    "keypoint_name2id",
    "keypoint_names",
    "keypoints_names",
    "keypoints_name",
    "joint_names",
    "landmark_names",
    "part_names",
    "keypoint_info",
    "keypoints",
];

/// The names of keypoints that a block gives, and where: a list of text, or an object by number. Names that only count
/// (`new-point-3`, `kp3`) are none.
pub(super) fn names(node: &Node<'_>) -> Option<(String, Vec<String>)> {
    LISTS.iter().find_map(|key| {
        let list = node.get(key)?;
        Some((list.field(), listed(list.value).filter(|names| say_something(names))?))
    })
}

fn say_something(names: &[String]) -> bool {
    let stem = |name: &String| name.chars().filter(|c| c.is_alphabetic()).collect::<String>();
    let first = names.first().map(stem);
    names.len() < 2 || names.iter().any(|name| Some(stem(name)) != first)
}

fn listed(value: &Value) -> Option<Vec<String>> {
    let name = |value: &Value| value.as_str().or_else(|| value.get("name")?.as_str()).map(str::to_owned);
    match value {
        Value::Array(list) if !list.is_empty() => list.iter().map(name).collect(),
        Value::Object(object) if !object.is_empty() => {
            let by_number = |(key, value): (&String, &Value)| Some((key.parse().ok()?, name(value)?));
            let by_name = |(key, value): (&String, &Value)| Some((usize::try_from(value.as_u64()?).ok()?, key.clone()));
            let numbered = object.iter().map(by_number).collect::<Option<Vec<(usize, String)>>>();
            let mut numbered = numbered.or_else(|| object.iter().map(by_name).collect())?;
            numbered.sort();
            // Two names of one number are the name of no joint.
            let of_one = numbered.chunk_by(|a, b| a.0 == b.0);
            Some(
                of_one
                    .map(|names| names.iter().map(|(_, name)| name.as_str()).collect::<Vec<_>>().join(" and "))
                    .collect(),
            )
        }
        _ => None,
    }
}
