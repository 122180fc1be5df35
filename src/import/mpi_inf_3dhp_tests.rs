use super::super::sources::testing::{close, expected, fails, fixture, quiet, rows, valid};
use super::*;
use crate::{data::PoseSet, format::Value, import::collect};

const POSE_2D: usize = 2 * 17;
const POSE_3D: usize = 3 * 17;

fn import(paths: &[PathBuf], options: &Options, progress: Progress<'_>) -> Result<PoseSet> {
    collect(17, |to| super::import(paths, options, to, progress))
}

fn of(name: &str, options: &Options) -> Result<PoseSet> {
    import(&[fixture(&format!("mpi_inf_3dhp/{name}"))], options, &mut quiet)
}

fn of_16(name: &str, options: &Options) -> Result<PoseSet> {
    collect(16, |to| super::import(&[fixture(&format!("mpi_inf_3dhp/{name}"))], options, to, &mut quiet))
}

/// The rows of an expected array of flags that are set.
fn set_flags(name: &str) -> Vec<usize> {
    expected(name).iter().enumerate().filter(|(_, flag)| **flag == 1.0).map(|(row, _)| row).collect()
}

#[test]
fn the_test_set_gives_its_valid_frames() {
    let set = valid(of("mpi_inf_3dhp_test_set", &Options::default()));
    let flags = set_flags("hp3d_test_valid");
    // TS1 has four frames, TS6 three; the second of each is not valid.
    assert_eq!(flags, [0, 2, 3, 4, 6]);
    close(&set.keypoints, &rows(&expected("hp3d_test_keypoints"), POSE_2D, flags.clone()), 1e-3);
    close(set.positions.as_ref().unwrap(), &rows(&expected("hp3d_test_positions"), POSE_3D, flags), 1e-5);
    assert_eq!(set.confidence, Some(vec![1.0; 5 * 17]));
    assert_eq!((&set.sequence_names, &set.subject_names), (&set.subject_names, &vec!["TS1".into(), "TS6".into()]));
    assert_eq!(
        (set.sequence.as_deref(), set.frame.as_deref()),
        (Some(&[0, 0, 0, 1, 1][..]), Some(&[0, 2, 3, 0, 2][..]))
    );
    let actions: Vec<&str> = set.action.iter().flatten().map(|&a| set.action_names[a as usize].as_str()).collect();
    assert_eq!(actions, ["Standing/Walking", "Sitting", "Reaching/Crouching", "Standing/Walking", "Sitting"]);
    assert_eq!(set.image_size.as_ref().unwrap()[2..4], [[2048, 2048], [1920, 1080]]);
    let focal = |set: &PoseSet| set.intrinsics.iter().flatten().map(|camera| camera[0]).collect::<Vec<f32>>();
    assert_eq!(focal(&set), [[1500.172; 3].as_slice(), &[1683.9835; 2]].concat());

    let options = Options { annotation: Annotation::True, all_frames: true, ..Options::default() };
    let set = valid(of("mpi_inf_3dhp_test_set", &options));
    // TS6's frame that is not valid has no activity either.
    let rows = rows(&expected("hp3d_test_true"), POSE_3D, [0, 1, 2, 3, 4, 6]);
    close(set.positions.as_ref().unwrap(), &rows, 1e-5);
    let options = Options { stride: 2, ..Options::default() };
    let set = valid(of_16("mpi_inf_3dhp_test_set/TS1/annot_data.mat", &options));
    assert_eq!((set.joints, set.frame), (16, Some(vec![0, 2])));
}

#[test]
fn the_training_set_gives_its_cameras() {
    let set = valid(of("S3", &Options::default()));
    let rows_of = |cameras: &[usize]| cameras.iter().flat_map(|c| [2 * c, 2 * c + 1]).collect::<Vec<usize>>();
    let vnect = rows_of(&VNECT_CAMERAS);
    close(&set.keypoints, &rows(&expected("hp3d_train_keypoints"), POSE_2D, vnect.clone()), 1e-3);
    close(set.positions.as_ref().unwrap(), &rows(&expected("hp3d_train_positions"), POSE_3D, vnect), 1e-5);
    assert_eq!((set.sequence_names.len(), set.sequence_names[3].as_str()), (8, "S3/Seq2@4"));
    assert_eq!((set.subject_names, set.action), (vec!["S3".to_owned()], None));
    assert_eq!(set.frame.unwrap()[..4], [0, 1, 0, 1]);
    let cameras = set.intrinsics.unwrap();
    assert_eq!((cameras[0], cameras[15]), (cameras[1], [1500.172, 1500.837, 1017.387, 1043.032]));
    assert_eq!(cameras[6], [1490.952, 1491.108, 987.6075, 1019.069], "the fourth of VNect's cameras is number 4");

    let options = Options { annotation: Annotation::True, cameras: vec![13, 13], stride: 2, ..Options::default() };
    let set = valid(of("S3/Seq2/annot.mat", &options));
    close(set.positions.as_ref().unwrap(), &expected("hp3d_train_true_13")[..POSE_3D], 1e-5);
    assert_eq!(valid(of("S3", &Options { cameras: (0..14).collect(), ..Options::default() })).len(), 28);
    fails(of("S3", &Options { cameras: vec![14], ..Options::default() }), &["annot2{14}", "0 to 13"]);
}

#[test]
fn poseaug_has_16_joints_about_the_hip() {
    let set = valid(of_16("test_3dhp.npz", &Options::default()));
    let without_neck = |values: Vec<f32>, dims| crate::pose::to_16(&values, dims);
    close(&set.keypoints, &without_neck(expected("poseaug_keypoints"), 2), 1e-3);
    close(set.positions.as_ref().unwrap(), &without_neck(expected("poseaug_positions"), 3), 1e-6);
    assert_eq!((set.len(), set.positions.unwrap()[..3].to_vec()), (5, vec![0.0; 3]));
    assert_eq!((set.sequence_names, set.subject), (vec!["test_3dhp.npz".to_owned()], None));
    assert_eq!(set.intrinsics, None, "which camera it was, the file does not say");
    fails(of("test_3dhp.npz", &Options::default()), &["pose3d", "16 joints"]);
}

#[test]
fn pstmo_has_valid_frames_and_cameras() {
    let set = valid(of("data_test_3dhp.npz", &Options::default()));
    let flags = set_flags("pstmo_test_valid");
    close(&set.keypoints, &rows(&expected("pstmo_test_keypoints"), POSE_2D, flags.clone()), 1e-3);
    close(set.positions.as_ref().unwrap(), &rows(&expected("pstmo_test_positions"), POSE_3D, flags), 1e-5);
    assert_eq!((set.sequence_names, set.frame), (vec!["TS2".to_owned(), "TS5".to_owned()], Some(vec![0, 2, 0])));
    assert_eq!(set.image_size, Some(vec![[2048, 2048], [2048, 2048], [1920, 1080]]));
    assert_eq!(
        set.intrinsics.unwrap()[1..].concat(),
        [1500.172, 1500.837, 1017.387, 1043.032, 1683.9835, 1672.5937, 939.85754, 560.14074]
    );
    assert_eq!(of("data_test_3dhp.npz", &Options { all_frames: true, ..Options::default() }).unwrap().len(), 5);

    let set = valid(of("data_train_3dhp.npz", &Options::default()));
    close(&set.keypoints, &expected("pstmo_train_keypoints"), 1e-3);
    close(set.positions.as_ref().unwrap(), &expected("pstmo_train_positions"), 1e-5);
    assert_eq!(set.sequence_names, ["S1/Seq1@0", "S1/Seq1@1", "S2/Seq2@0", "S2/Seq2@1"]);
    assert_eq!(set.subject_names, ["S1", "S2"]);
    assert_eq!(set.intrinsics.unwrap()[2], [1495.217, 1495.52, 1030.519, 1052.626]);
}

#[test]
fn options_that_a_file_cannot_follow_are_refused() {
    let annotation = Options { annotation: Annotation::True, ..Options::default() };
    let frames = Options { all_frames: true, ..Options::default() };
    let cameras = Options { cameras: vec![0], ..Options::default() };
    for (file, options, option) in [
        ("data_train_3dhp.npz", &annotation, "annotation"),
        ("data_test_3dhp.npz", &annotation, "annotation"),
        ("test_3dhp.npz", &annotation, "annotation"),
        ("S3/Seq2/annot.mat", &frames, "all_frames"),
        ("data_train_3dhp.npz", &frames, "all_frames"),
        ("test_3dhp.npz", &frames, "all_frames"),
        ("mpi_inf_3dhp_test_set/TS1/annot_data.mat", &cameras, "camera"),
        ("data_test_3dhp.npz", &cameras, "camera"),
        ("test_3dhp.npz", &cameras, "camera"),
    ] {
        fails(of_16(file, options), &[&format!("{file}: option `{option}`: "), "leave it out"]);
    }
}

#[test]
fn cameras_of_pstmo_are_there_and_numbered() {
    let one = Options { cameras: vec![1], ..Options::default() };
    assert_eq!(valid(of("data_train_3dhp.npz", &one)).sequence_names, ["S1/Seq1@1", "S2/Seq2@1"]);
    let options = Options { cameras: vec![1, 4, 9], ..Options::default() };
    let words = ["data_train_3dhp.npz: data/S1 Seq1: there is no camera [4, 9]", "choose among [0, 1, 3]"];
    fails(of("data_train_3dhp.npz", &options), &words);
    let seen = |keys: &[Value]| {
        let cameras = Value::Dict(keys.iter().map(|key| (key.clone(), Value::None)).collect());
        let views = community::chosen(Path::new("f"), "S1 Seq1", &cameras, &Options::default());
        views.map(|views| views.iter().map(|(camera, _)| *camera).collect::<Vec<_>>())
    };
    let text = |text: &str| Value::Text(text.into());
    assert_eq!(seen(&[text("4"), Value::Integer(13), Value::Integer(0)]).unwrap(), [4, 0]);
    for (keys, words) in [
        (vec![text("4"), text("cam5")], "f: data/S1 Seq1: camera 'cam5' is no number;"),
        (vec![Value::Float(-1.0)], "camera '-1' is no number"),
        (vec![Value::None], "camera 'None' is no number"),
        (vec![text("3"), text("13")], "there is no camera of those of VNect; choose among [3, 13]"),
        (vec![], "there is no camera of those of VNect"),
    ] {
        let error = seen(&keys).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn nothing_and_the_same_again_are_refused() {
    let test = "mpi_inf_3dhp_test_set/TS1/annot_data.mat";
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("TS1/annot_data.mat");
    std::fs::create_dir(folder.path().join("TS1")).unwrap();
    std::fs::copy(fixture(&format!("mpi_inf_3dhp/{test}")), &copy).unwrap();
    let twice = [fixture("mpi_inf_3dhp/mpi_inf_3dhp_test_set"), copy.clone()];
    fails(
        import(&twice, &Options::default(), &mut quiet),
        &[&copy.display().to_string(), "TS1: a sequence of this name"],
    );
    // Of more frames than can be, nothing is read.
    let mut bytes = std::fs::read(&copy).unwrap();
    let shape = |frames: u64| [frames, 1, 17, 2].map(u64::to_le_bytes).concat();
    let at = bytes.windows(32).position(|window| *window == shape(4)).unwrap();
    bytes[at..at + 32].copy_from_slice(&shape(1 << 40));
    std::fs::write(&copy, bytes).unwrap();
    fails(import(&[copy], &Options::default(), &mut quiet), &["TS1/annot2: 1099511627776 poses more than the 0"]);
    let path = folder.path().join("data_test_3dhp.npz");
    let asked = Options::default().asked();
    assert!(asked.contains("cameras of a training set: [0, 1, 2, 4, 5, 6, 7, 8]"), "{asked}");
    let error = collect(17, |to| sources::check_any(to, &[path], &asked)).unwrap_err().to_string();
    assert!(error.contains("data_test_3dhp.npz: poses: nothing is left of it (cameras"), "{error}");
}

#[test]
fn files_that_do_not_belong_are_refused() {
    let options = Options::default();
    let words = ["another kind", "the test set", "S3/Seq2/annot.mat is the training set", "import it apart", "such as"];
    fails(of(".", &options), &words);
    fails(of("../h36m/data_3d_h36m.npz", &options), &["'pose3d'", "P-STMO"]);
    fails(import(&[fixture("mpii")], &options, &mut quiet), &["mpii", "no annot.mat or annot_data.mat"]);
    let folder = tempfile::tempdir().unwrap();
    let copy = |from: &str, to: &str, length: usize| {
        let bytes = std::fs::read(fixture(&format!("mpi_inf_3dhp/{from}"))).unwrap();
        let path = folder.path().join(to);
        std::fs::write(&path, &bytes[..length.min(bytes.len())]).unwrap();
        import(&[path], &options, &mut quiet)
    };
    let (test, train) = ("mpi_inf_3dhp_test_set/TS1/annot_data.mat", "S3/Seq2/annot.mat");
    fails(copy(test, "annot_data.mat", usize::MAX), &["annot_data.mat", "keep it in its folder, TS1 to TS6"]);
    fails(copy(train, "annot.mat", usize::MAX), &["annot.mat", "S1/Seq1"]);
    fails(copy("../lsp/lsp_dataset/joints.mat", "joints.mat", usize::MAX), &["S1/Seq1"]);
    std::fs::create_dir_all(folder.path().join("TS1")).unwrap();
    std::fs::create_dir_all(folder.path().join("S1/Seq1")).unwrap();
    for length in [600, 4000, 9000] {
        fails(copy(test, "TS1/annot_data.mat", length), &["TS1"]);
        fails(copy(train, "S1/Seq1/annot.mat", length), &["S1/Seq1"]);
    }
    fails(copy("../lsp/lsp_dataset/joints.mat", "S1/Seq1/annot.mat", usize::MAX), &["annot2", "no such cell"]);
}

fn stated(name: &str, options: &Options) -> Result<PoseSet> {
    of(&format!("../../stated/mpi_inf_3dhp/{name}"), options)
}

#[test]
fn only_what_is_marked_valid_counts() {
    let (usual, all) = (Options::default(), Options { all_frames: true, ..Options::default() });
    for form in ["truth", "column", "row", "owners"] {
        let set = valid(stated(&format!("data_test_3dhp_{form}.npz"), &usual));
        assert_eq!(set.frame, Some(vec![0, 2, 5]), "{form}");
    }
    let unmarked = "data_test_3dhp_unmarked.npz";
    fails(stated(unmarked, &usual), &[unmarked, "data/TS1/valid: it is missing", "`all_frames`"]);
    assert_eq!(valid(stated(unmarked, &all)).frame, Some((0..6).collect()));
    fails(stated("data_test_3dhp_short.npz", &usual), &["data/TS1/valid: its shape is [5], for 6 frames"]);
    fails(stated("data_test_3dhp_half.npz", &usual), &["data/TS1/valid: frame 0 has 0.5, neither 0 nor 1"]);
    fails(stated("data_test_3dhp_none.npz", &usual), &["nothing is left"]);
    // Beside others, that no frame counts is said.
    let paths = ["stated/mpi_inf_3dhp/data_test_3dhp_none.npz", "datasets/mpi_inf_3dhp/data_test_3dhp.npz"];
    let paths = paths.map(|path| fixture(&format!("../{path}")));
    let read = |to: &mut Collector<'_>| super::import(&paths, &Options::default(), to, &mut quiet);
    let (set, warnings) = crate::import::collect_told(17, Default::default(), read).unwrap();
    assert_eq!(set.len(), 3);
    assert!(warnings[0].ends_with("data_test_3dhp_none.npz: data/TS1/valid: no frame is valid"), "{warnings:?}");
}

#[test]
fn files_that_were_made_again_say_what_to_do() {
    let options = Options::default();
    let lines = "s = load('annot_data.mat'); save('annot_data.mat', '-struct', 's', '-v7.3')";
    fails(stated("v7", &options), &["TS1/annot_data.mat: version: it was saved again as MATLAB 5 to 7", lines]);
    let lines = "s = load('annot.mat'); save('annot.mat', '-struct', 's', '-v7')";
    fails(stated("v73", &options), &["S1/Seq1/annot.mat: version: it was saved again as MATLAB 7.3", lines]);
    fails(stated("mpi_inf_3dhp_valid.npz", &options), &["imgname: it is a file of SPIN's", "give annot_data.mat"]);
    let normalised = "data_test_3dhp_normalised.npz";
    fails(stated(normalised, &options), &[normalised, "data_2d: 3 of 3 poses", "undo what normalised them"]);
    let metres = "data_test_3dhp_metres.npz";
    fails(stated(metres, &options), &[metres, "data_3d: a person's bones add up to 0.0", "`unit`"]);
    let said = valid(stated(metres, &Options { unit: Some(Unit::Metres), ..Options::default() }));
    let right = valid(stated("data_test_3dhp_truth.npz", &options));
    close(said.positions.as_ref().unwrap(), right.positions.as_ref().unwrap(), 1e-6);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test_3dhp.npz");
    let mut npz = crate::format::npz::NpzWriter::create(&path).unwrap();
    npz.f32("pose2d", &[1, 16, 2], &[500.0; 32]).unwrap();
    npz.f32("pose3d", &[1, 16, 3], &[0.5; 48]).unwrap();
    npz.finish().unwrap();
    let pixels = collect(16, |to| super::import(&[path], &options, to, &mut quiet));
    fails(pixels, &["test_3dhp.npz: pose2d: 32 of 32 coordinates are beyond 10: pixels"]);
}

#[test]
fn a_damaged_recording_among_many_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let whole = std::fs::read(fixture("mpi_inf_3dhp/S3/Seq2/annot.mat")).unwrap();
    for i in 0..11 {
        let place = folder.path().join(format!("S{i}/Seq1"));
        std::fs::create_dir_all(&place).unwrap();
        let length = if i == 4 { whole.len() / 2 } else { whole.len() };
        std::fs::write(place.join("annot.mat"), &whole[..length]).unwrap();
    }
    let options = Options { cameras: vec![0], ..Options::default() };
    let paths = [folder.path().to_owned()];
    let read = |to: &mut Collector<'_>| super::import(&paths, &options, to, &mut quiet);
    let (set, warnings) = crate::import::collect_told(17, Default::default(), read).unwrap();
    assert_eq!((set.len(), set.subject_names.len(), set.sequence_names.len()), (20, 10, 10));
    assert!(!set.subject_names.contains(&"S4".to_owned()));
    let told = warnings.iter().find(|warning| warning.contains("damaged")).unwrap();
    assert!(told.starts_with("1 file is left out of 11") && told.contains("S4/Seq1/annot.mat"), "{told}");
}

#[test]
fn frames_in_2d_and_3d_match() {
    let array = |shape: &[usize], value: f32| crate::format::Array {
        shape: shape.to_vec(),
        values: vec![value; shape.iter().product()],
    };
    let add = |shapes: [&[usize]; 2], value: f32, wanted: usize| {
        let frames = Frames {
            path: Path::new("f"),
            fields: ["TS1/annot2", "TS1/annot3"].map(str::to_owned),
            layout: &crate::import::layout::MPI_INF_3DHP_17,
            shapes,
            per_metre: 1.0,
            image_size: None,
            intrinsics: None,
        };
        let read = |_, count| Ok([array(&[count, 17, 2], 0.0), array(&[count, 17, 3], value)]);
        let added = collect(17, |to| frames.add(to, read, |frame| (frame == wanted).then(Label::default)));
        added.map(|set| set.frame).map_err(|error| error.to_string())
    };
    let error = add([&[2, 17, 2], &[1, 17, 3]], 0.0, 0).unwrap_err();
    assert!(error.contains("f: TS1/annot3: 1 frames in 3D, 2 in 2D"), "{error}");
    // Beyond the first piece.
    let shapes: [&[usize]; 2] = [&[10_000, 17, 2], &[10_000, 1, 17, 3]];
    assert_eq!(add(shapes, 1.0, 9000), Ok(Some(vec![9000])));
    // Nobody is there.
    assert_eq!(add(shapes, 0.0, 9000), Ok(None));
    let error = add(shapes, f32::INFINITY, 9000).unwrap_err();
    assert!(error.contains("TS1/annot3, frame 9000") && error.contains("not finite"), "{error}");
}
