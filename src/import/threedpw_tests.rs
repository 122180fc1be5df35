use super::super::sources::testing::{close, expected, fails, fixture, quiet, valid};
use super::*;
use crate::{
    data::PoseSet,
    import::{Tolerance, collect, collect_told},
};

fn import(paths: &[PathBuf], options: &Options, progress: Progress<'_>) -> Result<PoseSet> {
    collect(17, |to| super::import(paths, options, to, progress))
}

fn of(name: &str, options: &Options) -> Result<PoseSet> {
    import(&[fixture(&format!("threedpw/{name}"))], options, &mut quiet)
}

#[test]
fn sequence_files_give_every_person_seen() {
    let set = valid(of("sequenceFiles/test", &Options::default()));
    assert_eq!(set.sequence_names, ["downtown_walking_00/0", "downtown_walking_00/1"]);
    assert_eq!(set.subject_names, set.sequence_names);
    // The first person's camera is not valid in frame 1.
    assert_eq!((set.sequence, set.frame), (Some(vec![0, 0, 1, 1, 1]), Some(vec![0, 2, 0, 1, 2])));
    assert_eq!(set.image_size, Some(vec![[1080, 1920]; 5]));
    // The folder sorts test before train, as the generator made them; the one is of protocol 2, the other of 0.
    let set = valid(of("sequenceFiles", &Options::default()));
    assert_eq!(set.sequence_names[2], "courtyard_jumping_01/0");
    assert_eq!(set.image_size.as_ref().unwrap()[5], [1920, 1080]);
    let cameras = set.intrinsics.as_ref().unwrap();
    assert_eq!((cameras[0], cameras[5]), ([1950.0, 1960.0, 540.0, 960.0], [1950.0, 1960.0, 960.0, 540.0]));
    close(set.positions.as_ref().unwrap(), &expected("pw3d_positions"), 1e-5);
    close(&set.keypoints, &expected("pw3d_projected"), 2e-3);
    assert_eq!(set.confidence, Some(vec![1.0; set.len() * 17]));
}

#[test]
fn detections_keep_their_confidence() {
    let set = valid(of("sequenceFiles", &Options { keypoints: Keypoints::Detected, ..Options::default() }));
    let (mut keypoints, mut confidence) = (expected("pw3d_detected"), expected("pw3d_confidence"));
    // Nothing was detected of the second person's last frame, the fifth of all.
    assert_eq!(keypoints[4 * 34..5 * 34], [0.0; 34]);
    keypoints.drain(4 * 34..5 * 34);
    confidence.drain(4 * 17..5 * 17);
    close(&set.keypoints, &keypoints, 1e-3);
    close(set.confidence.as_ref().unwrap(), &confidence, 1e-6);
    assert_eq!(set.confidence.as_ref().unwrap()[9], 0.0, "the nose");
    let set = valid(of("sequenceFiles/test", &Options { stride: 2, ..Options::default() }));
    assert_eq!((set.joints, set.frame), (17, Some(vec![0, 2, 0, 2])));
}

#[test]
fn computed_joints_of_three_orders() {
    for (joints, to) in [(17, 17), (14, 17), (16, 16)] {
        let path = [fixture(&format!("threedpw/data_3dpw_{joints}.npz"))];
        let set = valid(collect(to, |to| super::import(&path, &Options::default(), to, &mut quiet)));
        let values = |name: &str, dims| {
            let all = expected(&format!("pw3d_{joints}_{name}"));
            if to == 16 { crate::pose::to_16(&all, dims) } else { all }
        };
        close(set.positions.as_ref().unwrap(), &values("positions", 3), 1e-5);
        close(&set.keypoints, &values("keypoints", 2), 1e-3);
        assert_eq!(set.confidence, Some(vec![1.0; 3 * to]));
    }
    fails(of("data_3dpw_16.npz", &Options::default()), &["positions_3d", "import it with 16 joints"]);
}

#[test]
fn behind_the_camera_is_missing() {
    let cameras = Cameras { poses: &[], matrix: [100.0, 0.0, 50.0, 0.0, 200.0, 60.0, 0.0, 0.0, 1.0] };
    assert_eq!(cameras.project([1.0, -2.0, 4.0]), [75.0, -40.0]);
    for z in [0.0, -1.0] {
        assert!(cameras.project([1.0, 1.0, z]).iter().all(|v| v.is_nan()));
    }
}

#[test]
fn files_of_another_form_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.pkl");
    let bytes = std::fs::read(fixture("threedpw/sequenceFiles/test/downtown_walking_00.pkl")).unwrap();
    for length in [0, 20, 900, bytes.len() - 1] {
        std::fs::write(&path, &bytes[..length]).unwrap();
        fails(import(std::slice::from_ref(&path), &Options::default(), &mut quiet), &["a.pkl"]);
    }
    // The same pickle with a key renamed.
    for key in ["jointPositions", "campose_valid", "cam_poses", "cam_intrinsics", "poses2d"] {
        let renamed: String = key.chars().rev().collect();
        let mut bytes = bytes.clone();
        let at = bytes.windows(key.len()).position(|window| window == key.as_bytes()).unwrap();
        bytes[at..at + key.len()].copy_from_slice(renamed.as_bytes());
        std::fs::write(&path, bytes).unwrap();
        let options = Options { keypoints: Keypoints::Detected, ..Options::default() };
        fails(import(std::slice::from_ref(&path), &options, &mut quiet), &["a.pkl", key, "there is no"]);
    }
    // An empty dict, protocol 2.
    std::fs::write(&path, b"\x80\x02}.").unwrap();
    fails(import(std::slice::from_ref(&path), &Options::default(), &mut quiet), &["cam_intrinsics", "sequenceFiles"]);
    let two = [fixture("threedpw/data_3dpw_17.npz"), fixture("threedpw/sequenceFiles")];
    fails(import(&two, &Options::default(), &mut quiet), &["import them apart"]);
    fails(of("../mpi_inf_3dhp/test_3dhp.npz", &Options::default()), &["positions_3d"]);

    let detected = Options { keypoints: Keypoints::Detected, ..Options::default() };
    fails(of("data_3dpw_17.npz", &detected), &["data_3dpw_17.npz: option `keypoints`: ", "leave it out"]);
    let copy = folder.path().join("data_3dpw_17.npz");
    std::fs::copy(fixture("threedpw/data_3dpw_17.npz"), &copy).unwrap();
    let twice = [fixture("threedpw/data_3dpw_17.npz"), copy];
    fails(import(&twice, &Options::default(), &mut quiet), &["data_3dpw_17.npz: a sequence of this name"]);
    let twice = [fixture("threedpw/sequenceFiles"), fixture("threedpw/sequenceFiles/test")];
    fails(import(&twice, &Options::default(), &mut quiet), &["downtown_walking_00.pkl: path: it is the same file"]);

    let path = folder.path().join("a.npz");
    let mut npz = crate::format::npz::NpzWriter::create(&path).unwrap();
    npz.f32("positions_3d", &[0, 17, 3], &[]).unwrap();
    npz.f32("positions_2d", &[0, 17, 2], &[]).unwrap();
    npz.finish().unwrap();
    fails(import(std::slice::from_ref(&path), &Options::default(), &mut quiet), &["a.npz", "poses: nothing is left"]);
    for (points, pixels, words) in [
        (&[3, 15, 3][..], &[3, 15, 2][..], ["positions_3d: its shape is [3, 15, 3]", "(N, 17, 3)"]),
        (&[3, 17, 3], &[2, 17, 2], ["positions_2d: its shape is [2, 17, 2]", "same joints"]),
        (&[3, 17, 3], &[3, 17, 2], ["positions_2d: 3 of 3 poses have coordinates below 10", "width / 2"]),
    ] {
        let mut npz = crate::format::npz::NpzWriter::create(&path).unwrap();
        let values: Vec<f32> = (0..points.iter().product()).map(|i| (i % 7) as f32 * 0.1).collect();
        npz.f32("positions_3d", points, &values).unwrap();
        npz.f32("positions_2d", pixels, &vec![0.5; pixels.iter().product()]).unwrap();
        npz.finish().unwrap();
        fails(import(std::slice::from_ref(&path), &Options::default(), &mut quiet), &words);
    }
}

#[test]
fn valid_cameras_are_marked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.pkl");
    let whole = std::fs::read(fixture("threedpw/sequenceFiles/test/downtown_walking_00.pkl")).unwrap();
    let marks: Vec<u8> = [1i64, 0, 1].iter().flat_map(|v| v.to_le_bytes()).collect();
    let at = whole.windows(24).position(|window| *window == marks).unwrap();
    let read = |marks: [u8; 3]| {
        let mut bytes = whole.clone();
        marks.iter().enumerate().for_each(|(i, mark)| bytes[at + 8 * i] = *mark);
        std::fs::write(&path, bytes).unwrap();
        let paths = [path.clone()];
        collect_told(17, Tolerance::default(), |to| super::import(&paths, &Options::default(), to, &mut quiet))
    };
    assert_eq!(read([1, 0, 0]).unwrap().0.frame, Some(vec![0, 0, 1, 2]));
    fails(read([1, 2, 0]).map(|(set, _)| set), &["a.pkl: campose_valid[0]: frame 1 has 2, neither 0 nor 1"]);
    let (set, warnings) = read([0, 0, 0]).unwrap();
    assert_eq!(set.frame, Some(vec![0, 1, 2]));
    assert!(warnings[0].ends_with("a.pkl: campose_valid[0]: no frame has a valid camera"), "{warnings:?}");
}

#[test]
fn other_pickles_are_passed_over_in_folders() {
    let folder = tempfile::tempdir().unwrap();
    let sequence = fixture("threedpw/sequenceFiles/test/downtown_walking_00.pkl");
    // An empty dict, protocol 2.
    std::fs::write(folder.path().join("body.pkl"), b"\x80\x02}.").unwrap();
    let paths = [folder.path().to_owned()];
    let told =
        || collect_told(17, Tolerance::default(), |to| super::import(&paths, &Options::default(), to, &mut quiet));
    fails(told().map(|(set, _)| set), &["body.pkl: jointPositions: it is no sequence file", "sequenceFiles"]);
    std::fs::copy(&sequence, folder.path().join("downtown_walking_00.pkl")).unwrap();
    let (set, warnings) = told().unwrap();
    assert_eq!(set, of("sequenceFiles/test", &Options::default()).unwrap());
    let words = "1 file is passed over (no sequence files of 3DPW): body.pkl";
    assert!(warnings.iter().any(|warning| warning.ends_with(words)), "{warnings:?}");
}

#[test]
fn a_unit_is_of_the_world_and_not_of_the_camera() {
    let read = |unit| {
        let tolerance = Tolerance { allow_implausible: true, ..Tolerance::default() };
        let paths = [fixture("threedpw/sequenceFiles/test")];
        let options = Options { unit, ..Options::default() };
        let told = collect_told(17, tolerance, |to| super::import(&paths, &options, to, &mut quiet));
        told.unwrap().0.positions.unwrap()
    };
    let (metres, centimetres) = (read(None), read(Some(Unit::Centimetres)));
    assert_eq!(metres, read(Some(Unit::Metres)));
    for (big, small) in metres.chunks_exact(51).zip(centimetres.chunks_exact(51)) {
        // The camera is four metres away, the person a hundredth of its size.
        assert!((small[2] - 4.0).abs() < 0.1);
        assert!(((big[3] - big[0]) / 100.0 - (small[3] - small[0])).abs() < 1e-5);
    }
}

#[test]
fn names_of_joints_go_before_their_number() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npz");
    let write = |names: &[&str]| {
        let mut npz = crate::format::npz::NpzWriter::create(&path).unwrap();
        let points: Vec<f32> = (0..51).map(|i| (i % 7) as f32 * 0.1).collect();
        npz.f32("positions_3d", &[1, 17, 3], &points).unwrap();
        npz.f32("positions_2d", &[1, 17, 2], &(0..34).map(|i| i as f32 * 20.0).collect::<Vec<_>>()).unwrap();
        npz.strings("joint_names", names).unwrap();
        npz.finish().unwrap();
        import(std::slice::from_ref(&path), &Options::default(), &mut quiet)
    };
    assert_eq!(valid(write(SPIN_17.joints)).len(), 1);
    fails(write(H36M_17.joints), &["a.npz: joint_names: joint 1 is 'RHip'", "SPIN-17, where it is LHip"]);
    let mut npz = crate::format::npz::NpzWriter::create(&path).unwrap();
    npz.strings("imgname", &["a.jpg"]).unwrap();
    npz.finish().unwrap();
    fails(import(&[path], &Options::default(), &mut quiet), &["a.npz: imgname: it is a file of SPIN's"]);
}
