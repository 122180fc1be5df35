//! The steps of a study, in order.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::ablations::{Ablation, ablations};
use super::compare::{Comparison, Predicted, truth};
use super::domain::{Domain, domain};
use super::folder::REDO;
use super::method::{BASELINE, Method, Trained, iso, joint};
use super::noise::{Pixels, noisy};
use super::{Data, Folder, Manifest, Run, Settings, Step};
use crate::adapt::{AdaptConfig, Lifter, MODES, Mode, Policy};
use crate::checkpoint::Checkpoint;
use crate::config::{ModelConfig, Preset, TrainConfig};
use crate::data::PoseSet;
use crate::error::{Error, Result};
use crate::evaluate::{Pieces, Stream, predict};
use crate::gpu::Device;
use crate::metrics::{Metrics, Protocol};
use crate::train::{Trainer, Training, checksum, train_and_keep};

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
    /// What the parts of the geometry preset are worth; none of the paper's.
    #[serde(default)]
    pub ablations: Vec<Ablation>,
}

/// A method on noisy keypoints.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Noise {
    /// The method.
    pub method: String,
    /// Standard deviation in pixels.
    pub sigma: f64,
    /// Whose pixels.
    pub pixels: Pixels,
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

const SIGMAS: [f64; 2] = [5.0, 10.0];
const ITERATIONS: [usize; 6] = [1, 2, 5, 10, 20, 50];

/// The learning rates of Fig. 4, about what the preset's modes use.
fn alphas(preset: Preset) -> [f64; 5] {
    match preset {
        Preset::Paper => [2e-3, 2e-4, 2e-5, 2e-6, 2e-7],
        Preset::Geometry => [1e-3, 3e-4, 1e-4, 3e-5, 1e-5],
    }
}

/// What noisy keypoints are tried on: Table 5 has ISO alone, for a person of the paper's size.
fn noises(preset: Preset) -> Vec<Noise> {
    let (methods, units) = match preset {
        Preset::Paper => (vec![iso(preset)], &[Pixels::Person][..]),
        Preset::Geometry => (vec![joint(preset), iso(preset)], &[Pixels::Image, Pixels::Person][..]),
    };
    let noise = |method: &String, pixels, sigma| Noise { method: method.clone(), sigma, pixels, runs: Vec::new() };
    let of_unit = |&pixels: &Pixels| {
        methods.iter().flat_map(move |method| SIGMAS.map(|sigma| noise(method, pixels, sigma))).collect::<Vec<_>>()
    };
    units.iter().flat_map(of_unit).collect()
}

pub(super) type Observer<'a> = &'a mut dyn FnMut(Step<'_>) -> Result<()>;

/// Runs a study to its end, leaving out what `folder` has already, and writes its results there. `observe` is told how
/// far it is.
///
/// # Errors
/// [`Error::Setting`] for data or settings that cannot be studied; [`Error::Diverged`] when a training diverges;
/// [`Error::Device`] when the device is lost; [`Error::Io`] and [`Error::File`] for the study's files.
pub fn run(folder: &Folder, data: Data<'_>, device: &Device, observe: Observer<'_>) -> Result<Results> {
    let truth = truth(data.target)?;
    let work = Work { folder, data, settings: &folder.manifest().settings, device };
    let mut held_back = Vec::new();
    let predicted = |method| Predicted { method, runs: Vec::new() };
    let mut predicted: Vec<Predicted> = work.settings.methods().into_iter().map(predicted).collect();
    let mut noise = noises(work.settings.preset);
    for seed in work.seeds() {
        for model in work.settings.trained() {
            work.train(seed, model, observe)?;
        }
        if let Some(unseen) = data.held_back {
            held_back.push(work.unseen(seed, unseen, observe)?);
        }
        for Predicted { method, runs } in &mut predicted {
            runs.push(work.predict(seed, method, observe)?);
        }
        for noise in &mut noise {
            noise.runs.push(work.noisy(seed, noise, &truth, observe)?);
        }
    }
    let sweeps = work.sweeps(observe)?;
    let ablations = ablations(&work, observe)?;
    let domain = work.domain(&truth, &predicted, observe)?;
    observe(Step { name: "compare", done: 0, total: 1, warning: None })?;
    let comparison =
        Comparison::new(data.target, &truth, &predicted, work.settings.pair().each_ref().map(|name| &**name));
    observe(Step { name: "compare", done: 1, total: 1, warning: None })?;
    let guessed_joints = data.target.seen().iter().filter(|seen| **seen == 0.0).count();
    let manifest = folder.manifest().clone();
    let results = Results { manifest, guessed_joints, held_back, comparison, noise, sweeps, domain, ablations };
    folder.finish(&results)?;
    Ok(results)
}

pub(super) struct Work<'a> {
    pub(super) folder: &'a Folder,
    pub(super) data: Data<'a>,
    pub(super) settings: &'a Settings,
    pub(super) device: &'a Device,
}

impl Work<'_> {
    pub(super) fn seeds(&self) -> impl Iterator<Item = u32> + use<> {
        let first = self.settings.train.seed;
        (0..self.settings.seeds).map(move |k| first.wrapping_add(k))
    }

    /// Trains a model, or goes on with its training.
    pub(super) fn train(&self, seed: u32, trained: Trained, observe: Observer<'_>) -> Result<()> {
        let path = self.model(seed, trained);
        let (model, config) = trained.settings(&self.settings.model, &self.settings.train);
        let config = TrainConfig { seed, ..config };
        let mut trainer = if path.exists() {
            let checkpoint = self.trained(seed, trained)?;
            if checkpoint.training.as_ref().is_some_and(|training| training.step == config.steps) {
                return Ok(());
            }
            Trainer::resume(self.data.source, checkpoint, self.device)?
        } else {
            Trainer::new(self.data.source, &model, &config, self.device)?
        };
        let label = format!("seed {seed}: train {}", trained.name);
        let total = config.steps as usize;
        train_and_keep(&mut trainer, config.steps, (&path, self.data.held_back_ids), &mut |training| match training {
            Training::At(step, _) => observe(Step { name: &label, done: step as usize, total, warning: None }),
            Training::NotSaved(step, error) => {
                let warning = format!("not saved, to be tried again: {error}");
                observe(Step { name: &label, done: step as usize, total, warning: Some(&warning) })
            }
        })?;
        Ok(())
    }

    /// The file of a model.
    pub(super) fn model(&self, seed: u32, trained: Trained) -> PathBuf {
        self.folder.model(&format!("seed-{seed}-{}", trained.name))
    }

    /// A model as far as it is trained.
    fn trained(&self, seed: u32, trained: Trained) -> Result<Checkpoint> {
        let path = self.model(seed, trained);
        let (model, config) = trained.settings(&self.settings.model, &self.settings.train);
        let config = TrainConfig { seed, ..config };
        let checkpoint = Checkpoint::load(&path)?;
        let model = Trainer::check(self.data.source, &model, &config)?;
        match foreign(&checkpoint, &model, &config, self.data) {
            Some((field, problem)) => Err(Error::file(&path, field, problem, REDO)),
            None => Ok(checkpoint),
        }
    }

    /// The model of a method, on the device.
    pub(super) fn lifter(&self, seed: u32, method: &Method) -> Result<Lifter> {
        let path = self.model(seed, method.model);
        let steps = self.settings.train.steps;
        let checkpoint = if path.exists() { Some(self.trained(seed, method.model)?) } else { None };
        let step = checkpoint.as_ref().and_then(|model| model.training.as_ref()).map_or(0, |training| training.step);
        match checkpoint.filter(|_| step == steps) {
            Some(Checkpoint { model, parameters, .. }) => Lifter::new(model, parameters, self.device),
            None => {
                let problem = format!("it is at step {step} of {steps}");
                Err(Error::file(&path, "training", problem, "train it first (`study.only`)"))
            }
        }
    }

    /// How a method predicts with its model.
    pub(super) fn config(&self, seed: u32, method: &Method, lifter: &Lifter) -> AdaptConfig {
        AdaptConfig { seed, ..self.settings.policy(method.mode, lifter.model()).into() }
    }

    fn predict(&self, seed: u32, method: &Method, observe: Observer<'_>) -> Result<Run> {
        let set = self.data.target;
        let name = &method.name;
        let file = method.file_of(seed);
        let run = self.folder.predictions(&file, [set.len(), set.joints], || {
            let lifter = self.lifter(seed, method)?;
            let config = self.config(seed, method, &lifter);
            self.keep((&file, &format!("seed {seed}: {name}")), (&lifter, &config), set, observe)
        })?;
        Pieces::new(&self.folder.pieces(), file)?.remove()?;
        Ok(run)
    }

    fn adapt(
        &self,
        label: &str,
        lifter: &Lifter,
        config: &AdaptConfig,
        set: &PoseSet,
        observe: Observer<'_>,
    ) -> Result<Run> {
        let told = |done| observe(Step { name: label, done, total: set.len(), warning: None });
        let result = predict(lifter, config, set, &Stream::default(), told)?;
        Ok(Run { poses: result.poses, as_trained: 0, ms_per_sample: result.ms_per_sample })
    }

    /// The first method that fits.
    fn method(&self, fits: impl Fn(&Method) -> bool) -> Result<Method> {
        self.settings
            .methods()
            .into_iter()
            .find(fits)
            .ok_or_else(|| Error::Plan("the study has no such method".to_owned()))
    }

    /// Baseline on the held-back poses of the source.
    fn unseen(&self, seed: u32, unseen: &PoseSet, observe: Observer<'_>) -> Result<Metrics> {
        self.folder.result(&format!("seed-{seed}-held-back"), || {
            let method = self.method(|method| method.name == BASELINE)?;
            let lifter = self.lifter(seed, &method)?;
            let config = AdaptConfig { batch: 64, ..self.config(seed, &method, &lifter) };
            let run = self.adapt("held back", &lifter, &config, unseen, observe)?;
            Ok(us(&run.poses, &truth(unseen)?, unseen.joints))
        })
    }

    fn noisy(&self, seed: u32, noise: &Noise, truth: &[f32], observe: Observer<'_>) -> Result<Metrics> {
        let Noise { method, sigma, pixels, .. } = noise;
        let method = self.method(|known| known.name == *method)?;
        // As it was called when there was but one kind.
        let kind = match (method.is_iso(), pixels) {
            (true, Pixels::Person) => String::new(),
            _ => format!("{}-{pixels}-", method.file_name()),
        };
        let name = format!("seed-{seed}-noise-{kind}{sigma}");
        let score = self.folder.result(&name, || {
            let lifter = self.lifter(seed, &method)?;
            let set = noisy(self.data.target, lifter.model(), (*sigma, *pixels), seed);
            let label = format!("seed {seed}: noise of {sigma} px");
            let config = self.config(seed, &method, &lifter);
            let run = self.keep((&name, &label), (&lifter, &config), &set, observe)?;
            Ok(us(&run.poses, truth, set.joints))
        })?;
        Pieces::new(&self.folder.pieces(), name)?.remove()?;
        Ok(score)
    }

    /// The samples of sweeps and ablations, and their truth.
    pub(super) fn few(&self) -> Result<(PoseSet, Vec<f32>)> {
        let few = self.data.target.select(&spread(self.data.target.len(), self.settings.sweep_samples));
        let truth = truth(&few)?;
        Ok((few, truth))
    }

    /// The score of a policy on those, US; none where it diverged.
    pub(super) fn score(
        &self,
        (name, lifter, policy): (&str, &Lifter, Policy),
        (few, truth): &(PoseSet, Vec<f32>),
        observe: Observer<'_>,
    ) -> Result<Option<Metrics>> {
        let config = AdaptConfig { seed: self.settings.train.seed, ..policy.into() };
        match self.adapt(name, lifter, &config, few, observe) {
            Ok(run) => Ok(Some(us(&run.poses, truth, few.joints))),
            Err(Error::Diverged(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Fig. 4, of the first seed.
    fn sweeps(&self, observe: Observer<'_>) -> Result<Vec<Sweep>> {
        let few = self.few()?;
        let method = self.method(Method::is_iso)?;
        let lifter = self.lifter(self.settings.train.seed, &method)?;
        let own = |mode| self.settings.policy(mode, lifter.model());
        let score = |mode: Mode, policy: Policy, observe: Observer<'_>| {
            let Policy { iterations, alpha, .. } = policy;
            // Both sweeps pass the mode's own setting: it is run once.
            let name = format!("sweep-{mode}-t-{iterations}-alpha-{alpha:e}");
            self.folder.result(&name, || self.score((&name, &lifter, policy), &few, observe))
        };
        let joint = score(MODES[0], own(MODES[0]), observe)?.unwrap_or_default();
        let mut sweeps = Vec::new();
        for &mode in MODES.iter().filter(|mode| mode.every_task && mode.adapts()) {
            let mut of_t = Sweep { setting: "T".to_owned(), mode, points: Vec::new(), joint };
            let mut of_alpha = Sweep { setting: "alpha".to_owned(), ..of_t.clone() };
            for iterations in ITERATIONS {
                let policy = Policy { iterations, ..own(mode) };
                of_t.points.push((iterations as f64, score(mode, policy, observe)?));
            }
            for alpha in alphas(self.settings.preset) {
                let policy = Policy { alpha: alpha as f32, ..own(mode) };
                of_alpha.points.push((alpha, score(mode, policy, observe)?));
            }
            sweeps.extend([of_t, of_alpha]);
        }
        Ok(sweeps)
    }

    fn domain(&self, truth: &[f32], predicted: &[Predicted], observe: Observer<'_>) -> Result<Domain> {
        self.folder.result("domain", || domain(self.data, truth, predicted, (self.settings, self.device), observe))
    }
}

/// What shows that a checkpoint is not one of the study's training of `model` by `config`.
fn foreign(
    checkpoint: &Checkpoint,
    model: &ModelConfig,
    config: &TrainConfig,
    data: Data<'_>,
) -> Option<(&'static str, String)> {
    // The gate is measured when a model is written.
    let found = &checkpoint.model;
    let expected = ModelConfig { gate: found.gate, ..model.clone() };
    if *found != expected {
        return Some(("metadata config", difference(found, &expected)));
    }
    let wrong = |problem: &str| Some(("metadata training", problem.to_owned()));
    let Some(training) = &checkpoint.training else { return wrong("there is none, and the study trains this model") };
    if training.config != *config {
        return Some(("metadata training", difference(&training.config, config)));
    }
    let other = |known: u64| known != checksum(data.source, model);
    if training.poses != data.source.len()
        || training.checksum.is_some_and(other)
        || training.held_back != data.held_back_ids
    {
        return wrong("it was trained on other poses than the study's");
    }
    if training.step > config.steps {
        return wrong("it was trained for more steps than the study's");
    }
    if training.step < config.steps && checkpoint.optimiser.is_none() {
        return wrong("its training is not finished, and cannot go on without adam.* tensors");
    }
    None
}

/// The first setting that is not the study's.
fn difference<T: Serialize>(found: &T, expected: &T) -> String {
    // By their text, which has an f32's own digits.
    let fields = |settings: &T| {
        let text = serde_json::to_string(settings).ok()?;
        serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&text).ok()
    };
    let (Some(found), Some(expected)) = (fields(found), fields(expected)) else { return String::new() };
    let other = found.iter().zip(&expected).find(|(found, expected)| found != expected);
    other.map_or_else(String::new, |((name, found), (_, expected))| match found.is_array() {
        true => format!("{name} is another than the study's"),
        false => format!("{name} is {found}, the study's {expected}"),
    })
}

/// `wanted` of `count` indices, evenly spread, or all.
fn spread(count: usize, wanted: usize) -> Vec<usize> {
    let wanted = wanted.min(count);
    (0..wanted).map(|k| k * count / wanted).collect()
}

fn us(poses: &[f32], truth: &[f32], joints: usize) -> Metrics {
    crate::metrics::evaluate(poses, truth, joints, Protocol::Us)
}
