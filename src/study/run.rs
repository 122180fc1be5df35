//! The steps of a study, in order.

use serde::{Deserialize, Serialize};

use super::compare::{Comparison, Predicted, truth};
use super::domain::{Domain, domain};
use super::method::{BASELINE, Method, TRAINED, Trained, iso, methods};
use super::{Data, Folder, Manifest, Run, Settings, Step, noisy};
use crate::adapt::{AdaptConfig, Lifter, MODES, Mode, Policy};
use crate::checkpoint::Checkpoint;
use crate::config::{ModelConfig, TrainConfig};
use crate::data::PoseSet;
use crate::error::{Error, Result};
use crate::evaluate::{Stream, predict};
use crate::gpu::Device;
use crate::metrics::{Metrics, Protocol};
use crate::train::Trainer;

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
/// [`Error::Setting`] for data or settings that cannot be studied; [`Error::Diverged`] when a training diverges;
/// [`Error::Device`] when the device is lost; [`Error::Io`] and [`Error::File`] for the study's files.
pub fn run(folder: &Folder, data: Data<'_>, device: &Device, observe: Observer<'_>) -> Result<Results> {
    let truth = truth(data.target)?;
    let work = Work { folder, data, settings: &folder.manifest().settings, device };
    let mut held_back = Vec::new();
    let predicted = |method| Predicted { method, runs: Vec::new() };
    let mut predicted: Vec<Predicted> = methods().into_iter().map(predicted).collect();
    let mut noise: Vec<Noise> = SIGMAS.map(|sigma| Noise { sigma, runs: Vec::new() }).to_vec();
    for seed in work.seeds() {
        for model in TRAINED {
            work.train(seed, model, observe)?;
        }
        if let Some(unseen) = data.held_back {
            held_back.push(work.unseen(seed, unseen)?);
        }
        for Predicted { method, runs } in &mut predicted {
            runs.push(work.predict(seed, method, observe)?);
        }
        for noise in &mut noise {
            noise.runs.push(work.noisy(seed, noise.sigma, &truth, observe)?);
        }
    }
    let sweeps = work.sweeps(observe)?;
    let domain = work.domain(&truth, &predicted, observe)?;
    observe(Step { name: "compare", done: 0, total: 1 });
    let comparison = Comparison::new(data.target, &truth, &predicted, [BASELINE, &iso()]);
    observe(Step { name: "compare", done: 1, total: 1 });
    let guessed_joints = data.target.seen().iter().filter(|seen| **seen == 0.0).count();
    let manifest = folder.manifest().clone();
    let results = Results { manifest, guessed_joints, held_back, comparison, noise, sweeps, domain };
    folder.finish(&results)?;
    Ok(results)
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
    fn train(&self, seed: u32, Trained { name, ssl, .. }: Trained, observe: Observer<'_>) -> Result<()> {
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

    /// The model of a method, on the device.
    fn lifter(&self, seed: u32, method: &Method) -> Result<Lifter> {
        Lifter::open(&self.folder.model(&format!("seed-{seed}-{}", method.model.name)), self.device)
    }

    fn config(&self, seed: u32, mode: Mode) -> AdaptConfig {
        let policy = Policy { copies: self.settings.copies, ..mode.policy };
        AdaptConfig { seed, ..policy.into() }
    }

    fn predict(&self, seed: u32, method: &Method, observe: Observer<'_>) -> Result<Run> {
        let set = self.data.target;
        let name = &method.name;
        let file = format!("seed-{seed}-{}", name.to_lowercase());
        self.folder.predictions(&file, [set.len(), set.joints], || {
            let lifter = self.lifter(seed, method)?;
            self.adapt(&format!("seed {seed}: {name}"), &lifter, &self.config(seed, method.mode), set, observe)
        })
    }

    fn adapt(
        &self,
        label: &str,
        lifter: &Lifter,
        config: &AdaptConfig,
        set: &PoseSet,
        observe: Observer<'_>,
    ) -> Result<Run> {
        let told = |done| observe(Step { name: label, done, total: set.len() });
        let result = predict(lifter, config, set, Stream::default(), told)?;
        Ok(Run { poses: result.poses, ms_per_sample: result.ms_per_sample })
    }

    /// The first method that fits.
    fn method(&self, fits: impl Fn(&Method) -> bool) -> Result<Method> {
        methods().into_iter().find(fits).ok_or_else(|| Error::Plan("the study has no such method".to_owned()))
    }

    /// Baseline on the held-back poses of the source.
    fn unseen(&self, seed: u32, unseen: &PoseSet) -> Result<Metrics> {
        self.folder.result(&format!("seed-{seed}-held-back"), || {
            let method = self.method(|method| method.name == BASELINE)?;
            let config = AdaptConfig { batch: 64, ..self.config(seed, method.mode) };
            let run = self.adapt("held back", &self.lifter(seed, &method)?, &config, unseen, &mut |_| ())?;
            Ok(us(&run.poses, &truth(unseen)?, unseen.joints))
        })
    }

    fn noisy(&self, seed: u32, sigma: f64, truth: &[f32], observe: Observer<'_>) -> Result<Metrics> {
        let name = format!("seed-{seed}-noise-{sigma}");
        self.folder.result(&name, || {
            let method = self.method(Method::is_iso)?;
            let lifter = self.lifter(seed, &method)?;
            let set = noisy(self.data.target, lifter.model(), sigma, seed);
            let label = format!("seed {seed}: noise of {sigma} px");
            let run = self.adapt(&label, &lifter, &self.config(seed, method.mode), &set, observe)?;
            Ok(us(&run.poses, truth, set.joints))
        })
    }

    /// Fig. 4, of the first seed.
    fn sweeps(&self, observe: Observer<'_>) -> Result<Vec<Sweep>> {
        let seed = self.settings.train.seed;
        let (count, wanted) = (self.data.target.len(), self.settings.sweep_samples);
        let few = self.data.target.select(&spread(count, wanted));
        let truth = truth(&few)?;
        let method = self.method(Method::is_iso)?;
        let score = |mode: Mode, observe: Observer<'_>| {
            let Policy { iterations, alpha, .. } = mode.policy;
            // Both sweeps pass the mode's own setting: it is run once.
            let name = format!("sweep-{mode}-t-{iterations}-alpha-{alpha:e}");
            self.folder.result(&name, || {
                match self.adapt(&name, &self.lifter(seed, &method)?, &self.config(seed, mode), &few, observe) {
                    Ok(run) => Ok(Some(us(&run.poses, &truth, few.joints))),
                    Err(Error::Diverged(_)) => Ok(None),
                    Err(error) => Err(error),
                }
            })
        };
        let joint = score(MODES[0], observe)?.unwrap_or_default();
        let mut sweeps = Vec::new();
        for &mode in MODES.iter().filter(|mode| mode.every_task && mode.policy.adapts()) {
            let mut of_t = Sweep { setting: "T".to_owned(), mode, points: Vec::new(), joint };
            let mut of_alpha = Sweep { setting: "alpha".to_owned(), ..of_t.clone() };
            for iterations in ITERATIONS {
                let mode = Mode { policy: Policy { iterations, ..mode.policy }, ..mode };
                of_t.points.push((iterations as f64, score(mode, observe)?));
            }
            for alpha in ALPHAS {
                let mode = Mode { policy: Policy { alpha: alpha as f32, ..mode.policy }, ..mode };
                of_alpha.points.push((alpha, score(mode, observe)?));
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
    crate::metrics::evaluate(poses, truth, joints, Protocol::Us)
}
