use std::path::Path;

use super::*;
use crate::import::{bvh::Bvh, kinematics::Joint};

/// A file of the fixtures, its map and its first frame.
fn fixture(name: &str) -> (Tree, JointMap, Vec<f64>) {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/kernels-tests/fixtures/motion")).join(name);
    let mut bvh = Bvh::open(&path).unwrap();
    let mut frame = Vec::new();
    bvh.next_frame(&mut frame).unwrap();
    let tree = std::mem::take(&mut bvh.tree);
    let map = JointMap::by_names(&tree, &path).unwrap();
    (tree, map, frame)
}

/// The frame with each joint's position channels changed.
fn changed(tree: &Tree, frame: &[f64], change: impl Fn(&str, f64) -> f64) -> Vec<f64> {
    let channels = tree.joints.iter().flat_map(|joint| joint.channels.iter().map(move |channel| (joint, channel)));
    let number = |((joint, channel), number): ((&Joint, &Channel), &f64)| match channel {
        Channel::Position(_) => change(&joint.name, *number),
        Channel::Rotation(_) => *number,
    };
    channels.zip(frame).map(number).collect()
}

#[test]
fn bones_come_from_where_they_are() {
    let (expected, map, first) = fixture("bones_in_both.bvh");
    let foot = map.sources(3)[0];
    let head = map.sources(10)[0];
    for (name, fixed, is_cut) in
        [("bones_in_both.bvh", 0, false), ("bones_in_offset.bvh", 19, false), ("bones_in_channels.bvh", 0, true)]
    {
        let (mut tree, map, frame) = fixture(name);
        let bones = settle(&mut tree, &frame, &map, false).unwrap();
        assert_eq!(bones, Bones { fixed, is_cut }, "{name}");
        // Without its end site the head is as long as its neck.
        let end = if is_cut { expected.joints[head].offset.norm() } else { 0.0 };
        let off = tree.path_length(foot, head) + end - expected.path_length(foot, head);
        assert!(off.abs() < 1e-3, "{name}: {off}");
        check(&tree, &frame, 1).unwrap();
    }
    assert_eq!(first.len(), expected.channels());
}

#[test]
fn another_unit_or_deltas_contradict() {
    for (factor, words) in
        [(2.54, "by a factor of about 2.54"), (100.0, "by a factor of about 100,"), (0.01, "about 0.01,")]
    {
        let (mut tree, map, frame) = fixture("bones_in_both.bvh");
        let frame = changed(&tree, &frame, |_, v| v * factor);
        let against = settle(&mut tree.clone(), &frame, &map, false).unwrap_err();
        assert_eq!(against.field, "position channels");
        assert!(against.problem.contains(words) && against.problem.contains("differ from OFFSET at "), "{against:?}");
        // Positions are then the bones all the same.
        let before = tree.path_length(map.sources(3)[0], map.sources(1)[0]);
        assert_eq!(settle(&mut tree, &frame, &map, true).unwrap(), Bones::default());
        let after = tree.path_length(map.sources(3)[0], map.sources(1)[0]);
        assert!((after / before - factor).abs() < 0.01 * factor, "{before} {after}");
    }
    let (mut tree, map, frame) = fixture("bones_in_both.bvh");
    let deltas = changed(&tree, &frame, |name, _| 0.1 + (name.len() % 7) as f64 / 10.0);
    let against = settle(&mut tree, &deltas, &map, false).unwrap_err();
    assert!(against.problem.contains("as if they were to be added to it"), "{against:?}");
}

#[test]
fn a_few_joints_may_do_as_they_like() {
    // Within the tolerance, scaled arms, hips that move, fingers at their hand.
    let (tree, map, frame) = fixture("bones_in_both.bvh");
    let hips = |name: &str| name == "Hips";
    let arm = |name: &str| name.contains("LeftArm") || name.contains("LeftForeArm");
    for change in [
        &(|_: &str, v: f64| v * 1.05) as &dyn Fn(&str, f64) -> f64,
        &|name, v| if arm(name) { 2.0 * v } else { v },
        &|name, v| if hips(name) { v + 300.0 } else { v },
        &|name, v| if name.contains("Toe") { 0.0 } else { v },
    ] {
        let frame = changed(&tree, &frame, change);
        assert_eq!(settle(&mut tree.clone(), &frame, &map, false), Ok(Bones::default()));
    }
    // Hips under a reference, whose own place has nothing to do with its OFFSET.
    let (mut tree, _, frame) = fixture("bones_in_offset.bvh");
    for joint in &mut tree.joints {
        joint.parent = joint.parent.map_or(Some(0), |parent| Some(parent + 1));
    }
    tree.joints.insert(0, Joint::new("Reference", None));
    tree.joints[1].offset = Vector3::new(0.0, 95.0, 0.0);
    let map = JointMap::by_names(&tree, Path::new("reference.bvh")).unwrap();
    assert!(settle(&mut tree, &frame, &map, false).unwrap().fixed > 10);
    assert!(!tree.joints[1].is_fixed);
    check(&tree, &changed(&tree, &frame, |name, v| if hips(name) { v + 10.0 } else { v }), 1).unwrap();
}

#[test]
fn positions_that_come_later_contradict() {
    let (mut tree, map, frame) = fixture("bones_in_offset.bvh");
    settle(&mut tree, &frame, &map, false).unwrap();
    let later = changed(&tree, &frame, |name, v| if name == "LeftArm" { 12.5 } else { v });
    let against = check(&tree, &later, 7).unwrap_err();
    assert_eq!(against.field, "frame 7");
    assert!(against.problem.starts_with("'LeftArm' has the position (12.5, 12.5, 12.5), but those of "), "{against:?}");
    // Rounding is no position.
    check(&tree, &changed(&tree, &frame, |_, v| v + 1e-6), 7).unwrap();
    // In the first frame it is no better.
    let (mut tree, map, _) = fixture("bones_in_offset.bvh");
    let against = settle(&mut tree, &later, &map, false).unwrap_err();
    assert!(against.field == "first frame" && against.problem.contains("'LeftArm'"), "{against:?}");
}

#[test]
fn bones_that_a_converter_dropped_come_back_from_channels() {
    // cgspeed's file as Blender writes it again: the dropped bones are 0 in both.
    let (mut tree, map, frame) = fixture("cgspeed.bvh");
    let mut numbers = frame.into_iter();
    let mut six = Vec::new();
    for joint in &mut tree.joints {
        let turns: Vec<f64> = joint.channels.iter().map(|_| numbers.next().unwrap()).collect();
        if joint.parent.is_some() && !joint.channels.is_empty() {
            six.extend(joint.offset.iter());
            joint.channels.splice(0..0, (0..3).map(Channel::Position));
            joint.offset = Vector3::zeros();
        }
        six.extend(turns);
    }
    let bones = settle(&mut tree, &six, &map, false).unwrap();
    let _ = map.completed(&mut tree, bones.is_cut);
    let offset = |name: &str| tree.joints.iter().find(|joint| joint.name == name).unwrap().offset;
    assert!(offset("Spine1").norm() > 2.0);
    assert_eq!((offset("Neck"), offset("LeftFingerBase")), (offset("Spine1"), offset("LeftHand") / 2.0));
    let mut placed = Vec::new();
    tree.place(&six, &mut placed);
    let number = |name: &str| tree.joints.iter().position(|joint| joint.name == name).unwrap();
    let length = (placed[number("Neck")].1 - placed[number("Spine1")].1).norm();
    assert!((length - offset("Spine1").norm()).abs() < 1e-9);
}
