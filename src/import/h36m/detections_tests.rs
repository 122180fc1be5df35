use super::super::{Options, import, keypoints};
use super::*;
use crate::{
    data::PoseSet,
    import::{
        Tolerance, collect_told, look,
        motion::Unit,
        sources::testing::{close, fails, fixture, quiet},
    },
};

fn file(name: &str) -> PathBuf {
    fixture(&format!("../stated/h36m/{name}.npz"))
}

fn told(names: [&str; 2], options: &Options) -> Result<(PoseSet, Vec<String>)> {
    let paths = names.map(file);
    collect_told(17, Tolerance::default(), |to| import(&paths, options, to, &mut quiet))
}

fn with(form: &str) -> Result<PoseSet> {
    told(["data_3d_h36m", &format!("data_2d_h36m_{form}")], &Options::default()).map(|(set, _)| set)
}

#[test]
fn joints_that_the_file_says_are_taken() {
    let (set, warnings) = told(["data_3d_h36m", "data_2d_h36m_named"], &Options::default()).unwrap();
    // Nobody is in the second of three frames.
    assert_eq!(set.frame, Some([0, 2].repeat(4)));
    assert!(warnings.iter().any(|warning| warning.ends_with("4 poses without any joint are left out")), "{warnings:?}");
    let value = Npz::open(&file("data_2d_h36m_named")).unwrap().object("positions_2d").unwrap();
    let views = value.get("S1").unwrap().get("Walking").unwrap().items();
    let right: Vec<f32> =
        views.iter().flat_map(|view| [0, 2].map(|frame| view.rows(frame, 1).unwrap().values)).flatten().collect();
    assert_eq!(set.keypoints, right);
    // Tuples, and the same joints in another order of the lists.
    assert_eq!(with("turned").unwrap(), set);
    let sure = with("sure").unwrap();
    assert_eq!((sure.keypoints, sure.confidence), (right, Some(vec![0.75; 8 * 17])));
    fails(with("depth"), &["data_2d_h36m_depth.npz: S1/Walking: its third column has"]);
}

#[test]
fn a_third_column_of_zeros_is_no_confidence() {
    for (score, sure) in [(0.0, 1.0), (f32::NAN, 1.0), (0.5, 0.5)] {
        let values = [50.0, 60.0, score].repeat(2 * 17);
        let numbers = Value::Numbers(Array { shape: vec![2, 17, 3], values });
        let detections = Detections { path: "f".into(), layout: &H36M_17, value: Value::None };
        let seen = detections.seen("S1/Walking", &numbers, 0).unwrap();
        assert_eq!(seen.keypoints(&seen.rows("S1/Walking", 0, 2).unwrap(), 1), ([[50.0, 60.0]; 17], [sure; 17]));
    }
}

#[test]
fn contradictions_are_refused() {
    for (form, words) in [
        ("swapped", ["metadata.keypoints_symmetry: ", "left and right are changed over"]),
        ("half", ["metadata.keypoints_symmetry: ", "[1, 2, 3]], but"]),
        ("coco", ["metadata.layout_name: it is 'h36m'", "by keypoints_symmetry the joints are COCO-17"]),
        ("number", ["metadata.num_joints: it is 16", "of which there are 17"]),
        ("names", ["metadata.keypoints_name: joint 4 is 'right_hip'", "where it is LHip"]),
        ("empty", ["S1/Walking: camera 55011271 has no detections: array [3, 17, 0]", "`camera`"]),
    ] {
        fails(with(form), &[&[format!("data_2d_h36m_{form}.npz: ").as_str()], words.as_slice()].concat());
    }
    let options = Options { cameras: vec!["58860488".into()], ..Options::default() };
    let error = told(["data_3d_h36m", "data_2d_h36m_empty"], &options).unwrap_err().to_string();
    assert!(error.contains("camera 58860488 has no detections: None"), "{error}");
    // Arrays of other joints than the metadata's.
    let numbers = Value::Numbers(Array { shape: vec![3, 16, 2], values: vec![5.0; 96] });
    let dict = |key: &str, value| Value::Dict(vec![(Value::Text(key.into()), value)]);
    let value = dict("S1", dict("Walking", Value::List(vec![numbers; 4])));
    let mut detections = Detections { path: "f".into(), layout: &H36M_17, value };
    let error = detections.of(["S1", "Walking"], 0, 3).err().unwrap().to_string();
    assert!(
        error.contains("f: metadata.keypoints_symmetry: it is of 17 joints, H36M-17, but S1/Walking has 16"),
        "{error}"
    );
    detections.layout = &H36M_16;
    assert_eq!(detections.of(["S1", "Walking"], 3, 3).unwrap().frames, 3);
    let error = detections.of(["S1", "Walking"], 3, 4).err().unwrap().to_string();
    assert!(error.contains("3 frames where the 3D file has 4"), "{error}");
    let error = detections.of(["S1", "Walking 1"], 3, 3).err().unwrap().to_string();
    assert!(error.contains("S1/Walking 1: there are no keypoints of camera 60457274"), "{error}");
}

#[test]
fn what_is_not_said_comes_with_the_lines_that_say_it() {
    for (form, field) in
        [("unsaid", "metadata.keypoints_symmetry: it is missing"), ("nothing", "metadata: it is missing")]
    {
        let path = file(&format!("data_2d_h36m_{form}"));
        let path = path.display();
        let lines = format!(
            "import numpy as np; f = dict(np.load('{path}', allow_pickle=True)); f['metadata'] = {{'layout_name': 'h36m', \
             'num_joints': 17, 'keypoints_symmetry': [[4, 5, 6, 11, 12, 13], [1, 2, 3, 14, 15, 16]]}}; \
             np.savez('{path}', **f)"
        );
        fails(with(form), &[field, "keypoints_symmetry", &lines]);
    }
    let shape = |joints| Value::Numbers(Array { shape: vec![1, joints, 2], values: vec![0.0; 2 * joints] });
    let lines = |name: &str, joints| {
        let dict = |value| Value::Dict(vec![(Value::Text("a".into()), value)]);
        unsaid(Path::new(name), false, &Stated::default(), &dict(dict(Value::List(vec![shape(joints)])))).to_string()
    };
    assert!(lines("data_2d_h36m_detectron_pt_coco.npz", 17).contains("'coco', 'num_joints': 17"));
    assert!(lines("data_2d_h36m_sh_ft_h36m.npz", 16).contains("[[3, 4, 5, 13, 14, 15], [0, 1, 2, 10, 11, 12]]"));
    assert!(lines("data_2d_h36m_gt.npz", 16).contains("[[4, 5, 6, 10, 11, 12], [1, 2, 3, 13, 14, 15]]"));
    assert!(lines("data_2d_h36m_gt.npz", 21).contains("no known order has as many"));
}

#[test]
fn what_cannot_be_names_its_own_file() {
    let words = ["data_2d_h36m_normalised.npz: positions_2d: ", "normalised (-1 to 1)", "undo what normalised them"];
    fails(with("normalised"), &words);
    let millimetres = ["millimetres", "data_2d_h36m_named"];
    let error = told(millimetres, &Options::default()).unwrap_err().to_string();
    for words in ["millimetres.npz: positions_3d: ", "they are millimetres", "`unit`"] {
        assert!(error.contains(words), "{error}");
    }
    let options = Options { unit: Some(Unit::Millimetres), ..Options::default() };
    let (set, _) = told(millimetres, &options).unwrap();
    let right = with("named").unwrap();
    close(set.positions.as_ref().unwrap(), right.positions.as_ref().unwrap(), 1e-6);
    // Projected keypoints are not blamed.
    let alone = |to: &mut Collector<'_>| import(&[file("millimetres")], &Options::default(), to, &mut quiet);
    let error = collect_told(17, Tolerance::default(), alone).unwrap_err().to_string();
    assert!(error.contains("millimetres.npz: positions_3d: ") && error.contains("they are millimetres"), "{error}");
}

#[test]
fn a_2d_file_alone_can_be_looked_at() {
    let look = |name: &str| look(17, |to| keypoints(&file(name), to));
    assert_eq!(look("data_2d_h36m_named").unwrap().0, 12);
    let (_, warnings) = look("data_2d_h36m_normalised").unwrap();
    assert!(warnings[0].contains("12 of 12 poses have coordinates below 10"), "{warnings:?}");
    assert!(look("data_2d_h36m_coco").unwrap_err().to_string().contains("layout_name"));
}
