//! Inference Stage Optimization of one pose (Sec. 3.2.2): a model trained on one scenario meets a pose of another,
//! takes ten self-supervised steps on it, and predicts. Watch the losses; the error may rise as well as fall.
//!
//! `cargo run --release --example adapt_one_pose [auto | cpu | gpu | gpu:N | part of a GPU's name]`
#![expect(clippy::print_stdout, reason = "an example shows its result")]

use isopose::Result;
use isopose::adapt::{AdaptConfig, Adapter, Mode};
use isopose::checkpoint::Checkpoint;
use isopose::config::{Decay, ModelConfig, TrainConfig};
use isopose::data::{Scenario, synthetic};
use isopose::gpu::{Device, ShaderChecks};
use isopose::metrics::{Protocol, joint_errors};
use isopose::train::{Trainer, TrainingSet};

fn main() -> Result<()> {
    let choice = std::env::args().nth(1).unwrap_or_else(|| "cpu".to_owned());
    let device = Device::open(&choice, 0, ShaderChecks::Off)?;
    let checkpoint = train(&device)?;

    let target = TrainingSet::new(&synthetic(Scenario::Target, 1, 1, 16)?, &checkpoint.model)?;
    let mut baseline = Adapter::new(&checkpoint, &AdaptConfig::new(Mode::Baseline), &device)?;
    let before = baseline.run(&target.keypoints)?;

    // The paper's settings: T = 10 steps, learning rate 2e-5, 64 random views in each.
    let config = AdaptConfig::new(Mode::Vanilla);
    let mut adapter = Adapter::new(&checkpoint, &config, &device)?;
    let after = adapter.run(&target.keypoints)?;

    println!("adapting on {}: T = {}, alpha = {:e}", adapter.device(), config.iterations, config.alpha);
    println!("iteration  log D(r)  log(1-D(y))    g_adv    cyc2d    cyc3d    g_ssl");
    for (i, l) in adapter.losses()?.iter().enumerate() {
        println!(
            "{:9} {:9.3} {:12.3} {:8.4} {:8.5} {:8.4} {:8.4}",
            i + 1,
            l.log_d_real,
            l.log_1md_fake,
            l.g_adv,
            l.cyc2d,
            l.cyc3d,
            l.g_ssl
        );
    }
    let error = |pose: &[f32]| {
        let errors = joint_errors(pose, &target.positions, target.joints, Protocol::Us);
        errors.iter().sum::<f64>() / errors.len() as f64
    };
    let (before, after) = (error(&before), error(&after));
    println!("mean joint error: {before:.2} mm before, {after:.2} mm after ({:+.2} mm)", after - before);
    Ok(())
}

/// A small model of the source scenario; `train_synthetic` shows its training.
fn train(device: &Device) -> Result<Checkpoint> {
    let source = synthetic(Scenario::Source, 4000, 0, 16)?;
    let model = ModelConfig { width: 64, ..ModelConfig::default() };
    let decay = Decay::ToFactor { factor: 0.05 };
    let config = TrainConfig { steps: 1000, batch: 32, lr: 2e-2, decay, dropout: 0.0, ..TrainConfig::default() };
    let mut trainer = Trainer::new(&source, &model, &config, device)?;
    println!("training a model of width {} for {} steps", model.width, config.steps);
    trainer.run(config.steps, config.steps, |_, _| {})?;
    trainer.checkpoint(Vec::new())
}
