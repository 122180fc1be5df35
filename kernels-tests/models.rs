//! Small models and numbers to try things on.

use isopose::adapt::{AdaptConfig, Mode};
use isopose::checkpoint::Checkpoint;
use isopose::config::{ModelConfig, TrainConfig};
use isopose::cpu::random::{pcg4d, unit_float};
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

/// Its initial parameters, with batch norms that do something and heads whose poses are metres, not centimetres.
pub(crate) fn checkpoint(model: &ModelConfig) -> Checkpoint {
    let mut tensors = initial_tensors(model, 3);
    for (_, tensor) in tensors.iter_mut().filter(|(name, _)| name.ends_with("sl.out.weight")) {
        tensor.data.iter_mut().for_each(|v| *v /= 0.03);
    }
    for (index, (name, tensor)) in tensors.iter_mut().enumerate().filter(|(_, (name, _))| name.contains(".bn")) {
        let noise = draws(index as u32, tensor.data.len());
        let positive = name.ends_with("weight") || name.ends_with("running_var");
        let change = |(v, n): (&mut f32, &f32)| *v += 0.3 * if positive { n.abs() } else { *n };
        tensor.data.iter_mut().zip(&noise).for_each(change);
    }
    Checkpoint { model: model.clone(), tensors, training: None }
}

/// `count` samples of keypoints about as large as normalised ones.
pub(crate) fn keypoints(count: usize, joints: usize) -> Vec<f32> {
    draws(41, count * 2 * joints).iter().map(|v| 0.1 * v).collect()
}

/// A mode with few copies; vanilla takes three steps.
pub(crate) fn adaptation(mode: Mode) -> AdaptConfig {
    let iterations = if mode == Mode::Vanilla { 3 } else { 1 };
    AdaptConfig { iterations, copies: 5, capacity: 8, seed: 9, ..AdaptConfig::new(mode) }
}

/// A short run on small batches.
pub(crate) fn training() -> TrainConfig {
    TrainConfig { batch: 8, steps: 6, seed: 4, ..TrainConfig::default() }
}
