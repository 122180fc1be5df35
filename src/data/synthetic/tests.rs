//! Tests of the synthetic scenarios.

use std::path::Path;

use super::*;
use crate::named::Named;
use crate::pose::mean_bone_lengths;

/// Clips of a scenario in the world, with their action and body.
fn clips(scenario: Scenario, count: u64) -> Vec<(&'static Action, Vec<[[f64; 3]; 17]>)> {
    (0..count)
        .map(|i| {
            let mut rng = scenario.random(11, i);
            let action = &scenario.actions()[i as usize % scenario.actions().len()];
            (action, clip(&mut rng, action, &scenario.body(11, i as usize % SUBJECTS)))
        })
        .collect()
}

fn sub(a: [f64; 3], b: [f64; 3]) -> nalgebra::Vector3<f64> {
    nalgebra::Vector3::from(a) - nalgebra::Vector3::from(b)
}

#[test]
fn sets_are_valid_labelled_and_deterministic() {
    for &scenario in Scenario::ALL {
        let set = synthetic(scenario, 1000, 5, 17).unwrap();
        set.validate(Path::new("p")).unwrap();
        assert_eq!(set.len(), 1000);
        assert_eq!(set.sequence_starts(), (0..1000).step_by(16).collect::<Vec<_>>());
        assert_eq!(set.frame.as_ref().unwrap()[14..18], [14, 15, 0, 1]);
        assert_eq!(set.sequence_names.len(), 63);
        let action = set.action.as_ref().unwrap();
        for (number, name) in set.action_names.iter().enumerate() {
            assert!(action.contains(&(number as i32)), "{name}");
        }
        assert_eq!(set, synthetic(scenario, 1000, 5, 17).unwrap());
        #[cfg(feature = "import")]
        {
            let folder = tempfile::tempdir().unwrap();
            let bytes = ["a", "b"].map(|name| {
                let path = folder.path().join(name);
                synthetic(scenario, 100, 5, 17).unwrap().save(&path).unwrap();
                std::fs::read(&path).unwrap()
            });
            assert_eq!(bytes[0], bytes[1]);
        }
        let shorter = synthetic(scenario, 100, 5, 17).unwrap();
        assert_eq!(shorter.keypoints, set.keypoints[..100 * 34]);
        assert_ne!(shorter.keypoints, synthetic(scenario, 100, 6, 17).unwrap().keypoints);
        assert_eq!(synthetic(scenario, 100, 5, 16).unwrap(), shorter.to_16());
        assert!(synthetic(scenario, 0, 5, 16).is_err() && synthetic(scenario, 1, 5, 15).is_err());
    }
}

#[test]
fn bones_are_rigid_symmetric_and_differ_between_people() {
    let skeleton = Skeleton::of(17).unwrap();
    for &scenario in Scenario::ALL {
        let set = synthetic(scenario, 3200, 1, 17).unwrap();
        let positions = set.positions.as_ref().unwrap();
        let subject = set.subject.as_ref().unwrap();
        let mut first = std::collections::HashMap::new();
        for (pose, subject) in positions.chunks_exact(51).zip(subject) {
            let lengths = mean_bone_lengths(pose, skeleton);
            for (a, b) in lengths.iter().zip(first.entry(subject).or_insert_with(|| lengths.clone())) {
                assert!((a - *b).abs() < 1e-5, "a bone of subject {subject} changes");
            }
            for joint in 1..17 {
                assert!((lengths[joint - 1] - lengths[skeleton.swap[joint] - 1]).abs() < 1e-5);
            }
        }
        let thighs: Vec<f32> = first.values().map(|lengths| lengths[1]).collect();
        let spread = thighs.iter().copied().fold(0.0, f32::max) / thighs.iter().copied().fold(9.0, f32::min);
        let expected = if scenario == Scenario::Source { 1.1..1.35 } else { 1.4..2.5 };
        assert!(expected.contains(&spread), "{scenario} {spread}");
    }
}

#[test]
fn joint_limits_hold_in_the_positions() {
    for &scenario in Scenario::ALL {
        for (action, frames) in clips(scenario, 300) {
            for joints in frames {
                for (hip, out, shoulder) in [(1, 1.0, 14), (4, -1.0, 11)] {
                    let (thigh, shank) = (sub(joints[hip + 1], joints[hip]), sub(joints[hip + 2], joints[hip + 1]));
                    let flexion = thigh.angle(&shank).to_degrees();
                    assert!(flexion <= 145.001, "{} knee {flexion}", action.name);
                    // A knee bends backward: its hinge axis is on the left, up to the hip's own turn.
                    let left = out * sub(joints[0], joints[hip]);
                    assert!(flexion < 1.0 || thigh.cross(&shank).dot(&left) > 0.0, "{} knee", action.name);
                    let upper = sub(joints[shoulder + 1], joints[shoulder]);
                    let elbow = upper.angle(&sub(joints[shoulder + 2], joints[shoulder + 1])).to_degrees();
                    assert!(elbow <= 150.001, "{} elbow {elbow}", action.name);
                    // A thigh never points up along the spine: hip flexion ends at 125 degrees.
                    let spine = sub(joints[7], joints[0]);
                    assert!(spine.angle(&thigh).to_degrees() > 50.0, "{} hip", action.name);
                }
            }
        }
    }
}

#[test]
fn clips_are_smooth_and_stay_on_the_floor() {
    for &scenario in Scenario::ALL {
        for (action, frames) in clips(scenario, 200) {
            let mut moved = 0.0f64;
            for pair in frames.windows(2) {
                let step = (0..17).map(|joint| sub(pair[0][joint], pair[1][joint]).norm()).fold(0.0, f64::max);
                assert!(step < 0.45, "{} jumps {step} m", action.name);
                moved += step;
            }
            assert!(moved > 0.05, "{} stands still", action.name);
            assert!(frames.iter().flatten().all(|joint| joint[2] > 0.0));
        }
    }
}

#[test]
fn source_is_upright_and_target_is_not() {
    for (action, frames) in clips(Scenario::Source, 300) {
        assert!(frames.iter().all(|joints| joints[10][2] > joints[0][2] + 0.3), "{}", action.name);
    }
    let (mut handstands, mut inverted, mut low) = (0, 0, 0);
    for (action, frames) in clips(Scenario::Target, 700) {
        handstands += usize::from(action.name == "handstand");
        inverted += usize::from(frames.iter().all(|joints| joints[10][2] < joints[0][2]));
        low += usize::from(frames.iter().all(|joints| joints[0][2] < 0.4));
    }
    assert_eq!(handstands, 100);
    assert!(inverted >= 100, "{inverted} of 700 inverted");
    assert!(low >= 120, "{low} of 700 near the floor");
}

#[test]
fn people_are_well_placed_in_the_image() {
    for &scenario in Scenario::ALL {
        let set = synthetic(scenario, 8000, 2, 16).unwrap();
        let inside = set.keypoints.iter().filter(|k| (0.0..1000.0).contains(*k)).count() as f64;
        assert!(inside / set.keypoints.len() as f64 > 0.93, "{scenario} {}", inside / set.keypoints.len() as f64);
    }
}
