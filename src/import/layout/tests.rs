//! Tests of the layouts against joint orders and targets that are typed a second time, by names, in
//! `kernels-tests/fixtures/joint_orders.py`.

use std::collections::HashMap;

use serde::Deserialize;

use super::*;
use crate::pose::Skeleton;

/// A joint order, and the names and weights that each of the 17 joints is made of.
#[derive(Deserialize)]
struct Expected {
    joints: Vec<String>,
    targets: Vec<HashMap<String, f32>>,
}

fn expected() -> HashMap<String, Expected> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/kernels-tests/fixtures/detectors/layouts.json");
    serde_json::from_reader(std::fs::File::open(path).unwrap()).unwrap()
}

/// What a slot is made of, by name.
fn parts<'a>(layout: &Layout, slot: &Slot, expected: &'a Expected) -> HashMap<&'a str, f32> {
    let (parts, count) = slot.parts();
    assert!(parts[..count].iter().all(|(joint, _)| *joint < layout.joints.len()), "{}", layout.name);
    parts[..count].iter().map(|&(joint, weight)| (expected.joints[joint].as_str(), weight)).collect()
}

fn side(name: &str) -> Option<char> {
    // "MouthL" is left too, but no target uses it.
    let rest = name.get(1..2)?;
    name.chars().next().filter(|first| "LR".contains(*first) && rest.chars().all(char::is_uppercase))
}

fn mirrored(name: &str) -> String {
    match side(name) {
        Some('L') => format!("R{}", &name[1..]),
        Some(_) => format!("L{}", &name[1..]),
        None => name.to_owned(),
    }
}

#[test]
fn every_target_of_every_layout_is_made_of_the_joints_of_that_name() {
    let expected = expected();
    assert_eq!(expected.len(), ALL.len());
    for layout in ALL {
        let Some(expected) = expected.get(layout.name) else { panic!("{} is not in layouts.json", layout.name) };
        assert_eq!(layout.joints, expected.joints, "{}", layout.name);
        for (slot, target) in layout.slots.iter().zip(&expected.targets) {
            let target: HashMap<&str, f32> = target.iter().map(|(name, weight)| (name.as_str(), *weight)).collect();
            assert_eq!(parts(layout, slot, expected), target, "{}", layout.name);
        }
    }
}

#[test]
fn left_is_made_of_left_and_mirrors_right() {
    let (expected, h36m) = (expected(), Skeleton::of(17).unwrap());
    for layout in ALL {
        let expected = &expected[layout.name];
        for (slot, &name) in h36m.names.iter().enumerate() {
            let made_of = parts(layout, &layout.slots[slot], expected);
            if let Some(side_of_slot) = side(name) {
                assert!(made_of.keys().all(|part| side(part) == Some(side_of_slot)), "{} {name}", layout.name);
            }
            let other = parts(layout, &layout.slots[h36m.swap[slot]], expected);
            let mirror: HashMap<String, f32> = made_of.iter().map(|(part, weight)| (mirrored(part), *weight)).collect();
            let other: HashMap<String, f32> = other.iter().map(|(part, weight)| (part.to_string(), *weight)).collect();
            assert_eq!(mirror, other, "{} {name}", layout.name);
        }
    }
}

#[test]
fn weights_add_up_to_one_and_names_are_unique() {
    for layout in ALL {
        for slot in &layout.slots {
            let (parts, count) = slot.parts();
            assert_eq!(parts[..count].iter().map(|part| part.1).sum::<f32>(), f32::from(count > 0), "{}", layout.name);
        }
        let mut names = layout.joints.to_vec();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), layout.joints.len(), "{}", layout.name);
    }
    let names: std::collections::HashSet<&str> = ALL.iter().map(|layout| layout.name).collect();
    assert_eq!(names.len(), ALL.len());
}

#[test]
fn a_missing_joint_takes_with_it_what_is_made_of_it_and_nothing_else() {
    for layout in ALL {
        let count = layout.joints.len();
        let xy: Vec<[f32; 2]> = (0..count).map(|joint| [10.0 + joint as f32, 500.0 - joint as f32]).collect();
        for lost in 0..count {
            let mut confidence: Vec<f32> = (0..count).map(|joint| 0.5 + joint as f32 / 100.0).collect();
            confidence[lost] = 0.0;
            let mut infinite = xy.clone();
            infinite[lost][1] = f32::INFINITY;
            let by_confidence = layout.keypoints(&xy, &confidence);
            confidence[lost] = 0.4;
            assert_eq!(by_confidence, layout.keypoints(&infinite, &confidence), "{}", layout.name);
            let complete = layout.keypoints(&xy, &confidence);
            for (slot, made) in layout.slots.iter().enumerate() {
                let (parts, parts_count) = made.parts();
                let uses = parts[..parts_count].iter().any(|(joint, _)| *joint == lost);
                if uses || parts_count == 0 {
                    assert_eq!((by_confidence.0[slot], by_confidence.1[slot]), ([0.0; 2], 0.0));
                    assert_eq!(complete.1[slot], if uses { 0.4 } else { 0.0 });
                } else {
                    assert_eq!(by_confidence.0[slot], complete.0[slot]);
                    let least = parts[..parts_count].iter().map(|(joint, _)| confidence[*joint]).fold(1.0, f32::min);
                    assert_eq!(by_confidence.1[slot], least);
                }
            }
        }
        // Joints beyond the end of what a file has.
        let (points, sure) = layout.keypoints(&xy[..1], &[0.5]);
        assert!(points.iter().zip(&sure).all(|(point, sure)| *point == xy[0] || (*point == [0.0; 2] && *sure == 0.0)));
        assert_eq!(layout.keypoints(&[], &[]), ([[0.0; 2]; 17], [0.0; 17]));
        let nan = vec![f32::NAN; count];
        assert_eq!(layout.keypoints(&xy, &nan).1, [0.0; 17], "a confidence that is no number is none");
    }
}

#[test]
fn positions_agree_with_keypoints() {
    for layout in ALL {
        let xy: Vec<[f32; 2]> = (0..layout.joints.len()).map(|j| [j as f32, (j * j) as f32]).collect();
        let xyz: Vec<[f32; 3]> = xy.iter().map(|&[x, y]| [x, y, x + y]).collect();
        let (points, _) = layout.keypoints(&xy, &vec![1.0; xy.len()]);
        for (position, [x, y]) in layout.positions(&xyz).iter().zip(points) {
            assert_eq!(*position, [x, y, x + y], "{}", layout.name);
        }
    }
}
