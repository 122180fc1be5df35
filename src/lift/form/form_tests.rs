//! Tests of the choice of a form, and of what all forms have in common.

use super::*;
use crate::lift::form::sample_tests::{Closed, about, alone, frame, person, write};
use crate::lift::{Lifted, Up};

fn of(path: &str, given: Option<Form>) -> std::result::Result<Form, String> {
    Form::of(Path::new(path), given).map_err(|error| {
        assert_eq!(error.exit_code(), 2, "{error}");
        error.to_string()
    })
}

#[test]
fn an_ending_chooses_the_form() {
    for form in Form::ALL {
        assert_eq!(of(&format!("a.b/c.{form}"), None), Ok(*form));
        assert_eq!(of(&format!("c.{}", form.name().to_uppercase()), Some(*form)), Ok(*form));
        assert_eq!(of("c.txt", Some(*form)), Ok(*form));
        assert_eq!(of("c", Some(*form)), Ok(*form));
    }
    assert_eq!(of("c.ndjson", None), Ok(Form::Jsonl));
}

#[test]
fn a_contradiction_names_both_and_the_fix() {
    let error = of("a.csv", Some(Form::Npz)).unwrap_err();
    for part in ["a.csv", "`output_format` is npz", "leave out", ".npz"] {
        assert!(error.contains(part), "{error}");
    }
    for path in ["a", "a.txt", ".bvh"] {
        let error = of(path, None).unwrap_err();
        assert!(error.contains(".jsonl, .npz, .json, .csv, .bvh, .trc, or set `output_format`"), "{error}");
    }
}

#[test]
fn standard_output_takes_streams_only() {
    assert_eq!(of("-", None), Ok(Form::Jsonl));
    for form in Form::ALL {
        let is_stream = matches!(form.name(), "jsonl" | "json" | "csv");
        match of("-", Some(*form)) {
            Ok(found) => assert!(found == *form && is_stream),
            Err(error) => assert!(!is_stream && error.contains("one of jsonl, json, csv"), "{error}"),
        }
        let sink = form.sink(about(17, Up::Camera), Output::Stream(Box::new(Vec::new())));
        assert_eq!(sink.is_ok(), is_stream && (cfg!(feature = "import") || *form != Form::Csv));
    }
}

fn built() -> impl Iterator<Item = Form> {
    let is_built = |form: &Form| cfg!(feature = "import") || !matches!(form, Form::Csv | Form::Npz);
    Form::ALL.iter().copied().filter(is_built)
}

#[test]
fn every_form_takes_odd_input() {
    let folder = tempfile::tempdir().unwrap();
    let odd = |mut frame: Lifted| {
        (frame.time, frame.people[0].root) = (None, None);
        frame.sequence = Some("a,\"b\"/../\n\r\t\u{0}\u{1b}=c\u{1f600}".into());
        frame
    };
    let extreme = vec![person(17, 1, i64::MIN), person(17, 2, i64::MAX)];
    let far = || vec![person(17, 0, 1)];
    let cases: [Vec<Lifted>; 7] = [
        vec![],
        vec![frame(0, vec![]), frame(1, vec![])],
        alone(17, [5]),
        alone(17, [-3, 0, 9]).into_iter().map(odd).collect(),
        vec![frame(-7, extreme), frame(0, vec![])],
        vec![frame(i32::MIN, far()), frame(i32::MAX, far())],
        vec![odd(alone(17, [0]).remove(0)), alone(17, [0]).remove(0)],
    ];
    for form in built() {
        for (case, frames) in cases.iter().enumerate() {
            for joints in [16, 17] {
                let mut frames = frames.clone();
                for person in frames.iter_mut().flat_map(|frame| &mut frame.people) {
                    person.joints.truncate(joints);
                    person.keypoints.truncate(joints);
                    person.confidence.truncate(joints);
                    person.guessed.truncate(joints);
                }
                let path = folder.path().join(format!("{form}-{case}-{joints}.{form}"));
                let said = write(form, about(joints, Up::World), &frames, &path).unwrap();
                assert!(!said.is_empty() && said.iter().all(|line| !line.contains('\n')), "{form} {case}: {said:?}");
            }
        }
    }
    let left = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
    let left: Vec<_> = left.filter(|name| name.to_string_lossy().starts_with('.')).collect();
    assert!(left.is_empty(), "temporary files are left: {left:?}");
}

#[test]
fn every_form_refuses_what_is_not_finite() {
    let folder = tempfile::tempdir().unwrap();
    for form in built() {
        let mut frames = alone(17, 0..2);
        frames[1].people[0].joints[4][1] = f32::NAN;
        let path = folder.path().join(format!("a.{form}"));
        let error = write(form, about(17, Up::Camera), &frames, &path).unwrap_err().to_string();
        assert!(error.contains("frame 1, person 1: LHip is no finite number"), "{form}: {error}");
    }
}

#[test]
fn every_form_names_the_file_that_it_cannot_write() {
    let folder = tempfile::tempdir().unwrap();
    for form in built() {
        let path = folder.path().join(format!("none/a.{form}"));
        let error = write(form, about(17, Up::Camera), &alone(17, 0..1), &path).unwrap_err();
        assert!(error.to_string().starts_with(&format!("{}: cannot write: ", path.display())), "{form}: {error}");
        if form.is_stream() {
            let sink = form.sink(about(17, Up::Camera), Output::Stream(Box::new(Closed)));
            let error = sink.err().unwrap().to_string();
            assert!(error.starts_with("standard output: cannot write: "), "{form}: {error}");
        }
    }
}

#[test]
fn what_is_not_finished_leaves_no_file_or_what_was_there() {
    let folder = tempfile::tempdir().unwrap();
    for form in built().filter(|form| !matches!(form, Form::Jsonl | Form::Csv)) {
        let path = folder.path().join(format!("a.{form}"));
        std::fs::write(&path, "before").unwrap();
        let mut sink = form.sink(about(17, Up::Camera), Output::File(path.clone())).unwrap();
        sink.push(&alone(17, 0..1)[0]).unwrap();
        drop(sink);
        assert_eq!(std::fs::read(&path).unwrap(), b"before");
    }
    let files = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(files, built().count() - if cfg!(feature = "import") { 2 } else { 1 });
}
