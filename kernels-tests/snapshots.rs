//! Adaptations that are written down and gone on with: the same bits as if they had never stopped.

use isopose::adapt::{AdaptConfig, Adapter, Mode, Policy, Snapshot, Start};
use isopose::config::ModelConfig;
use isopose::data::{PoseSet, Scenario, synthetic};
use isopose::gpu::Device;
use isopose::pose::Fill;

use crate::device::devices;
use crate::models::{adaptation, geometry, keypoints, lifter, model};

const SIZE: usize = 2 * 16;

fn bits(numbers: &[f32]) -> Vec<u32> {
    numbers.iter().map(|v| v.to_bits()).collect()
}

/// A model of either preset with policies of `start`: as the modes have it and, of those that carry on, skipping too.
fn cases(start: Start) -> Vec<(ModelConfig, Policy)> {
    let modes = || [Mode::BASELINE, Mode::VANILLA, Mode::ONLINE, Mode::ONLINE_SKIP];
    let of_model = |model: ModelConfig| {
        let policies = modes().into_iter().filter(|mode| mode.start() == start).map(|mode| mode.policy(&model));
        policies.map(|policy| Policy { every: policy.every.min(3), ..policy }).map(|p| (model.clone(), p)).collect()
    };
    [model(16, 20), geometry(16, 20)].into_iter().flat_map(|model| -> Vec<_> { of_model(model) }).collect()
}

/// A case on each device.
fn everywhere<T: Clone>(case: T) -> Vec<(T, Device)> {
    devices().into_iter().map(|device| (case.clone(), device)).collect()
}

/// Numbers to a file and back: what a snapshot says is all there is to it.
fn copied(snapshot: &Snapshot) -> Snapshot {
    let tensors = snapshot.tensors.iter().map(|(name, words)| (name.clone(), bits(words)));
    let back = |words: Vec<u32>| words.into_iter().map(f32::from_bits).collect();
    Snapshot { tensors: tensors.map(|(name, words)| (name, back(words))).collect(), ..snapshot.clone() }
}

/// What an adapter knows after it has run these.
fn after(adapter: &Adapter, xs: &[f32]) -> (Vec<u32>, Snapshot, String) {
    let poses = bits(&adapter.run(xs, None).unwrap());
    (poses, adapter.snapshot().unwrap(), format!("{:?}", adapter.losses().unwrap()))
}

#[test]
fn an_adaptation_goes_on_from_a_snapshot_to_the_bit() {
    let xs = keypoints(9, 16);
    let (before, rest) = xs.split_at(4 * SIZE);
    for ((model, policy), device) in cases(Start::Carry).into_iter().flat_map(everywhere) {
        let what = format!("{}, every {}, on {}", model.ssl, policy.every, device.name());
        let lifter = lifter(&model, &device);
        let adapter = lifter.adapter(adaptation(policy)).unwrap();
        adapter.run(before, None).unwrap();
        let snapshot = adapter.snapshot().unwrap();
        assert_eq!(snapshot.samples, 4);
        let whole = after(&adapter, rest);
        assert_ne!(whole.1.tensors, snapshot.tensors, "{what}: the rest must teach something");

        adapter.restore(&snapshot).unwrap();
        assert!(whole == after(&adapter, rest), "{what}: the same adapter");
        let other = lifter.adapter(adaptation(policy)).unwrap();
        other.restore(&copied(&snapshot)).unwrap();
        assert_eq!(other.snapshot().unwrap(), snapshot, "{what}: read back");
        assert!(whole == after(&other, rest), "{what}: a new adapter");

        other.reset().unwrap();
        assert!(whole.0 != after(&other, rest).0, "{what}: from the source it must be otherwise");
        let error = other.seek(4).unwrap_err().to_string();
        assert!(error.contains("restore a snapshot"), "{error}");
    }
}

#[test]
fn what_forgets_goes_to_any_sample() {
    let xs = keypoints(9, 16);
    let forgetful = || [Start::Source, Start::Never].into_iter().flat_map(cases);
    for ((model, policy), device) in forgetful().flat_map(everywhere) {
        let lifter = lifter(&model, &device);
        for at_once in [1, 3] {
            let what = format!("{}, {:?} of {at_once}, on {}", model.ssl, policy.start, device.name());
            let adapts = policy.start == Start::Source;
            let (instances, batch) = if adapts { (at_once, 1) } else { (1, at_once) };
            let config = AdaptConfig { instances, batch, ..adaptation(policy) };
            let whole = lifter.adapter(config.clone()).unwrap().run(&xs, None).unwrap();
            let adapter = lifter.adapter(config).unwrap();
            adapter.seek(5).unwrap();
            let rest = adapter.run(&xs[5 * SIZE..], None).unwrap();
            assert!(bits(&whole[5 * 48..]) == bits(&rest), "{what}");
            // The random views are those of the sample, not of the call.
            adapter.seek(0).unwrap();
            let astray = adapter.run(&xs[5 * SIZE..], None).unwrap();
            assert_eq!(bits(&astray) == bits(&rest), !adapts, "{what}");
        }
    }
}

#[test]
fn snapshots_of_others_are_refused_and_change_nothing() {
    let model = geometry(16, 20);
    let lifter = lifter(&model, &Device::Cpu(1));
    let config = adaptation(Mode::ONLINE.policy(&model));
    let adapter = lifter.adapter(config.clone()).unwrap();
    adapter.run(&keypoints(2, 16), None).unwrap();
    let whole = adapter.snapshot().unwrap();
    let fresh = lifter.adapter(config.clone()).unwrap();
    let start = fresh.snapshot().unwrap();
    let (mut short, mut less, mut more, mut other) = (whole.clone(), whole.clone(), whole.clone(), whole.clone());
    short.tensors.get_mut("extractor.stem").unwrap().pop();
    less.tensors.pop_last();
    more.tensors.insert("extra".to_owned(), vec![0.0]);
    other.state[0] += 1;
    for (snapshot, said) in [
        (short, "its tensor `extractor.stem` has 659 numbers, not 660"),
        (less, "it has no tensor `"),
        (more, "its tensor `extra`"),
        (other, "its `seed` is 10, not 9"),
    ] {
        let error = fresh.restore(&snapshot).unwrap_err();
        assert!(matches!(error, isopose::Error::Setting { setting: "snapshot", .. }), "{error}");
        assert!(error.to_string().contains(said), "{error}");
        assert_eq!(fresh.snapshot().unwrap(), start);
    }
    fresh.restore(&whole).unwrap();
    assert_eq!(fresh.snapshot().unwrap(), whole);
}

/// A set whose frames lack joints, so that each is filled in from the one before.
fn with_gaps() -> PoseSet {
    let mut set = synthetic(Scenario::Source, 12, 1, 16).unwrap();
    let lacks = |index: usize| index / 16 > 0 && (index * 7).is_multiple_of(5);
    set.confidence = Some((0..12 * 16).map(|index| if lacks(index) { 0.0 } else { 1.0 }).collect());
    set
}

#[test]
fn a_track_goes_on_where_another_left_off() {
    let set = with_gaps();
    for ((model, policy), device) in [Start::Source, Start::Never].into_iter().flat_map(cases).flat_map(everywhere) {
        let config = AdaptConfig { masked: true, ..adaptation(policy) };
        let lifter = lifter(&model, &device);
        let adapter = || lifter.adapter(config.clone()).unwrap();
        let whole = adapter().track().push_set(&set, 0..12).unwrap();
        let mut track = adapter().track_filled(Fill::LastFrame);
        track.skip_set(&set, 0..7).unwrap();
        track.adapter().seek(7).unwrap();
        let rest = track.push_set(&set, 7..12).unwrap();
        let what = format!("{}, {:?} on {}", model.ssl, policy.start, device.name());
        assert!(bits(&whole[7 * 48..]) == bits(&rest), "{what}");
        // Without the frame before, joints are filled in otherwise.
        let mut track = adapter().track();
        track.adapter().seek(7).unwrap();
        assert!(bits(&track.push_set(&set, 7..12).unwrap()) != bits(&rest), "{what}");
        assert!(track.skip_set(&set, 7..13).is_err());
    }
}
