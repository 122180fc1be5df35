//! All forms of the same frames, for readers that share nothing with this crate.

use std::path::Path;
use std::process::Command;

use super::sample_tests::{about, alone, frame, person, write};
use super::{Form, Lifted, Up};
use crate::named::Named;

fn check(python: &Path, joints: usize, up: Up, frames: &[Lifted]) {
    let folder = tempfile::tempdir().unwrap();
    for form in Form::ALL {
        write(*form, about(joints, up), frames, &folder.path().join(format!("out.{form}"))).unwrap();
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/kernels-tests/fixtures/check_lift.py");
    let checked = Command::new(python).arg(script).arg(folder.path()).output().unwrap();
    let told = String::from_utf8_lossy(&checked.stdout).into_owned() + &String::from_utf8_lossy(&checked.stderr);
    assert!(checked.status.success(), "{told}");
    eprint!("{told}");
}

#[test]
fn python_reads_the_same_joints_from_every_form() {
    let has_numpy = |python: &&Path| {
        Command::new(python).args(["-c", "import numpy"]).output().is_ok_and(|ran| ran.status.success())
    };
    let own = std::env::var_os("ISOPOSE_PYTHON");
    let made = concat!(env!("CARGO_MANIFEST_DIR"), "/target/python/bin/python");
    let mut pythons = own.iter().map(Path::new).chain([Path::new(made), Path::new("python3")]);
    let Some(python) = pythons.find(has_numpy) else {
        eprintln!("SKIPPED: no Python with NumPy; name one in ISOPOSE_PYTHON");
        return;
    };
    // Gaps, a root that comes late and goes, times that are not known, steps of two.
    let mut one = alone(17, [-4, -2, 0, 6, 8]);
    one[0].people[0].root = None;
    one[3].people[0].root = None;
    check(python, 17, Up::World, &one);
    one.iter_mut().for_each(|frame| frame.time = None);
    check(python, 17, Up::Camera, &one);
    // People who come and go, in several recordings.
    let mut many = Vec::new();
    for name in ["walk", "run"] {
        for number in 0..12 {
            let ids = [1, -7, 1 << 50].into_iter().filter(|id| (number + *id as i32) % 5 != 0);
            let mut frame = frame(number, ids.map(|id| person(16, number, id)).collect());
            frame.sequence = Some(name.into());
            many.push(frame);
        }
    }
    check(python, 16, Up::World, &many);
}
