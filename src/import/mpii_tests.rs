use super::super::sources::testing::{close, expected, fails, fixture, quiet, valid};
use super::*;
use crate::{
    data::PoseSet,
    import::{Tolerance, collect, collect_told},
};

fn import(paths: &[PathBuf]) -> Result<PoseSet> {
    collect(17, |to| super::import(paths, to, &mut quiet))
}

fn of(path: PathBuf) -> Result<PoseSet> {
    import(&[path])
}

#[test]
fn hrnets_annotations() {
    let set = valid(of(fixture("mpii/train.json")));
    close(&set.keypoints, &expected("mpii_json_keypoints"), 1e-3);
    close(set.confidence.as_ref().unwrap(), &expected("mpii_json_confidence"), 0.0);
    assert_eq!(set.sequence_names, ["000000000.jpg/0", "000000000.jpg/1", "000000001.jpg/0"]);
    assert_eq!((set.positions, set.image_size, set.subject), (None, None, None));
}

#[test]
fn the_released_struct() {
    let set = valid(of(fixture("mpii/mpii_human_pose_v1_u12_1.mat")));
    close(&set.keypoints, &expected("mpii_mat_keypoints"), 1e-3);
    close(set.confidence.as_ref().unwrap(), &expected("mpii_mat_confidence"), 0.0);
    // The second person of the first image and the second image have no joints; the third image has one person.
    assert_eq!(set.sequence_names, ["000001.jpg/0", "000001.jpg/1", "000003.jpg/0"]);
}

#[test]
fn both_in_a_folder_and_16_joints() {
    let all = valid(of(fixture("mpii")));
    assert_eq!(all.len(), 6);
    let sixteen = collect(16, |to| super::import(&[fixture("mpii")], to, &mut quiet));
    assert_eq!(valid(sixteen), all.to_16());
}

#[test]
fn files_of_another_form_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let json = |text: &[u8]| {
        let path = folder.path().join("a.json");
        std::fs::write(&path, text).unwrap();
        of(path)
    };
    let whole = std::fs::read(fixture("mpii/train.json")).unwrap();
    for length in [0, 1, 100, whole.len() - 1] {
        fails(json(&whole[..length]), &["a.json: annotations:", "HRNet"]);
    }
    fails(json(b"{}"), &["a.json: annotations: it is an object of nothing, not a list of people", "HRNet"]);
    fails(json(b"[3]"), &["annotations[0]", "HRNet"]);
    let text = String::from_utf8(whole).unwrap();
    let without = text.replacen("joints_vis", "visible", 1);
    fails(
        json(without.as_bytes()),
        &["annotations[0]", "annotations[0].joints_vis: there is none; joints_vis: a list of 16 of 0"],
    );
    let short = text.rfind("\"joints\": [[").unwrap();
    let short = format!("{}\"joints\": [[1, 2], [{}", &text[..short], &text[short + 12..]);
    fails(
        json(short.as_bytes()),
        &["annotations[2].joints: it is a list of", "joints: a list of 16 [x, y] is expected"],
    );
    let person = |visible: &str| {
        let joints = "[1, 2], ".repeat(15) + "[1, 2]";
        format!(r#"[{{"image": "a.jpg", "joints": [{joints}], "joints_vis": [{}{visible}]}}]"#, "0, ".repeat(15))
    };
    assert_eq!(valid(json(person("1").as_bytes())).len(), 1);
    // COCO's visibility, truth values, and HRNet's own pairs and triples.
    for visible in ["2", "true", "[1, 1]", "[1, 1, 0]"] {
        assert_eq!(valid(json(person(visible).as_bytes())), valid(json(person("1").as_bytes())), "{visible}");
    }
    fails(json(person("[1, 0]").as_bytes()), &["annotations[0].joints_vis: joint 15 has [1,0], one of x and y only"]);
    for visible in ["3", "0.5", "-1"] {
        let words = format!("joint 15 has {visible}, none of 0, 1 and 2");
        fails(json(person(visible).as_bytes()), &["a.json: annotations[0].joints_vis: ", &words]);
    }
    fails(json(person("0").as_bytes()), &["a.json: poses: nothing is left of it (persons with a joint)"]);
    fails(import(&[0, 0].map(|_| fixture("mpii/train.json"))), &["train.json", "give it once"]);
    fails(json("[".repeat(200_000).as_bytes()), &["annotations", "recursion"]);
    fails(of(fixture("lsp/lsp_dataset/joints.mat")), &["RELEASE.annolist", "mpii_human_pose_v1_u12_1.mat"]);
    fails(of(fixture("threedpw")), &["threedpw", "no annotations"]);
    let whole = std::fs::read(fixture("mpii/mpii_human_pose_v1_u12_1.mat")).unwrap();
    for length in [0, 100, 200, whole.len() / 2] {
        let path = folder.path().join("a.mat");
        std::fs::write(&path, &whole[..length]).unwrap();
        fails(of(path), &["a.mat"]);
    }
}

/// Person `i` of image `image`, whose left ankle was not annotated.
fn record(image: usize, i: usize) -> String {
    let joint =
        |k: usize| if k == 5 { "[-1, -1]".to_owned() } else { format!("[{}.5, {}]", 100 + 9 * k + i, 50 + k * k + i) };
    let joints = (0..16).map(joint).collect::<Vec<_>>().join(", ");
    let visible = (0..16).map(|k| if k == 5 { "0" } else { "1" }).collect::<Vec<_>>().join(", ");
    format!(r#"{{"image": "{image}.jpg", "joints": [{joints}], "joints_vis": [{visible}]}}"#)
}

fn list(records: &[String]) -> String {
    format!("[{}]", records.join(", "))
}

fn told(folder: &Path, tolerance: Tolerance) -> Result<(PoseSet, Vec<String>)> {
    collect_told(17, tolerance, |to| super::import(&[folder.to_owned()], to, &mut quiet))
}

#[test]
fn the_folder_that_everybody_has_gives_everybody_once() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    // Two people in one image, who stay two.
    let (train, valid) = ([record(1, 0), record(1, 1), record(2, 2)], [record(7, 0), record(8, 4)]);
    write("train.json", &list(&train));
    write("valid.json", &list(&valid));
    write("trainval.json", &list(&[train.as_slice(), &valid].concat()));
    let test = r#"[{"image": "9.jpg", "center": [3, 3], "scale": 3.0}]"#;
    write("test.json", test);
    std::fs::copy(fixture("../stated/mpii/gt_valid.mat"), folder.path().join("gt_valid.mat")).unwrap();
    let (set, warnings) = told(folder.path(), Tolerance::default()).unwrap();
    let mut names = set.sequence_names.clone();
    names.sort();
    assert_eq!(names, ["1.jpg/0", "1.jpg/1", "2.jpg/0", "7.jpg/0", "8.jpg/0"]);
    // The first person's right ankle, and the left one that is absent.
    assert_eq!((&set.keypoints[6..8], set.confidence.as_ref().unwrap()[6]), (&[100.5, 50.0][..], 0.0));
    let all = warnings.join("\n");
    let words =
        "train.json: 5 persons are there more than once (in train.json, trainval.json, valid.json), and counted once";
    assert!(all.contains(words), "{all}");
    assert!(all.contains("2 files are passed over (of another kind or split): gt_valid.mat, test.json"), "{all}");
    // By name, each says what it is.
    let named = |name: &str| of(folder.path().join(name));
    fails(named("test.json"), &["test.json: annotations[0]: none of the 1 records has joints: it is the test split's"]);
    fails(
        named("gt_valid.mat"),
        &["gt_valid.mat: RELEASE.annolist: ", "it is gt_valid.mat, the truth that HRNet scores by"],
    );
    for name in ["train.json", "valid.json", "trainval.json"] {
        std::fs::remove_file(folder.path().join(name)).unwrap();
    }
    fails(told(folder.path(), Tolerance::default()).map(|(set, _)| set), &["RELEASE.annolist"]);
}

#[test]
fn pytorch_poses_annotations() {
    let rows: Vec<String> =
        (0..16).map(|k| if k == 5 { "[0, 0, 0]".into() } else { format!("[{}.5, 20, 0.0]", 100 * k) }).collect();
    let text = format!(
        r#"[{{"dataset": "MPI", "img_paths": "a.jpg", "joint_self": [{}], "joint_others": []}}]"#,
        rows.join(",")
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mpii_annotations.json");
    std::fs::write(&path, &text).unwrap();
    let set = valid(of(path.clone()));
    assert_eq!(set.sequence_names, ["a.jpg/0"]);
    // RFoot is the first joint, LFoot is absent, Neck/Nose there never is.
    assert_eq!(set.keypoints[6..8], [0.5, 20.0]);
    let confidence = set.confidence.unwrap();
    assert_eq!((confidence[3], confidence[6], confidence[9]), (1.0, 0.0, 0.0));
    std::fs::write(&path, text.replace("[0, 0, 0],", "")).unwrap();
    let words = ["annotations[0].joint_self: it is a list of 15 rows of 3", "a list of 16 [x, y, visible] is expected"];
    fails(of(path), &words);
}

#[test]
fn a_damaged_record_among_many_is_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let mut records: Vec<String> = (0..20).map(|i| record(i, i)).collect();
    records[3] = r#"{"image": "3.jpg", "joints": "lost"}"#.to_owned();
    let write = |records: &[String]| std::fs::write(folder.path().join("train.json"), list(records)).unwrap();
    write(&records);
    let (set, warnings) = told(folder.path(), Tolerance::default()).unwrap();
    assert_eq!(set.len(), 19);
    let words = "annotations[3].joints: it is text; joints: a list of 16 [x, y] is expected";
    let damaged = warnings.iter().find(|warning| warning.contains("damaged")).unwrap();
    assert!(damaged.starts_with("1 record is left out of 20, damaged") && damaged.contains(words), "{damaged}");
    let strict = Tolerance { strict: true, ..Tolerance::default() };
    fails(told(folder.path(), strict).map(|(set, _)| set), &[words]);
    let lost = records[3].clone();
    records[4..6].fill(lost);
    write(&records);
    fails(told(folder.path(), Tolerance::default()).map(|(set, _)| set), &[words]);
}
