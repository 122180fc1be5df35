//! People before a camera: who is who, what they share, what a cut and a budget do.

use std::time::{Duration, Instant};

use isopose::Error;
use isopose::adapt::{Lifter, Mode, Policy};
use isopose::config::ModelConfig;
use isopose::data::{PoseSet, Scenario, synthetic};
use isopose::gpu::Device;
use isopose::lift::{Frame, Lifted, Person, Recorded, Session, SessionConfig, View};
use isopose::pose::Layout;

use crate::device::devices;
use crate::models::{few, lifter, model};

const JOINTS: usize = 16;

fn poses() -> PoseSet {
    synthetic(Scenario::Target, 48, 3, JOINTS).unwrap()
}

fn small(device: &Device) -> Lifter {
    lifter(&ModelConfig { rays: true, ..model(JOINTS, 20) }, device)
}

/// A pose of the set, moved to the right by so many pixels.
fn person(set: &PoseSet, pose: usize, id: Option<i64>, right: f32) -> Person {
    let points = set.keypoints[2 * JOINTS * pose..][..2 * JOINTS].as_chunks::<2>().0;
    let keypoints = points.iter().map(|[x, y]| [x + right, *y]).collect();
    Person { id, keypoints, confidence: Vec::new() }
}

fn frame(number: i32, people: Vec<Person>) -> Frame {
    Frame { number: Some(number), people, ..Frame::default() }
}

fn session(lifter: &Lifter, config: impl Into<SessionConfig>) -> Session {
    let mut session = Session::new(lifter, config).unwrap();
    session.set_view(View { layout: Layout::named("h36m16").unwrap(), ..View::default() }).unwrap();
    session
}

fn ids(lifted: &Lifted) -> Vec<i64> {
    lifted.people.iter().map(|person| person.id).collect()
}

fn online() -> Policy {
    few(Mode::ONLINE.paper)
}

#[test]
fn a_session_of_one_person_equals_a_track() {
    let set = poses();
    for device in devices() {
        let lifter = small(&device);
        for mode in [Mode::BASELINE, Mode::VANILLA, Mode::ONLINE, Mode::ONLINE_SKIP] {
            let policy = few(mode.paper);
            let whole = lifter.adapter(policy).unwrap().track().push_set(&set, 0..48).unwrap();
            let mut session = session(&lifter, policy);
            let (mut poses, mut roots) = (Vec::new(), 0);
            for (view, frame) in Recorded::new(&set, false).frames() {
                session.set_view(view).unwrap();
                for person in session.push(&frame).unwrap().people {
                    poses.extend_from_slice(person.joints.as_flattened());
                    assert_eq!(person.adapted, person.losses.is_some());
                    roots += usize::from(person.root.is_some());
                }
            }
            assert_eq!(poses, whole, "{mode} on {}", device.name());
            assert!(roots > 0, "{mode}: the camera is known");
            let counts = session.counts();
            assert_eq!((counts.frames, counts.people, counts.skipped, counts.diverged), (48, 48, 0, 0), "{mode}");
            let adapted = (0..48).filter(|i| mode.adapts() && i % policy.every == 0).count() as u64;
            assert_eq!(counts.adapted, adapted, "{mode}");
        }
    }
}

#[test]
fn people_share_what_one_teaches_unless_they_are_kept_apart() {
    let (set, lifter) = (poses(), small(&Device::Cpu(1)));
    let two = |i: usize| vec![person(&set, i, Some(7), 0.0), person(&set, 16 + i, Some(-2), 900.0)];
    let run = |config: SessionConfig| {
        let mut session = session(&lifter, config);
        let lifted: Vec<Lifted> = (0..8).map(|i| session.push(&frame(i, two(i as usize))).unwrap()).collect();
        assert!(lifted.iter().all(|lifted| ids(lifted) == [7, -2]));
        let of = |who: usize| lifted.iter().map(|lifted| lifted.people[who].joints.clone()).collect::<Vec<_>>();
        [of(0), of(1)]
    };
    let alone = |first: usize, right: f32| {
        let adapter = lifter.adapter(online()).unwrap();
        let mut track = adapter.track();
        let pose = |i| track.push(&person(&set, first + i, None, right).keypoints, None).unwrap().joints;
        (0..8).map(pose).collect::<Vec<_>>()
    };
    let apart = run(SessionConfig { adapt_per_track: true, ..online().into() });
    assert_eq!(apart, [alone(0, 0.0), alone(16, 900.0)]);
    let shared = run(online().into());
    // The first sample comes before anybody has taught anything.
    assert_eq!(shared[0][0], apart[0][0]);
    assert_ne!(shared[0][1..], apart[0][1..]);
    let adapter = lifter.adapter(online()).unwrap();
    let mut tracks = [adapter.track(), adapter.track()];
    for i in 0..8 {
        for ((track, shared), person) in tracks.iter_mut().zip(&shared).zip(two(i)) {
            assert_eq!(track.push(&person.keypoints, None).unwrap().joints, shared[i]);
        }
    }
}

#[test]
fn who_has_no_number_is_followed_and_numbers_do_not_meet() {
    let (set, lifter) = (poses(), small(&Device::Cpu(1)));
    let mut session = session(&lifter, Policy::BASELINE);
    let mut push = |number: i32, people: Vec<Person>| session.push(&frame(number, people)).unwrap();
    let at = |right: f32| person(&set, 0, None, right);
    assert_eq!(ids(&push(0, vec![at(0.0), at(2000.0)])), [1, 2]);
    // They come in another order; a third enters, and the first leaves for a while.
    assert_eq!(ids(&push(1, vec![at(2005.0), at(4000.0), at(3.0)])), [2, 3, 1]);
    assert_eq!(ids(&push(2, vec![at(2005.0), at(4000.0)])), [2, 3]);
    let back = push(9, vec![at(0.0), at(2005.0)]);
    assert_eq!((ids(&back), back.people[0].begins), (vec![1, 2], false));
    assert_eq!(ids(&push(40, vec![at(0.0)])), [4], "after a while it is somebody new");
    // A number that the input gives is that; who was called so by us is called something else.
    let given = push(41, vec![person(&set, 0, Some(4), 4000.0), at(0.0)]);
    assert_eq!(ids(&given), [4, 5]);
    let before = push(41, vec![at(0.0), person(&set, 0, Some(5), 4000.0)]);
    assert_eq!(ids(&before), [6, 5], "also where we come first in the frame");
    // A number that several have is nobody's.
    let all = push(42, vec![person(&set, 0, Some(0), 0.0), person(&set, 0, Some(0), 8000.0)]);
    assert_eq!(ids(&all), [6, 7]);
    let last = push(43, vec![person(&set, 0, Some(i64::MAX), 0.0), at(8000.0), at(20_000.0)]);
    assert_eq!(ids(&last), [i64::MAX, 7, 1], "after the last number come the first again");
}

#[test]
fn numbers_that_change_over_begin_anew_and_a_frame_without_anybody_is_one() {
    let (set, lifter) = (poses(), small(&Device::Cpu(1)));
    let mut session = session(&lifter, Policy::BASELINE);
    let two = |a: i64, b: i64| vec![person(&set, 0, Some(a), 0.0), person(&set, 1, Some(b), 3000.0)];
    let begins = |lifted: &Lifted| lifted.people.iter().map(|person| person.begins).collect::<Vec<_>>();
    assert_eq!(begins(&session.push(&frame(0, two(1, 2))).unwrap()), [true, true]);
    assert_eq!(begins(&session.push(&frame(1, two(1, 2))).unwrap()), [false, false]);
    assert_eq!(begins(&session.push(&frame(2, two(2, 1))).unwrap()), [true, true], "they are each where the other was");
    assert_eq!(session.counts().cuts, 0, "but the scene is the same");
    let nobody = Person { keypoints: vec![[0.0; 2]; JOINTS], ..Person::default() };
    let empty = session.push(&frame(3, vec![nobody])).unwrap();
    assert_eq!((empty.people.len(), empty.frame), (0, 3));
    assert_eq!(session.push(&Frame::default()).unwrap().frame, 4, "without a number it follows");
    assert_eq!(begins(&session.push(&frame(5, two(2, 1))).unwrap()), [false, false]);
}

#[test]
fn a_cut_starts_again_where_that_is_asked_for() {
    let (set, lifter) = (poses(), small(&Device::Cpu(1)));
    let scene = |i: i32, right: f32| frame(i, vec![person(&set, i as usize % 8, None, right)]);
    for reset_on_cut in [false, true] {
        let config = || SessionConfig { reset_on_cut, ..online().into() };
        let fresh = session(&lifter, config()).push(&scene(6, 5000.0)).unwrap();
        // Another place; another recording; a number that goes back.
        let sequenced = Frame { sequence: Some("b".into()), ..scene(6, 5000.0) };
        for (after, cuts) in [(scene(6, 5000.0), 1), (sequenced, 1), (Frame { number: Some(2), ..scene(6, 5000.0) }, 1)]
        {
            let mut session = session(&lifter, config());
            (0..6).for_each(|i| _ = session.push(&scene(i, 0.0)).unwrap());
            let lifted = session.push(&after).unwrap();
            assert_eq!(session.counts().cuts, cuts);
            assert!(lifted.people[0].begins);
            assert_eq!(lifted.people[0].joints == fresh.people[0].joints, reset_on_cut);
        }
    }
}

#[test]
fn more_people_than_are_remembered_are_all_lifted_and_the_longest_unused_is_forgotten() {
    let (set, lifter) = (poses(), small(&Device::Cpu(1)));
    for adapt_per_track in [false, true] {
        let config = SessionConfig { max_tracks: 2, adapt_per_track, ..online().into() };
        let mut session = session(&lifter, config);
        let people = |ids: &[i64]| ids.iter().map(|id| person(&set, 0, Some(*id), 3000.0 * *id as f32)).collect();
        let mut push = |number: i32, ids: &[i64]| session.push(&frame(number, people(ids))).unwrap();
        push(0, &[1, 2]);
        push(1, &[2]);
        // 3 takes the place of 1, who was away the longest.
        let lifted = push(2, &[3, 2]);
        assert_eq!((lifted.people[0].begins, lifted.people[1].begins), (true, false));
        let first = push(3, &[1]);
        assert!(first.people[0].begins);
        if adapt_per_track {
            let alone = lifter.adapter(online()).unwrap().track().push(&person(&set, 0, None, 3000.0).keypoints, None);
            assert_eq!(first.people[0].joints, alone.unwrap().joints, "nothing is left of the one before");
        }
        assert_eq!(push(4, &[1, 2, 3, 4]).people.len(), 4);
        assert_eq!(session.counts().crowded, 1);
    }
}

#[test]
fn without_time_nobody_is_adapted_to_and_everybody_lifted_as_trained() {
    let set = poses();
    for device in devices() {
        let lifter = small(&device);
        let mut baseline = session(&lifter, Policy::BASELINE);
        let trained: Vec<Lifted> =
            (0..6).map(|i| baseline.push(&frame(i, vec![person(&set, i as usize, None, 0.0)])).unwrap()).collect();
        for mode in [Mode::VANILLA, Mode::ONLINE] {
            let config = SessionConfig { budget: Some(Duration::from_nanos(1)), ..few(mode.paper).into() };
            let mut session = session(&lifter, config);
            for (i, trained) in trained.iter().enumerate() {
                let lifted = session.push(&frame(i as i32, vec![person(&set, i, None, 0.0)])).unwrap();
                assert!(!lifted.people[0].adapted && lifted.people[0].losses.is_none());
                assert_eq!(lifted.people[0].joints, trained.people[0].joints, "{mode} on {}", device.name());
            }
            assert_eq!((session.counts().skipped, session.counts().adapted), (6, 0), "{mode}");
        }
        // With time for all, it is as without a budget; frames that waited long are not adapted to.
        let config = SessionConfig { budget: Some(Duration::from_secs(60)), as_trained: true, ..online().into() };
        let mut session = session(&lifter, config);
        let first = frame(0, vec![person(&set, 0, None, 0.0)]);
        let lifted = session.push(&first).unwrap();
        assert!(lifted.people[0].adapted);
        assert_eq!(lifted.people[0].trained.as_ref(), Some(&trained[0].people[0].joints));
        let long_ago = Instant::now().checked_sub(Duration::from_secs(61)).unwrap();
        assert!(!session.push_read(&frame(1, first.people), long_ago).unwrap().people[0].adapted);
    }
}

#[test]
fn adaptation_that_leads_astray_starts_again() {
    let (set, lifter) = (poses(), small(&Device::Cpu(1)));
    let mut session = session(&lifter, Policy { alpha: 1e30, ..online() });
    let trained = lifter.adapter(Policy::BASELINE).unwrap();
    for i in 0..3 {
        let lifted = session.push(&frame(i, vec![person(&set, i as usize, None, 0.0)])).unwrap();
        let expected = trained.track().push(&person(&set, i as usize, None, 0.0).keypoints, None).unwrap();
        assert_eq!(lifted.people[0].joints, expected.joints);
        assert!(!lifted.people[0].adapted);
    }
    assert_eq!(session.counts().diverged, 3);
}

#[test]
fn a_frame_that_cannot_be_changes_nothing() {
    let (set, lifter) = (poses(), small(&Device::Cpu(1)));
    let [mut one, mut other] = [0, 1].map(|_| session(&lifter, online()));
    let good = |i: i32| frame(i, vec![person(&set, i as usize, None, 0.0)]);
    one.push(&good(0)).unwrap();
    other.push(&good(0)).unwrap();
    let mut short = person(&set, 1, None, 0.0);
    short.keypoints.pop();
    let bad = frame(1, vec![person(&set, 1, None, 0.0), short]);
    assert!(matches!(one.push(&bad), Err(Error::Setting { setting: "keypoints", .. })));
    assert_eq!(one.push(&good(1)).unwrap().people, other.push(&good(1)).unwrap().people);
    for config in [
        SessionConfig { max_tracks: 0, ..online().into() },
        SessionConfig { budget: Some(Duration::ZERO), ..online().into() },
    ] {
        assert!(matches!(Session::new(&lifter, config), Err(Error::Setting { .. })));
    }
}

#[test]
fn joints_of_little_confidence_are_missing_and_more_than_one_is_one() {
    let (set, lifter) = (poses(), small(&Device::Cpu(1)));
    let mut session = session(&lifter, SessionConfig { min_score: 0.3, ..Policy::BASELINE.into() });
    let mut given = person(&set, 0, None, 0.0);
    given.confidence = vec![0.9; JOINTS];
    (given.confidence[2], given.confidence[3], given.confidence[4]) = (0.29, 0.3, 5.5);
    given.keypoints[5] = [0.0; 2];
    let lifted = session.push(&frame(0, vec![given])).unwrap();
    let person = &lifted.people[0];
    assert_eq!((person.confidence[2], person.confidence[3], person.confidence[4]), (0.0, 0.3, 1.0));
    assert_eq!((person.guessed[2], person.guessed[3], person.guessed[5]), (true, false, true));
    assert_eq!(person.keypoints[2], [0.0; 2]);
}
