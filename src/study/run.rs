//! The steps of a study, in order.

use serde::{Deserialize, Serialize};

use super::compare::{Comparison, Predicted};
use super::domain::{Domain, domain};
use super::{Folder, Manifest, Run, Settings, noisy};
use crate::adapt::{AdaptConfig, Mode};
use crate::checkpoint::Checkpoint;
use crate::config::{ModelConfig, Ssl, TrainConfig};
use crate::data::PoseSet;
use crate::error::{Error, Result};
use crate::evaluate::run_mode;
use crate::gpu::Device;
use crate::metrics::{Metrics, Protocol};
use crate::report::Role;
use crate::train::{Trainer, TrainingSet};

/// What a study works on.
#[derive(Clone, Copy, Debug)]
pub struct Data<'a> {
    /// Poses to train on.
    pub source: &'a PoseSet,
    /// Poses of the source that are kept out of training, if any.
    pub held_back: Option<&'a PoseSet>,
    /// The ids of their sequences.
    pub held_back_ids: &'a [i32],
    /// Poses to adapt to, with their positions.
    pub target: &'a PoseSet,
}

/// How far a study is.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    /// What is being done.
    pub name: &'a str,
    /// How much of it is done.
    pub done: usize,
    /// Of how much.
    pub total: usize,
}

/// Everything that a report shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Results {
    /// What the study is.
    pub manifest: Manifest,
    /// Joints that the target lacks, over all poses: their positions are guesses.
    pub guessed_joints: usize,
    /// Baseline on the source's held-back poses, US, one for each seed; empty where none were held back.
    pub held_back: Vec<Metrics>,
    /// The methods of Tables 1 to 4 on the target.
    pub comparison: Comparison,
    /// Table 5.
    pub noise: Vec<Noise>,
    /// Fig. 4.
    pub sweeps: Vec<Sweep>,
    /// Fig. 6.
    pub domain: Domain,
}

/// Online ISO on noisy keypoints.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Noise {
    /// Standard deviation in pixels, for a person of 200 px.
    pub sigma: f64,
    /// US, one for each seed.
    pub runs: Vec<Metrics>,
}

/// PCK against a setting of the adaptation; of the first seed, on evenly spread samples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sweep {
    /// `T` or `alpha`.
    pub setting: String,
    /// The mode that it is a setting of.
    pub mode: Mode,
    /// The setting's value and what it gave, US; nothing where adaptation diverged.
    pub points: Vec<(f64, Option<Metrics>)>,
    /// Without adaptation, US.
    pub joint: Metrics,
}

/// The models of a study.
const MODELS: [(&str, Ssl); 3] = [("baseline", Ssl::None), ("adv", Ssl::Adversary), ("cyc", Ssl::Cycle)];
/// The methods of Tables 1 to 4: their names, the models that they predict with, the modes, whose numbers these are,
/// and the methods that they are compared with.
const METHODS: [(&str, &str, Mode, Role, &[&str]); 9] = [
    ("Baseline", "baseline", Mode::Baseline, Role::Baseline, &[]),
    ("Joint-Adv", "adv", Mode::Baseline, Role::Joint, &["Baseline"]),
    ("Vanilla-Adv", "adv", Mode::Vanilla, Role::Vanilla, &["Joint-Adv", "Baseline"]),
    ("Online-Adv", "adv", Mode::Online, Role::Online, &["Joint-Adv", "Baseline"]),
    ("Joint-Cyc", "cyc", Mode::Baseline, Role::Joint, &["Baseline"]),
    ("Vanilla-Cyc", "cyc", Mode::Vanilla, Role::Vanilla, &["Joint-Cyc", "Baseline"]),
    ("Vanilla-lr", "cyc", Mode::VanillaLr, Role::Vanilla, &["Joint-Cyc"]),
    ("Online-Cyc", "cyc", Mode::Online, Role::Online, &["Joint-Cyc", "Baseline"]),
    ("Online-skip", "cyc", Mode::OnlineSkip, Role::Online, &["Joint-Cyc"]),
];
/// What the paper calls ISO where it says no more.
pub(super) const ISO: &str = "Online-Cyc";
const SIGMAS: [f64; 2] = [5.0, 10.0];
const ITERATIONS: [usize; 6] = [1, 2, 5, 10, 20, 50];
const ALPHAS: [f64; 5] = [2e-3, 2e-4, 2e-5, 2e-6, 2e-7];
/// Steps of training between two saves.
const SAVE_EVERY: u32 = 1000;

type Observer<'a> = &'a mut dyn FnMut(Step<'_>);

/// Runs a study to its end, leaving out what `folder` has already, and writes its results there. `observe` is told how
/// far it is.
///
/// # Errors
/// [`Error::Usage`] for data or settings that cannot be studied; [`Error::Device`] when a training diverges or the
/// device is lost; [`Error::Io`] and [`Error::File`] for the study's files.
pub fn run(folder: &Folder, data: Data<'_>, device: &Device, observe: Observer<'_>) -> Result<Results> {
    let truth = positions(data.target)?;
    let work = Work { folder, data, settings: &folder.manifest().settings, device };
    let mut held_back = Vec::new();
    let mut predicted: Vec<Predicted> = METHODS
        .iter()
        .map(|(name, _, _, role, against)| {
            let against = against.iter().map(ToString::to_string).collect();
            Predicted { name: (*name).to_owned(), role: *role, runs: Vec::new(), against }
        })
        .collect();
    let mut noise: Vec<Noise> = SIGMAS.map(|sigma| Noise { sigma, runs: Vec::new() }).to_vec();
    for seed in work.seeds() {
        for (name, ssl) in MODELS {
            work.train(seed, name, ssl, observe)?;
        }
        if let Some(unseen) = data.held_back {
            held_back.push(work.unseen(seed, unseen)?);
        }
        for ((name, model, mode, ..), predicted) in METHODS.iter().zip(&mut predicted) {
            let label = format!("seed {seed}: {name}");
            let file = format!("seed-{seed}-{}", name.to_lowercase());
            predicted.runs.push(work.predict(&file, &label, (seed, model, *mode), data.target, observe)?);
        }
        for noise in &mut noise {
            noise.runs.push(work.noisy(seed, noise.sigma, &truth, observe)?);
        }
    }
    let sweeps = work.sweeps(observe)?;
    let domain = work.domain(&truth, &predicted, observe)?;
    observe(Step { name: "compare", done: 0, total: 1 });
    let comparison = Comparison::new(data.target, &truth, &predicted, ["Baseline", ISO]);
    observe(Step { name: "compare", done: 1, total: 1 });
    let guessed_joints = data.target.seen().iter().filter(|seen| **seen == 0.0).count();
    let manifest = folder.manifest().clone();
    let results = Results { manifest, guessed_joints, held_back, comparison, noise, sweeps, domain };
    folder.finish(&results)?;
    Ok(results)
}

/// The set's root-centred poses (N, 3J), metres.
///
/// # Errors
/// [`Error::Usage`] for a set without poses or positions.
pub fn positions(set: &PoseSet) -> Result<Vec<f32>> {
    if set.positions.is_none() || set.is_empty() {
        return Err(Error::Usage("a study needs poses with `positions` (3D) on both sides".to_owned()));
    }
    let as_they_are =
        ModelConfig { joints: set.joints, normalize: crate::config::Normalize::Plane, ..ModelConfig::default() };
    Ok(TrainingSet::new(set, &as_they_are)?.positions)
}

struct Work<'a> {
    folder: &'a Folder,
    data: Data<'a>,
    settings: &'a Settings,
    device: &'a Device,
}

impl Work<'_> {
    fn seeds(&self) -> impl Iterator<Item = u32> + use<> {
        let first = self.settings.train.seed;
        (0..self.settings.seeds).map(move |k| first.wrapping_add(k))
    }

    /// Trains a model, or goes on with its training.
    fn train(&self, seed: u32, name: &str, ssl: Ssl, observe: Observer<'_>) -> Result<()> {
        let path = self.folder.model(&format!("seed-{seed}-{name}"));
        let config = TrainConfig { seed, ..self.settings.train.clone() };
        let mut trainer = if path.exists() {
            let checkpoint = Checkpoint::load(&path)?;
            if checkpoint.training.as_ref().is_some_and(|training| training.step == config.steps) {
                return Ok(());
            }
            Trainer::resume(self.data.source, checkpoint, self.device)?
        } else {
            let model = ModelConfig { ssl, ..self.settings.model.clone() };
            Trainer::new(self.data.source, &model, &config, self.device)?
        };
        let label = format!("seed {seed}: train {name}");
        while trainer.step() < config.steps {
            let next = config.steps.min(trainer.step() + SAVE_EVERY);
            let total = config.steps as usize;
            trainer.run(next, 50, |step, _| observe(Step { name: &label, done: step as usize, total }))?;
            trainer.checkpoint(self.data.held_back_ids.to_vec())?.save(&path)?;
        }
        Ok(())
    }

    fn checkpoint(&self, seed: u32, model: &str) -> Result<Checkpoint> {
        let mut checkpoint = Checkpoint::load(&self.folder.model(&format!("seed-{seed}-{model}")))?;
        // Adaptation starts with a fresh Adam.
        checkpoint.tensors.retain(|name, _| !name.starts_with("adam."));
        Ok(checkpoint)
    }

    fn config(&self, seed: u32, mode: Mode) -> AdaptConfig {
        AdaptConfig { copies: self.settings.copies, seed, ..AdaptConfig::new(mode) }
    }

    fn predict(
        &self,
        file: &str,
        label: &str,
        (seed, model, mode): (u32, &str, Mode),
        set: &PoseSet,
        observe: Observer<'_>,
    ) -> Result<Run> {
        self.folder.predictions(file, [set.len(), set.joints], || {
            let checkpoint = self.checkpoint(seed, model)?;
            self.adapt(label, &checkpoint, &self.config(seed, mode), set, observe)
        })
    }

    fn adapt(
        &self,
        label: &str,
        checkpoint: &Checkpoint,
        config: &AdaptConfig,
        set: &PoseSet,
        observe: Observer<'_>,
    ) -> Result<Run> {
        let ready = TrainingSet::new(set, &checkpoint.model)?;
        let told = |done| observe(Step { name: label, done, total: set.len() });
        let result = run_mode(checkpoint, config, self.device, &ready, &[], told)?;
        Ok(Run { poses: result.predictions, ms_per_sample: result.ms_per_sample })
    }

    /// Baseline on the held-back poses of the source.
    fn unseen(&self, seed: u32, unseen: &PoseSet) -> Result<Metrics> {
        self.folder.result(&format!("seed-{seed}-held-back"), || {
            let checkpoint = self.checkpoint(seed, "baseline")?;
            let config = AdaptConfig { batch: 64, ..self.config(seed, Mode::Baseline) };
            let run = self.adapt("held back", &checkpoint, &config, unseen, &mut |_| ())?;
            Ok(us(&run.poses, &positions(unseen)?, unseen.joints))
        })
    }

    fn noisy(&self, seed: u32, sigma: f64, truth: &[f32], observe: Observer<'_>) -> Result<Metrics> {
        let name = format!("seed-{seed}-noise-{sigma}");
        self.folder.result(&name, || {
            let checkpoint = self.checkpoint(seed, "cyc")?;
            let set = noisy(self.data.target, &checkpoint.model, sigma, seed);
            let label = format!("seed {seed}: noise of {sigma} px");
            let run = self.adapt(&label, &checkpoint, &self.config(seed, Mode::Online), &set, observe)?;
            Ok(us(&run.poses, truth, set.joints))
        })
    }

    /// Fig. 4, of the first seed.
    fn sweeps(&self, observe: Observer<'_>) -> Result<Vec<Sweep>> {
        let seed = self.settings.train.seed;
        let (count, wanted) = (self.data.target.len(), self.settings.sweep_samples);
        let few = self.data.target.select(&spread(count, wanted));
        let truth = positions(&few)?;
        let score = |config: AdaptConfig, observe: Observer<'_>| {
            let AdaptConfig { mode, iterations, alpha, .. } = config;
            // Both sweeps pass the mode's own setting: it is run once.
            let name = format!("sweep-{mode}-t-{iterations}-alpha-{alpha:e}");
            self.folder.result(&name, || {
                let checkpoint = self.checkpoint(seed, "cyc")?;
                match self.adapt(&name, &checkpoint, &config, &few, observe) {
                    Ok(run) => Ok(Some(us(&run.poses, &truth, few.joints))),
                    Err(Error::Diverged(_)) => Ok(None),
                    Err(error) => Err(error),
                }
            })
        };
        let joint = score(self.config(seed, Mode::Baseline), observe)?.unwrap_or_default();
        let mut sweeps = Vec::new();
        for mode in [Mode::Vanilla, Mode::Online] {
            let mut of_t = Sweep { setting: "T".to_owned(), mode, points: Vec::new(), joint };
            let mut of_alpha = Sweep { setting: "alpha".to_owned(), ..of_t.clone() };
            for iterations in ITERATIONS {
                let config = AdaptConfig { iterations, ..self.config(seed, mode) };
                of_t.points.push((iterations as f64, score(config, observe)?));
            }
            for alpha in ALPHAS {
                let config = AdaptConfig { alpha: alpha as f32, ..self.config(seed, mode) };
                of_alpha.points.push((alpha, score(config, observe)?));
            }
            sweeps.extend([of_t, of_alpha]);
        }
        Ok(sweeps)
    }

    fn domain(&self, truth: &[f32], predicted: &[Predicted], observe: Observer<'_>) -> Result<Domain> {
        self.folder.result("domain", || domain(self.data, truth, predicted, (self.settings, self.device), observe))
    }
}

/// `wanted` of `count` indices, evenly spread, or all.
fn spread(count: usize, wanted: usize) -> Vec<usize> {
    let wanted = wanted.min(count);
    (0..wanted).map(|k| k * count / wanted).collect()
}

fn us(poses: &[f32], truth: &[f32], joints: usize) -> Metrics {
    crate::metrics::evaluate(poses, truth, joints, Protocol::Us, None)
}
