use super::super::sources::testing::{close, expected, fails, fixture, quiet, valid};
use super::*;
use crate::{data::PoseSet, import::collect};

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
    fails(json(b"{}"), &["a.json: annotations:", "sequence"]);
    fails(json(b"[3]"), &["annotations[0]", "HRNet"]);
    let text = String::from_utf8(whole).unwrap();
    let without = text.replacen("joints_vis", "visible", 1);
    fails(json(without.as_bytes()), &["annotations[0]", "missing field `joints_vis`"]);
    let short = text.rfind("\"joints\": [[").unwrap();
    let short = format!("{}\"joints\": [[1, 2], [{}", &text[..short], &text[short + 12..]);
    fails(json(short.as_bytes()), &["annotations[2]", "fewer elements"]);
    let person = |visible: &str| {
        let joints = "[1, 2], ".repeat(15) + "[1, 2]";
        format!(r#"[{{"image": "a.jpg", "joints": [{joints}], "joints_vis": [{}{visible}]}}]"#, "0, ".repeat(15))
    };
    assert_eq!(valid(json(person("1").as_bytes())).len(), 1);
    for visible in ["2", "0.5", "-1"] {
        let words = format!("joint 15 has {visible}, neither 0 nor 1");
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

#[test]
fn struct_arrays_of_any_size() {
    let person = Value::Dict(vec![(Value::Text("id".into()), Value::Float(1.0))]);
    assert_eq!(structs(&person), std::slice::from_ref(&person));
    assert_eq!(structs(&Value::List(vec![person.clone(), person.clone()])).len(), 2);
    assert!(structs(&Value::None).is_empty());
}
