//! Any bytes as lines of a stream, each read as the one before says.
#![no_main]

use isopose_fuzz::lift::input::parse;
use isopose_fuzz::pose::LAYOUTS;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let (_, mut layout) = LAYOUTS[0];
    for line in bytes.split(|byte| *byte == b'\n') {
        match parse(line, layout) {
            Ok(read) => {
                layout = read.view.and_then(|view| view.layout).unwrap_or(layout);
                for person in read.frame.iter().flat_map(|frame| &frame.people) {
                    assert_eq!(person.keypoints.len(), layout.joints.len());
                    assert!(person.confidence.iter().all(|sure| *sure >= 0.0));
                    let (points, sure) = layout.keypoints(&person.keypoints, &person.confidence);
                    let is_place = |point: &[f32; 2]| point.iter().all(|v| v.is_finite());
                    assert!(points.iter().zip(sure).all(|(point, sure)| sure == 0.0 || is_place(point)));
                }
            }
            Err(wrong) => assert!(!wrong.problem.is_empty()),
        }
    }
});
