//! Samples that cannot be predicted: left out, as if there had been no time to adapt to them, while the rest goes on.

use isopose::Error;
use isopose::adapt::{AdaptConfig, Adapter, Lot, Mode, Policy, Start};
use isopose::config::ModelConfig;
use isopose::data::{Scenario, synthetic};
use isopose::gpu::Device;

use crate::device::devices;
use crate::models::{adaptation, adapter, geometry, keypoints, model};

const SIZE: usize = 2 * 16;
const POSE: usize = 3 * 16;

fn bits(numbers: &[f32]) -> Vec<u32> {
    numbers.iter().map(|v| v.to_bits()).collect()
}

/// Eleven samples, some of which no network can take.
fn samples(bad: &[usize]) -> Vec<f32> {
    let mut xs = keypoints(11, 16);
    bad.iter().for_each(|sample| xs[sample * SIZE..][..SIZE].fill(3e38));
    xs
}

fn cases() -> Vec<(ModelConfig, AdaptConfig)> {
    let of_model = |model: ModelConfig| {
        let skip = Policy { every: 2, ..Mode::ONLINE_SKIP.policy(&model) };
        let config = |mode: Mode| adaptation(mode.policy(&model));
        let configs = [
            AdaptConfig { batch: 3, ..config(Mode::BASELINE) },
            AdaptConfig { instances: 3, ..config(Mode::VANILLA) },
            AdaptConfig { capacity: 1, ..config(Mode::VANILLA_LR) },
            config(Mode::ONLINE),
            adaptation(skip),
        ];
        configs.map(|config| (model.clone(), config))
    };
    [model(16, 20), geometry(16, 20)].into_iter().flat_map(of_model).collect()
}

/// Goes past the next sample without a look at it.
fn pass(adapter: &Adapter) {
    let mut snapshot = adapter.snapshot().unwrap();
    snapshot.samples += 1;
    adapter.restore(&snapshot).unwrap();
}

#[test]
fn samples_that_cannot_be_predicted_are_left_out() {
    for ((model, config), device) in
        cases().into_iter().flat_map(|case| devices().into_iter().map(move |d| (case.clone(), d)))
    {
        // Alone, two in a row, one that is not adapted to where every second is, the last.
        for bad in [&[4][..], &[4, 5, 9], &[3, 10]] {
            let what = format!("{}, {:?} without {bad:?} on {}", model.ssl, config.policy.start, device.name());
            let xs = samples(bad);
            let Lot { poses, failed } = adapter(&model, &config, &device).run_each(&xs, None).unwrap();
            let indices: Vec<usize> = failed.iter().map(|(index, _)| *index).collect();
            assert_eq!(indices, bad, "{what}");
            assert!(failed.iter().all(|(_, why)| why.contains("not finite")), "{what}: {failed:?}");
            let reference = adapter(&model, &config, &device);
            for sample in 0..11 {
                let pose = &poses[sample * POSE..][..POSE];
                if bad.contains(&sample) {
                    assert!(pose.iter().all(|v| v.is_nan()), "{what}: {sample}");
                    pass(&reference);
                } else {
                    let expected = reference.run(&xs[sample * SIZE..][..SIZE], None).unwrap();
                    assert!(bits(pose) == bits(&expected), "{what}: {sample}");
                }
            }
        }
    }
}

#[test]
fn a_run_that_fails_changes_nothing() {
    for (model, config) in cases() {
        let adapter = |config: &AdaptConfig| adapter(&model, config, &Device::Cpu(1));
        let (failing, fresh) = (adapter(&config), adapter(&config));
        assert!(matches!(failing.run(&samples(&[5]), None), Err(Error::Diverged(_))));
        // The samples up to the bad one went to the device with it, but where each goes alone.
        let done = failing.snapshot().unwrap().samples as usize;
        assert_eq!(done, if config.capacity == 1 { 5 } else { 0 });
        let good = samples(&[]);
        let (whole, rest) = (fresh.run(&good, None).unwrap(), failing.run(&good[done * SIZE..], None).unwrap());
        assert!(bits(&whole[done * POSE..]) == bits(&rest), "{}, {:?}", model.ssl, config.policy.start);
    }
}

#[test]
fn what_was_learnt_and_lets_nothing_be_predicted_is_forgotten() {
    for (model, config) in cases().into_iter().filter(|(_, config)| config.policy.start == Start::Carry) {
        let adapter = |config: &AdaptConfig| adapter(&model, config, &Device::Cpu(1));
        let (broken, fresh) = (adapter(&config), adapter(&config));
        let mut snapshot = broken.snapshot().unwrap();
        snapshot.tensors.get_mut("extractor.stem").unwrap().fill(3e38);
        broken.restore(&snapshot).unwrap();
        let xs = samples(&[]);
        let Lot { poses, failed } = broken.run_each(&xs, None).unwrap();
        assert_eq!(failed.len(), 1, "{failed:?}");
        pass(&fresh);
        assert!(bits(&poses[POSE..]) == bits(&fresh.run(&xs[SIZE..], None).unwrap()), "{}", model.ssl);
    }
}

#[test]
fn the_first_sample_is_marked_as_any_other_is() {
    for (model, config) in cases() {
        let adapter = adapter(&model, &config, &Device::Cpu(1));
        // Of a new adapter, and after a reset.
        for _ in 0..2 {
            let Lot { poses, failed } = adapter.run_each(&samples(&[0]), None).unwrap();
            assert!(matches!(&failed[..], [(0, why)] if why.contains("the model itself is at fault")), "{failed:?}");
            let is_finite: Vec<bool> = poses.chunks(POSE).map(|pose| pose.iter().all(|v| v.is_finite())).collect();
            assert_eq!(is_finite.iter().position(|finite| *finite), Some(1));
            assert_eq!(is_finite.iter().filter(|finite| !**finite).count(), 1);
            adapter.reset().unwrap();
        }
    }
}

#[test]
fn steps_that_are_too_long_teach_nothing() {
    let (model, set) = (geometry(16, 20), synthetic(Scenario::Source, 6, 1, 16).unwrap());
    let online = adaptation(Mode::ONLINE.policy(&model));
    let adapter = |config: &AdaptConfig| adapter(&model, config, &Device::Cpu(1));
    let whole = adapter(&online).track().push_set(&set, 0..6).unwrap();
    let lot = adapter(&online).track().push_set_each(&set, 0..6).unwrap();
    assert_eq!(lot, Lot { poses: whole, failed: Vec::new() });

    assert_eq!(online.policy.start, Start::Carry);
    let long = AdaptConfig { policy: Policy { alpha: 1e38, ..online.policy }, ..online };
    let adapter = adapter(&long);
    let lot = adapter.track().push_set_each(&set, 0..6).unwrap();
    assert!(lot.poses.iter().all(|v| v.is_nan()) && lot.poses.len() == 6 * POSE);
    assert_eq!(lot.failed.len(), 6);
    assert!(lot.failed.iter().all(|(_, why)| why.contains("use an `alpha` below 1e38")), "{:?}", lot.failed);
    let (source, learnt) = (adapter.lifter().parameters(), adapter.parameters().unwrap());
    assert!(learnt.iter().all(|(name, tensor)| source[name] == *tensor), "nothing was learnt");
    assert_eq!(adapter.snapshot().unwrap().samples, 6);
}
