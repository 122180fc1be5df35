//! Small models and numbers to try things on.

use isopose::Named;
use isopose::adapt::{AdaptConfig, Adapter, Lifter, Mode, Policy};
use isopose::checkpoint::{Checkpoint, RESERVOIR};
use isopose::config::{ModelConfig, Preset, TrainConfig};
use isopose::cpu::random::{pcg4d, unit_float};
use isopose::gpu::Device;
use isopose::nn::initial_tensors;

/// `count` numbers of mean 0 and variance 1/3, the same for a seed everywhere.
pub(crate) fn draws(seed: u32, count: usize) -> Vec<f32> {
    let one = |k: u32| pcg4d([seed, 77, 5, k]).map(|bits| unit_float(bits) - 0.5).iter().sum();
    (0..count as u32).map(one).collect()
}

/// A small model of `joints` joints.
pub(crate) fn model(joints: usize, width: usize) -> ModelConfig {
    ModelConfig { joints, width, bone_lengths: vec![0.25; joints - 1], ..ModelConfig::default() }
}

/// A small model of the geometry task, whose terms all count.
pub(crate) fn geometry(joints: usize, width: usize) -> ModelConfig {
    let bone_lengths = vec![0.25; joints - 1];
    let terms = ModelConfig { lambda_plane: 0.1, gate: 2.0, ..Preset::Geometry.model() };
    ModelConfig { joints, width, bone_lengths, plane_scale: 0.94, reservoir: 7, ..terms }
}

/// Its initial parameters, with batch norms that do something and heads whose poses are metres, not centimetres.
pub(crate) fn checkpoint(model: &ModelConfig) -> Checkpoint {
    let mut parameters = initial_tensors(model, 3);
    for (_, tensor) in parameters.iter_mut().filter(|(name, _)| name.ends_with("sl.out.weight")) {
        tensor.data.iter_mut().for_each(|v| *v /= 0.03);
    }
    for (index, (name, tensor)) in parameters.iter_mut().enumerate().filter(|(_, (name, _))| name.contains(".bn")) {
        let noise = draws(index as u32, tensor.data.len());
        let positive = name.ends_with("weight") || name.ends_with("running_var");
        let change = |(v, n): (&mut f32, &f32)| *v += 0.3 * if positive { n.abs() } else { *n };
        tensor.data.iter_mut().zip(&noise).for_each(change);
    }
    // Poses about as large as a person.
    for (name, size) in RESERVOIR.into_iter().zip([0.1, 1.0]) {
        let tensor = parameters.get_mut(name).into_iter();
        tensor.for_each(|t| t.data = draws(8, t.data.len()).iter().map(|v| size * v).collect());
    }
    Checkpoint { model: model.clone(), parameters, optimiser: None, training: None }
}

/// `count` samples of keypoints about as large as normalised ones.
pub(crate) fn keypoints(count: usize, joints: usize) -> Vec<f32> {
    draws(41, count * 2 * joints).iter().map(|v| 0.1 * v).collect()
}

/// The mode of that name.
pub(crate) fn mode(name: &str) -> Mode {
    Mode::named(name).unwrap()
}

/// A policy with few copies and three steps at most.
pub(crate) fn few(policy: Policy) -> Policy {
    Policy { iterations: policy.iterations.min(3), copies: 5, replay: policy.replay.min(4), ..policy }
}

/// A policy with few copies, for samples that have every joint.
pub(crate) fn adaptation(policy: Policy) -> AdaptConfig {
    AdaptConfig { capacity: 8, seed: 9, masked: false, ..few(policy).into() }
}

/// The small model on a device.
pub(crate) fn lifter(model: &ModelConfig, device: &Device) -> Lifter {
    let Checkpoint { model, parameters, .. } = checkpoint(model);
    Lifter::new(model, parameters, device).unwrap()
}

/// What adapts it.
pub(crate) fn adapter(model: &ModelConfig, config: &AdaptConfig, device: &Device) -> Adapter {
    lifter(model, device).adapter(config.clone()).unwrap()
}

/// A short run on small batches.
pub(crate) fn training() -> TrainConfig {
    TrainConfig { batch: 8, steps: 6, seed: 4, ..TrainConfig::default() }
}

/// The same on batches that reach further than their data: turned, mixed, with noise.
pub(crate) fn reaching(model: ModelConfig) -> (ModelConfig, TrainConfig) {
    let train = TrainConfig { random_views: 0.6, free_rotation: 0.4, limb_mixing: 0.5, ..training() };
    (ModelConfig { noise: 6.0, ..model }, train)
}
