//! Tests of what forms refuse.

use super::*;
use crate::lift::Up;
use crate::lift::form::sample_tests::{about, alone};

/// Which joint is wrong after what.
type Change = (&'static str, fn(&mut LiftedPerson));

#[test]
fn every_number_is_looked_at() {
    let changes: [Change; 5] = [
        ("Hip", |person| person.joints[0][0] = f32::INFINITY),
        ("RWrist", |person| person.trained = Some([&[[0.0; 3]; 16][..], &[[0.0, 0.0, f32::NAN]]].concat())),
        ("Spine", |person| person.confidence[7] = f32::NAN),
        ("RHip", |person| person.keypoints[1][1] = f32::NEG_INFINITY),
        ("the root", |person| person.root = Some([0.0, f32::NAN, 0.0])),
    ];
    for (what, change) in changes {
        let mut frame = alone(17, [7]).remove(0);
        check(&frame, &about(17, Up::Camera)).unwrap();
        change(&mut frame.people[0]);
        let error = check(&frame, &about(17, Up::Camera)).unwrap_err().to_string();
        assert!(error.starts_with(&format!("frame 7, person 1: {what} is no finite number; ")), "{error}");
    }
    let mut frame = alone(17, [7]).remove(0);
    frame.time = Some(f64::NAN);
    assert!(check(&frame, &about(17, Up::Camera)).unwrap_err().to_string().starts_with("frame 7: its time"));
}

#[test]
fn arrays_are_as_long_as_the_skeleton() {
    let error = check(&alone(16, [0])[0], &about(17, Up::Camera)).unwrap_err().to_string();
    assert!(error.contains("keypoints has 16 joints, the skeleton 17"), "{error}");
    let mut frame = alone(17, [0]).remove(0);
    frame.people[0].guessed.pop();
    assert!(check(&frame, &about(17, Up::Camera)).unwrap_err().to_string().contains("guessed has 16 joints"));
}
