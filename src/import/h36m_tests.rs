use super::super::sources::testing::{close, expected, fails, fixture, quiet, rows, valid};
use super::*;
use crate::{
    data::PoseSet,
    format::Array,
    import::{collect, collect_to},
};

const POSE_2D: usize = 2 * 17;
const POSE_3D: usize = 3 * 17;

fn import(paths: &[PathBuf], options: &Options, progress: Progress<'_>) -> Result<PoseSet> {
    collect(17, |to| super::import(paths, options, to, progress))
}

fn npz(names: &[&str], options: &Options) -> Result<PoseSet> {
    let paths: Vec<PathBuf> = names.iter().map(|name| fixture(&format!("h36m/{name}"))).collect();
    import(&paths, options, &mut quiet)
}

fn strings(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

#[test]
fn ground_truth_is_projected_with_distortion() {
    let set = valid(npz(&["data_3d_h36m.npz"], &Options::default()));
    close(set.positions.as_ref().unwrap(), &expected("h36m_positions"), 1e-5);
    close(&set.keypoints, &expected("h36m_keypoints"), 1e-4);
    assert_eq!(set.confidence.as_ref().unwrap(), &vec![1.0; set.len() * 17]);
    // 3 + 1 frames of S1, 1 + 2 of S9, from four cameras.
    assert_eq!((set.len(), set.sequence_starts().len()), (28, 16));
    assert_eq!(set.sequence_names[..2], ["S1/Directions 1@54138969", "S1/Directions 1@55011271"]);
    assert_eq!(set.sequence_names[15], "S9/SittingDown@60457274");
    assert_eq!(set.subject_names, ["S1", "S9"]);
    assert_eq!(set.action_names, ["Directions", "Walking", "SittingDown"]);
    assert_eq!(set.frame.as_ref().unwrap()[..4], [0, 1, 2, 0]);
    assert_eq!(set.action.as_ref().unwrap()[10..14], [0, 0, 1, 1]);
    assert_eq!(set.image_size.as_ref().unwrap()[2..4], [[1000, 1002], [1000, 1000]]);
    // Three frames of the first camera, then the second's.
    let cameras = set.intrinsics.as_ref().unwrap();
    assert!(cameras[..3].iter().all(|camera| camera[0] == 1145.0494), "{cameras:?}");
    assert_eq!(cameras[3], [1149.6757, 1147.5917, 508.84863, 508.0649]);
}

#[test]
fn detections_of_every_layout() {
    for form in ["cpn_ft_h36m_dbb", "gt", "sh_ft_h36m", "detectron_pt_coco"] {
        let set = valid(npz(&[&format!("data_2d_h36m_{form}.npz"), "data_3d_h36m.npz"], &Options::default()));
        close(&set.keypoints, &expected(&format!("h36m_{form}")), 1e-3);
        close(set.confidence.as_ref().unwrap(), &expected(&format!("h36m_{form}_confidence")), 0.0);
        close(set.positions.as_ref().unwrap(), &expected("h36m_positions"), 1e-5);
    }
}

#[test]
fn stacked_hourglass_before_fine_tuning_has_mpiis_joints() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data_2d_h36m_sh_pt_mpii.npz");
    std::fs::copy(fixture("h36m/data_2d_h36m_sh_ft_h36m.npz"), &path).unwrap();
    let set = valid(import(&[path, fixture("h36m/data_3d_h36m.npz")], &Options::default(), &mut quiet));
    // What is the spine of one is at the shoulders in the other, whose spine is half way from the hip.
    let mut expected = expected("h36m_sh_ft_h36m");
    for pose in expected.chunks_exact_mut(POSE_2D) {
        [pose[14], pose[15]] = [f32::midpoint(pose[0], pose[14]), f32::midpoint(pose[1], pose[15])];
    }
    close(&set.keypoints, &expected, 1e-3);
}

#[test]
fn options_choose() {
    let options = Options {
        subjects: strings(&["S1"]),
        actions: strings(&["Directions"]),
        cameras: strings(&["58860488"]),
        stride: 2,
        unit: None,
    };
    let two = ["data_2d_h36m_gt.npz", "data_3d_h36m.npz"];
    let set = valid(npz(&two, &options));
    // The third camera's frames 0 and 2, three frames a camera.
    assert_eq!(set.frame, Some(vec![0, 2]));
    assert_eq!(set.positions, Some(valid(npz(&two[1..], &options)).positions.unwrap()));
    close(set.positions.as_ref().unwrap(), &rows(&expected("h36m_positions"), POSE_3D, [6, 8]), 1e-5);
    close(&set.keypoints, &rows(&expected("h36m_gt"), POSE_2D, [6, 8]), 1e-3);
    assert_eq!(set.sequence_names, ["S1/Directions 1@58860488"]);

    let all = npz(&["data_3d_h36m.npz"], &Options::default()).unwrap();
    let path = [fixture("h36m/data_3d_h36m.npz")];
    let sixteen = collect(16, |to| super::import(&path, &Options::default(), to, &mut quiet)).unwrap();
    assert_eq!(sixteen, all.to_16());
}

#[test]
fn the_zip_archive_gives_the_same() {
    let options = Options::default();
    let mut calls = Vec::new();
    let set = import(&[fixture("h36m_zip")], &options, &mut |done, total| {
        calls.push((done, total));
        Ok(())
    });
    let set = valid(set);
    let npz = npz(&["data_3d_h36m.npz"], &options).unwrap();
    // The files sort as the dict does, and S11's Directions is left out.
    assert_eq!(set.sequence_names, npz.sequence_names);
    close(set.positions.as_ref().unwrap(), npz.positions.as_ref().unwrap(), 1e-5);
    close(&set.keypoints, &npz.keypoints, 1e-2);
    // After each camera: of 3, 1, 1 and 2 frames, as the dict has them.
    let done: Vec<usize> = [3, 1, 1, 2].into_iter().flat_map(|frames| [frames; 4]).collect();
    let done = done.iter().scan(0, |sum, frames| Some((*sum + frames, 28)).inspect(|_| *sum += frames));
    assert_eq!(calls, done.collect::<Vec<_>>());
    let file = fixture("h36m_zip/h36m/S1/MyPoses/3D_positions/Walking.h5");
    assert_eq!(valid(import(&[file], &options, &mut quiet)).len(), 4);
}

#[test]
fn a_file_is_the_same_as_memory() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("set.npz");
    let pair = ["h36m/data_2d_h36m_sh_ft_h36m.npz", "h36m/data_3d_h36m.npz"].map(fixture);
    for paths in [&pair[..], &pair[1..], &[fixture("h36m_zip")]] {
        let read = |to: &mut Collector<'_>| super::import(paths, &Options::default(), to, &mut quiet);
        let (set, summary) = (collect(16, read).unwrap(), collect_to(&out, 16, read).unwrap());
        assert_eq!(PoseSet::load(&out).unwrap(), set);
        assert_eq!((summary.poses, summary.sequences, summary.subjects, summary.actions), (28, 16, 2, 3));
    }
}

#[test]
fn wrong_choices_say_what_there_is() {
    let three = ["data_3d_h36m.npz"];
    let options = Options { subjects: strings(&["S1", "S5"]), ..Options::default() };
    fails(npz(&three, &options), &["data_3d_h36m.npz", "no subject S5", "S1, S9"]);
    let options = Options { actions: strings(&["Sitting"]), ..Options::default() };
    fails(npz(&three, &options), &["no action Sitting", "Directions, SittingDown, Walking"]);
    let (subjects, actions) = (strings(&["S1"]), strings(&["SittingDown"]));
    let options = Options { subjects, actions, ..Options::default() };
    fails(npz(&three, &options), &["data_3d_h36m.npz: poses: nothing is left", "S1; SittingDown; all cameras"]);
    fails(npz(&[three[0], three[0]], &Options::default()), &["data_3d_h36m.npz: path: it is the same file"]);
    let twice = [fixture("h36m_zip"), fixture("h36m/data_3d_h36m.npz")];
    fails(import(&twice, &Options::default(), &mut quiet), &["data_3d_h36m.npz: S1/", "imported already"]);
    let options = Options { cameras: strings(&["1"]), ..Options::default() };
    fails(npz(&three, &options), &["camera: '1'", "54138969"]);
    let two = ["data_2d_h36m_gt.npz", "data_2d_h36m_sh_ft_h36m.npz", "data_3d_h36m.npz"];
    fails(npz(&two, &Options::default()), &["second 2D file"]);
    fails(npz(&two[..1], &Options::default()), &["2D keypoints only", "data_3d_h36m.npz"]);
    fails(import(&[fixture("lsp")], &Options::default(), &mut quiet), &["lsp", "no data_3d_h36m.npz"]);
}

#[test]
fn damaged_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("S1/MyPoses/3D_positions");
    std::fs::create_dir_all(&archive).unwrap();
    let h5 = "h36m_zip/h36m/S1/MyPoses/3D_positions/Walking.h5";
    for (from, to) in [("h36m/data_3d_h36m.npz", folder.path().join("a.npz")), (h5, archive.join("Walking.h5"))] {
        let whole = std::fs::read(fixture(from)).unwrap();
        for length in [0, 10, 500, 1000, whole.len() / 2, whole.len() - 1] {
            std::fs::write(&to, &whole[..length]).unwrap();
            let name = to.file_name().unwrap().to_str().unwrap();
            fails(import(std::slice::from_ref(&to), &Options::default(), &mut quiet), &[name]);
        }
        std::fs::write(&to, whole).unwrap();
        assert_eq!(valid(import(&[to], &Options::default(), &mut quiet)).subject_names[0], "S1");
    }
    // Whole files with something else in them.
    let other = archive.join("Eating.h5");
    std::fs::copy(fixture("mpi_inf_3dhp/mpi_inf_3dhp_test_set/TS1/annot_data.mat"), &other).unwrap();
    fails(import(&[other], &Options::default(), &mut quiet), &["Eating.h5", "3D_positions"]);
    // Datasets of any shape that were never written, made of Walking's one frame.
    let (claim, whole) = (archive.join("Posing.h5"), std::fs::read(fixture(h5)).unwrap());
    // The shape, and the largest that it may grow to.
    let shape = |frames: u64| [96u64.to_le_bytes(), frames.to_le_bytes()].concat().repeat(2);
    let at = whole.windows(32).position(|window| *window == shape(1)).unwrap();
    let size = at + whole[at..].windows(8).position(|window| *window == 768u64.to_le_bytes()).unwrap();
    let options = Options { cameras: strings(&["54138969"]), ..Options::default() };
    for (frames, words) in
        [(0, "Posing.h5: poses: nothing is left"), (1 << 40, "S1/Posing: 1099511627776 poses more than the 0")]
    {
        let mut bytes = whole.clone();
        bytes[at..at + 32].copy_from_slice(&shape(frames));
        bytes[size - 8..size + 8].copy_from_slice(&[u64::MAX.to_le_bytes(), (frames * 768).to_le_bytes()].concat());
        std::fs::write(&claim, bytes).unwrap();
        fails(import(std::slice::from_ref(&claim), &options, &mut quiet), &[words]);
    }
    // Where memory is no limit, the file is one.
    let out = folder.path().join("set.npz");
    let result = collect_to(&out, 17, |to| super::import(std::slice::from_ref(&claim), &options, to, &mut quiet));
    let error = result.unwrap_err().to_string();
    assert!(error.contains("3D_positions: its shape [96, 1099511627776] cannot be in a file of"), "{error}");
    assert!(!out.exists());
    let lost = folder.path().join("Eating.h5");
    std::fs::copy(fixture(h5), &lost).unwrap();
    fails(import(&[lost], &Options::default(), &mut quiet), &["do not name the subject", "S1/MyPoses"]);
    let other = fixture("mpi_inf_3dhp/test_3dhp.npz");
    fails(import(&[other], &Options::default(), &mut quiet), &["test_3dhp.npz: positions_3d: neither this nor"]);
}

#[test]
fn files_of_another_form_are_refused() {
    let path = Path::new("data_3d_h36m.npz");
    let text = |text: &str| Value::Text(text.into());
    let dict = |key: &str, value: Value| Value::Dict(vec![(text(key), value)]);
    let array = |shape: &[usize], value: f32| {
        Value::Numbers(Array { shape: shape.to_vec(), values: vec![value; shape.iter().product()] })
    };
    for (value, word) in [
        (Value::None, "dict of subjects"),
        (dict("S1", Value::List(vec![])), "dict of actions"),
        (Value::Dict(vec![(Value::Integer(1), Value::Dict(vec![]))]), "dict of actions"),
        (dict("S1", dict("Walking", text("x"))), "(frames, 32, 3)"),
    ] {
        let Err(error) = npz_recordings(path, value) else { panic!("{word}: not refused") };
        assert!(error.to_string().contains(word), "{error}");
    }
    let world = |value| {
        let recording = npz_recordings(path, dict("S1", dict("Walking", value)))?.pop().unwrap();
        let (open, camera) = (recording.open()?, &Camera::h36m("S1").unwrap()[0]);
        let view = View { camera, detections: None, label: Label::default() };
        collect(17, |to| view.add(&open, 1, open.frames - 1, 2, None, to))
    };
    assert_eq!(world(array(&[6, 32, 3], 1.0)).unwrap().frame, Some(vec![2, 4]));
    let error = world(array(&[2, 17, 3], 1.0)).unwrap_err().to_string();
    assert!(error.contains("S1/Walking: its shape is [2, 17, 3]"), "{error}");
    let error = world(array(&[4, 32, 3], f32::INFINITY)).unwrap_err().to_string();
    assert!(error.contains("S1/Walking, frame 2") && error.contains("not finite"), "{error}");
    // Nobody, in two forms.
    for value in [0.0, f32::NAN] {
        assert!(world(array(&[4, 32, 3], value)).unwrap().is_empty());
    }
}

#[test]
fn a_damaged_file_among_many_is_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("S1/MyPoses/3D_positions");
    std::fs::create_dir_all(&archive).unwrap();
    let whole = std::fs::read(fixture("h36m_zip/h36m/S1/MyPoses/3D_positions/Walking.h5")).unwrap();
    for i in 0..10 {
        std::fs::write(archive.join(format!("Walking {i}.h5")), &whole).unwrap();
    }
    std::fs::write(archive.join("Posing.h5"), &whole[..whole.len() - 300]).unwrap();
    let read = |strict| {
        let paths = [folder.path().to_owned()];
        let tolerance = crate::import::Tolerance { strict, ..Default::default() };
        crate::import::collect_told(17, tolerance, |to| super::import(&paths, &Options::default(), to, &mut quiet))
    };
    let (set, warnings) = read(false).unwrap();
    assert_eq!((set.len(), set.sequence_names.len(), set.action_names), (40, 40, vec!["Walking".to_owned()]));
    let told = warnings.iter().find(|warning| warning.contains("damaged")).unwrap();
    assert!(told.starts_with("1 recording is left out of 11") && told.contains("Posing.h5"), "{told}");
    fails(read(true).map(|(set, _)| set), &["Posing.h5"]);
}
