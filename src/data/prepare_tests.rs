//! Tests of preparation: turned cameras, what must not change without them, and frames without joints.

use super::*;
use crate::data::{Label, Scenario, observe::observe, observe::unobserved, synthetic};
use crate::pose::{Camera, mean_bone_lengths};

fn model(set: &PoseSet, rays: bool) -> ModelConfig {
    let skeleton = Skeleton::of(set.joints).unwrap();
    let bone_lengths = mean_bone_lengths(set.positions.as_ref().unwrap(), skeleton);
    ModelConfig { joints: set.joints, bone_lengths, rays, ..ModelConfig::default() }
}

fn prepared(set: &PoseSet, model: &ModelConfig) -> Prepared {
    Prepared::new(set, model, Fill::LastFrame).unwrap()
}

#[test]
fn without_rays_or_without_a_camera_nothing_is_turned() {
    let set = synthetic(Scenario::Target, 40, 2, 16).unwrap();
    let bare = PoseSet { intrinsics: None, ..set.clone() };
    let expected = prepared(&bare, &model(&set, false));
    assert_eq!(prepared(&set, &model(&set, false)), expected);
    assert_eq!(prepared(&bare, &model(&set, true)), expected);
    assert!(expected.turns.is_empty());
    // What is in the plane has no pixels.
    let plane = ModelConfig { normalize: Normalize::Plane, ..model(&set, true) };
    assert_eq!(prepared(&set, &plane).keypoints, set.keypoints);
    let turned = prepared(&set, &model(&set, true));
    assert_eq!(turned.turns.len(), 40);
    assert_ne!(turned.keypoints, expected.keypoints);
}

#[test]
fn labels_are_in_the_axes_of_the_turned_cameras() {
    let set = synthetic(Scenario::Source, 40, 2, 17).unwrap();
    let [plain, turned] = [false, true].map(|rays| prepared(&set, &model(&set, rays)));
    let mut back = turned.positions.clone();
    back.chunks_exact_mut(51).zip(&turned.turns).for_each(|(pose, turn)| turn.undo(pose));
    assert_ne!(turned.positions, plain.positions);
    assert!(back.iter().zip(&plain.positions).all(|(a, b)| (a - b).abs() < 1e-6));
    // A wild camera has no distortion: seen from the root's axis, the label projects to the keypoints.
    let set = synthetic(Scenario::Target, 40, 2, 16).unwrap();
    let turned = prepared(&set, &model(&set, true));
    let mean = |values: &[f32]| values.iter().map(|v| v.abs()).sum::<f32>() / values.len() as f32;
    for (pose, (x, label)) in turned.keypoints.chunks(32).zip(turned.positions.chunks(48)).enumerate() {
        let root = &set.positions.as_ref().unwrap()[pose * 48..][..3];
        let distance = root.iter().map(|v| v * v).sum::<f32>().sqrt();
        let projected: Vec<f32> =
            label.chunks(3).flat_map(|p| [p[0] / (p[2] + distance), p[1] / (p[2] + distance)]).collect();
        let scale = mean(x) / mean(&projected);
        assert!(x.iter().zip(&projected).all(|(x, p)| (x - scale * p).abs() < 1e-5), "pose {pose}");
    }
}

#[test]
fn a_person_at_the_edge_is_prepared_as_in_the_middle() {
    let people = synthetic(Scenario::Source, 16, 5, 16).unwrap();
    let (position, mut sets) = ([0.0, -5.0, 1.0], Vec::new());
    for aside in [0.0, 1.5, -2.0] {
        let camera = Camera::look_at("level", position, [aside, 0.0, 1.0], 1145.0, 1000);
        let mut set = unobserved(Skeleton::of(16).unwrap());
        for pose in people.positions.as_ref().unwrap().chunks_exact(48) {
            // Upright before the camera: its axes to the world's, the root at a fixed place.
            let world: Vec<[f64; 3]> = pose
                .chunks_exact(3)
                .map(|p| [p[0] - pose[0], p[2] - pose[2], 1.0 - (p[1] - pose[1])].map(f64::from))
                .collect();
            let label = Label { subject: Some(1), action: Some(1), ..Label::default() };
            assert!(observe(&mut set, &camera, &world, label));
        }
        sets.push(set);
    }
    let model = model(&people, true);
    let middle = prepared(&sets[0], &model);
    for set in &sets[1..] {
        let aside = prepared(set, &model);
        let close = |a: &[f32], b: &[f32], limit: f32| a.iter().zip(b).all(|(a, b)| (a - b).abs() < limit);
        assert!(close(&aside.keypoints, &middle.keypoints, 1e-5));
        assert!(close(&aside.positions, &middle.positions, 1e-5));
        let plain = ModelConfig { rays: false, ..model.clone() };
        assert!(!close(&prepared(set, &plain).keypoints, &middle.keypoints, 1e-3), "without rays it is not");
    }
}

#[test]
fn the_plane_scale_multiplies() {
    let set = synthetic(Scenario::Target, 8, 2, 16).unwrap();
    for rays in [false, true] {
        let model = model(&set, rays);
        let scaled = prepared(&set, &ModelConfig { plane_scale: 1.25, ..model.clone() });
        let one = prepared(&set, &model);
        assert!(scaled.keypoints.iter().zip(&one.keypoints).all(|(scaled, x)| *scaled == 1.25 * x));
        assert_eq!(scaled.positions, one.positions);
    }
}

#[test]
fn missing_joints_are_filled_in_as_pixels() {
    let mut set = synthetic(Scenario::Target, 8, 2, 16).unwrap();
    let (camera, model) = (set.camera(5).unwrap(), model(&set, true));
    let mut confidence = vec![1.0; 8 * 16];
    confidence[5 * 16..6 * 16]
        .copy_from_slice(&[0.0, 1.0, 1.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]);
    set.confidence = Some(confidence);
    set.keypoints[5 * 32..5 * 32 + 2].fill(-1e6);
    let got = prepared(&set, &model);
    // The same by hand: the root, too, is where the last frame says.
    let seen = &got.seen[5 * 16..6 * 16];
    let mut x = set.keypoints[5 * 32..6 * 32].to_vec();
    fill_from_last_frame(&mut x, seen, &set.keypoints[4 * 32..5 * 32]);
    let turn = camera.turn(&mut x);
    bone_normalize(&mut x, seen, Skeleton::of(16).unwrap(), &model.bone_lengths, model.depth);
    assert_eq!(got.keypoints[5 * 32..6 * 32], x);
    assert_eq!(got.turns[5], turn);
}

const J: usize = 16;

fn preparer() -> Preparer {
    // In pixels all the way, so that what is filled in can be read.
    let bone_lengths = vec![0.25; J - 1];
    let model = ModelConfig { joints: J, bone_lengths, normalize: Normalize::Plane, ..ModelConfig::default() };
    Preparer::new(&model, Fill::LastFrame)
}

fn person() -> Vec<f32> {
    (0..2 * J).map(|k| 500.0 + (37 * k % 101) as f32).collect()
}

/// The person without the joints `missing`, where a detector writes anything.
fn lacking(missing: &[usize]) -> (Vec<f32>, Vec<f32>) {
    let (mut x, mut seen) = (person(), vec![1.0; J]);
    for &joint in missing {
        x[2 * joint..][..2].fill(-1e6);
        seen[joint] = 0.0;
    }
    (x, seen)
}

fn prepared_frame(preparer: &mut Preparer, missing: &[usize], frame: Option<i32>) -> Vec<f32> {
    let (mut x, seen) = lacking(missing);
    preparer.prepare(&mut x, &seen, frame);
    x
}

#[test]
fn a_frame_without_joints_is_no_last_frame() {
    let (all, some): (Vec<usize>, _) = ((0..J).collect(), [3, 9, 12]);
    for numbers in [[None; 2], [Some(0), Some(1)]] {
        let [before, now] = numbers;
        let mut empty_first = preparer();
        assert_eq!(prepared_frame(&mut empty_first, &all, before), [0.0; 2 * J]);
        // As if the track began here, not with joints at the origin that have moved along.
        assert_eq!(
            prepared_frame(&mut empty_first, &some, now),
            prepared_frame(&mut preparer(), &some, now),
            "{now:?}"
        );
    }
}

#[test]
fn frames_without_joints_keep_the_person_for_as_long_as_a_gap() {
    let all: Vec<usize> = (0..J).collect();
    let mut track = preparer();
    assert_eq!(prepared_frame(&mut track, &[], Some(0)), person());
    for frame in 1..=MAX_GAP as i32 {
        assert_eq!(prepared_frame(&mut track, &all, Some(frame)), person(), "frame {frame}");
    }
    assert_eq!(prepared_frame(&mut track, &all, Some(MAX_GAP as i32 + 1)), [0.0; 2 * J]);
}
