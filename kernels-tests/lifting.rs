//! What users hold: lifters, adapters and tracks.

use isopose::adapt::{AdaptConfig, Adapter, Lifter, MODES, Policy, Pose, Start, Track};
use isopose::config::ModelConfig;
use isopose::data::{PoseSet, Scenario, synthetic};
use isopose::evaluate::{Stream, predict};
use isopose::gpu::Device;
use isopose::pose::Intrinsics;

use crate::device::devices;
use crate::models::{adaptation, checkpoint, few, keypoints, lifter, model};

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
            let policy = few(mode.paper);
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
fn a_track_that_knows_its_camera_equals_a_set_that_does() {
    let set = poses();
    let bare = PoseSet { intrinsics: None, ..set.clone() };
    let model = ModelConfig { rays: true, ..model(JOINTS, 20) };
    let camera = set.camera(0);
    for mode in MODES {
        let lifter = lifter(&model, &Device::Cpu(1));
        let policy = few(mode.paper);
        let track = || lifter.adapter(policy).unwrap().track();
        let whole = track().push_set(&set, 0..48).unwrap();
        // Frame by frame, and a set that leaves it to the track.
        let (mut live, mut given) = (track(), track());
        live.set_intrinsics(camera).unwrap();
        given.set_intrinsics(camera).unwrap();
        let lifted: Vec<Pose> = (0..48).map(|pose| live.push(frame(&set, pose), None).unwrap()).collect();
        assert_eq!(flat(&lifted), whole, "{mode}");
        assert_eq!(given.push_set(&bare, 0..48).unwrap(), whole, "{mode}");
        // Without a camera nothing is turned, and neither for a model without rays.
        let plain = ModelConfig { rays: false, ..model.clone() };
        let plain = crate::models::lifter(&plain, &Device::Cpu(1)).adapter(policy).unwrap();
        let as_seen = plain.track().push_set(&bare, 0..48).unwrap();
        assert_eq!(track().push_set(&bare, 0..48).unwrap(), as_seen, "{mode}");
        plain.reset().unwrap();
        assert_eq!(plain.track().push_set(&set, 0..48).unwrap(), as_seen, "{mode}");
        assert_ne!(whole, as_seen, "{mode}");
    }
    let stream = Stream::default();
    let config = AdaptConfig { masked: false, ..few(Policy::ONLINE).into() };
    let lifter = lifter(&model, &Device::Cpu(1));
    let evaluated = predict(&lifter, &config, &set, &stream, |_| Ok(())).unwrap().poses;
    assert_eq!(evaluated, lifter.adapter(config).unwrap().track().push_set(&set, 0..48).unwrap());
}

#[test]
fn predictions_are_in_the_axes_of_the_camera_as_it_stands() {
    // One person in the image's middle, and seen by a camera that looks aside: the prediction is the same, turned.
    let set = poses();
    let model = ModelConfig { rays: true, ..model(JOINTS, 20) };
    let adapter = lifter(&model, &Device::Cpu(1)).adapter(Policy::BASELINE).unwrap();
    let camera = set.camera(0).unwrap();
    let mut x = frame(&set, 0).as_flattened().to_vec();
    let turn = camera.turn(&mut x);
    let middle: Vec<[f32; 2]> =
        x.as_chunks::<2>().0.iter().map(|[x, y]| [1145.0 * x + 500.0, 1145.0 * y + 500.0]).collect();
    let push = |keypoints: &[[f32; 2]]| {
        let mut track = adapter.track();
        track.set_intrinsics(Some(camera)).unwrap();
        track.push(keypoints, None).unwrap().joints
    };
    let mut turned = push(frame(&set, 0)).as_flattened().to_vec();
    turn.apply(&mut turned);
    let apart = turned.iter().zip(push(&middle).as_flattened()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(apart < 1e-3, "{apart}: pixels are rounded");
}

#[test]
fn adapters_share_the_trained_weights_and_nothing_else() {
    let (set, model) = (poses(), model(JOINTS, 64));
    for device in devices() {
        let shared = lifter(&model, &device);
        assert_eq!(shared.bytes(), 0, "weights come with the first adapter");
        let mut before = 0;
        for mode in MODES {
            let policy = few(mode.paper);
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
    let mut track = adapter.track();
    let camera = |focal: f64, middle: f64| Some(Intrinsics { focal: [focal, 1000.0], center: [500.0, middle] });
    for (camera, words) in [
        (camera(0.0, 500.0), "a focal length of 0"),
        (camera(-1.0, 500.0), "a focal length of -1"),
        (camera(f64::NAN, 500.0), "NaN is not finite"),
        (camera(1000.0, f64::INFINITY), "inf is not finite"),
    ] {
        let error = track.set_intrinsics(camera).unwrap_err().to_string();
        assert!(error.starts_with("intrinsics: ") && error.contains(words) && error.contains("fx, fy"), "{error}");
    }
    track.set_intrinsics(None).unwrap();
    // An adapter for whole samples does not ignore that one lacks a joint.
    let whole = small(&Device::Cpu(1)).adapter(adaptation(Policy::ONLINE)).unwrap();
    let mut confidence = [1.0; JOINTS];
    confidence[5] = 0.0;
    let error = whole.track().push(good, Some(&confidence)).unwrap_err().to_string();
    assert!(error.contains("masked"), "{error}");
}

#[test]
fn parameters_of_another_model_are_refused() {
    let (model, device) = (model(JOINTS, 20), Device::Cpu(1));
    let refused = |change: &dyn Fn(&mut isopose::checkpoint::Tensors), word: &str| {
        let mut parameters = checkpoint(&model).parameters;
        change(&mut parameters);
        let error = Lifter::new(model.clone(), parameters, &device).err().unwrap();
        assert!(matches!(error, isopose::Error::Setting { setting: "parameters", .. }), "{error}");
        assert!(error.to_string().contains(word), "{error}");
    };
    let stem = "extractor.stem.weight";
    refused(&|tensors| tensors.get_mut(stem).unwrap().shape.reverse(), "expected shape [20, 32], found [32, 20]");
    refused(&|tensors| tensors.get_mut(stem).unwrap().data.truncate(7), "(7 values)");
    refused(&|tensors| drop(tensors.remove("fsl.out.bias")), "fsl.out.bias: this tensor is missing");
    let other = || isopose::checkpoint::Tensor { shape: vec![1], data: vec![0.0] };
    refused(&|tensors| drop(tensors.insert("other".to_owned(), other())), "other: this tensor is no part");
}

#[test]
fn sets_and_ranges_that_do_not_fit_are_refused() {
    let adapter = small(&Device::Cpu(1)).adapter(few(Policy::BASELINE)).unwrap();
    let refused = |set: &PoseSet, range: std::ops::Range<usize>, word: &str| {
        let error = adapter.track().push_set(set, range).unwrap_err();
        assert!(error.exit_code() == 2 && error.to_string().contains(word), "{error}");
    };
    for (first, end) in [(0, 49), (48, 49), (5, 3), (60, 50), (0, usize::MAX)] {
        refused(&poses(), first..end, &format!("{first}..{end} is no range of its 48 poses"));
    }
    type Change = fn(&mut PoseSet);
    let changes: [(&str, Change); 5] = [
        ("keypoints", |set| set.keypoints.truncate(7)),
        ("sequence", |set| set.sequence.as_mut().unwrap().truncate(40)),
        ("frame", |set| set.frame.as_mut().unwrap().truncate(1)),
        ("confidence", |set| set.confidence = Some(vec![0.0; 3])),
        ("positions", |set| set.positions = Some(vec![0.0; 3])),
    ];
    for (field, change) in changes {
        let mut set = poses();
        change(&mut set);
        refused(&set, 0..set.len(), &format!("`{field}` does not match"));
    }
}

#[test]
fn numbers_that_no_sample_has_are_refused() {
    let lifter = small(&Device::Cpu(1));
    let xs = crate::models::keypoints(2, JOINTS);
    let given = AdaptConfig { draw_views: false, ..few(Policy::ONLINE).into() };
    let adapter = lifter.adapter(given).unwrap();
    let names = |result: isopose::Result<Vec<f32>>, word: &str| {
        let error = result.unwrap_err();
        assert!(error.exit_code() == 2 && error.to_string().contains(word), "{error}");
    };
    for bad in [f32::NAN, f32::INFINITY] {
        let mut wrong = xs.clone();
        wrong[2 * JOINTS + 6] = bad;
        names(adapter.run(&wrong, None), "keypoints: sample 1, joint 3");
    }
    for bad in [0.5, -1.0, f32::NAN] {
        let mut seen = vec![1.0; 2 * JOINTS];
        seen[4] = bad;
        names(adapter.run(&xs, Some(&seen)), "seen");
    }
    let policy = few(Policy::ONLINE);
    let views = vec![0.1; 2 * policy.iterations * policy.copies];
    adapter.give_views(&views).unwrap();
    for wrong in [&views[1..], &[views.clone(), views.clone()].concat()] {
        assert!(adapter.give_views(wrong).unwrap_err().to_string().contains("views"));
    }
    assert!(adapter.run(&xs, None).is_ok());
}

#[test]
fn what_is_not_finite_is_blamed_on_what_made_it_so() {
    let xs = crate::models::keypoints(4, JOINTS);
    let policy = Policy { alpha: 1e38, ..few(Policy::ONLINE) };
    let error = small(&Device::Cpu(1)).adapter(policy).unwrap().run(&xs, None).unwrap_err();
    assert!(matches!(error, isopose::Error::Diverged(_)), "{error}");
    assert!(error.to_string().contains("use an `alpha` below 1e38"), "{error}");
    // Finite parameters whose products are not.
    let model = model(JOINTS, 20);
    let mut parameters = checkpoint(&model).parameters;
    parameters.get_mut("fsl.out.weight").unwrap().data.fill(3e38);
    let broken = Lifter::new(model, parameters, &Device::Cpu(1)).unwrap();
    for policy in [few(Policy::BASELINE), few(Policy::ONLINE)] {
        let error = broken.adapter(policy).unwrap().run(&xs, None).unwrap_err().to_string();
        assert!(error.contains("the model itself is at fault") && !error.contains("alpha"), "{error}");
    }
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

#[test]
fn parameters_are_the_source_s_before_the_first_sample_and_after_a_reset() {
    let lifter = small(&Device::Cpu(1));
    for policy in [Policy::VANILLA, Policy::ONLINE].map(few) {
        let adapter = lifter.adapter(AdaptConfig { masked: false, ..policy.into() }).unwrap();
        let stem = || adapter.parameters().unwrap()["extractor.stem.weight"].clone();
        let source = &lifter.parameters()["extractor.stem.weight"];
        assert_eq!(stem(), *source, "{:?}", policy.start);
        adapter.run(&keypoints(2, 16), None).unwrap();
        assert_ne!(stem(), *source, "{:?}", policy.start);
        adapter.reset().unwrap();
        assert_eq!(stem(), *source, "{:?}, after a reset", policy.start);
    }
}
