//! The whole objectives, through the plans that adapt and train.

use isopose::adapt::{AdaptConfig, Lifter, Policy};
use isopose::checkpoint::{Checkpoint, Tensors};
use isopose::config::{Generator, ModelConfig, Projection, Ssl, TrainConfig};
use isopose::cpu::State;
use isopose::gpu::Device;
use isopose::nn::{Program, pose_size};
use isopose::task::{Losses, Stage, columns};
use isopose::train::{TrainPlan, train_plan};

use super::check;
use crate::models::{adaptation, checkpoint, draws, keypoints, model, training};

/// Layers near the input, in the middle and at the end.
const LAYERS: [&str; 5] = ["extractor.stem", "extractor.rb1.fc2", "ssl.rb.fc1", "ssl.out", "disc.rb0.fc1"];

/// A steep leaky ReLU: the kinks that a step crosses weigh less against rounding; its derivative is tested with the
/// networks.
fn models() -> [ModelConfig; 2] {
    let first = ModelConfig { slope: 0.5, ..model(16, 20) };
    let second = ModelConfig {
        generator: Generator::Saturating,
        projection: Projection::WeakPerspective,
        ..ModelConfig { slope: 0.5, ..model(17, 20) }
    };
    [first, second]
}

fn value(losses: &Losses, name: &str) -> f64 {
    f64::from(losses.get(name).unwrap())
}

/// What moves a parameter: the generator's objective, or minus the discriminator's.
fn objective(name: &str, generator: f64, losses: &Losses, weight: f32) -> f64 {
    if name.starts_with("disc.") {
        return -f64::from(weight) * (value(losses, "log_d_real") + value(losses, "log_1md_fake"));
    }
    generator
}

fn with(tensors: &Tensors, name: &str, words: &[f32]) -> Tensors {
    let mut changed = tensors.clone();
    changed.get_mut(name).unwrap().data.copy_from_slice(words);
    changed
}

#[test]
fn of_adaptation() {
    for model in models() {
        let policy = Policy { iterations: 1, ..Policy::VANILLA };
        let config = AdaptConfig { discard: false, draw_views: false, ..adaptation(policy) };
        let start = checkpoint(&model).parameters;
        let angles: Vec<f32> = draws(12, 2 * config.policy.copies);
        let adapted = |parameters: Tensors| {
            let lifter = Lifter::new(model.clone(), parameters, &Device::Cpu(1)).unwrap();
            let adapter = lifter.adapter(config.clone()).unwrap();
            adapter.give_views(&angles).unwrap();
            adapter.run(&keypoints(1, model.joints), None).unwrap();
            adapter
        };
        let moments = adapted(start.clone()).moments().unwrap();
        for layer in LAYERS {
            let name = format!("{layer}.weight");
            let gradient: Vec<f32> = moments.exp_avg[&name].data.iter().map(|m| m / 0.1).collect();
            check(&format!("adaptation: {name}"), &start[&name].data, &gradient, |words| {
                let losses = adapted(with(&start, &name, words)).losses().unwrap().remove(0);
                objective(&name, value(&losses, "g_ssl"), &losses, 1.0)
            });
        }
    }
}

#[test]
fn of_joint_training() {
    for model in models() {
        // Batch norm's curvature grows as the batch shrinks.
        let config = TrainConfig { batch: 16, dropout: 0.2, ..training() };
        assert_eq!(model.ssl, Ssl::Cycle, "the joint objective has every term");
        let TrainPlan { recording, ids } = train_plan(&model, &config, 1, true).unwrap();
        let masks: Vec<_> = recording.store.masks.iter().map(|(_, mask)| *mask).collect();
        let Checkpoint { parameters: start, .. } = checkpoint(&model);
        let mut program = Program::new(recording, &Device::Cpu(1), &model, &start).unwrap();
        program.write(ids.x, 0, &keypoints(config.batch, model.joints));
        let truth: Vec<f32> = draws(31, config.batch * pose_size(&model)).iter().map(|v| 0.5 * v).collect();
        program.write(ids.truth, 0, &truth);
        program.write(ids.views.unwrap(), 0, &draws(32, 2 * config.batch));
        for (k, mask) in masks.into_iter().enumerate() {
            let count = program.plan().tensor(mask).len();
            let keep: Vec<f32> =
                draws(500 + k as u32, count).iter().map(|&v| f32::from_bits(u32::from(v > -0.5))).collect();
            program.write(mask, 0, &keep);
        }
        let mut step = |tensors: &Tensors| {
            program.reload(&model, tensors).unwrap();
            program.set_state(State::default());
            program.replay(ids.step).unwrap();
            let ring = program.read(ids.losses).unwrap();
            let losses = Losses::of_ring(&ring[..columns(&model, Stage::Training).count()], &model, Stage::Training);
            (losses, program.moments().unwrap())
        };
        let (_, moments) = step(&start);
        for layer in LAYERS.into_iter().chain(["fsl.rb.fc2", "ssl.rb.bn2"]) {
            let name = format!("{layer}.weight");
            let gradient: Vec<f32> = moments.exp_avg[&name].data.iter().map(|m| m / 0.1).collect();
            check(&format!("training: {name}"), &start[&name].data, &gradient, |words| {
                let (losses, _) = step(&with(&start, &name, words));
                let generator = value(&losses, "fsl") + f64::from(model.lambda) * value(&losses, "g_ssl");
                objective(&name, generator, &losses, model.lambda)
            });
        }
    }
}
