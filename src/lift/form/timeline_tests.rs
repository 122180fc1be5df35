//! Tests of rows and times.

use super::*;

/// A timeline of a person alone in frames of these numbers and times.
fn timeline(frames: &[(i32, Option<f64>)], fps: Option<f64>) -> Timeline {
    let mut rhythm = Rhythm::default();
    frames.iter().for_each(|(frame, time)| rhythm.add(*frame, *time));
    let rows: Vec<Row> = frames.iter().map(|(frame, time)| Row { frame: *frame, time: *time, root: None }).collect();
    Timeline::new(&rows, &rhythm, fps)
}

fn told(timeline: &Timeline) -> Vec<(i32, f64, bool)> {
    let round = |time: f64| (time * 1e6).round() / 1e6;
    timeline.slots.iter().map(|slot| (slot.frame, round(slot.time), slot.row.is_some())).collect()
}

#[test]
fn gaps_have_rows_and_times() {
    let found = timeline(&[(4, Some(1.0)), (6, Some(1.1)), (12, Some(1.4))], Some(1.0));
    let gaps = [(8, 1.2, false), (10, 1.3, false), (12, 1.4, true)];
    assert_eq!(told(&found), [&[(4, 1.0, true), (6, 1.1, true)][..], &gaps].concat());
    assert!((found.seconds - 0.1).abs() < 1e-12 && !found.is_assumed && !found.is_loose, "{found:?}");
    assert_eq!(found.gaps(), 2);
}

#[test]
fn what_times_do_not_say_the_rate_says_and_else_30() {
    let frames = [(10, None), (12, None), (16, None)];
    let found = timeline(&frames, Some(50.0));
    assert_eq!(told(&found), [(10, 0.2, true), (12, 0.24, true), (14, 0.28, false), (16, 0.32, true)]);
    assert!(!found.is_assumed);
    for fps in [None, Some(0.0), Some(f64::NAN), Some(-1.0)] {
        let found = timeline(&frames, fps);
        assert!(found.is_assumed && (found.seconds - 2.0 / 30.0).abs() < 1e-12, "{found:?}");
    }
    let one = timeline(&[(-5, None)], None);
    assert_eq!((one.slots.len(), one.is_assumed), (1, true));
}

#[test]
fn times_that_stand_still_or_go_back_say_nothing() {
    let found = timeline(&[(0, Some(1.0)), (1, Some(1.0)), (2, Some(0.5))], Some(25.0));
    assert!((found.seconds - 0.04).abs() < 1e-12, "{found:?}");
}

#[test]
fn a_time_that_is_missing_is_counted_from_its_neighbour() {
    let found = timeline(&[(0, None), (1, Some(10.0)), (2, None), (3, Some(10.4))], Some(10.0));
    // The frame before the first known time is half of 0.4 s before it: times come before the rate.
    let times: Vec<f64> = told(&found).iter().map(|(_, time, _)| *time).collect();
    assert_eq!(times, [9.9, 10.0, 10.1, 10.4]);
}

#[test]
fn numbers_that_are_no_frames_do_not_fill_the_disk() {
    // Milliseconds, with a jitter that leaves no common step.
    let frames: Vec<(i32, Option<f64>)> = (0..500).map(|k| (k * 333 + k % 2, None)).collect();
    let found = timeline(&frames, Some(30.0));
    assert!(found.is_loose && found.slots.len() == 500 && found.gaps() == 0);
    assert!((found.seconds - 1.0 / 30.0).abs() < 1e-12 && (found.slots[3].time - 0.1).abs() < 1e-12);
    let timed: Vec<_> = frames.iter().map(|(frame, _)| (*frame, Some(f64::from(*frame) / 1000.0))).collect();
    let found = timeline(&timed, None);
    assert!(found.is_loose && (found.seconds - 0.333).abs() < 0.0011 && found.slots[1].time == 0.334, "{found:?}");
    let extremes = timeline(&[(i32::MIN, None), (0, None), (i32::MAX, None)], None);
    assert!(extremes.is_loose && extremes.slots.len() == 3);
}
