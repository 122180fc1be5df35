use super::*;

#[test]
fn poses_that_do_not_fit_are_refused() {
    let mut collector = Collector { limit: 10 * 4 * (6 * 17 + 10), ..Collector::new(17, None) };
    let path = Path::new("a.h5");
    collector.room_for(10, path, "S1/Walking").unwrap();
    let keypoints = [[0.0; 2]; 17];
    let pose = Pose { keypoints, confidence: None, positions: None, image_size: None, intrinsics: None };
    collector.push(&pose, Label::default()).unwrap();
    collector.room_for(9, path, "S1/Walking").unwrap();
    for poses in [10, usize::MAX / 8, usize::MAX] {
        let error = collector.room_for(poses, path, "S1/Walking").unwrap_err().to_string();
        assert!(error.starts_with(&format!("a.h5: S1/Walking: {poses} poses more than the 1 so far")), "{error}");
    }
}

/// Pose `i` of many; every tenth is of another sequence, and `sized` has an image size and intrinsics.
fn pose(i: usize, sized: bool) -> (Pose, Label) {
    let value = 1.0 + i as f32;
    let keypoints = std::array::from_fn(|joint| [value, joint as f32]);
    let image_size = sized.then_some([640, 480]);
    let (confidence, positions) = (Some([0.5; 17]), Some([[value; 3]; 17]));
    let intrinsics = sized.then_some(Intrinsics { focal: [600.0, 601.0], center: [320.0, 240.0 + f64::from(value)] });
    let pose = Pose { keypoints, confidence, positions, image_size, intrinsics };
    (pose, Label { sequence: (i / 10) as i32, frame: (i % 10) as i32, subject: Some(0), action: None })
}

#[test]
fn many_poses_go_to_a_file_in_blocks() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("set.npz");
    let n = 2 * BLOCK + 100;
    // The first poses with an image size, which all others lack; all; none.
    for with_size in [BLOCK + 7, n, 0] {
        let add = |to: &mut Collector<'_>| {
            to.subject("S1");
            for i in 0..n {
                to.sequence(&format!("walk {}", i / 10));
                let (pose, label) = pose(i, i < with_size);
                to.push(&pose, label)?;
                assert_eq!(to.len(), i + 1);
                assert!(to.file.is_none() || to.set.len() < BLOCK, "{} poses in memory", to.set.len());
            }
            Ok(())
        };
        let (set, summary) = (collect(16, add).unwrap(), collect_to(&path, 16, add).unwrap());
        assert_eq!((set.image_size.is_some(), set.intrinsics.is_some()), (with_size == n, with_size == n));
        assert_eq!((summary.poses, summary.sequences, summary.joints), (n, n.div_ceil(10), 16));
        assert_eq!(PoseSet::load(&path).unwrap(), set);
    }
}

#[test]
fn memory_is_no_limit_for_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("set.npz");
    let room = |to: &mut Collector<'_>| {
        to.limit = 1000;
        to.room_for(BLOCK, Path::new("a.h5"), "S1/Walking")?;
        assert!(to.scratch()?.is_some());
        (0..BLOCK).map(|i| pose(i, true)).try_for_each(|(pose, label)| {
            to.sequence(&label.sequence.to_string());
            to.subject("S1");
            to.push(&pose, label)
        })
    };
    assert_eq!(collect_to(&path, 17, room).unwrap().poses, BLOCK);
    assert!(collect(17, room).unwrap_err().to_string().contains("do not fit into memory"));
    assert!(collect(17, |to| to.scratch().map(|file| assert!(file.is_none()))).is_ok());
    // What fails leaves the file as it was.
    let before = std::fs::read(&path).unwrap();
    let stops = collect_to(&path, 17, |to| {
        room(to)?;
        Err(Error::Usage("stop".into()))
    });
    assert!(stops.is_err() && std::fs::read(&path).unwrap() == before);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_new_sequence_is_new() {
    let (mut collector, path) = (Collector::new(16, None), Path::new("a.npz"));
    assert_eq!([collector.new_sequence("TS1", path).unwrap(), collector.new_sequence("TS2", path).unwrap()], [0, 1]);
    let error = collector.new_sequence("TS1", path).unwrap_err().to_string();
    assert!(error.contains("a.npz: TS1: ") && error.contains("imported already"), "{error}");
    assert_eq!(collector.sequence("TS2"), 1);
}

#[test]
fn numbers_that_are_no_places_are_refused_with_their_file() {
    let import = |change: fn(&mut Pose)| {
        let read = |to: &mut Collector<'_>| {
            to.source_of([(Path::new("a_2d.npz"), "S1/2d"), (Path::new("a_3d.npz"), "S1/3d")])?;
            for i in 0..3 {
                let (mut pose, label) = pose(20 + i, true);
                if i == 1 {
                    change(&mut pose);
                }
                to.push(&pose, label)?;
            }
            Ok(())
        };
        collect_told(17, Tolerance { allow_implausible: true, ..Tolerance::default() }, read)
    };
    let refusal = |change| import(change).unwrap_err().to_string();
    let far = refusal(|pose| pose.keypoints[3][1] = 2e7);
    assert!(
        far.starts_with("a_2d.npz: S1/2d: pose 1 of those read, joint 3 of the 17: [22.0, 20000000.0] is not"),
        "{far}"
    );
    assert!(refusal(|pose| pose.keypoints[0][0] = f32::NAN).contains("[NaN, 0.0] is not within 100000 pixels"));
    let lost = refusal(|pose| pose.positions.as_mut().unwrap()[16][2] = f32::INFINITY);
    assert!(
        lost.starts_with("a_3d.npz: S1/3d: pose 1 of those read, joint 16 of the 17: a coordinate is not"),
        "{lost}"
    );
    // What is missing may stand anywhere.
    import(|pose| (pose.keypoints[3][1], pose.confidence.as_mut().unwrap()[3]) = (2e7, 0.0)).unwrap();
}
