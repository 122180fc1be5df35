//! Tests of the archive.

use crate::format::npz::Npz;
use crate::lift::form::sample_tests::{about, alone, frame, person, write};
use crate::lift::{Form, Up};

#[test]
fn an_archive_has_a_row_for_each_person_and_frame() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npz");
    let mut frames = vec![frame(0, vec![]), frame(4, vec![person(17, 4, -9), person(17, 5, 1 << 40)])];
    frames.extend(alone(17, [6]));
    frames[1].sequence = Some("walk, \"1\"".into());
    (frames[2].time, frames[2].people[0].root) = (None, None);
    let said = write(Form::Npz, about(17, Up::World), &frames, &path).unwrap();
    assert_eq!(said, [format!("3 poses: {}", path.display())]);
    let mut npz = Npz::open(&path).unwrap();
    let people: Vec<_> = frames.iter().flat_map(|frame| &frame.people).collect();
    let expected: Vec<f32> =
        people.iter().flat_map(|person| person.joints.iter().flat_map(|joint| Up::World.of(*joint))).collect();
    let positions = npz.f32("positions").unwrap();
    assert_eq!((positions.shape, positions.values), (vec![3, 17, 3], expected));
    let root = npz.f32("root").unwrap();
    assert_eq!((&root.shape[..], &root.values[..3]), (&[3, 3][..], &Up::World.of(people[0].root.unwrap())[..]));
    assert!(root.values[6..].iter().all(|value| value.is_nan()));
    assert_eq!(npz.f32("keypoints").unwrap().shape, [3, 17, 2]);
    assert_eq!(npz.f32("confidence").unwrap().values[..17], people[0].confidence);
    let guessed: Vec<i32> = people[0].guessed.iter().map(|guessed| i32::from(*guessed)).collect();
    assert_eq!(npz.i32("guessed").unwrap().values[..17], guessed);
    assert_eq!(npz.i32("frame").unwrap().values, [4, 4, 6]);
    assert_eq!(npz.describe("time").unwrap(), ("<f8".to_owned(), vec![3]));
    let time = npz.f32("time").unwrap().values;
    assert!(time[..2] == [0.16, 0.16] && time[2].is_nan());
    assert_eq!(npz.describe("track").unwrap(), ("<i8".to_owned(), vec![3]));
    assert_eq!(npz.f32("track").unwrap().values, [-9.0, (1i64 << 40) as f32, 1.0]);
    assert_eq!(npz.i32("adapted").unwrap().values, [1, 0, 1]);
    assert_eq!(npz.i32("sequence").unwrap().values, [0, 0, 1]);
    assert_eq!(npz.strings("sequence_names").unwrap(), ["walk, \"1\"", ""]);
    assert_eq!(npz.strings("joint_names").unwrap(), about(17, Up::World).skeleton.names);
    assert_eq!(npz.strings("mode").unwrap(), ["online"]);
    assert_eq!(npz.describe("axes").unwrap().1, [0; 0]);
}

#[test]
fn an_archive_of_nobody_has_empty_arrays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npz");
    write(Form::Npz, about(16, Up::Camera), &[frame(0, vec![])], &path).unwrap();
    let mut npz = Npz::open(&path).unwrap();
    assert_eq!(npz.f32("positions").unwrap().shape, [0, 16, 3]);
    assert_eq!(npz.i32("frame").unwrap().shape, [0]);
    assert!(npz.strings("sequence_names").unwrap().is_empty());
}
