//! Tests of smoothing.

use super::*;

/// A frame of one person of two joints, whose first joint is at `x` and whose second does not move.
fn frame(number: i32, x: f32) -> Lifted {
    let person = LiftedPerson {
        id: 5,
        keypoints: Vec::new(),
        confidence: Vec::new(),
        joints: vec![[x, -x, 0.5 * x], [0.1, 0.2, 0.3]],
        guessed: vec![false; 2],
        root: Some([0.0, x, 4.0]),
        begins: false,
        adapted: false,
        losses: None,
        trained: None,
    };
    Lifted { frame: number, time: None, sequence: None, people: vec![person], ms: 0.0 }
}

fn smoothed(kind: Smooth, frames: impl IntoIterator<Item = Lifted>) -> Vec<Lifted> {
    let (mut smoother, mut all) = (Smoother::new(kind, None), Vec::new());
    frames.into_iter().for_each(|frame| smoother.push(frame, |ready| all.push(ready)));
    smoother.finish(|ready| all.push(ready));
    all
}

fn first(frames: &[Lifted]) -> Vec<f32> {
    frames.iter().map(|frame| frame.people[0].joints[0][0]).collect()
}

/// Trembles by a centimetre about a place.
fn tremble(count: i32) -> Vec<Lifted> {
    (0..count).map(|i| frame(i, 0.4 + 0.01 * if i % 2 == 0 { 1.0 } else { -1.0 })).collect()
}

#[test]
fn none_changes_nothing_and_every_kind_gives_every_frame_in_order() {
    let frames = tremble(20);
    assert_eq!(smoothed(Smooth::None, frames.clone()), frames);
    for kind in [Smooth::OneEuro, Smooth::Savgol] {
        for count in [0, 1, 2, 3, 5, 20] {
            let numbers: Vec<i32> = smoothed(kind, tremble(count)).iter().map(|frame| frame.frame).collect();
            assert_eq!(numbers, (0..count).collect::<Vec<_>>(), "{kind}");
        }
        // What does not tremble stays.
        for frame in smoothed(kind, frames.clone()) {
            for (got, expected) in frame.people[0].joints[1].iter().zip([0.1f32, 0.2, 0.3]) {
                assert!((got - expected).abs() < 1e-6, "{kind}: {got}");
            }
        }
    }
}

#[test]
fn trembling_gets_less_in_joints_and_root() {
    for (kind, most) in [(Smooth::OneEuro, 0.006), (Smooth::Savgol, 0.004)] {
        for frame in &smoothed(kind, tremble(60))[20..40] {
            let person = &frame.people[0];
            assert!((person.joints[0][0] - 0.4).abs() < most, "{kind}: {:?}", person.joints);
            assert!((person.root.unwrap()[1] - 0.4).abs() < most, "{kind}");
        }
    }
}

#[test]
fn a_parabola_is_fitted_exactly_also_at_the_ends_and_over_gaps() {
    let at = |i: i32| 0.3 - 0.02 * i as f32 + 0.001 * (i * i) as f32;
    let frames = || (0..30).filter(|i| i % 7 != 3).map(|i| frame(i, at(i)));
    for frame in smoothed(Smooth::Savgol, frames()) {
        let x = frame.people[0].joints[0][0];
        // Of f32: 6e-8 of some 0.6, times weights of up to 1.
        assert!((x - at(frame.frame)).abs() < 5e-7, "{}: {x}", frame.frame);
    }
}

#[test]
fn times_count_where_they_are_known() {
    // The same steps, ten times as fast: the 1 € filter lets more through.
    let fast = |seconds: f64| {
        let frames = (0..10).map(|i| Lifted { time: Some(seconds * f64::from(i)), ..frame(i, 0.02 * i as f32) });
        *first(&smoothed(Smooth::OneEuro, frames)).last().unwrap()
    };
    assert!((0.18 - fast(1.0 / 300.0)).abs() > (0.18 - fast(1.0 / 3.0)).abs());
    // Times that stand still, or go back, change nothing.
    let still = smoothed(Smooth::OneEuro, (0..4).map(|i| Lifted { time: Some(1.0), ..frame(i, i as f32) }));
    assert_eq!(first(&still), [0.0, 1.0, 2.0, 3.0]);
    let still = smoothed(Smooth::Savgol, (0..9).map(|i| Lifted { time: Some(1.0), ..frame(i, i as f32) }));
    assert_eq!(first(&still), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]);
}

#[test]
fn nobody_is_smoothed_with_somebody_else() {
    let begins = |number: i32, x: f32| {
        let mut frame = frame(number, x);
        frame.people[0].begins = true;
        frame
    };
    for kind in [Smooth::OneEuro, Smooth::Savgol] {
        // A track that begins, another recording, somebody back after a while.
        let jump = (0..12).map(|i| if i == 6 { begins(i, 9.0) } else { frame(i, if i < 6 { 1.0 } else { 9.0 }) });
        let other = (0..12).map(|i| {
            let recording = Some(if i < 6 { "a" } else { "b" }.into());
            let mut frame = if i % 6 == 0 { begins(i % 6, 0.0) } else { frame(i % 6, 0.0) };
            frame.people[0].joints[0][0] = if i < 6 { 1.0 } else { 9.0 };
            Lifted { sequence: recording, ..frame }
        });
        for frames in [jump.collect::<Vec<_>>(), other.collect()] {
            let x = first(&smoothed(kind, frames));
            assert!(x[..6].iter().all(|x| (x - 1.0).abs() < 1e-5), "{kind}: {x:?}");
            assert!(x[6..].iter().all(|x| (x - 9.0).abs() < 1e-5), "{kind}: {x:?}");
        }
    }
}

#[test]
fn a_root_that_comes_and_goes_is_no_trouble() {
    for kind in [Smooth::OneEuro, Smooth::Savgol] {
        let frames = (0..20).map(|i| {
            let mut frame = frame(i, 0.5);
            frame.people[0].root = (i % 3 != 0).then_some([1.0, 2.0, 3.0]);
            frame
        });
        for (i, frame) in smoothed(kind, frames).iter().enumerate() {
            assert_eq!(frame.people[0].root.is_some(), i % 3 != 0, "{kind}");
        }
    }
}

#[test]
fn a_stream_of_strangers_takes_no_more_memory() {
    let mut smoother = Smoother::new(Smooth::OneEuro, None);
    for i in 0..1000 {
        let mut frame = frame(i, 0.0);
        frame.people[0].id = i64::from(i);
        smoother.push(frame, |_| {});
    }
    assert!(smoother.filters.len() <= 12, "{}", smoother.filters.len());
    let mut smoother = Smoother::new(Smooth::Savgol, None);
    (0..1000).for_each(|i| smoother.push(frame(i, 0.0), |_| {}));
    assert!(smoother.frames.len() <= 2 * REACH + 1);
}
