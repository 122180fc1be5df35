//! Trains a small lifter with the supervised and the self-supervised losses together (Eq. 5) on synthetic poses, and
//! scores it on poses like those and on poses unlike those.
//!
//! `cargo run --release --example train_synthetic [auto | cpu | gpu | gpu:N | part of a GPU's name]`
#![expect(clippy::print_stdout, reason = "an example shows its result")]

use isopose::Result;
use isopose::adapt::{AdaptConfig, Lifter, Policy};
use isopose::config::{Decay, ModelConfig, Ssl, TrainConfig};
use isopose::data::{PoseSet, Scenario, synthetic};
use isopose::gpu::{Device, ShaderChecks};
use isopose::metrics::{Protocol, evaluate};
use isopose::pose::root_centred;
use isopose::train::Trainer;

const STEPS: u32 = 1000;

fn main() -> Result<()> {
    let choice = std::env::args().nth(1).unwrap_or_else(|| "cpu".to_owned());
    let device = Device::open(&choice, 0, ShaderChecks::Off)?;
    let source = synthetic(Scenario::Source, 4000, 0, 16)?;

    // The paper's network is 1024 wide; 64 is enough to see the losses fall within seconds.
    let model = ModelConfig { width: 64, ssl: Ssl::Cycle, ..ModelConfig::default() };
    let decay = Decay::ToFactor { factor: 0.05 };
    // A short run of a narrow network: a high learning rate that falls, small batches, no dropout.
    let config = TrainConfig { steps: STEPS, batch: 32, lr: 2e-2, decay, dropout: 0.0, ..TrainConfig::default() };
    let mut trainer = Trainer::new(&source, &model, &config, &device)?;
    println!("training on {}: {} poses, width {}", trainer.device(), source.len(), model.width);
    trainer.run(STEPS, 200, |step, losses| {
        let terms = losses.terms().iter().map(|term| format!("  {} {:.4}", term.name, term.value));
        println!("step {step:4}{}", terms.collect::<String>());
    })?;

    let checkpoint = trainer.checkpoint(Vec::new())?;
    let lifter = Lifter::new(checkpoint.model, checkpoint.parameters, &device)?;
    // Another seed: other people, poses and cameras.
    for scenario in [Scenario::Source, Scenario::Target] {
        score(&lifter, &scenario.to_string(), &synthetic(scenario, 400, 1, 16)?)?;
    }
    Ok(())
}

/// Predicts without adapting and prints the scores.
fn score(lifter: &Lifter, name: &str, poses: &PoseSet) -> Result<()> {
    let config = AdaptConfig { batch: 50, ..Policy::BASELINE.into() };
    let predictions = lifter.adapter(config)?.track().push_set(poses, 0..poses.len())?;
    let truth = root_centred(poses.positions.as_deref().unwrap_or_default(), poses.joints);
    let scores = evaluate(&predictions, &truth, poses.joints, Protocol::Us);
    println!("unseen {name} poses: PCK {:.1}, AUC {:.1}, MPJPE {:.0} mm", scores.pck, scores.auc, scores.mpjpe_mm);
    Ok(())
}
