//! Tests of files of pose sets that come in blocks.

use super::*;
use crate::pose::Skeleton;

fn sample(n: usize) -> PoseSet {
    let numbers = |divisor: i32| Some((0..n as i32).map(|i| i / divisor).collect::<Vec<i32>>());
    PoseSet {
        keypoints: (0..n * 17 * 2).map(|i| 500.0 + i as f32).collect(),
        confidence: Some((0..n * 17).map(|i| (i % 11) as f32 / 10.0).collect()),
        positions: Some((0..n * 17 * 3).map(|i| i as f32 / 7.0).collect()),
        image_size: Some(vec![[1000, 1002]; n]),
        intrinsics: Some(vec![[1145.0, 1143.5, 512.5, 515.25]; n]),
        sequence: numbers(4),
        frame: numbers(1),
        subject: Some(vec![0; n]),
        action: Some(vec![1; n]),
        sequence_names: (0..n.div_ceil(4)).map(|i| format!("clip {i}")).collect(),
        subject_names: vec!["S1".into()],
        action_names: vec!["Walking".into(), "Sitting".into()],
        ..PoseSet::empty(Skeleton::of(17).unwrap())
    }
}

/// Writes the poses up to each of `ends`.
fn written(path: &Path, set: &PoseSet, ends: &[usize]) -> Result<Summary> {
    let mut writer = PoseSetWriter::new(path);
    let block = |i: usize| set.select(&(if i == 0 { 0 } else { ends[i - 1] }..ends[i]).collect::<Vec<_>>());
    for i in 0..ends.len() - 1 {
        writer.add(&block(i))?;
    }
    writer.finish(&block(ends.len() - 1))
}

#[test]
fn blocks_make_the_same_file_as_the_whole() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, blocks) = (folder.path().join("whole.npz"), folder.path().join("blocks.npz"));
    let all = sample(22);
    let mut sizes = all.clone();
    sizes.image_size = Some((0..22).map(|i| [640, if i < 21 { 480 } else { 481 }]).collect());
    let mut cameras = all.clone();
    cameras.intrinsics = Some((0..22).map(|i| [1145.0, 1143.5, 512.5, if i < 8 { 515.25 } else { 1.0 }]).collect());
    let bare = PoseSet { keypoints: vec![1.0; 22 * 34], ..PoseSet::empty(Skeleton::of(17).unwrap()) };
    for (set, missing) in [(&all, 34), (&sizes, 34), (&cameras, 34), (&bare, 0)] {
        set.save(&whole).unwrap();
        for ends in [&[22][..], &[7, 8, 22], &[22, 22]] {
            let summary = written(&blocks, set, ends).unwrap();
            assert!(std::fs::read(&whole).unwrap() == std::fs::read(&blocks).unwrap(), "{ends:?}");
            let runs = set.sequence_starts().len();
            assert_eq!((summary.poses, summary.joints, summary.sequences), (22, 17, runs));
            assert_eq!((summary.missing_joints, summary.positions), (missing, set.positions.is_some()));
            assert_eq!((summary.subjects, summary.actions), (set.subject_names.len(), set.action_names.len()));
        }
        assert_eq!(PoseSet::load(&blocks).unwrap(), *set);
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "no temporary file is left");
}

#[test]
fn what_cameras_are_is_known_of_all_or_of_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("set.npz");
    let (mut first, mut last) = (sample(4), sample(4));
    (last.image_size, last.intrinsics) = (None, None);
    let mut writer = PoseSetWriter::new(&path);
    writer.add(&first).unwrap();
    writer.finish(&last).unwrap();
    first.clear();
    assert_eq!((first.len(), first.sequence_names.len(), first.positions), (0, 1, Some(vec![])));
    let set = PoseSet::load(&path).unwrap();
    assert_eq!((set.len(), set.image_size, set.intrinsics), (8, None, None));
    assert_eq!(set.sequence_names, last.sequence_names);
}

#[test]
fn what_is_wrong_is_named_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("set.npz");
    let says = |result: Result<Summary>, words: &str| {
        let error = result.unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    };
    let mut set = sample(22);
    set.positions.as_mut().unwrap()[(9 * 17 + 2) * 3] = f32::NAN;
    says(written(&path, &set, &[7, 22]), "set.npz: positions: pose 9, joint 2 (RKnee): NaN is not finite");
    says(written(&path, &set, &[0]), "set.npz: keypoints: there is no pose");
    // The blocks differ.
    let mut writer = PoseSetWriter::new(&path);
    writer.add(&sample(3)).unwrap();
    says(
        writer.finish(&PoseSet { confidence: None, ..sample(2) }),
        "confidence: it does not match 5 poses of 17 joints",
    );
    let nowhere = folder.path().join("none/set.npz");
    assert!(matches!(written(&nowhere, &sample(3), &[1, 3]), Err(Error::Io { action: "write", .. })));
}
