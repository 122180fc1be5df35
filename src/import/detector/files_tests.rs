//! Several files: who stands in two, what is one recording, and what is damaged or only lies about.

use serde_json::{Value, json};

use super::{
    tests::sequences,
    truth_tests::{COCO_NAMES, flat, named, person, place, refused, told, with},
    *,
};

#[test]
fn somebody_in_several_files_is_counted_once() {
    let file = |right: f32, id: i64| {
        let mut file = named(&COCO_NAMES);
        file["images"][0] = json!({"id": id, "file_name": format!("{right}.jpg")});
        file["annotations"][0]["image_id"] = json!(id);
        file["annotations"][0]["keypoints"] = json!(flat(&COCO_NAMES, right, 2.0));
        file
    };
    let mut both = file(0.0, 1);
    both["images"].as_array_mut().unwrap().push(file(5.0, 2)["images"][0].clone());
    both["annotations"].as_array_mut().unwrap().push(file(5.0, 2)["annotations"][0].clone());
    // The images of the third have other numbers.
    let files = [("train.json", file(0.0, 1)), ("trainval.json", both), ("val.json", file(5.0, 9))];
    let (set, warnings) = told(coco::import, &files, &Options::default(), false).unwrap();
    assert_eq!(set.len(), 2);
    assert!(warnings.iter().any(|warning| warning.starts_with("2 persons are there more than once")), "{warnings:?}");
}

#[test]
fn numbered_files_are_frames_of_one_recording() {
    let xy = |right: f32| COCO_NAMES.map(|name| [place(name)[0] + right, place(name)[1]]);
    let image = |right: f32| json!([{"keypoints": xy(right), "keypoint_scores": vec![0.9; 17]}]);
    let files =
        [("p/img_000003.json", image(0.0)), ("p/img_000007.json", image(5.0)), ("p/img_000004.json", json!([]))];
    let (set, _) = told(mmpose::import, &files, &Options::default(), false).unwrap();
    assert_eq!(sequences(&set), [("img#1", vec![3, 7])]);
    // Numbers, with tracks.
    let tracked = |track: i64, right: f32| json!([with(person(right), "track_id", json!(track))]);
    let files = [("walk/1.json", tracked(4, 0.0)), ("walk/90.json", tracked(4, 300.0))];
    let (set, _) = told(alphapose::import, &files, &Options::default(), false).unwrap();
    assert_eq!(sequences(&set), [("walk#1", vec![1, 90])]);
    // Unless they are stills, or videos themselves.
    let options = Options { stills: true, ..Options::default() };
    assert_eq!(sequences(&told(alphapose::import, &files, &options, false).unwrap().0).len(), 2);
    let video = json!([person(0.0), with(person(3.0), "image_id", json!(1))]);
    let files = [("walk_1.json", video.clone()), ("walk_2.json", json!([with(person(9.0), "image_id", json!(5))]))];
    let set = told(coco::import, &files, &Options::default(), false).unwrap().0;
    assert_eq!(sequences(&set), [("walk_1#1", vec![0, 1]), ("walk_2#1", vec![5])]);
}

#[test]
fn a_file_that_is_wrong_is_named_beside_many_that_are_right() {
    let video = |scale: f32| -> Value {
        let of = |i: usize| {
            flat(&COCO_NAMES, i as f32, 0.9)
                .iter()
                .enumerate()
                .map(move |(k, v)| if k % 3 < 2 { v * scale } else { *v })
                .collect::<Vec<_>>()
        };
        (0..12).map(|i| with(with(person(0.0), "image_id", json!(i)), "keypoints", json!(of(i)))).collect()
    };
    let files = [("a.json", video(1.0)), ("b.json", video(1.1)), ("c.json", video(1.0 / 640.0))];
    let error = told(coco::import, &files, &Options::default(), false).unwrap_err().to_string();
    assert!(error.contains("c.json: keypoints: 12 of 12 poses have coordinates below 10"), "{error}");
    // One small person among single images is a warning.
    let image = |scale: f32| json!([with(person(0.0), "keypoints", video(scale)[0]["keypoints"].clone())]);
    let files = [("a.json", image(1.0)), ("b.json", image(1.1)), ("c.json", image(0.02))];
    let (set, warnings) = told(coco::import, &files, &Options::default(), false).unwrap();
    assert_eq!(set.len(), 3);
    assert!(warnings[0].ends_with("1 of 3 poses are smaller than 10 pixels"), "{warnings:?}");
    assert_eq!(recordings::folder(Path::new("a.json")), Path::new("."));
}

#[test]
fn one_damaged_record_ends_only_itself() {
    let mut people: Vec<Value> = (0..20).map(|i| with(person(i as f32), "image_id", json!(i))).collect();
    people[7]["keypoints"] = json!("gone");
    let files = [("given.json", json!(people))];
    let (set, warnings) = told(coco::import, &files, &Options::default(), false).unwrap();
    assert_eq!(set.len(), 19);
    assert!(warnings[0].starts_with("1 record is left out of 20, damaged; the first: "), "{warnings:?}");
    assert!(warnings[0].contains("[7].keypoints: it is the text 'gone'"), "{warnings:?}");
    assert!(told(coco::import, &files, &Options::default(), true).is_err(), "unless that is asked for");
    for person in &mut people[..3] {
        person["keypoints"] = json!([1, 2]);
    }
    refused(coco::import, &json!(people), &["[0].keypoints", "2 numbers"]);
}

#[test]
fn litter_and_damaged_files_do_not_stop_a_folder() {
    let frame = |i: usize| {
        let keypoints: Vec<f32> =
            (0..18).flat_map(|j| [50.0 + i as f32 + j as f32, 60.0 + 3.0 * j as f32, 0.9]).collect();
        json!({"people": [{ "pose_keypoints_2d": keypoints }]})
    };
    let names: Vec<String> = (0..20).map(|i| format!("v_{i:012}_keypoints.json")).collect();
    let mut files: Vec<(&str, Value)> = names.iter().enumerate().map(|(i, n)| (n.as_str(), frame(i))).collect();
    files.push(("._v_000000000001_keypoints.json", json!("x")));
    files.push((".DS_Store", json!("x")));
    files.push(("v_000000000001_keypoints.json~", json!("x")));
    files[5].1 = json!({"people": 3});
    files[6].1 = json!("cut");
    let (set, warnings) = told(openpose::import, &files, &Options::default(), false).unwrap();
    assert_eq!(set.len(), 18);
    assert!(warnings[0].contains("3 files are passed over (hidden, empty or an editor's copy): "), "{warnings:?}");
    assert!(
        warnings.iter().any(|warning| warning.starts_with("2 files are left out of 20, damaged; the first: ")),
        "{warnings:?}"
    );
}

#[test]
fn keypoints_far_from_the_image_are_missing_and_counted_once() {
    let mut file = named(&COCO_NAMES);
    let mut keypoints = flat(&COCO_NAMES, 0.0, 2.0);
    // The left wrist, and the right, which has no score and is missing anyway.
    let at = |name: &str| 3 * COCO_NAMES.iter().position(|known| *known == name).unwrap();
    keypoints[at("left_wrist")] = 3e6;
    (keypoints[at("right_wrist")], keypoints[at("right_wrist") + 2]) = (3e6, 0.0);
    file["annotations"][0]["keypoints"] = json!(keypoints);
    let (set, warnings) = told(coco::import, &[("a.json", file)], &Options::default(), false).unwrap();
    let missing: Vec<&str> =
        set.joint_names.iter().zip(set.seen()).filter(|(_, seen)| *seen == 0.0).map(|(name, _)| &**name).collect();
    assert!(missing.contains(&"LWrist") && missing.contains(&"RWrist") && !missing.contains(&"LElbow"), "{missing:?}");
    let said = "1 keypoint is 100,000 pixels or more from the image, and taken as missing";
    assert_eq!(warnings.iter().filter(|warning| *warning == said).count(), 1, "{warnings:?}");
}
