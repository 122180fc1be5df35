//! Tests of tracks and their files.

use std::path::Path;

use super::*;
use crate::lift::form::sample_tests::{about, alone, frame, person, write};
use crate::lift::{Form, Up};

/// The names in a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn written(frames: &[Lifted]) -> (Vec<String>, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let said = write(Form::Bvh, about(17, Up::World), frames, &folder.path().join("out.bvh")).unwrap();
    let place = format!("{}/", folder.path().display());
    (names(folder.path()), said.iter().map(|line| line.replace(&place, "")).collect())
}

#[test]
fn one_person_has_the_file_itself() {
    let (files, said) = written(&alone(17, 17..20));
    assert_eq!((files, said), (vec!["out.bvh".into()], vec!["person 1: frames 17 to 19, out.bvh".into()]));
}

#[test]
fn several_people_have_a_file_each() {
    let frames = [frame(1, vec![person(17, 1, -3), person(17, 1, i64::MAX)]), frame(2, vec![person(17, 2, -3)])];
    let (files, said) = written(&frames);
    assert_eq!(files, ["out--3.bvh", "out-9223372036854775807.bvh"]);
    assert_eq!(said[0], "person -3: frames 1 to 2, out--3.bvh");
}

#[test]
fn no_name_of_a_sequence_leaves_the_folder_or_overwrites_another() {
    let names = ["../a", "__/a", "a/../../b", "\u{0}\n", "", "A", "a", "a-1", "..", &"long".repeat(100)];
    let mut frames = Vec::new();
    for name in names {
        let mut frame = frame(0, vec![person(17, 0, 1), person(17, 0, 2)]);
        frame.sequence = Some(name.into());
        frames.push(frame);
    }
    let (files, said) = written(&frames);
    assert_eq!(files.len(), 2 * names.len(), "{files:?}");
    let mut small: Vec<String> = files.iter().map(|name| name.to_lowercase()).collect();
    small.dedup();
    assert_eq!(small.len(), files.len(), "{files:?}");
    let is_safe = |name: &String| {
        let middle = name.strip_prefix("out-").and_then(|name| name.strip_suffix(".bvh"));
        middle.is_some_and(|middle| middle.chars().all(|c| c.is_alphanumeric() || "-_".contains(c)) && name.len() < 100)
    };
    assert!(files.iter().all(is_safe), "{files:?}");
    assert!(said[0].starts_with("person 1 in \"../a\": frames 0 to 0, out-___a-1.bvh"), "{said:?}");
}

#[test]
fn what_a_file_lacks_is_said() {
    let mut frames = alone(17, [4, 5, 9]);
    frames[1].people[0].root = None;
    frames.insert(2, frame(7, vec![]));
    let (_, said) = written(&frames);
    assert_eq!(
        said,
        [
            "person 1: frames 4 to 9, out.bvh; the person is not in 3 of 6 frames: there they hold their pose; where the \
          person is is not known in 1 frames: there the hip stays"
        ]
    );
    frames.iter_mut().for_each(|frame| frame.time = None);
    let (_, said) = written(&frames);
    assert_eq!(said[1], "nothing says how fast frames follow each other: 30 a second are assumed; set `fps`");
}

#[test]
fn nobody_has_no_file() {
    let (files, said) = written(&[frame(0, vec![])]);
    assert_eq!((files.len(), said), (0, vec!["nobody is in any frame: out.bvh was not written".to_owned()]));
}

#[test]
fn a_list_of_many_files_ends() {
    let frames = [frame(0, (0..50).map(|id| person(17, 0, id)).collect())];
    let (files, said) = written(&frames);
    assert_eq!((files.len(), said.len(), &said[20][..]), (50, 21 + 1, "and 30 files more"));
}

#[test]
fn someone_who_is_twice_in_a_frame_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.bvh");
    let twice = [frame(3, vec![person(17, 3, 8), person(17, 3, 8)])];
    for frames in [&twice[..], &alone(17, [3, 2])] {
        let error = write(Form::Bvh, about(17, Up::World), frames, &path).unwrap_err().to_string();
        assert!(error.contains("has been in frame 3 already") && error.contains("`jsonl`"), "{error}");
    }
    // The same number in another recording is another person.
    let mut other = alone(17, [3, 2]);
    other[1].sequence = Some("b".into());
    write(Form::Bvh, about(17, Up::World), &other, &path).unwrap();
}

#[test]
fn a_place_that_is_not_known_is_the_one_before() {
    let mut recording = Recording::new(about(17, Up::Camera), &std::env::temp_dir().join("none.bvh")).unwrap();
    for (k, mut frame) in alone(17, 0..5).into_iter().enumerate() {
        frame.people[0].root = [None, Some([1.0; 3]), None, Some([2.0; 3]), None][k];
        frame.people[0].joints[0] = [0.0; 3];
        recording.push(&frame).unwrap();
    }
    let poses = recording.tracks[0].poses(17);
    let hips: Vec<f64> = (0..poses.len()).map(|row| poses.of(row)[0].x).collect();
    assert_eq!(hips, [1.0, 1.0, 1.0, 2.0, 2.0]);
}
