//! The two-way domain classifier of Sec. 4.3: which scenario does a 3D pose come from? The discriminator's architecture
//! on root-centred 3D poses, trained with the engine's own kernels.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::checkpoint::{Tensors, expected_tensors};
use crate::config::{ModelConfig, Network, Ssl};
use crate::cpu::State;
use crate::error::{Error, Result};
use crate::gpu::Device;
use crate::kernels;
use crate::nn::{
    Discriminator, Extent, FrozenBlock, Pass, Program, Recording, Rows, Storage, Store, Update, UpdateFrom, Weights,
    draw_tensors,
};
use crate::plan::{Init, Recorder, SectionId, TensorId};

/// How a classifier is made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct ClassifierConfig {
    /// Features of every hidden layer, a multiple of 4 (the paper: 1024).
    pub width: usize,
    /// Poses of each scenario in a step.
    pub batch: usize,
    /// Optimisation steps.
    pub steps: u32,
    /// Adam's learning rate, which falls to a hundredth at the last step.
    pub lr: f32,
    /// Seed of the initial weights and of the order of poses.
    pub seed: u32,
}

impl Default for ClassifierConfig {
    fn default() -> Self {
        Self { width: 1024, batch: 64, steps: 1000, lr: 1e-3, seed: 0 }
    }
}

/// What a classifier makes of some poses.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Judgement {
    /// (N): log-odds that a pose comes from the target.
    pub logits: Vec<f32>,
    /// (N, width): the output of the last residual block.
    pub features: Vec<f32>,
}

impl Judgement {
    /// Percentage of the poses that are taken for the target's.
    #[must_use]
    pub(crate) fn target_share(&self) -> f64 {
        let target = self.logits.iter().filter(|logit| **logit > 0.0).count();
        100.0 * target as f64 / self.logits.len().max(1) as f64
    }
}

/// A classifier on a device.
pub(crate) struct DomainClassifier {
    config: ClassifierConfig,
    size: usize,
    program: Program,
    ids: Ids,
}

/// What the host touches of the recorded program.
#[derive(Clone, Copy)]
struct Ids {
    x: TensorId,
    logits: TensorId,
    features: TensorId,
    step: SectionId,
    judge: SectionId,
}

/// The learning rate's factor at the last step.
const FINAL_LR_FACTOR: f32 = 0.01;

impl DomainClassifier {
    /// Trains on poses of both scenarios, root-centred, (N, 3J), metres; `progress` is told the steps done, and may end the work.
    ///
    /// # Errors
    /// [`Error::Usage`] without poses or for impossible settings; [`Error::Device`] when the device is too small or was
    /// lost.
    pub(crate) fn train(
        (source, target): (&[f32], &[f32]),
        joints: usize,
        config: ClassifierConfig,
        device: &Device,
        mut progress: impl FnMut(usize) -> Result<()>,
    ) -> Result<Self> {
        let model = ModelConfig { joints, width: config.width, ssl: Ssl::Adversary, ..ModelConfig::default() };
        if config.width == 0 || !config.width.is_multiple_of(4) || config.batch == 0 || config.steps == 0 {
            let problem = "the domain classifier needs a width that is a multiple of 4, a batch and steps above 0";
            return Err(Error::Usage(problem.to_owned()));
        }
        let size = 3 * joints;
        if source.len() < size || target.len() < size {
            return Err(Error::Usage("the domain classifier needs poses of both scenarios".to_owned()));
        }
        let (recording, ids) = record(size, config)?;
        let program = Program::new(recording, device, &model, &initial_tensors(&model, config.seed))?;
        let mut classifier = Self { config, size, program, ids };
        classifier.fit(source, target, &mut progress)?;
        Ok(classifier)
    }

    fn fit(&mut self, source: &[f32], target: &[f32], progress: &mut impl FnMut(usize) -> Result<()>) -> Result<()> {
        let mut rng = ChaCha8Rng::seed_from_u64(self.config.seed.into());
        let mut rows = Vec::with_capacity(2 * self.config.batch * self.size);
        for step in 0..self.config.steps as usize {
            rows.clear();
            for poses in [target, source] {
                for _ in 0..self.config.batch {
                    let pose = rng.random_range(0..poses.len() / self.size);
                    rows.extend_from_slice(&poses[pose * self.size..(pose + 1) * self.size]);
                }
            }
            self.program.write(self.ids.x, 0, &rows);
            self.program.replay(self.ids.step)?;
            progress(step + 1)?;
        }
        Ok(())
    }

    /// Judges poses (N, 3J), root-centred, metres.
    ///
    /// # Errors
    /// The device was lost.
    pub(crate) fn judge(&mut self, poses: &[f32]) -> Result<Judgement> {
        let mut judgement = Judgement::default();
        for chunk in poses.chunks(2 * self.config.batch * self.size) {
            let count = chunk.len() / self.size;
            self.program.write(self.ids.x, 0, chunk);
            self.program.replay(self.ids.judge)?;
            let logits = self.program.read(self.ids.logits)?;
            judgement.logits.extend(logits.chunks_exact(4).take(count).map(|row| row[0]));
            let features = self.program.read(self.ids.features)?;
            judgement.features.extend_from_slice(&features[..count * self.config.width]);
        }
        Ok(judgement)
    }
}

/// A step on rows [0, batch) of the target and [batch, 2 batch) of the source, and a pass that only judges. The
/// discriminator's ascent on Eq. 3 is the classifier's descent on the binary cross-entropy, averaged over each scenario.
fn record(size: usize, config: ClassifierConfig) -> Result<(Recording, Ids)> {
    let mut rec = Recorder::new();
    let mut store = Store::default();
    let rows = 2 * config.batch;
    let extent = Extent { instances: 1, rows, width: config.width, slope: ModelConfig::default().slope };
    let network = <Discriminator<FrozenBlock>>::new(&mut rec, &mut store, size, extent, &Storage::InPlace);
    let x = rec.tensor("x", &[1, rows, size]);
    let row_losses = rec.tensor("row_losses", &[1, rows, 3]);
    let [row_scale, generator_factor] = ["row_scale", "generator_factor"].map(|name| rec.tensor(name, &[1, rows]));
    let state = State { seed: config.seed, ..State::default() };
    let state = rec.tensor_with("state", &[State::WORDS], Init::Data(state.words().to_vec()));
    let all = Pass { rows: Rows { first: 0, count: rows }, weights: Weights::Working, group: 0 };

    let step = rec.section("step");
    let log2_decay = FINAL_LR_FACTOR.log2() / config.steps.saturating_sub(1).max(1) as f32;
    let values = [("lr", config.lr.into()), ("log2_decay", log2_decay.into()), ("restart", false.into())];
    rec.dispatch(&kernels::ADVANCE_STEP, "advance_step", &[("state", state)], &values)?;
    network.record_forward(&mut rec, x, all)?;
    rec.dispatch(
        &kernels::DISCRIMINATOR_LOSS,
        "loss",
        &[
            ("logits", network.logits),
            ("row_losses", row_losses),
            ("row_scale", row_scale),
            ("generator_factor", generator_factor),
        ],
        &[
            ("column", 0u32.into()),
            ("lifted", config.batch.into()),
            ("copies", config.batch.into()),
            ("saturating", false.into()),
            ("weight", 1.0.into()),
        ],
    )?;
    network.record_backward(&mut rec, all)?;
    network.record_update(&mut rec, Update::InPlace, UpdateFrom { x, row_scale, state, rows: all.rows })?;

    let judge = rec.section("judge");
    network.record_forward(&mut rec, x, all)?;
    let ids = Ids { x, logits: network.logits, features: network.features(), step, judge };
    Ok((Recording { plan: rec.finish(), store, state }, ids))
}

/// The discriminator's tensors with a stem of 3J inputs.
fn initial_tensors(model: &ModelConfig, seed: u32) -> Tensors {
    let prefix = Network::Discriminator.prefix();
    let mut expected = expected_tensors(model);
    expected.retain(|(name, _)| name.starts_with(prefix));
    for (name, shape) in &mut expected {
        if *name == format!("{prefix}.stem.weight") {
            *shape = vec![model.width, 3 * model.joints];
        }
    }
    draw_tensors(&expected, seed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{PoseSet, Scenario, synthetic};
    use crate::pose::root_centred;

    const SMALL: ClassifierConfig = ClassifierConfig { width: 32, batch: 32, steps: 400, lr: 3e-3, seed: 1 };

    fn centred(set: &PoseSet) -> Vec<f32> {
        root_centred(set.positions.as_ref().unwrap(), set.joints)
    }

    /// Adults of one scenario, and the same poses of people half as large again.
    fn two_sets(joints: usize, seed: u64) -> (Vec<f32>, Vec<f32>) {
        let source = centred(&synthetic(Scenario::Source, 2400, seed, joints).unwrap());
        let target = source.iter().map(|v| 1.5 * v).collect();
        (source, target)
    }

    #[test]
    fn two_clearly_different_sets_are_told_apart() {
        for joints in [16, 17] {
            let (source, target) = two_sets(joints, 0);
            let mut steps = 0;
            let mut classifier = DomainClassifier::train((&source, &target), joints, SMALL, &Device::Cpu(1), |done| {
                steps = done;
                Ok(())
            })
            .unwrap();
            assert_eq!(steps, 400);
            // Poses that it was not trained on, of other people.
            let (source, target) = two_sets(joints, 7);
            let (of_source, of_target) = (classifier.judge(&source).unwrap(), classifier.judge(&target).unwrap());
            assert_eq!((of_source.logits.len(), of_source.features.len()), (2400, 2400 * 32));
            let accuracy = f64::midpoint(100.0 - of_source.target_share(), of_target.target_share());
            assert!(accuracy > 95.0, "{joints} joints: {accuracy} %");
        }
    }

    #[test]
    fn equal_sets_are_not_told_apart() {
        let (source, _) = two_sets(16, 0);
        let mut classifier =
            DomainClassifier::train((&source, &source), 16, SMALL, &Device::Cpu(1), |_| Ok(())).unwrap();
        // Both scenarios hold every pose, so no answer but one half is right: log-odds of 0. What is left is the noise of
        // the batches; two sets that differ have some 10.
        let judged = classifier.judge(&source).unwrap();
        let mean = judged.logits.iter().map(|logit| logit.abs()).sum::<f32>() / judged.logits.len() as f32;
        assert!(mean < 0.5, "{mean}");
    }

    #[test]
    fn a_seed_gives_the_same_bits_and_settings_are_checked() {
        let (source, target) = two_sets(16, 0);
        let run = |seed| {
            let config = ClassifierConfig { steps: 5, seed, ..SMALL };
            let trained = DomainClassifier::train((&source, &target), 16, config, &Device::Cpu(1), |_| Ok(()));
            trained.unwrap().judge(&source[..48 * 70]).unwrap()
        };
        assert_eq!(run(1), run(1));
        assert_ne!(run(1), run(2));
        for config in [ClassifierConfig { width: 30, ..SMALL }, ClassifierConfig { steps: 0, ..SMALL }] {
            assert!(DomainClassifier::train((&source, &target), 16, config, &Device::Cpu(1), |_| Ok(())).is_err());
        }
        assert!(DomainClassifier::train((&source, &[]), 16, SMALL, &Device::Cpu(1), |_| Ok(())).is_err());
    }
}
