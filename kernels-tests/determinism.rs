//! The same numbers again: by seed, after a resume, on other threads, in other chunks.

use isopose::adapt::{AdaptConfig, MODES, Mode, Policy, Start};
use isopose::checkpoint::Checkpoint;
use isopose::config::{ModelConfig, TrainConfig};
use isopose::data::{Scenario, synthetic};
use isopose::gpu::Device;
use isopose::train::Trainer;

use crate::device::devices;
use crate::models::{adaptation, adapter, geometry, keypoints, model, reaching, training};

fn trained(model: &ModelConfig, config: &TrainConfig, device: &Device, stop: Option<u32>) -> Checkpoint {
    let set = synthetic(Scenario::Source, 100, 1, model.joints).unwrap();
    let mut trainer = Trainer::new(&set, model, config, device).unwrap();
    trainer.run(stop.unwrap_or(config.steps), 2, |_, _| {}).unwrap();
    if stop.is_none() {
        return trainer.checkpoint(Vec::new()).unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stopped.safetensors");
    trainer.checkpoint(Vec::new()).unwrap().save(&path).unwrap();
    drop(trainer);
    let mut trainer = Trainer::resume(&set, Checkpoint::load(&path).unwrap(), device).unwrap();
    trainer.run(config.steps, 2, |_, _| {}).unwrap();
    trainer.checkpoint(Vec::new()).unwrap()
}

fn same(what: &str, a: &Checkpoint, b: &Checkpoint) {
    let all = |c: &Checkpoint| {
        let moments = c.optimiser.clone().unwrap();
        let parts = [("", c.parameters.clone()), ("m ", moments.exp_avg), ("v ", moments.exp_avg_sq)];
        let named = parts.into_iter().flat_map(|(part, tensors)| {
            tensors.into_iter().map(move |(name, tensor)| (format!("{part}{name}"), tensor))
        });
        named.collect::<std::collections::BTreeMap<_, _>>()
    };
    let (a, b) = (all(a), all(b));
    assert_eq!(a.len(), b.len(), "{what}");
    let differs = |(name, tensor): &(&String, &isopose::checkpoint::Tensor)| {
        let bits = |values: &[f32]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        bits(&tensor.data) != bits(&b[*name].data)
    };
    let differ: Vec<_> = a.iter().filter(differs).map(|(name, _)| name).collect();
    assert!(differ.is_empty(), "{what}: {} of {} tensors differ: {differ:?}", differ.len(), a.len());
}

#[test]
fn training_repeats_and_resumes_to_the_bit() {
    for device in devices() {
        let models = [(model(16, 20), training()), (geometry(16, 20), training()), reaching(model(16, 20))];
        for (model, config) in models {
            let what = format!("{}, with noise {} on {}", model.ssl, model.noise, device.name());
            let whole = trained(&model, &config, &device, None);
            same(&format!("one seed twice {what}"), &whole, &trained(&model, &config, &device, None));
            same(&format!("resumed after 3 steps {what}"), &whole, &trained(&model, &config, &device, Some(3)));
        }
    }
    let (model, config) = (model(16, 20), training());
    let other = trained(&model, &TrainConfig { seed: 5, ..config.clone() }, &Device::Cpu(1), None);
    let whole = trained(&model, &config, &Device::Cpu(1), None);
    assert_ne!(whole.parameters, other.parameters, "another seed must train another model");
    let (noisy, reach) = reaching(model.clone());
    for (model, config) in [(&noisy, &config), (&model, &reach)] {
        let other = trained(model, config, &Device::Cpu(1), None);
        assert_ne!(whole.parameters, other.parameters, "other batches must train another model");
    }
}

#[test]
fn training_does_not_depend_on_threads() {
    // Large enough that products and rows are handed to several threads.
    let config = TrainConfig { batch: 64, steps: 2, ..training() };
    let model = model(16, 256);
    let [one, two] = [1, 2].map(|threads| trained(&model, &config, &Device::Cpu(threads), None));
    same("1 and 2 threads", &one, &two);
}

fn predictions(model: &ModelConfig, config: &AdaptConfig, device: &Device) -> Vec<f32> {
    adapter(model, config, device).run(&keypoints(5, 16), None).unwrap()
}

fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len(), "as many predictions");
    assert!(a.iter().chain(b).all(|v| v.is_finite()), "predictions must be finite");
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn adaptation_does_not_depend_on_how_samples_are_grouped() {
    for model in [model(16, 20), geometry(16, 20)] {
        let vanilla = adaptation(Mode::VANILLA.policy(&model));
        for device in devices() {
            let one = predictions(&model, &vanilla, &device);
            for (what, config) in [
                ("three instances", AdaptConfig { instances: 3, ..vanilla.clone() }),
                ("chunks of two", AdaptConfig { capacity: 2, ..vanilla.clone() }),
                ("last steps taken whole", AdaptConfig { discard: false, ..vanilla.clone() }),
            ] {
                // The same arithmetic in the same order: exact, not merely close.
                let far = largest_difference(&one, &predictions(&model, &config, &device));
                assert_eq!(far, 0.0, "{what} on {}: predictions differ by {far} m", device.name());
            }
        }
        let other = predictions(&model, &AdaptConfig { seed: 10, ..vanilla.clone() }, &Device::Cpu(1));
        let far = largest_difference(&predictions(&model, &vanilla, &Device::Cpu(1)), &other);
        assert!(far > 0.0, "other views must adapt otherwise, or this test compares nothing");
    }
}

#[test]
fn a_reset_stream_equals_a_fresh_one() {
    let streams = || MODES.iter().filter(|mode| mode.start() == Start::Carry);
    let models = [model(16, 20), geometry(16, 20)];
    for (model, mode) in models.iter().flat_map(|model| streams().map(move |mode| (model, mode))) {
        let policy = mode.policy(model);
        let config = adaptation(Policy { every: policy.every.min(2), ..policy });
        let xs = keypoints(5, 16);
        for device in devices() {
            let adapter = adapter(model, &config, &device);
            let fresh = adapter.run(&xs, None).unwrap();
            let onward = adapter.run(&xs, None).unwrap();
            assert!(largest_difference(&fresh, &onward) > 0.0, "{mode}: the stream must go on adapting");
            adapter.reset().unwrap();
            let far = largest_difference(&fresh, &adapter.run(&xs, None).unwrap());
            assert_eq!(far, 0.0, "{mode} on {}: after a reset predictions differ by {far} m", device.name());
        }
    }
}
