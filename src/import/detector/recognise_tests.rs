//! Every fixture by its fields, and files whose first entry says little.

use std::path::PathBuf;

use super::*;

/// Every JSON fixture and what it is.
const FIXTURES: [(&str, &str); 25] = [
    ("alphapose/halpe136.json", "AlphaPose"),
    ("alphapose/merged.json", "AlphaPose"),
    ("alphapose/named.json", "AlphaPose"),
    ("alphapose/no_idx.json", "AlphaPose"),
    ("alphapose/padded.json", "AlphaPose"),
    ("alphapose/tracked.json", "AlphaPose"),
    ("alphapose/untracked.json", "AlphaPose"),
    ("coco/annotations.json", "COCO annotations"),
    ("coco/results.json", "COCO results"),
    ("coco/tracked.json", "COCO annotations"),
    ("coco/wholebody.json", "COCO results"),
    ("halpe/annotations.json", "Halpe annotations"),
    ("halpe/results.json", "Halpe results"),
    ("mediapipe/lists.json", "MediaPipe"),
    ("mediapipe/objects.json", "MediaPipe"),
    ("mediapipe/rows.json", "MediaPipe"),
    ("mediapipe/two.json", "MediaPipe"),
    ("mmpose/halpe136.json", "MMPose"),
    ("mmpose/halpe26.json", "MMPose"),
    ("mmpose/image.json", "MMPose"),
    ("mmpose/image_demo.json", "MMPose"),
    ("mmpose/results_demo.json", "MMPose"),
    ("mmpose/video.json", "MMPose"),
    ("mmpose/wholebody.json", "MMPose"),
    ("openpose/body_25/my_dance_000000000002_keypoints.json", "OpenPose"),
];

fn fixture(name: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/kernels-tests/fixtures/detectors")).join(name)
}

/// The JSON files of a folder of the fixtures.
fn files(folder: &str) -> Vec<String> {
    let names =
        std::fs::read_dir(fixture(folder)).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.ends_with(".json")).map(|name| format!("{folder}/{name}")).collect()
}

#[test]
fn every_form_is_recognised() {
    for (name, form) in FIXTURES {
        assert_eq!(recognise(&fixture(name)).unwrap(), Some(form), "{name}");
    }
    // No file of these folders is left out, but for frames beside those above.
    for folder in ["alphapose", "coco", "halpe", "mediapipe", "mmpose"] {
        for name in files(folder) {
            assert!(FIXTURES.iter().any(|(known, _)| *known == name), "{name}");
        }
    }
    for name in ["openpose/body_25", "openpose/coco_18"].into_iter().flat_map(files) {
        assert_eq!(recognise(&fixture(&name)).unwrap(), Some("OpenPose"), "{name}");
    }
    for name in ["expected.json", "layouts.json"] {
        assert_eq!(recognise(&fixture(name)).unwrap(), None, "{name}");
    }
    assert!(recognise(&fixture("expected.npz")).is_err());
}

#[test]
fn forms_are_recognised_where_the_first_entry_says_little() {
    let numbers = |count| vec!["5"; count].join(",");
    let person = |count: usize| format!(r#"{{"image_id":1,"keypoints":[{}]}}"#, numbers(3 * count));
    let annotations = |count: usize| {
        let categories = format!(r#"[{{"keypoints":["nose"{}]}}]"#, r#","ear""#.repeat(77));
        let people = format!(r#"[{{"image_id":1}},{{"image_id":1,"keypoints":[]}},{}]"#, person(count));
        format!(r#"{{"images":[],"annotations":{people},"categories":{categories}}}"#)
    };
    let row = |width: usize, count: usize| format!("[{}]", vec![format!("[{}]", numbers(width)); count].join(","));
    let marks = format!("[{}]", vec![r#"{"x":0.5,"y":0.5}"#; 33].join(","));
    let cases = [
        ("[]".to_owned(), None),
        ("[[]]".into(), None),
        ("[null]".into(), None),
        ("7".into(), None),
        ("{}".into(), None),
        (annotations(17), Some("COCO annotations")),
        (annotations(26), Some("Halpe annotations")),
        (annotations(136), Some("Halpe annotations")),
        (format!("[{}]", person(17)), Some("COCO results")),
        (format!("[{}]", person(136)), Some("Halpe results")),
        (format!("[{}]", person(26)).replacen('1', r#""1.jpg""#, 1), Some("AlphaPose")),
        (format!("[{}]", person(17)).replacen('1', r#""01""#, 1), Some("COCO results")),
        (format!("[null,[],{marks}]"), Some("MediaPipe")),
        (format!("[[],[{marks},{marks}]]"), Some("MediaPipe")),
        (marks.clone(), None),
        (format!("[null,{}]", row(4, 33)), Some("MediaPipe")),
        (format!("[[{}]]", row(3, 33)), Some("MediaPipe")),
        // Another number of joints, numbers in place of rows, text in place of numbers.
        (format!("[{}]", row(3, 17)), None),
        (row(3, 33), None),
        (format!("[{}]", row(3, 33)).replacen('5', r#""5""#, 1), None),
        (r#"[{"frame":0,"landmarks":null}]"#.into(), Some("MediaPipe")),
    ];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("given.json");
    for (text, form) in cases {
        std::fs::write(&path, &text).unwrap();
        assert_eq!(recognise(&path).unwrap(), form, "{text}");
    }
}
