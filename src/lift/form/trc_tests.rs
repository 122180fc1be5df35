//! Tests of markers.

use crate::lift::form::sample_tests::{about, alone, frame, write};
use crate::lift::{Form, Up};

#[test]
fn markers_are_where_joints_are_and_gaps_are_empty() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.trc");
    let mut frames = alone(17, [10, 11, 13]);
    frames.insert(2, frame(12, vec![]));
    let said = write(Form::Trc, about(17, Up::World), &frames, &path).unwrap();
    assert!(said[0].contains("not in 1 of 4 frames: there their markers are left out"), "{said:?}");
    let text = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split('\t').collect()).collect();
    assert_eq!(lines[0][..3], ["PathFileType", "4", "(X/Y/Z)"]);
    assert_eq!(lines[2], ["25", "25", "4", "17", "m", "25", "10", "4"]);
    let names: Vec<&str> = lines[3].iter().copied().filter(|name| !name.is_empty()).collect();
    assert_eq!((names.len(), names[2], names[11]), (19, "Hip", "NeckNose"));
    assert_eq!((lines[4][2], lines[4][52], &lines[5][..]), ("X1", "Z17", &[""][..]));
    assert_eq!(lines.len(), 10);
    for (line, frame) in lines[6..].iter().zip(&frames) {
        assert_eq!(line.len(), 2 + 3 * 17);
        assert_eq!(line[0], frame.frame.to_string());
        assert!((line[1].parse::<f64>().unwrap() - frame.time.unwrap()).abs() < 1e-6);
        let Some(person) = frame.people.first() else {
            assert!(line[2..].iter().all(|cell| cell.is_empty()));
            continue;
        };
        for (joint, cells) in person.joints.iter().zip(line[2..].chunks(3)) {
            let (joint, root) = (Up::World.of(*joint), Up::World.of(person.root.unwrap()));
            for axis in 0..3 {
                let expected = f64::from(joint[axis]) + f64::from(root[axis]);
                // Half of the last digit.
                assert!((cells[axis].parse::<f64>().unwrap() - expected).abs() < 0.51e-5);
            }
        }
    }
}
