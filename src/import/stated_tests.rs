use super::*;
use crate::{
    format::Array,
    import::layout::{COCO_17, H36M_16, H36M_17, SH_16, SPIN_17},
};

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

fn list(numbers: &[i64]) -> Value {
    Value::List(numbers.iter().map(|v| Value::Integer(*v)).collect())
}

fn dict(entries: &[(&str, Value)]) -> Value {
    Value::Dict(entries.iter().map(|(key, value)| (text(key), value.clone())).collect())
}

const LEFT: [i64; 6] = [4, 5, 6, 11, 12, 13];
const RIGHT: [i64; 6] = [1, 2, 3, 14, 15, 16];

fn symmetry(value: Value) -> Result<Stated, Problem> {
    Stated::of(&dict(&[("keypoints_symmetry", value)]))
}

#[test]
fn the_sides_of_layouts_are_those_of_videopose3d() {
    assert_eq!(sides(&H36M_17), [LEFT, RIGHT].map(|side| side.map(|v| v as usize).to_vec()));
    assert_eq!(sides(&H36M_16), [vec![4, 5, 6, 10, 11, 12], vec![1, 2, 3, 13, 14, 15]]);
    assert_eq!(sides(&SH_16), [vec![3, 4, 5, 13, 14, 15], vec![0, 1, 2, 10, 11, 12]]);
    assert_eq!(sides(&COCO_17), [vec![1, 3, 5, 7, 9, 11, 13, 15], vec![2, 4, 6, 8, 10, 12, 14, 16]]);
    assert_eq!(sides(&SPIN_17), [vec![1, 2, 3, 11, 12, 13], vec![4, 5, 6, 14, 15, 16]]);
}

#[test]
fn symmetry_is_read_of_lists_and_arrays_in_any_order() {
    let values: Vec<f32> = LEFT.iter().chain(&RIGHT).map(|v| *v as f32).collect();
    let array =
        |shape: &[usize], values: &[f32]| Value::Numbers(Array { shape: shape.to_vec(), values: values.to_vec() });
    let arrays = Value::List(vec![array(&[6], &values[..6]), array(&[6], &values[6..])]);
    let turned = Value::List(vec![list(&[11, 12, 13, 4, 5, 6]), list(&[14, 15, 16, 1, 2, 3])]);
    for value in [Value::List(vec![list(&LEFT), list(&RIGHT)]), array(&[2, 6], &values), arrays, turned] {
        let stated = symmetry(value).unwrap();
        assert_eq!(stated.symmetry, Some(sides(&H36M_17)));
        assert_eq!(stated.contradiction(&H36M_17, ""), None);
    }
    for value in [list(&LEFT), Value::List(vec![list(&[-1]), list(&[2])]), Value::Integer(3)] {
        let (field, problem) = symmetry(value).unwrap_err();
        assert!(field == "keypoints_symmetry" && problem.contains("on the left and on the right"), "{problem}");
    }
    assert_eq!(symmetry(Value::None).unwrap(), Stated::default());
}

#[test]
fn contradictions_name_their_field() {
    let names = |names: &str| Value::List(names.split(' ').map(text).collect());
    let coco = "nose left_eye right_eye left_ear right_ear left_shoulder right_shoulder left_elbow right_elbow left_wrist \
                right_wrist left_hip right_hip left_knee right_knee left_ankle right_ankle";
    let h36m = "root rhip rknee rankle lhip lknee lankle belly neck nose head l_shoulder l_elbow l_wrist r_shoulder \
                r_elbow r_wrist";
    let own = [("layout_name", text("h36m")), ("num_joints", Value::Integer(17)), ("joint_names", names(h36m))];
    assert_eq!(Stated::of(&dict(&own)).unwrap().contradiction(&H36M_17, "because"), None);
    for (field, value, words) in [
        ("keypoints_symmetry", Value::List(vec![list(&RIGHT), list(&LEFT)]), "left and right are changed over"),
        ("keypoints_symmetry", Value::List(vec![list(&LEFT), list(&[1])]), "[[4, 5, 6, 11, 12, 13], [1]]"),
        ("num_joints", Value::Integer(16), "it is 16, but because the joints are H36M-17"),
        ("layout_name", text("COCO"), "it is 'coco', but because"),
        (
            "joint_names",
            names(coco),
            "joint 5 is 'left_shoulder', but because the joints are H36M-17, where it is LKnee",
        ),
        ("keypoints_name", names("a b"), "it has 2 names"),
    ] {
        let stated = Stated::of(&dict(&[(field, value)])).unwrap();
        let (named, problem) = stated.contradiction(&H36M_17, "because").unwrap();
        assert!(named == field && problem.contains(words), "{field}: {problem}");
    }
    let mpii = Stated::of(&dict(&[("layout_name", text("mpii"))])).unwrap();
    assert_eq!(mpii.contradiction(&SH_16, ""), None);
    let own = Stated::of(&dict(&[("layout_name", text("my own"))])).unwrap();
    assert_eq!(own.contradiction(&H36M_17, ""), None);
}
