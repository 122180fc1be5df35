//! What users hold: lifters, adapters and tracks.

use isopose::adapt::{Adapter, Lifter, MODES, Policy, Pose, Start, Track};
use isopose::data::{PoseSet, Scenario, synthetic};
use isopose::gpu::Device;

use crate::device::devices;
use crate::models::{adaptation, few, lifter, model};

const JOINTS: usize = 16;

/// Three sequences of 16 poses.
fn poses() -> PoseSet {
    synthetic(Scenario::Target, 48, 3, JOINTS).unwrap()
}

fn frame(set: &PoseSet, pose: usize) -> &[[f32; 2]] {
    set.keypoints[2 * JOINTS * pose..2 * JOINTS * (pose + 1)].as_chunks().0
}

fn small(device: &Device) -> Lifter {
    lifter(&model(JOINTS, 20), device)
}

fn flat(poses: &[Pose]) -> Vec<f32> {
    poses.iter().flat_map(|pose| pose.joints.as_flattened()).copied().collect()
}

#[test]
fn a_track_frame_by_frame_equals_a_set() {
    let set = poses();
    for device in devices() {
        for mode in MODES {
            let policy = few(mode.policy);
            let whole = small(&device).adapter(policy).unwrap().track().push_set(&set, 0..48).unwrap();
            let adapter = small(&device).adapter(policy).unwrap();
            let mut track = adapter.track();
            let one = |pose: usize| track.push(frame(&set, pose), None).unwrap();
            let lifted: Vec<Pose> = (0..48).map(one).collect();
            assert_eq!(flat(&lifted), whole, "{mode} on {}", device.name());
            let adapted = |pose: usize| policy.start != Start::Never && pose.is_multiple_of(policy.every);
            assert!(lifted.iter().enumerate().all(|(pose, lifted)| lifted.adapted == adapted(pose)), "{mode}");
        }
    }
}

#[test]
fn adapters_share_the_trained_weights_and_nothing_else() {
    let (set, model) = (poses(), model(JOINTS, 64));
    for device in devices() {
        let shared = lifter(&model, &device);
        assert_eq!(shared.bytes(), 0, "weights come with the first adapter");
        let mut before = 0;
        for mode in MODES {
            let policy = few(mode.policy);
            let [first, second] = [0, 1].map(|_| shared.adapter(policy).unwrap());
            let held = shared.bytes();
            assert!(held > 0 && held >= before, "{mode}");
            before = held;
            // Two that share, by turns, and one that has a lifter of its own.
            let alone = lifter(&model, &device).adapter(policy).unwrap();
            let run = |adapter: &Adapter, range| adapter.track().push_set(&set, range).unwrap();
            for range in [0..5, 5..9] {
                let expected = run(&alone, range.clone());
                assert_eq!(run(&first, range.clone()), expected, "{mode} on {}", device.name());
                assert_eq!(run(&second, range), expected, "{mode} on {}", device.name());
            }
            assert_eq!(shared.bytes(), held, "{mode}: a second adapter brings no weights");
            first.reset().unwrap();
            alone.reset().unwrap();
            assert_eq!(run(&first, 0..5), run(&alone, 0..5), "{mode}: after a reset");
        }
        // Parameters as the device keeps them: (in + 1) x out, out padded to 4, or to 16 on the CPU.
        let one = if matches!(device, Device::Cpu(_)) { 16 } else { 4 };
        let (w, stem) = (64 * 65, 33 * 64);
        let (extractor, head, discriminator) = (stem + 6 * w, 2 * w + 65 * 48, stem + 6 * w + 65 * one);
        let norms = 2 * 64 * (6 + 2 + 2);
        let all = 4 * (extractor + 2 * head + discriminator + norms) as u64;
        assert_eq!(before, all, "every network once, and the folded norms");
        let own = |policy: Policy| shared.adapter(few(policy)).unwrap().bytes();
        let learnt = 4 * 3 * (extractor + head + discriminator) as u64;
        let [never, carry, source] = [Policy::BASELINE, Policy::ONLINE, Policy::VANILLA].map(own);
        let activations = 600_000;
        assert!(never < activations, "{never}");
        assert!((learnt..learnt + activations).contains(&carry), "parameters and two moments: {carry} of {learnt}");
        assert!((learnt..learnt + activations).contains(&source), "as much: {source} of {learnt}");
    }
}

#[test]
fn tracks_share_what_their_adapter_learns() {
    let set = poses();
    let policy = Policy { alpha: 1e-3, ..few(Policy::ONLINE) };
    let device = Device::Cpu(1);
    let push = |track: &mut Track, pose: usize| track.push(frame(&set, pose), None).unwrap();
    let fresh = push(&mut small(&device).adapter(policy).unwrap().track(), 20);
    let adapter = small(&device).adapter(policy).unwrap();
    let (mut first, mut second) = (adapter.track(), adapter.track());
    push(&mut first, 0);
    let taught = push(&mut second, 20);
    assert_ne!(taught, fresh, "the second person is lifted with what the first has taught");
    // Of their own adapters they know nothing of each other.
    let lifter = small(&device);
    let [a, b] = [0, 1].map(|_| lifter.adapter(policy).unwrap());
    push(&mut a.track(), 0);
    assert_eq!(push(&mut b.track(), 20), fresh);
}

#[test]
fn missing_joints_are_guessed_from_the_last_frame_until_a_cut() {
    let set = poses();
    let adapter = small(&Device::Cpu(1)).adapter(few(Policy::BASELINE)).unwrap();
    let mut confidence = [1.0; JOINTS];
    confidence[3] = 0.0;
    let mut lost = frame(&set, 1).to_vec();
    // What a detector writes there does not matter, be it no number at all.
    lost[3] = [f32::NAN; 2];
    let after = |frames: &[(i32, usize)], number: i32, cut: bool| {
        let mut track = adapter.track();
        for &(frame_number, pose) in frames {
            track.push_frame(frame_number, frame(&set, pose), None).unwrap();
        }
        if cut {
            track.cut();
        }
        track.push_frame(number, &lost, Some(&confidence)).unwrap()
    };
    let followed = after(&[(0, 0)], 1, false);
    assert_eq!(followed.guessed.iter().position(|guessed| *guessed), Some(3));
    assert!(followed.joints.as_flattened().iter().all(|v| v.is_finite()));
    let alone = after(&[], 1, false);
    assert_ne!(followed, alone, "the last frame says where the joint was");
    assert_eq!(after(&[(0, 0)], 1, true), alone, "but not across a cut");
    assert_eq!(after(&[(0, 0)], 11, false), alone, "nor eleven frames later");
    assert_eq!(after(&[(0, 0)], 10, false), followed, "ten are few enough");
}

#[test]
fn what_cannot_be_is_refused_by_name() {
    let set = poses();
    let adapter = small(&Device::Cpu(1)).adapter(few(Policy::ONLINE)).unwrap();
    let mut track = adapter.track();
    let good = frame(&set, 0);
    let mut refused = |keypoints: &[[f32; 2]], confidence: Option<&[f32]>, words: &[&str]| {
        let error = track.push(keypoints, confidence).unwrap_err().to_string();
        words.iter().for_each(|word| assert!(error.contains(word), "`{word}` is not in: {error}"));
    };
    refused(&good[1..], None, &["keypoints", "15 joints", "16"]);
    refused(good, Some(&[1.0; 17]), &["confidence", "17 joints"]);
    refused(good, Some(&[1.5; 16]), &["confidence", "joint 0", "1.5", "rescale"]);
    refused(good, Some(&[f32::NAN; 16]), &["confidence", "joint 0"]);
    let mut bad = good.to_vec();
    bad[7][1] = f32::INFINITY;
    refused(&bad, None, &["keypoints", "joint 7", "confidence 0"]);
    let other = synthetic(Scenario::Target, 4, 0, 17).unwrap();
    let error = adapter.track().push_set(&other, 0..4).unwrap_err().to_string();
    assert!(error.contains("17 joints") && error.contains("16"), "{error}");
    // An adapter for whole samples does not ignore that one lacks a joint.
    let whole = small(&Device::Cpu(1)).adapter(adaptation(Policy::ONLINE)).unwrap();
    let mut confidence = [1.0; JOINTS];
    confidence[5] = 0.0;
    let error = whole.track().push(good, Some(&confidence)).unwrap_err().to_string();
    assert!(error.contains("masked"), "{error}");
}

#[test]
fn everything_can_go_to_another_thread() {
    fn can<T: Send>() {}
    can::<Lifter>();
    can::<Adapter>();
    can::<Track>();
    let set = poses();
    let adapter = small(&Device::Cpu(1)).adapter(few(Policy::ONLINE)).unwrap();
    let pushed: Vec<Pose> = std::thread::scope(|scope| {
        let of = |first: usize| {
            let mut track = adapter.track();
            let set = &set;
            scope.spawn(move || track.push(frame(set, first), None).unwrap())
        };
        [of(0), of(20)].map(|thread| thread.join().unwrap()).to_vec()
    });
    assert!(flat(&pushed).iter().all(|v| v.is_finite()));
}
