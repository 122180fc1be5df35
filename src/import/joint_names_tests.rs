use std::path::PathBuf;

use super::*;
use crate::import::{bvh::Bvh, kinematics::Joint};

fn tree(name: &str) -> (Tree, PathBuf) {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/kernels-tests/fixtures/motion")).join(name);
    (Bvh::open(&path).unwrap().tree, path)
}

fn from_toml(text: &str, name: &str) -> Result<(JointMap, Tree)> {
    let folder = tempfile::tempdir().unwrap();
    let map = folder.path().join("map.toml");
    std::fs::write(&map, text).unwrap();
    let (tree, path) = tree(name);
    let mut completed = tree.clone();
    JointMap::from_toml(&map, &tree, &path).map(|map| (map.completed(&mut completed, false), tree))
}

const MAP: &str = "Hip = ['LeftHip', 'RightHip']\nRHip = 'RightHip'\nRKnee = 'RightKnee'\nRFoot = 'RightAnkle'\n\
    LHip = 'LeftHip'\nLKnee = 'LeftKnee'\nLFoot = 'LeftAnkle'\nSpine = 'Chest'\nThorax = 'Neck'\nHead = 'Head_End'\n\
    LShoulder = 'LeftShoulder'\nLElbow = 'LeftElbow'\nLWrist = 'LeftWrist'\nRShoulder = 'RightShoulder'\n\
    RElbow = 'RightElbow'\nRWrist = 'RightWrist'\n";

#[test]
fn toml_says_what_the_names_say() {
    let (by_name, path) = tree("biovision.bvh");
    let known = JointMap::by_names(&by_name, &path).unwrap();
    let (map, _) = from_toml(&format!("{MAP}'Neck/Nose' = 'Head'\n"), "biovision.bvh").unwrap();
    assert_eq!(map, known);
    // Without Neck/Nose it is half way from Thorax to Head.
    let (map, tree) = from_toml(MAP, "biovision.bvh").unwrap();
    let place = |joint: usize| Vector3::new(joint as f64, 0.0, 1.0);
    let joints = map.apply(place);
    let number = |name: &str| tree.joints.iter().position(|joint| joint.name == name).unwrap();
    assert_eq!(joints[9], (place(number("Neck")) + place(number("Head_End"))) / 2.0);
    assert_eq!(joints[0], (place(number("LeftHip")) + place(number("RightHip"))) / 2.0);
    assert_eq!(joints[16], place(number("RightWrist")));
}

#[test]
fn prefixes_do_not_count() {
    let (by_name, path) = tree("mixamo.bvh");
    let known = JointMap::by_names(&by_name, &path).unwrap();
    // What is in the map are the names that were found.
    let text = |name: fn(&str) -> &str| -> String {
        let joint = |number: usize| name(&by_name.joints[number].name).to_owned();
        let line = |(slot, key): (usize, &&str)| {
            let [a, b] = known.slots[slot].unwrap();
            format!("\"{key}\" = [\"{}\", \"{}\"]\n", joint(a), joint(b))
        };
        slot_names().iter().enumerate().map(line).collect()
    };
    assert!(text(|name| name).contains("mixamorig:Hips") || text(|name| name).contains("mixamorig:LeftUpLeg"));
    for map in [text(|name| name), text(plain)] {
        assert_eq!(from_toml(&map, "mixamo.bvh").unwrap().0, known);
    }
}

#[test]
fn wrong_maps_are_named() {
    for (from, to, words) in [
        ("RWrist = 'RightWrist'", "RHand = 'RightWrist'", "RHand: this is none of the 17 joints; use Hip, RHip"),
        ("RWrist = 'RightWrist'", "", "map.toml: RWrist: the map does not say which joint it is; choose among"),
        ("'RightWrist'", "'Hand'", "map.toml: RWrist: the skeleton has no joint of the name 'Hand'; choose among"),
        ("['LeftHip', 'RightHip']", "['LeftHip', 'Pelvis']", "map.toml: Hip: the skeleton has no joint of the name"),
        ("'RightWrist'", "'Hand'", "biovision.bvh: Hips, LeftHip"),
        ("'RightWrist'", "7", "RWrist: neither one name nor two"),
        ("'RightWrist'", "[]", "RWrist: neither one name nor two"),
        ("'RightWrist'", "['RightWrist', 'RightElbow', 'Head']", "RWrist: neither one name nor two"),
        ("'RightWrist'", "['RightWrist', 3]", "RWrist: neither one name nor two"),
        ("RWrist = ", "RWrist ", "map.toml: TOML: "),
    ] {
        let error = from_toml(&MAP.replacen(from, to, 1), "biovision.bvh").unwrap_err().to_string();
        assert!(error.contains(words), "{error}\n{words}");
    }
}

#[test]
fn joints_that_cannot_be_found_are_listed() {
    let (mut tree, path) = tree("mixamo.bvh");
    for joint in &mut tree.joints {
        joint.name = joint.name.replace("ForeArm", "LowerArm").replace("Head", "Skull");
    }
    let error = JointMap::by_names(&tree, &path).unwrap_err().to_string();
    let words = "mixamo.bvh: joint names: of Mixamo's names, the nearest known, it lacks those of Neck/Nose, Head, LElbow, \
         RElbow; it has mixamorig:Hips";
    assert!(error.contains(words) && error.contains("`joint_map` FILE.toml; its lines: `Hip = ["), "{error}");
    // The lines are the map that is missing.
    let lines: String = error.split('`').filter(|line| line.contains(" = ")).map(|line| format!("{line}\n")).collect();
    let folder = tempfile::tempdir().unwrap();
    let map = folder.path().join("map.toml");
    std::fs::write(&map, lines).unwrap();
    let map = JointMap::from_toml(&map, &tree, &path).unwrap();
    let names = |slot| map.sources(slot).iter().map(|&joint| plain(&tree.joints[joint].name)).collect::<Vec<_>>();
    assert_eq!((names(0), names(12)), (vec!["LeftUpLeg", "RightUpLeg"], vec!["LeftLowerArm"]));
    assert_eq!((names(9), names(10)), (vec!["Skull"], vec!["SkullTop_End"]));
    tree.joints.extend((0..200).map(|number| Joint::new(&format!("j{number}"), Some(0))));
    let long = JointMap::by_names(&tree, &path).unwrap_err().to_string();
    assert!(long.contains(" more;") && long.len() < 5000, "{long}");
}

#[test]
fn dropped_bones_come_back_once() {
    let (mut tree, path) = tree("cgspeed.bvh");
    let dropped = tree.clone();
    let offset = |tree: &Tree, name: &str| tree.joints.iter().find(|joint| joint.name == name).unwrap().offset;
    let _ = JointMap::by_names(&tree, &path).unwrap().completed(&mut tree, false);
    assert_eq!(offset(&dropped, "Neck"), Vector3::zeros());
    assert_eq!(offset(&tree, "Neck"), offset(&dropped, "Spine1"));
    assert_eq!(offset(&tree, "LeftFingerBase"), offset(&dropped, "LeftHand") / 2.0);
    // A file that has them is left alone.
    let again = tree.clone();
    let _ = JointMap::by_names(&tree, &path).unwrap().completed(&mut tree, false);
    assert_eq!(tree, again);
}
