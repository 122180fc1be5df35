//! Tests of the table.

use csv::Reader;

use crate::lift::form::sample_tests::{about, alone, frame, person, stream};
use crate::lift::{Form, Up};

#[test]
fn a_row_has_every_joint_of_a_person() {
    let hostile = "=a,\"b\"\n\r/\u{1}";
    let mut frames = vec![frame(0, vec![]), frame(-2, vec![person(17, 1, -9), person(17, 2, 1 << 40)])];
    frames.extend(alone(17, [3]));
    frames[1].sequence = Some(hostile.into());
    (frames[2].time, frames[2].people[0].root) = (None, None);
    let text = stream(Form::Csv, about(17, Up::World), &frames);
    let mut reader = Reader::from_reader(text.as_bytes());
    let names = reader.headers().unwrap().clone();
    assert_eq!(names.len(), 8 + 17 * 4);
    let column = |name: &str| names.iter().position(|found| found == name).unwrap();
    let rows: Vec<_> = reader.records().map(|row| row.unwrap()).collect();
    let people: Vec<_> = frames.iter().flat_map(|frame| &frame.people).collect();
    assert_eq!(rows.len(), people.len());
    for (row, person) in rows.iter().zip(people) {
        let number = |name: &str| row[column(name)].parse::<f64>().unwrap();
        let [x, y, z] = Up::World.of(person.joints[9]).map(f64::from);
        for (name, value) in [("Neck/Nose_x", x), ("Neck/Nose_y", y), ("Neck/Nose_z", z)] {
            // Half of the last digit, and what f32 lacks.
            assert!((number(name) - value).abs() < 0.51e-5, "{name}: {row:?}");
        }
        assert!((number("RWrist_confidence") - f64::from(person.confidence[16])).abs() < 0.51e-4);
        assert_eq!(row[column("id")], person.id.to_string());
        assert_eq!(&row[column("adapted")], if person.adapted { "1" } else { "0" });
    }
    assert_eq!((&rows[0][column("sequence")], &rows[0][1], &rows[0][2]), (hostile, "-2", "-0.08"));
    assert_eq!((&rows[2][0], &rows[2][2], &rows[2][column("root_x")]), ("", "", ""));
}
