//! Inference Stage Optimization of one pose (Sec. 3.2.2): a model trained on one scenario meets a pose of another,
//! takes ten self-supervised steps on it, and predicts. Watch the losses; the error may rise as well as fall.
//!
//! `cargo run --release --example adapt_one_pose [auto | cpu | gpu | gpu:N | part of a GPU's name]`
#![expect(clippy::print_stdout, reason = "an example shows its result")]

use isopose::Result;
use isopose::adapt::{Lifter, Policy};
use isopose::config::{Decay, ModelConfig, TrainConfig};
use isopose::data::{Scenario, synthetic};
use isopose::gpu::{Device, ShaderChecks};
use isopose::metrics::{Protocol, joint_errors};
use isopose::pose::root_centred;
use isopose::train::Trainer;

fn main() -> Result<()> {
    let choice = std::env::args().nth(1).unwrap_or_else(|| "cpu".to_owned());
    let device = Device::open(&choice, 0, ShaderChecks::Off)?;
    let lifter = train(&device)?;

    let target = synthetic(Scenario::Target, 1, 1, 16)?;
    let before = lifter.adapter(Policy::BASELINE)?.track().push_set(&target, 0..1)?;

    // The paper's settings: T = 10 steps, learning rate 2e-5, 64 random views in each.
    let policy = Policy::VANILLA;
    let adapter = lifter.adapter(policy)?;
    let after = adapter.track().push_set(&target, 0..1)?;

    println!("adapting on {}: T = {}, alpha = {:e}", device.name(), policy.iterations, policy.alpha);
    let losses = adapter.losses()?;
    let names = losses.iter().take(1).flat_map(|first| first.terms());
    println!("iteration{}", names.map(|term| format!(" {:>12}", term.name)).collect::<String>());
    for (step, losses) in losses.iter().enumerate() {
        println!(
            "{:9}{}",
            step + 1,
            losses.terms().iter().map(|term| format!(" {:12.5}", term.value)).collect::<String>()
        );
    }
    let truth = root_centred(target.positions.as_deref().unwrap_or_default(), target.joints);
    let error = |pose: &[f32]| {
        let errors = joint_errors(pose, &truth, target.joints, Protocol::Us);
        errors.iter().sum::<f64>() / errors.len() as f64
    };
    let (before, after) = (error(&before), error(&after));
    println!("mean joint error: {before:.2} mm before, {after:.2} mm after ({:+.2} mm)", after - before);
    Ok(())
}

/// A small model of the source scenario; `train_synthetic` shows its training.
fn train(device: &Device) -> Result<Lifter> {
    let source = synthetic(Scenario::Source, 4000, 0, 16)?;
    let model = ModelConfig { width: 64, ..ModelConfig::default() };
    let decay = Decay::ToFactor { factor: 0.05 };
    let config = TrainConfig { steps: 1000, batch: 32, lr: 2e-2, decay, dropout: 0.0, ..TrainConfig::default() };
    let mut trainer = Trainer::new(&source, &model, &config, device)?;
    println!("training a model of width {} for {} steps", model.width, config.steps);
    trainer.run(config.steps, config.steps, |_, _| {})?;
    let checkpoint = trainer.checkpoint(Vec::new())?;
    Lifter::new(checkpoint.model, checkpoint.parameters, device)
}
