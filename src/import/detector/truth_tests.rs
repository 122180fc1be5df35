//! What files say of themselves, what is missing in them, and what no person could be.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::{
    tests::{Reader, read_text, sequences},
    *,
};
use crate::data::PoseSet;
use crate::import::{Tolerance, collect_told};

/// COCO's names.
pub(super) const COCO_NAMES: [&str; 17] = [
    "nose",
    "left_eye",
    "right_eye",
    "left_ear",
    "right_ear",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "left_hip",
    "right_hip",
    "left_knee",
    "right_knee",
    "left_ankle",
    "right_ankle",
];

/// Where each joint of a person who faces the camera is, in pixels.
pub(super) fn place(name: &str) -> [f32; 2] {
    let places: HashMap<&str, [f32; 2]> = COCO_NAMES
        .into_iter()
        .zip([
            [200., 90.],
            [212., 82.],
            [188., 80.],
            [224., 86.],
            [176., 84.],
            [250., 134.],
            [150., 132.],
            [274., 194.],
            [126., 192.],
            [290., 250.],
            [110., 248.],
            [232., 254.],
            [168., 252.],
            [240., 346.],
            [160., 344.],
            [244., 430.],
            [156., 428.],
        ])
        .chain([("head_bottom", [200., 120.]), ("head_top", [200., 50.])])
        .collect();
    places[name]
}

/// x, y, score of joints, moved to the right.
pub(super) fn flat(names: &[&str], right: f32, score: f32) -> Vec<f32> {
    names.iter().map(|name| place(name)).flat_map(|[x, y]| [x + right, y, score]).collect()
}

pub(super) fn person(right: f32) -> Value {
    json!({"image_id": 0, "category_id": 1, "keypoints": flat(&COCO_NAMES, right, 0.9)})
}

pub(super) fn with(mut record: Value, key: &str, value: Value) -> Value {
    record[key] = value;
    record
}

/// The set and the warnings of files of these names and contents.
pub(super) fn told(
    reader: Reader,
    files: &[(&str, Value)],
    options: &Options,
    strict: bool,
) -> Result<(PoseSet, Vec<String>)> {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        std::fs::create_dir_all(folder.path().join(name).parent().unwrap()).unwrap();
        std::fs::write(folder.path().join(name), content.to_string()).unwrap();
    }
    let tolerance = Tolerance { strict, ..Tolerance::default() };
    collect_told(17, tolerance, |to| reader(&[folder.path().to_owned()], options, to, &mut |_, _| Ok(())))
}

pub(super) fn one(reader: Reader, content: &Value) -> (PoseSet, Vec<String>) {
    told(reader, &[("given.json", content.clone())], &Options::default(), false).unwrap()
}

pub(super) fn refused(reader: Reader, content: &Value, words: &[&str]) {
    let error = read_text(reader, "given.json", &content.to_string()).unwrap_err().to_string();
    assert!(words.iter().all(|word| error.contains(word)), "{error} lacks one of {words:?}");
}

/// Joint `slot` of pose `pose`.
fn joint(set: &PoseSet, pose: usize, slot: usize) -> ([f32; 2], f32) {
    let i = 17 * pose + slot;
    ([set.keypoints[2 * i], set.keypoints[2 * i + 1]], set.confidence.as_ref().unwrap()[i])
}

/// COCO annotations of one image whose person has the joints of these names, in this order.
pub(super) fn named(names: &[&str]) -> Value {
    let person = json!({"id": 1, "image_id": 1, "category_id": 1, "keypoints": flat(names, 0.0, 2.0)});
    json!({
        "images": [{"id": 1, "width": 640, "height": 480}],
        "annotations": [person],
        "categories": [{"id": 1, "name": "person", "keypoints": names}],
    })
}

#[test]
fn names_come_before_counts() {
    let right = one(coco::import, &named(&COCO_NAMES)).0;
    assert_eq!(joint(&right, 0, 13).0, place("left_wrist"));
    let mut other = COCO_NAMES;
    other.swap(9, 12);
    other.reverse();
    assert_eq!(one(coco::import, &named(&other)).0.keypoints, right.keypoints);
    // PoseTrack18's names, which are 17 too.
    let mut posetrack = COCO_NAMES;
    posetrack[1..3].copy_from_slice(&["head_bottom", "head_top"]);
    let set = one(coco::import, &named(&posetrack)).0;
    assert_eq!((joint(&set, 0, 8).0, joint(&set, 0, 10).0), (place("head_bottom"), place("head_top")));
    // No name for one of the joints; one name too few.
    let mut file = named(&COCO_NAMES);
    file["categories"][0]["keypoints"][12] = json!("tail");
    refused(coco::import, &file, &["categories[0].keypoints", "no known person", "tail"]);
    file["categories"][0]["keypoints"].as_array_mut().unwrap().pop();
    refused(coco::import, &file, &["categories[0].keypoints", "16 names", "annotations[0].keypoints 17 keypoints"]);
}

#[test]
fn names_in_any_block_count() {
    let mut names = COCO_NAMES;
    names.reverse();
    let right = joint(&one(coco::import, &named(&COCO_NAMES)).0, 0, 3).0;
    let people = json!([{"image_id": 0, "keypoints": flat(&names, 0.0, 0.9)}]);
    for block in [json!({"info": {"keypoints": names}}), json!({"joint_names": names})] {
        let file = with(block, "annotations", people.clone());
        assert_eq!(joint(&one(coco::import, &file).0, 0, 3).0, right, "{file}");
    }
    let numbered: serde_json::Map<String, Value> =
        names.iter().enumerate().map(|(i, name)| (i.to_string(), json!(name))).collect();
    let xy: Vec<[f32; 2]> = names.iter().map(|name| place(name)).collect();
    let instance = json!({"keypoints": xy, "keypoint_scores": vec![0.9; 17]});
    let file = json!({"meta_info": {"keypoint_id2name": numbered}, "instance_info": [instance]});
    assert_eq!(joint(&one(mmpose::import, &file).0, 0, 3).0, right);
    let people = json!([{"pose_keypoints_2d": flat(&names, 0.0, 0.9)}]);
    let file = json!({"keypoint_names": names, "people": people});
    let set = told(openpose::import, &[("a_1_keypoints.json", file)], &Options::default(), false).unwrap().0;
    assert_eq!(joint(&set, 0, 3).0, right);
    // Names with every keypoint.
    let points: Vec<Value> = names
        .iter()
        .map(|name| json!({"name": name, "x": place(name)[0], "y": place(name)[1], "score": 0.9}))
        .collect();
    assert_eq!(joint(&one(coco::import, &json!([{"image_id": 0, "keypoints": points}])).0, 0, 3).0, right);
}

#[test]
fn what_is_no_person_is_left_out_and_counted() {
    let mut file = named(&COCO_NAMES);
    let dog = json!({"id": 2, "image_id": 1, "category_id": 18, "keypoints": flat(&COCO_NAMES, 50.0, 2.0)});
    file["annotations"].as_array_mut().unwrap().push(dog.clone());
    file["categories"].as_array_mut().unwrap().push(json!({"id": 18, "name": "dog", "keypoints": COCO_NAMES}));
    let (set, warnings) = one(coco::import, &file);
    assert_eq!(set.len(), 1);
    assert!(warnings[0].starts_with("1 record is left out: the category 'dog', no person"), "{warnings:?}");
    file["annotations"] = json!([dog]);
    refused(coco::import, &file, &["no person", "1 records of the category 'dog'", "`category`"]);
    for name in ["dog", "18"] {
        let options = Options { category: Some(name.into()), ..Options::default() };
        assert_eq!(told(coco::import, &[("a.json", file.clone())], &options, false).unwrap().0.len(), 1);
    }
    // A list of results does not name its categories: 1 is COCO's person.
    let results = json!([person(0.0), with(person(300.0), "category_id", json!(18))]);
    assert_eq!(one(coco::import, &results).0.len(), 1);
}

#[test]
fn missing_is_more_than_a_score_of_0() {
    let mut keypoints = flat(&COCO_NAMES, 0.0, 1.0);
    keypoints[3 * 11..3 * 11 + 2].copy_from_slice(&[0.0, 0.0]);
    keypoints[3 * 9..3 * 9 + 2].copy_from_slice(&[-1.0, -1.0]);
    let empty = with(person(0.0), "keypoints", json!([0, 0, 1].repeat(17)));
    let set = one(coco::import, &json!([with(person(0.0), "keypoints", json!(keypoints)), empty])).0;
    assert_eq!(set.len(), 1, "a row of zeros is nobody");
    for slot in [0, 4, 7, 13] {
        assert_eq!(joint(&set, 0, slot), ([0.0; 2], 0.0), "joint {slot}");
    }
    assert_eq!(joint(&set, 0, 1), (place("right_hip"), 1.0));
    // Null is no number, wherever it stands.
    let mut nulls: Vec<Value> = COCO_NAMES.map(|name| json!([place(name)[0], place(name)[1], 0.9])).to_vec();
    nulls[12] = json!(null);
    let mut objects: Vec<Value> =
        COCO_NAMES.map(|name| json!({"x": place(name)[0], "y": place(name)[1], "score": 0.9})).to_vec();
    objects[12] = json!({"x": null, "y": null, "score": null});
    for keypoints in [json!(nulls), json!(objects)] {
        let set = one(coco::import, &json!([with(person(0.0), "keypoints", keypoints)])).0;
        assert_eq!((joint(&set, 0, 1), joint(&set, 0, 4)), (([0.0; 2], 0.0), (place("left_hip"), 0.9)));
    }
    // Scores beside images are scores, also where one is 1.
    let mut file = named(&COCO_NAMES);
    file["annotations"][0]["keypoints"][3 * 11 + 2] = json!(1.0);
    assert_eq!(joint(&one(coco::import, &file).0, 0, 4).1, 0.5, "labelled, but not visible");
    file["annotations"][0]["keypoints"][3 * 12 + 2] = json!(0.9);
    assert_eq!(joint(&one(coco::import, &file).0, 0, 4).1, 1.0);
    let mut flat_null = json!(flat(&COCO_NAMES, 0.0, 0.9));
    flat_null[3 * 12 + 2] = json!(null);
    let set = one(coco::import, &json!([with(person(0.0), "keypoints", flat_null)])).0;
    assert_eq!((joint(&set, 0, 1).1, joint(&set, 0, 4).1), (0.0, 0.9));
    // Without any score there are people; with some, those without are not there.
    let unscored = with(person(0.0), "keypoints", json!(flat(&COCO_NAMES, 0.0, 0.0)));
    let (set, warnings) = one(coco::import, &json!([unscored]));
    assert_eq!(joint(&set, 0, 1), (place("right_hip"), 1.0));
    assert!(warnings[0].starts_with("1 person is without scores, or with 0 only"), "{warnings:?}");
    let (set, warnings) = one(coco::import, &json!([unscored, person(300.0)]));
    assert_eq!((set.len(), warnings[0].as_str()), (1, "1 person without any joint is left out"));
    refused(coco::import, &json!([with(person(0.0), "keypoints", json!(vec![0; 51]))]), &["no joint of 1 people"]);
}

#[test]
fn ids_are_read_as_they_are_meant() {
    let frames = |ids: &[Value]| {
        let people: Vec<Value> = ids.iter().map(|id| with(person(0.0), "image_id", id.clone())).collect();
        sequences(&one(coco::import, &json!(people)).0)[0].1.clone()
    };
    assert_eq!(frames(&[json!(12.0), json!(13.0)]), [12, 13]);
    assert_eq!(frames(&[json!("000000000012"), json!("000000000013")]), [12, 13]);
    assert_eq!(frames(&[json!(1_623_456_789_052_i64), json!(1_623_456_789_012_i64)]), [0, 1]);
    let mut file = named(&COCO_NAMES);
    file["images"][0] = json!({"id": "a1", "width": 640.0, "height": "480"});
    file["annotations"][0]["image_id"] = json!("a1");
    assert_eq!(one(coco::import, &file).0.image_size, Some(vec![[640, 480]]));
    // Boxes and crowds have no keypoints.
    file["annotations"].as_array_mut().unwrap().push(json!({"image_id": "a1", "category_id": 1, "keypoints": null}));
    let (set, warnings) = one(coco::import, &file);
    assert_eq!((set.len(), warnings.as_slice()), (1, &["1 record without keypoints is left out".to_owned()][..]));
}

#[test]
fn annotations_are_a_video_by_their_tracks_wherever_they_stand() {
    let mut file = named(&COCO_NAMES);
    let annotation = file["annotations"][0].clone();
    file["images"] = (1..4).map(|id| json!({"id": id, "file_name": format!("v/{id:04}.jpg")})).collect();
    let of = |image: i64, track: i64, right: f32| {
        let person = with(annotation.clone(), "image_id", json!(image));
        let person = with(person, "keypoints", json!(flat(&COCO_NAMES, right, 2.0)));
        with(person, "attributes", json!({"occluded": false, "track_id": track}))
    };
    // Two who change places.
    file["annotations"] = json!([of(1, 1, 0.0), of(1, 2, 200.0), of(3, 1, 200.0), of(3, 2, 0.0)]);
    let set = one(coco::import, &file).0;
    assert_eq!(sequences(&set), [("given#1", vec![1, 3]), ("given#2", vec![1, 3])]);
    assert_eq!(joint(&set, 1, 1).0[0], place("right_hip")[0] + 200.0);
    // Images of two videos are two recordings, though the numbers of people are the same.
    file["images"][2]["file_name"] = json!("w/0003.jpg");
    let names: Vec<String> =
        sequences(&one(coco::import, &file).0).iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names, ["given/v#1", "given/v#2", "given/w#1", "given/w#2"]);
}

#[test]
fn other_forms_of_mmpose_are_read() {
    let xy = |right: f32| COCO_NAMES.map(|name| [place(name)[0] + right, place(name)[1]]);
    let v1 = |right: f32| json!({"keypoints": xy(right), "keypoint_scores": vec![0.9; 17]});
    let v0 = |right: f32| {
        let points = xy(right).map(|[x, y]| json!([x, y, 0.9]));
        json!({"bbox": [1, 2, 3, 4], "track_id": 0, "keypoints": points.to_vec()})
    };
    let cases = [
        (json!({"visualization": [], "predictions": [[v1(0.0), v1(400.0)]]}), vec![vec![0], vec![0]]),
        (json!([{"predictions": [[v1(0.0)]]}, {"predictions": [[v1(5.0)]]}]), vec![vec![0, 1]]),
        (json!([v0(0.0)]), vec![vec![0]]),
        (json!([[v0(0.0)], [], [v0(5.0)]]), vec![vec![0, 2]]),
        (json!([with(v0(0.0), "frame_id", json!(3)), with(v0(5.0), "frame_id", json!(9))]), vec![vec![3, 9]]),
    ];
    for (file, frames) in cases {
        let (set, warnings) = one(mmpose::import, &file);
        assert_eq!(sequences(&set).into_iter().map(|(_, frames)| frames).collect::<Vec<_>>(), frames, "{file}");
        assert_eq!(joint(&set, 0, 1), (place("right_hip"), 0.9));
        assert!(warnings.is_empty(), "{warnings:?}");
        let path = tempfile::Builder::new().suffix(".json").tempfile().unwrap();
        std::fs::write(path.path(), file.to_string()).unwrap();
        assert_eq!(recognise(path.path()).unwrap(), Some("MMPose"), "{file}");
    }
}

#[test]
fn shares_of_the_image_are_named_and_restored() {
    let shares = |width: f32, shift: f32| {
        let points = flat(&COCO_NAMES, 0.0, 0.9);
        let share = |(i, v): (usize, &f32)| match i % 3 {
            0 => v / width + shift,
            1 => v / 240.0 - 0.75,
            _ => *v,
        };
        json!([with(person(0.0), "keypoints", points.iter().enumerate().map(share).collect())])
    };
    // Feet below the image: beyond 1.
    refused(coco::import, &shares(640.0, 0.0), &["not pixels", "`normalised`", "`allow_implausible`"]);
    let size = Some([480, 360]);
    let file = shares(240.0, -1.0);
    let options = Options { normalised: Some(Normalised::Width), ..Options::default() };
    let error = told(coco::import, &[("a.json", file.clone())], &options, false).unwrap_err().to_string();
    assert!(error.contains("`image_size`"), "{error}");
    let options = Options { image_size: size, ..options };
    let set = told(coco::import, &[("a.json", file)], &options, false).unwrap().0;
    let hip = joint(&set, 0, 1).0;
    assert!((hip[0] - place("right_hip")[0]).abs() < 1e-3, "{hip:?}");
    let size = Options { image_size: size, ..Options::default() };
    // A file of one image: the person's landmarks, or everybody's; the world's are of no use.
    let landmarks = |x: f32| vec![json!({"x": x, "y": 0.5, "visibility": 0.9}); 33];
    let several = json!({"pose_landmarks": [landmarks(0.2), landmarks(0.6)], "pose_world_landmarks": [landmarks(0.1)]});
    for (file, people) in [(json!({"pose_landmarks": landmarks(0.2)}), 1), (several, 2)] {
        let set = told(mediapipe::import, &[("a.json", file)], &size, false).unwrap().0;
        assert_eq!((set.len(), set.frame.clone().unwrap()), (people, vec![0; people]));
    }
    let error = told(
        mediapipe::import,
        &[("a.json", json!([]))],
        &Options { normalised: Some(Normalised::Image), ..size.clone() },
        false,
    );
    assert!(error.unwrap_err().to_string().contains("shares of the image in any case"));
    let error =
        told(openpose::import, &[("a.json", json!([]))], &Options { category: Some("x".into()), ..size }, false);
    assert!(error.unwrap_err().to_string().contains("no categories"));
    // World landmarks under the name of others: metres about the hips.
    let hidden: Vec<Value> = (0..33)
        .map(|i| json!({"x": 0.3 * (i as f32).sin(), "y": 0.05 * (i as f32 - 16.0), "visibility": 0.9}))
        .collect();
    let error = told(mediapipe::import, &[("a.json", json!([hidden]))], &size, false).unwrap_err().to_string();
    assert!(error.contains("coordinates about the hips (world landmarks, metres)"), "{error}");
    let world = json!([{"pose_world_landmarks": vec![json!({"x": 0.1, "y": -0.2, "z": 0.0}); 33]}]);
    refused(mediapipe::import, &world, &["[0].pose_world_landmarks", "metres about the hips"]);
}
