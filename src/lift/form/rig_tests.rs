//! Tests of rotations.

use std::f64::consts::FRAC_PI_2;

use super::*;
use crate::lift::form::sample_tests::{pose, wild};

fn vectors(pose: &[[f32; 3]]) -> Vec<Vector3<f64>> {
    pose.iter().map(|point| Vector3::from(point.map(f64::from))).collect()
}

/// A rotation by its definition.
fn product(order: [usize; 3], angles: [f64; 3]) -> Rotation3<f64> {
    let axes = [Vector3::x_axis(), Vector3::y_axis(), Vector3::z_axis()];
    order
        .iter()
        .zip(angles)
        .fold(Rotation3::identity(), |turn, (axis, angle)| turn * Rotation3::from_axis_angle(&axes[*axis], angle))
}

#[test]
fn angles_give_their_rotation_back() {
    let steps = [-3.1, -FRAC_PI_2, -0.7, 0.0, 0.3, FRAC_PI_2, 2.9];
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        for a in steps {
            for b in steps {
                for c in steps {
                    let turn = product(order, [a, b, c]);
                    let found = product(order, angles(&turn, order, [0.2, 0.0, 0.1]));
                    // f64, and an arc tangent beside a right angle: the square root of its precision.
                    let error = (turn.matrix() - found.matrix()).abs().max();
                    assert!(error < 1e-7, "{order:?} {a} {b} {c}: {error}");
                }
            }
        }
    }
}

#[test]
fn angles_follow_those_before() {
    // Around and around, and through the right angle of the middle axis.
    let order = [2, 0, 1];
    let mut before = [0.0; 3];
    for k in 0..2000 {
        let t = f64::from(k) * 0.02;
        let found = angles(&product(order, [t, 2.0 * (0.3 * t).sin(), -t]), order, before);
        let far = found.iter().zip(before).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(far < 0.1, "frame {k}: {before:?} to {found:?}");
        before = found;
    }
    assert!(before[0] > 6.0 * std::f64::consts::TAU, "{before:?}");
}

#[test]
fn at_rest_nothing_is_turned() {
    for joints in [16, 17] {
        for up in [Up::World, Up::Camera] {
            let rig = Rig::new(Skeleton::of(joints).unwrap(), up);
            let mut places = vec![Vector3::zeros(); joints];
            for (joint, parent) in rig.skeleton.bones() {
                places[joint] = places[parent] + 0.3 * rig.rest[joint];
            }
            let names = rig.skeleton.names;
            let of = |name: &str| places[names.iter().position(|known| *known == name).unwrap()];
            // Facing the camera, the left is at the image's right; the camera's y points down.
            assert!(of("LWrist").x > 0.5 && of("RFoot").x < 0.0);
            assert!(of("Head").y * if up == Up::World { 1.0 } else { -1.0 } > 0.5);
            for turn in rig.turns(&places) {
                let error = (turn.matrix() - Matrix3::identity()).abs().max();
                assert!(error < 1e-9, "{error}: {turn}");
            }
        }
    }
}

#[test]
fn a_turned_person_is_a_turned_hip() {
    let rig = Rig::new(Skeleton::of(17).unwrap(), Up::World);
    let turn = product([0, 1, 2], [0.4, -2.0, 1.1]);
    let mut places = vec![Vector3::zeros(); 17];
    for (joint, parent) in rig.skeleton.bones() {
        places[joint] = places[parent] + turn * rig.rest[joint];
    }
    for found in rig.turns(&places) {
        let error = (found.matrix() - turn.matrix()).abs().max();
        assert!(error < 1e-9, "{error}: {found}");
    }
}

#[test]
fn shoulders_that_hang_are_so_at_rest() {
    let rig = Rig::new(Skeleton::of(17).unwrap(), Up::World);
    let mut hanging = Rig::new(Skeleton::of(17).unwrap(), Up::World);
    for (shoulder, side) in [(11, 1.0), (14, -1.0)] {
        hanging.rest[shoulder] = Vector3::new(0.8 * side, -0.6, 0.0);
    }
    let poses = (0..10).map(|k| {
        let mut places = vec![Vector3::zeros(); 17];
        for (joint, parent) in rig.skeleton.bones() {
            places[joint] = places[parent] + product([1, 0, 2], [f64::from(k), 0.3, 0.1]) * hanging.rest[joint];
        }
        places
    });
    let fitted = rig.fitted(poses);
    for joint in 1..17 {
        let error = (fitted.rest[joint] - hanging.rest[joint]).norm();
        assert!(error < 1e-9, "{joint}: {error}");
    }
    // Shoulders at the ears are no way to stand.
    let wrong = (0..8).map(|seed| vectors(&wild(17, seed)));
    let kept = Rig::new(Skeleton::of(17).unwrap(), Up::World);
    let fitted = Rig::new(kept.skeleton, Up::World).fitted(wrong);
    assert!((0..17).all(|joint| joint == 0 || fitted.rest[joint].dot(&kept.rest[joint]) > 0.7));
}

#[test]
fn bones_with_one_child_point_to_it() {
    let rig = Rig::new(Skeleton::of(17).unwrap(), Up::World);
    for seed in 0..200 {
        let places = vectors(&wild(17, seed));
        let turns = rig.turns(&places);
        for (joint, children) in rig.children.iter().enumerate() {
            let matrix = turns[joint].matrix();
            let error = (matrix * matrix.transpose() - Matrix3::identity()).abs().max();
            assert!(error < 1e-9 && (matrix.determinant() - 1.0).abs() < 1e-9, "seed {seed}: no rotation: {matrix}");
            if let [child] = children[..]
                && let Some(bone) = (places[child] - places[joint]).try_normalize(1e-9)
            {
                let error = (turns[joint] * rig.rest[child] - bone).norm();
                // What is within 1e-12 of one line counts as on it.
                assert!(error < 1e-9, "seed {seed}, joint {joint}: {error}");
            }
        }
    }
    let places = vectors(&pose(17, 3, 1));
    assert_eq!(rig.turns(&places), rig.turns(&places));
}
