//! Tests of the pose set and its file.

use super::*;
use crate::format::npz::{Npz, NpzWriter};

fn sample(n: usize, joints: usize) -> PoseSet {
    PoseSet {
        keypoints: (0..n * joints * 2).map(|i| 500.0 + i as f32).collect(),
        confidence: Some((0..n * joints).map(|i| (i % 11) as f32 / 10.0).collect()),
        positions: Some((0..n * joints * 3).map(|i| i as f32 / 7.0).collect()),
        image_size: Some(vec![[1000, 1002]; n]),
        intrinsics: Some(vec![[1145.0, 1143.5, 512.5, 515.25]; n]),
        sequence: Some((0..n as i32).map(|i| i / 2).collect()),
        frame: Some((0..n as i32).map(|i| i % 2).collect()),
        subject: Some(vec![0; n]),
        action: None,
        sequence_names: (0..n).map(|i| format!("clip {i}")).collect(),
        subject_names: vec!["S\u{e9}1".into()],
        ..PoseSet::empty(Skeleton::of(joints).unwrap())
    }
}

fn problem(change: impl FnOnce(&mut PoseSet)) -> String {
    let mut set = sample(5, 17);
    change(&mut set);
    set.validate(Path::new("p.npz")).unwrap_err().to_string()
}

#[test]
fn round_trips() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("set.npz");
    let mut set = sample(5, 17);
    set.save(&path).unwrap();
    assert_eq!(PoseSet::load(&path).unwrap(), set);
    let mut npz = Npz::open(&path).unwrap();
    assert_eq!((npz.f32("intrinsics").unwrap().shape, npz.i32("image_size").unwrap().shape), (vec![4], vec![2]));
    set.image_size = Some((0..5).map(|i| [640 + i, 480]).collect());
    set.intrinsics = Some((0..5).map(|i| [1145.0, 1143.5, 512.5, i as f32]).collect());
    set.save(&path).unwrap();
    assert_eq!(PoseSet::load(&path).unwrap(), set);
    let bare = PoseSet { keypoints: vec![1.0; 32], ..PoseSet::empty(Skeleton::of(16).unwrap()) };
    bare.save(&path).unwrap();
    assert_eq!(PoseSet::load(&path).unwrap(), bare);
}

#[test]
fn select_and_sequence_starts() {
    let set = sample(5, 16);
    assert_eq!(set.sequence_starts(), [0, 2, 4]);
    let picked = set.select(&[4, 0, 99]);
    assert_eq!(picked.len(), 2);
    assert_eq!(picked.keypoints[..2], set.keypoints[4 * 32..4 * 32 + 2]);
    assert_eq!(picked.positions.as_ref().unwrap()[48..], set.positions.as_ref().unwrap()[..48]);
    assert_eq!(picked.sequence, Some(vec![2, 0]));
    let cameras = PoseSet { intrinsics: Some((0..5).map(|i| [1.0 + i as f32; 4]).collect()), ..set.clone() };
    assert_eq!(cameras.select(&[4, 0]).intrinsics, Some(vec![[5.0; 4], [1.0; 4]]));
    assert_eq!(cameras.camera(2).unwrap().focal, [3.0; 2]);
    assert_eq!((cameras.camera(5), bare_camera()), (None, None));
    assert_eq!(picked.sequence_starts(), [0, 1]);
    picked.validate(Path::new("p")).unwrap();
    assert_eq!(set.select(&(0..5).collect::<Vec<_>>()), set);
    assert_eq!(PoseSet { sequence: None, ..set }.sequence_starts(), [0]);
}

fn bare_camera() -> Option<Intrinsics> {
    PoseSet { intrinsics: None, ..sample(1, 16) }.camera(0)
}

#[test]
fn cameras_are_assumed_of_image_sizes() {
    let set = PoseSet { image_size: Some(vec![[640, 480], [480, 800]]), ..sample(2, 16) };
    assert_eq!(
        set.assumed_intrinsics(Some(700.0)),
        Some(vec![[700.0, 700.0, 320.0, 240.0], [700.0, 700.0, 240.0, 400.0]])
    );
    let guessed = set.assumed_intrinsics(None).unwrap();
    // The longer side under 55 degrees.
    assert!((guessed[0][0] - 614.7).abs() < 0.1 && (guessed[1][0] - 768.4).abs() < 0.1, "{guessed:?}");
    assert_eq!(PoseSet { image_size: None, ..set }.assumed_intrinsics(Some(700.0)), None);
}

#[test]
fn to_16_drops_neck_nose_everywhere() {
    let (set, smaller) = (sample(3, 17), sample(3, 17).to_16());
    smaller.validate(Path::new("p")).unwrap();
    assert_eq!((smaller.joints, smaller.len()), (16, 3));
    // Head: 10 of 17, 9 of 16, in the last pose.
    assert_eq!(smaller.keypoints[(2 * 16 + 9) * 2], set.keypoints[(2 * 17 + 10) * 2]);
    assert_eq!(smaller.confidence.as_ref().unwrap()[2 * 16 + 9], set.confidence.as_ref().unwrap()[2 * 17 + 10]);
    assert_eq!(smaller.intrinsics, set.intrinsics);
    assert_eq!(smaller.to_16(), smaller);
}

#[test]
fn validation_names_the_pose_and_the_joint() {
    for (error, expected) in [
        (
            problem(|s| s.keypoints[(3 * 17 + 2) * 2] = f32::NAN),
            "p.npz: keypoints: pose 3, joint 2 (RKnee): NaN is not finite",
        ),
        (
            problem(|s| s.keypoints[(3 * 17 + 2) * 2 + 1] = -1e5),
            "p.npz: keypoints: pose 3, joint 2 (RKnee): -100000 is not within 100000 pixels; give the keypoint confidence 0",
        ),
        (
            problem(|s| s.positions.as_mut().unwrap()[17 * 3 + 50] = f32::INFINITY),
            "positions: pose 1, joint 16 (RWrist)",
        ),
        (
            problem(|s| s.confidence.as_mut().unwrap()[18] = 1.5),
            "confidence: pose 1, joint 1 (RHip): 1.5 is not between",
        ),
        (problem(|s| s.confidence.as_mut().unwrap()[0] = -0.1), "confidence: pose 0, joint 0 (Hip)"),
        (problem(|s| s.keypoints.clear()), "there is no pose"),
        (problem(|s| s.joints = 15), "15 joints"),
        (problem(|s| s.keypoints.truncate(169)), "does not match"),
        (problem(|s| s.frame.as_mut().unwrap().truncate(4)), "frame: it does not match 5 poses"),
        (problem(|s| drop(s.joint_names.pop())), "joint_names: it does not match"),
        (problem(|s| s.subject.as_mut().unwrap()[2] = 1), "subject: pose 2: the number has no entry in subject_names"),
        (problem(|s| s.subject.as_mut().unwrap()[1] = -1), "subject: pose 1"),
        (problem(|s| s.image_size.as_mut().unwrap()[4] = [0, 5]), "image_size: pose 4"),
        (problem(|s| s.intrinsics.as_mut().unwrap()[3][0] = 0.0), "intrinsics: pose 3: a focal length of 0 is not"),
        (problem(|s| s.intrinsics.as_mut().unwrap()[2][1] = -1.0), "intrinsics: pose 2"),
        (
            problem(|s| s.intrinsics.as_mut().unwrap()[0][2] = f32::NAN),
            "pose 0: NaN is not finite; give fx, fy, cx, cy",
        ),
        (problem(|s| s.intrinsics.as_mut().unwrap().truncate(4)), "intrinsics: it does not match 5 poses"),
        (problem(|s| s.joint_names.swap(1, 4)), "joint_names: joint 1 is LHip instead of RHip"),
    ] {
        assert!(error.contains(expected), "{error}");
    }
    let mut missing = sample(5, 17);
    (missing.keypoints[0], missing.confidence.as_mut().unwrap()[0]) = (-1e30, 0.0);
    missing.validate(Path::new("p")).unwrap();
    let mut renamed = sample(5, 17);
    renamed.joint_names[0] = "pelvis".into();
    renamed.validate(Path::new("p")).unwrap();
}

#[test]
fn files_with_wrong_shapes_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("set.npz");
    let write = |arrays: &[(&str, &[usize])]| {
        let mut npz = NpzWriter::create(&path).unwrap();
        for (name, shape) in arrays {
            npz.i32(name, shape, &vec![1; shape.iter().product()]).unwrap();
        }
        npz.finish().unwrap();
        PoseSet::load(&path).map(|set| set.len()).map_err(|error| error.to_string())
    };
    let keypoints: (&str, &[usize]) = ("keypoints", &[2, 17, 2]);
    assert_eq!(write(&[keypoints, ("image_size", &[2]), ("intrinsics", &[4])]), Ok(2));
    assert_eq!(write(&[keypoints, ("image_size", &[2, 2]), ("intrinsics", &[2, 4])]), Ok(2));
    for (arrays, expected) in [
        (vec![], "keypoints: the array is missing"),
        (vec![("keypoints", &[2, 17, 3][..])], "keypoints: shape [2, 17, 3]"),
        (vec![("keypoints", &[2, 34])], "keypoints: shape [2, 34]"),
        (vec![("keypoints", &[2, 33, 2])], "33 joints"),
        (vec![("keypoints", &[0, 17, 2])], "there is no pose"),
        (vec![keypoints, ("positions", &[2, 17, 2])], "give [2, 17, 3]"),
        (vec![keypoints, ("frame", &[3])], "frame: shape [3]"),
        (vec![keypoints, ("image_size", &[3, 2])], "image_size: shape [3, 2]"),
        (vec![keypoints, ("image_size", &[1])], "image_size: shape [1]"),
        (vec![keypoints, ("intrinsics", &[3])], "set.npz: intrinsics: shape [3]; give (4,) or (2, 4): fx, fy, cx, cy"),
        (vec![keypoints, ("intrinsics", &[3, 4])], "intrinsics: shape [3, 4]"),
        (vec![keypoints, ("intrinsics", &[8])], "intrinsics: shape [8]"),
        (vec![keypoints, ("intrinsics", &[1, 2, 4])], "intrinsics: shape [1, 2, 4]"),
        (vec![keypoints, ("joint_names", &[17])], "joint_names"),
    ] {
        let error = write(&arrays).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn a_file_cut_anywhere_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("set.npz");
    sample(40, 17).save(&path).unwrap();
    let whole = std::fs::read(&path).unwrap();
    for sixteenth in 0..16 {
        std::fs::write(&path, &whole[..whole.len() * sixteenth / 16]).unwrap();
        assert!(PoseSet::load(&path).is_err());
    }
}

#[test]
fn a_keypoint_at_the_origin_is_missing_unless_all_are() {
    let (folder, mut set) = (tempfile::tempdir().unwrap(), sample(5, 17));
    let path = folder.path().join("set.npz");
    set.confidence = None;
    set.keypoints[2 * 5..2 * 6].fill(0.0);
    set.save(&path).unwrap();
    let read = PoseSet::load(&path).unwrap();
    let confidence = read.confidence.clone().unwrap();
    assert!(confidence.iter().enumerate().all(|(i, sure)| *sure == if i == 5 { 0.0 } else { 1.0 }));
    // Poses about the hip.
    let joints = set.joints;
    set.keypoints.chunks_exact_mut(2 * joints).for_each(|pose| pose[..2].fill(0.0));
    set.keypoints[2 * 5..2 * 6].fill(1.0);
    set.save(&path).unwrap();
    assert_eq!(PoseSet::load(&path).unwrap().confidence, None);
}
