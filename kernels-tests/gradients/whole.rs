//! The whole objectives, through the plans that adapt and train.

use isopose::adapt::{AdaptConfig, Adapter, LossTerms, Mode};
use isopose::checkpoint::Checkpoint;
use isopose::config::{Generator, ModelConfig, Projection, Ssl, TrainConfig};
use isopose::cpu::State;
use isopose::gpu::Device;
use isopose::nn::{Tensors, pose_size};
use isopose::plan::{CpuExecutor, Executor};
use isopose::train::train_plan;

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

/// What moves a parameter: the generator's objective, or minus the discriminator's.
fn objective(name: &str, generator: f64, terms: &LossTerms, weight: f32) -> f64 {
    if name.starts_with("disc.") {
        return -f64::from(weight) * (f64::from(terms.log_d_real) + f64::from(terms.log_1md_fake));
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
        let config = AdaptConfig { iterations: 1, discard: false, draw_views: false, ..adaptation(Mode::Vanilla) };
        let start = checkpoint(&model);
        let angles: Vec<f32> = draws(12, 2 * config.copies);
        let adapted = |tensors: Tensors| {
            let from = Checkpoint { tensors, ..start.clone() };
            let mut adapter = Adapter::new(&from, &config, &Device::Cpu(1)).unwrap();
            adapter.give_views(&angles);
            adapter.run(&keypoints(1, model.joints)).unwrap();
            adapter
        };
        let moments = adapted(start.tensors.clone()).moments().unwrap();
        for layer in LAYERS {
            let name = format!("{layer}.weight");
            let gradient: Vec<f32> = moments[&format!("adam.exp_avg.{name}")].data.iter().map(|m| m / 0.1).collect();
            check(&format!("adaptation: {name}"), &start.tensors[&name].data, &gradient, |words| {
                let terms = adapted(with(&start.tensors, &name, words)).losses().unwrap()[0];
                objective(&name, f64::from(terms.g_ssl), &terms, 1.0)
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
        let mut ids = train_plan(&model, &config, 1, true).unwrap();
        let mut executor = CpuExecutor::new(std::mem::take(&mut ids.plan), 1).unwrap();
        let start = checkpoint(&model).tensors;
        executor.write(ids.x, 0, &keypoints(config.batch, model.joints));
        let truth: Vec<f32> = draws(31, config.batch * pose_size(&model)).iter().map(|v| 0.5 * v).collect();
        executor.write(ids.truth, 0, &truth);
        executor.write(ids.views.unwrap(), 0, &draws(32, 2 * config.batch));
        for (k, (_, mask)) in ids.store.masks.iter().enumerate() {
            let count = executor.plan().tensor(*mask).len();
            let keep: Vec<f32> =
                draws(500 + k as u32, count).iter().map(|&v| f32::from_bits(u32::from(v > -0.5))).collect();
            executor.write(*mask, 0, &keep);
        }
        let mut step = |tensors: &Tensors| {
            ids.store.load(&mut executor, &model, tensors).unwrap();
            executor.write(ids.state, 0, &State::default().words());
            executor.replay(ids.step).unwrap();
            let terms = LossTerms::of_ring(&executor.read(ids.losses).unwrap()[..6], &model);
            (terms, ids.store.moments(&mut executor).unwrap())
        };
        let (_, moments) = step(&start);
        for layer in LAYERS.into_iter().chain(["fsl.rb.fc2", "ssl.rb.bn2"]) {
            let name = format!("{layer}.weight");
            let gradient: Vec<f32> = moments[&format!("adam.exp_avg.{name}")].data.iter().map(|m| m / 0.1).collect();
            check(&format!("training: {name}"), &start[&name].data, &gradient, |words| {
                let (terms, _) = step(&with(&start, &name, words));
                let generator = f64::from(terms.fsl) + f64::from(model.lambda) * f64::from(terms.g_ssl);
                objective(&name, generator, &terms, model.lambda)
            });
        }
    }
}
