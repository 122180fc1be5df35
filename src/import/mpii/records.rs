//! MPII's annotations as JSON: HRNet's, and pytorch-pose's.

use std::path::Path;

use serde_json::Value;

use super::{Person, Unread};
use crate::{
    error::{Error, Result},
    format::{memory_limit, read_limited},
    import::{Collector, damaged::Damaged},
};

const FIX: &str = "give HRNet's train.json or valid.json, a list of {image, joints, joints_vis}, or pytorch-pose's \
                   mpii_annotations.json, of {img_paths, joint_self}";

/// The people of a file. Records that are damaged are left out while they are few.
pub(super) fn read(path: &Path, to: &mut Collector<'_>) -> std::result::Result<Vec<Person>, Unread> {
    let records = match parse(path).map_err(Unread::Damaged)? {
        Value::Array(records) => records,
        other => {
            return Err(another(path, "annotations", &format!("it is {}, not a list of people", describe(&other))));
        }
    };
    let has = |record: &Value, fields: &[&str]| fields.iter().any(|field| record.get(field).is_some());
    if !records.iter().any(|record| has(record, &["joints", "joints_vis", "joint_self"])) {
        let problem = match records.first() {
            None => "the list is empty".to_owned(),
            Some(first) if has(first, &["image", "img_paths"]) => {
                format!("none of the {} records has joints: it is the test split's, or of images only", records.len())
            }
            Some(first) => format!("it is {}, no person with joints", describe(first)),
        };
        return Err(another(path, "annotations[0]", &problem));
    }
    let mut damaged = Damaged::among(records.len(), "record", to.tolerance().strict);
    let mut people = Vec::new();
    for (i, record) in records.iter().enumerate() {
        let read = person(record)
            .map_err(|(field, problem)| Error::file(path, format!("annotations[{i}].{field}"), problem, FIX));
        people.extend(damaged.sift(read).map_err(Unread::Damaged)?);
    }
    to.warn_all(damaged.tell().map_err(Unread::Damaged)?);
    Ok(people)
}

fn another(path: &Path, field: &str, problem: &str) -> Unread {
    Unread::Other(Error::file(path, field, problem, FIX))
}

fn parse(path: &Path) -> Result<Value> {
    // A parsed value may take so many times its text.
    let most = memory_limit() / 64;
    let text = read_limited(path, most)?;
    serde_json::from_slice(&text).map_err(|error| Error::file(path, "annotations", error.to_string(), FIX))
}

/// A field, and what is wrong with it.
type Problem = (String, String);

/// One person; centre and scale of the box are not needed.
fn person(record: &Value) -> std::result::Result<Person, Problem> {
    let is_self = record.get("joint_self").is_some();
    let name = if is_self { "img_paths" } else { "image" };
    let image = record.get(name).and_then(Value::as_str);
    let image = image.ok_or_else(|| expected(record, name, "the name of the image"))?.to_owned();
    let (mut joints, mut present) = ([[0.0; 2]; 16], [0.0; 16]);
    if is_self {
        // The third is whether it is visible; a joint that nobody annotated is at (0, 0).
        let rows: [[f32; 3]; 16] = table(record, "joint_self", "[x, y, visible]")?;
        for (joint, [x, y, _]) in rows.into_iter().enumerate() {
            (joints[joint], present[joint]) = ([x, y], f32::from(u8::from([x, y] != [0.0; 2])));
        }
        return Ok(Person { image, joints, present });
    }
    joints = table(record, "joints", "[x, y]")?;
    let form = "a list of 16 of 0 (absent) and 1";
    let marks = list(record, "joints_vis").ok_or_else(|| expected(record, "joints_vis", form))?;
    for (joint, mark) in marks.iter().enumerate() {
        present[joint] =
            visible(mark).map_err(|problem| ("joints_vis".to_owned(), format!("joint {joint} has {problem}")))?;
    }
    Ok(Person { image, joints, present })
}

/// 16 rows of `N` numbers.
fn table<const N: usize>(record: &Value, field: &str, row: &str) -> std::result::Result<[[f32; N]; 16], Problem> {
    let wrong = || expected(record, field, &format!("a list of 16 {row}"));
    let rows = list(record, field).ok_or_else(wrong)?;
    let mut table = [[0.0; N]; 16];
    for (to, row) in table.iter_mut().zip(rows) {
        let row = row.as_array().filter(|row| row.len() == N).ok_or_else(wrong)?;
        for (to, value) in to.iter_mut().zip(row) {
            // JavaScript's way to write what is no number.
            let value = if value.is_null() { Some(f64::NAN) } else { value.as_f64() };
            *to = value.ok_or_else(wrong)? as f32;
        }
    }
    Ok(table)
}

fn list<'a>(record: &'a Value, field: &str) -> Option<&'a Vec<Value>> {
    record.get(field)?.as_array().filter(|list| list.len() == 16)
}

/// Whether a joint is there: 0 or 1, a truth value, COCO's 2 (visible), or HRNet's own pair or triple, [1, 1, 0].
fn visible(mark: &Value) -> std::result::Result<f32, String> {
    match mark {
        Value::Bool(mark) => Ok(f32::from(u8::from(*mark))),
        Value::Array(pair) => match &pair[..] {
            [x, y] | [x, y, _] => {
                let marks = [visible(x)?, visible(y)?];
                if marks[0] == marks[1] { Ok(marks[0]) } else { Err(format!("{mark}, one of x and y only")) }
            }
            _ => Err(format!("{mark}, none of 0, 1 and 2")),
        },
        mark => match mark.as_f64() {
            Some(value) if [0.0, 1.0, 2.0].contains(&value) => Ok(value.min(1.0) as f32),
            _ => Err(format!("{mark}, none of 0, 1 and 2")),
        },
    }
}

fn expected(record: &Value, field: &str, form: &str) -> Problem {
    let is = record.get(field).map_or("there is none".to_owned(), |value| format!("it is {}", describe(value)));
    (field.to_owned(), format!("{is}; {field}: {form} is expected"))
}

/// In the words of the format.
fn describe(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(value) => format!("the number {value}"),
        Value::String(_) => "text".to_owned(),
        Value::Array(list) => match list.iter().find(|row| row.as_array().is_some()) {
            Some(row) => format!("a list of {} rows of {}", list.len(), row.as_array().map_or(0, Vec::len)),
            None => format!("a list of {}", list.len()),
        },
        Value::Object(fields) => {
            let names: Vec<&str> = fields.keys().map(String::as_str).take(5).collect();
            format!("an object of {}", if names.is_empty() { "nothing".to_owned() } else { names.join(", ") })
        }
    }
}
