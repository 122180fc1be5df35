//! Tests of the JSON document.

use serde_json::{Value, from_str};

use crate::lift::form::sample_tests::{about, alone, stream, write};
use crate::lift::{Form, Up};

#[test]
fn a_document_has_the_header_and_the_lines() {
    for frames in [alone(17, 0..4), alone(17, [2]), vec![]] {
        let document: Value = from_str(&stream(Form::Json, about(17, Up::World), &frames)).unwrap();
        let lines = stream(Form::Jsonl, about(17, Up::World), &frames);
        let mut lines = lines.lines().map(|line| from_str::<Value>(line).unwrap());
        let mut header = lines.next().unwrap();
        header.as_object_mut().unwrap().insert("frames".to_owned(), lines.collect());
        assert_eq!(document, header);
    }
}

#[test]
fn a_file_is_what_a_stream_gets() {
    let folder = tempfile::tempdir().unwrap();
    let (path, frames) = (folder.path().join("a.json"), alone(16, 0..3));
    let said = write(Form::Json, about(16, Up::Camera), &frames, &path).unwrap();
    assert_eq!(said, [format!("3 frames, 3 poses: {}", path.display())]);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), stream(Form::Json, about(16, Up::Camera), &frames));
}
