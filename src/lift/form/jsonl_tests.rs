//! Tests of JSON lines, against their published schema too.

use serde_json::{Value, from_str};

use super::*;
use crate::config::ModelConfig;
use crate::lift::form::sample_tests::{about, alone, frame, person, stream};
use crate::lift::{Form, Output, Up};
use crate::task::{Losses, Stage};

fn schema() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/lift.schema.json");
    from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// What is wrong with a value by the keywords that our schema uses; another keyword fails.
fn wrong(schema: &Value, root: &Value, value: &Value, at: &str) -> Vec<String> {
    let (mut found, mut say) = (Vec::new(), Vec::new());
    for (key, rule) in schema.as_object().unwrap() {
        let fits = match key.as_str() {
            "$schema" | "$id" | "$defs" | "title" | "description" => true,
            "$ref" => {
                let target = root.pointer(rule.as_str().unwrap().strip_prefix('#').unwrap()).unwrap();
                found.extend(wrong(target, root, value, at));
                true
            }
            "type" => {
                let is = |name: &Value| match name.as_str().unwrap() {
                    "null" => value.is_null(),
                    "boolean" => value.is_boolean(),
                    "integer" => value.is_i64() || value.is_u64(),
                    "number" => value.is_number(),
                    "string" => value.is_string(),
                    "array" => value.is_array(),
                    "object" => value.is_object(),
                    other => panic!("unknown type {other}"),
                };
                rule.as_array().map_or_else(|| is(rule), |names| names.iter().any(is))
            }
            "const" => rule == value,
            "enum" => rule.as_array().unwrap().contains(value),
            "oneOf" => {
                let fit = |rule: &&Value| wrong(rule, root, value, at).is_empty();
                rule.as_array().unwrap().iter().filter(fit).count() == 1
            }
            "required" => value.as_object().is_none_or(|object| {
                rule.as_array().unwrap().iter().all(|name| object.contains_key(name.as_str().unwrap()))
            }),
            "properties" => {
                for (name, rule) in rule.as_object().unwrap() {
                    if let Some(value) = value.get(name) {
                        found.extend(wrong(rule, root, value, &format!("{at}.{name}")));
                    }
                }
                true
            }
            "additionalProperties" => value.as_object().is_none_or(|object| {
                let is_known = |name: &str| schema.get("properties").is_some_and(|known| known.get(name).is_some());
                object.iter().filter(|(name, _)| !is_known(name)).all(|(name, value)| match rule {
                    Value::Bool(allowed) => *allowed,
                    rule => {
                        found.extend(wrong(rule, root, value, &format!("{at}.{name}")));
                        true
                    }
                })
            }),
            "items" => {
                for (k, value) in value.as_array().into_iter().flatten().enumerate() {
                    found.extend(wrong(rule, root, value, &format!("{at}[{k}]")));
                }
                true
            }
            "minItems" => value.as_array().is_none_or(|items| items.len() as u64 >= rule.as_u64().unwrap()),
            "maxItems" => value.as_array().is_none_or(|items| items.len() as u64 <= rule.as_u64().unwrap()),
            "minimum" => value.as_f64().is_none_or(|value| value >= rule.as_f64().unwrap()),
            "exclusiveMinimum" => value.as_f64().is_none_or(|value| value > rule.as_f64().unwrap()),
            other => panic!("{at}: unknown keyword {other}"),
        };
        if !fits {
            say.push(format!("{at}: {key} {rule}"));
        }
    }
    found.extend(say);
    found
}

fn fits(kind: &str, line: &str) -> std::result::Result<(), Vec<String>> {
    let schema = schema();
    let value = from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    let wrong = wrong(&schema["$defs"][kind], &schema, &value, kind);
    if wrong.is_empty() { Ok(()) } else { Err(wrong) }
}

/// A person with everything that one can have.
fn full() -> crate::lift::LiftedPerson {
    let model = ModelConfig::default();
    let mut full = person(17, 3, -5);
    let slot = [0.125; 64];
    let columns = crate::task::tasks(&model, Stage::Adaptation).iter().map(|about| about.columns.len()).sum();
    full.losses = Some(Losses::of_ring(&slot[..columns], &model, Stage::Adaptation));
    full
}

#[test]
fn lines_fit_the_schema() {
    let mut frames = alone(17, 0..3);
    frames.push(frame(3, vec![]));
    frames.push(frame(4, vec![full(), person(17, 4, i64::MAX)]));
    frames[1].time = None;
    frames[1].people[0].root = None;
    frames[2].sequence = Some("a \"b\"\n\u{1}\u{7f}\\ \u{2028}".into());
    let text = stream(Form::Jsonl, about(17, Up::Camera), &frames);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 1 + frames.len(), "a line a frame, whatever names hold");
    assert_eq!(fits("out_header", lines[0]), Ok(()));
    for line in &lines[1..] {
        assert_eq!(fits("out_frame", line), Ok(()), "{line}");
        assert!(fits("out_header", line).is_err() && fits("error", line).is_err());
    }
    assert_eq!(from_str::<Value>(lines[3]).unwrap()["sequence"], "a \"b\"\n\u{1}\u{7f}\\ \u{2028}");
    let losses = &from_str::<Value>(lines[5]).unwrap()["people"][0]["losses"];
    assert!(losses.as_object().is_some_and(|losses| !losses.is_empty()), "{losses}");
}

#[test]
fn the_schema_refuses_what_is_no_line() {
    let text = stream(Form::Jsonl, about(17, Up::Camera), &alone(17, [0]));
    let line = text.lines().nth(1).unwrap();
    for (from, to) in [
        ("\"frame\":0", "\"frame\":0.5"),
        ("\"time\":0,", ""),
        ("\"id\":1", "\"id\":\"1\""),
        ("\"guessed\":[", "\"guessed\":[0,"),
        ("\"adapted\":true", "\"adapted\":true,\"more\":1"),
        ("\"joints\":[[", "\"joints\":[[0,"),
    ] {
        let changed = line.replacen(from, to, 1);
        assert_ne!(changed, line, "{from}");
        assert!(fits("out_frame", &changed).is_err(), "{changed}");
    }
}

#[test]
fn the_schema_has_the_input_too() {
    let read = |line: &str| crate::lift::input::parse(line.as_bytes(), &crate::pose::layout::COCO_17);
    let keypoints = format!("[1,2],[1.5,2.5,0.9]{}", ",null".repeat(15));
    for line in [
        format!(r#"{{"people":[{{"keypoints":[{keypoints}],"box":[1]}}],"video":"a"}}"#),
        format!(r#"{{"frame":7,"time":0.28,"sequence":"a","people":[{{"id":3,"keypoints":[{keypoints}]}}]}}"#),
        r#"{"people":[]}"#.to_owned(),
    ] {
        assert_eq!(fits("in_frame", &line), Ok(()), "{line}");
        assert!(read(&line).is_ok(), "{line}");
    }
    for line in [r#"{"people":[{"keypoints":[[1]]}]}"#, r#"{"frame":1}"#, r#"{"people":[{"id":1}]}"#] {
        assert!(fits("in_frame", line).is_err(), "{line}");
        assert!(read(line).is_err(), "{line}");
    }
    let header = r#"{"layout":"coco17","image_size":[640,480],"intrinsics":[1,2,3,4]}"#;
    assert_eq!(fits("in_header", header), Ok(()));
    assert!(read(header).is_ok());
    assert!(fits("in_header", r#"{"layout":"coco18"}"#).is_err());
    let layouts: Vec<&str> = crate::pose::LAYOUTS.iter().map(|(name, _)| *name).collect();
    assert_eq!(schema()["$defs"]["in_header"]["properties"]["layout"]["enum"], serde_json::json!(layouts));
}

#[test]
fn numbers_are_those_of_the_frame_in_the_axes_asked_for() {
    let frames = [frame(1, vec![full()])];
    for up in [Up::Camera, Up::World] {
        let text = stream(Form::Jsonl, about(17, up), &frames);
        let line: Value = from_str(text.lines().nth(1).unwrap()).unwrap();
        let (read, person) = (&line["people"][0], &frames[0].people[0]);
        let near = |value: &Value, point: [f32; 3]| {
            // Half of the last digit, and what f32 lacks.
            (0..3).all(|k| (value[k].as_f64().unwrap() - f64::from(up.of(point)[k])).abs() < 0.51e-5)
        };
        for joint in 0..17 {
            assert!(near(&read["joints"][joint], person.joints[joint]), "{line}");
            assert_eq!(read["guessed"][joint], person.guessed[joint]);
            let confidence = read["confidence"][joint].as_f64().unwrap();
            assert!((confidence - f64::from(person.confidence[joint])).abs() < 0.51e-4, "{confidence}");
        }
        assert!(near(&read["root"], person.root.unwrap()), "{line}");
        assert_eq!((&read["id"], &read["adapted"]), (&(-5).into(), &false.into()));
        assert_eq!((&line["frame"], &line["time"]), (&1.into(), &0.04.into()));
        assert_eq!(text.lines().next().unwrap().contains("y up"), up == Up::World);
    }
}

#[test]
fn a_line_is_there_as_soon_as_its_frame() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jsonl");
    std::fs::write(&path, "old").unwrap();
    let mut sink = Form::Jsonl.sink(about(17, Up::Camera), Output::File(path.clone())).unwrap();
    let lines = || std::fs::read_to_string(&path).unwrap().matches('\n').count();
    assert_eq!(lines(), 1);
    for (k, frame) in alone(17, 0..3).iter().enumerate() {
        sink.push(frame).unwrap();
        assert_eq!(lines(), 2 + k);
    }
    sink.unreadable(9, "no \"people\"").unwrap();
    assert_eq!(lines(), 5);
    assert_eq!(sink.finish().unwrap(), [format!("3 frames, 3 poses: {}", path.display())]);
}

#[test]
fn what_could_not_be_read_has_a_line() {
    let text = String::from_utf8(error_text(12, "a \"quote\"\nand a line")).unwrap();
    assert_eq!(fits("error", text.trim_end()), Ok(()));
    assert_eq!(text.matches('\n').count(), 1);
    assert_eq!(from_str::<Value>(&text).unwrap()["line"], 12);
}
