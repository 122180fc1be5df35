//! `isopose train`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use clap::Args;
use serde::Serialize;

use super::options::{CameraOptions, DeviceOptions};
use super::settings::{Length, SettingFlags};
use super::{Outcome, interrupt, options, output};
use crate::adapt::{AdaptConfig, Lifter, Policy};
use crate::checkpoint::Checkpoint;
use crate::config::{ModelConfig, TrainConfig};
use crate::data::{PoseSet, hold_back};
use crate::error::{Error, Result};
use crate::evaluate::{Stream, predict};
use crate::gpu::Device;
use crate::metrics::{Metrics, Protocol, evaluate};
use crate::pose::root_centred;
use crate::task::Losses;
use crate::train::{Trainer, Training, train_and_keep};

/// Poses scored at once.
const SCORE_BATCH: usize = 64;

/// Train a lifter on a pose set with 3D poses
#[derive(Debug, Args)]
pub(super) struct Train {
    /// The pose set to train on; its joints are the model's
    #[arg(long, value_name = "FILE.npz")]
    data: PathBuf,
    /// The checkpoint to write: after 5 seconds, then ever less often up to once a minute, at the end, and when INT or TERM
    /// asks for the end
    #[arg(long, value_name = "FILE.safetensors")]
    out: PathBuf,
    #[command(flatten)]
    settings: SettingFlags,
    #[command(flatten)]
    length: Length,
    /// Keeps this fraction of the sequences out of training and scores the model on them at the end
    #[arg(long, value_name = "F", value_parser = fraction)]
    hold_back: Option<f64>,
    /// Goes on from this checkpoint with its settings; a larger --steps extends the run (a learning rate that falls to a
    /// factor at the last step then falls anew)
    #[arg(long, value_name = "FILE", conflicts_with_all = ["preset", "ssl", "width", "batch", "lr", "dropout", "final_lr_factor",
          "decay_gamma", "decay_steps", "random_views", "free_rotation", "limb_mixing", "noise", "lift", "seed",
          "config", "hold_back"])]
    resume: Option<PathBuf>,
    /// Overwrites --out although it holds a model that was trained for longer
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    camera: CameraOptions,
    #[command(flatten)]
    device: DeviceOptions,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

fn fraction(text: &str) -> std::result::Result<f64, String> {
    text.parse().ok().filter(|f| *f > 0.0 && *f < 1.0).ok_or_else(|| "use a number between 0 and 1".to_owned())
}

#[derive(Serialize)]
struct Report {
    device: String,
    out: PathBuf,
    steps: u32,
    poses: usize,
    seconds: f64,
    losses: Losses,
    held_back: Option<HeldBack>,
}

#[derive(Serialize)]
struct HeldBack {
    sequences: usize,
    poses: usize,
    pck: f64,
    auc: f64,
    mpjpe_mm: f64,
}

/// What is trained on and what is kept out.
struct Split {
    training: PoseSet,
    held_back: Vec<i32>,
    unseen: Option<PoseSet>,
}

impl Train {
    pub(super) fn run(&self, out: &mut dyn Write) -> Outcome {
        let inputs: Vec<&Path> = std::iter::once(&*self.data).chain(self.settings.file()).collect();
        options::check_writable(&self.out, "--out", &inputs)?;
        let resumed = self.resume.as_deref().map(options::load_checkpoint).transpose()?;
        self.check_longer(resumed.as_ref())?;
        let settings = self.settings.resolve()?;
        let rays = resumed.as_ref().map_or(settings.0.rays, |checkpoint| checkpoint.model.rays);
        let set = options::pose_set(&self.data)?;
        self.camera.note_without_effect(&[&set]);
        let set = self.camera.complete(set, &self.data, rays)?;
        let set = complete(set, &self.data)?;
        let split = self.split(&set, resumed.as_ref())?;
        let device = self.device.open()?;
        let (mut trainer, steps) = match resumed {
            Some(checkpoint) => self.resumed(&split.training, checkpoint, &device)?,
            None => self.fresh(&split.training, settings, &device)?,
        };
        let begun = Instant::now();
        interrupt::catch();
        let losses = self.train(&mut trainer, steps, &split.held_back)?;
        let seconds = begun.elapsed().as_secs_f64();
        let held_back = match &split.unseen {
            None => None,
            Some(unseen) => Some(held_back_score(&mut trainer, unseen, &split.held_back, &device)?),
        };
        let (poses, device) = (split.training.len(), trainer.device().to_owned());
        let report = Report { device, out: self.out.clone(), steps, poses, seconds, losses, held_back };
        if self.json {
            output::json(out, &report)?
        } else {
            report.write(out)?
        }
        Ok(ExitCode::SUCCESS)
    }

    fn split(&self, set: &PoseSet, resumed: Option<&Checkpoint>) -> Result<Split> {
        if set.positions.is_none() {
            let problem = "the array is missing, and training needs 3D poses";
            return Err(Error::file(&self.data, "positions", problem, "add it: (N, J, 3) metres in camera axes"));
        }
        let earlier = resumed.and_then(|checkpoint| checkpoint.training.as_ref());
        let held_back = match (earlier, self.hold_back) {
            (Some(training), _) => training.held_back.clone(),
            (None, Some(fraction)) => hold_back::choose(set, &self.data, fraction)?,
            (None, None) => Vec::new(),
        };
        if held_back.is_empty() {
            return Ok(Split { training: set.clone(), held_back, unseen: None });
        }
        let training = hold_back::select(set, &self.data, &held_back, false)?;
        let unseen = Some(hold_back::select(set, &self.data, &held_back, true)?);
        Ok(Split { training, held_back, unseen })
    }

    fn fresh(
        &self,
        set: &PoseSet,
        (model, mut config): (ModelConfig, TrainConfig),
        device: &Device,
    ) -> Result<(Trainer, u32)> {
        config.steps = self.length.steps(set.len(), config.batch, config.steps)?;
        Ok((Trainer::new(set, &model, &config, device)?, config.steps))
    }

    fn resumed(&self, set: &PoseSet, mut checkpoint: Checkpoint, device: &Device) -> Result<(Trainer, u32)> {
        let path = self.resume.as_deref().unwrap_or(&self.out);
        let has_moments = checkpoint.optimiser.is_some();
        let Some(training) = checkpoint.training.as_mut().filter(|_| has_moments) else {
            let problem = "there is no training state to go on from";
            return Err(Error::file(
                path,
                "training",
                problem,
                "use a checkpoint of isopose train, or start a new run",
            ));
        };
        let config = &mut training.config;
        config.steps = self.length.steps(set.len(), config.batch, config.steps)?;
        let (steps, done) = (config.steps, training.step);
        if steps <= done {
            return Err(Error::Usage(format!(
                "--resume: {} has done {done} of {steps} steps; extend the run with a larger --steps",
                path.display()
            )));
        }
        check_joints(set, &self.data, &checkpoint.model, path)?;
        Ok((Trainer::resume(set, checkpoint, device)?, steps))
    }

    fn train(&self, trainer: &mut Trainer, steps: u32, held_back: &[i32]) -> Result<Losses> {
        let mut progress = output::Progress::start("train", steps as usize);
        let done = train_and_keep(trainer, steps, (&self.out, held_back), &mut |training| {
            match training {
                Training::At(step, losses) => progress.update(step as usize, &summary(losses)),
                Training::NotSaved(_, error) => {
                    progress.note(&format!("warning: not saved, to be tried again: {error}"))
                }
            }
            interrupt::check()
        });
        drop(progress);
        if matches!(done, Err(Error::Stopped)) {
            let (step, out) = (trainer.step(), self.out.display());
            output::note(&format!("stopped at step {step} of {steps}; {out} is saved. Go on: {}", self.going_on()));
        }
        done
    }

    /// The command that goes on where this one was stopped.
    fn going_on(&self) -> String {
        let (data, out) = (options::quoted(&self.data), options::quoted(&self.out));
        let focal = self.camera.focal.map_or(String::new(), |focal| format!(" --focal {focal}"));
        format!("isopose train --data {data} --resume {out} --out {out}{focal}{}", self.device.flags())
    }

    /// Fails where --out holds a model that was trained for longer than this run has been when it begins.
    fn check_longer(&self, resumed: Option<&Checkpoint>) -> Result<()> {
        let step = |checkpoint: &Checkpoint| checkpoint.training.as_ref().map_or(0, |training| training.step);
        if self.force || !self.out.exists() {
            return Ok(());
        }
        // What is no model is as any other file of that name.
        let Ok(there) = Checkpoint::load(&self.out) else { return Ok(()) };
        let (trained, begins) = (step(&there), resumed.map_or(0, step));
        if trained <= begins {
            return Ok(());
        }
        let out = self.out.display();
        let problem = format!("--out {out}: it was trained for {trained} steps, and this run begins with {begins}");
        Err(Error::Usage(format!("{problem}; go on with it (--resume {out}), give another file, or --force")))
    }
}

/// The poses that have every joint.
pub(super) fn complete(set: PoseSet, path: &Path) -> Result<PoseSet> {
    let whole = set.complete();
    if whole.is_empty() {
        let problem = "every pose lacks a joint (confidence 0)";
        return Err(Error::file(path, "confidence", problem, "train on data that have every joint"));
    }
    if whole.len() < set.len() {
        output::note(&format!("{} poses lack a joint and are left out of training", set.len() - whole.len()));
    }
    Ok(whole)
}

/// Fails, naming both files, where the poses are not of the model's skeleton.
pub(super) fn check_joints(set: &PoseSet, data: &Path, model: &ModelConfig, checkpoint: &Path) -> Result<()> {
    if set.joints == model.joints {
        return Ok(());
    }
    let problem = format!("{} joints, but the model of {} has {}", set.joints, checkpoint.display(), model.joints);
    Err(Error::file(data, "keypoints", problem, format!("make the poses with --joints {}", model.joints)))
}

fn held_back_score(trainer: &mut Trainer, unseen: &PoseSet, ids: &[i32], device: &Device) -> Result<HeldBack> {
    let Checkpoint { model, parameters, .. } = trainer.checkpoint(Vec::new())?;
    let lifter = Lifter::new(model, parameters, device)?;
    let config = AdaptConfig { batch: SCORE_BATCH, ..Policy::BASELINE.into() };
    let predicted = predict(&lifter, &config, unseen, &Stream::default(), |_| interrupt::check())?;
    let truth = root_centred(unseen.positions.as_deref().unwrap_or_default(), unseen.joints);
    let Metrics { mpjpe_mm, pck, auc } = evaluate(&predicted.poses, &truth, unseen.joints, Protocol::Us);
    Ok(HeldBack { sequences: ids.len(), poses: unseen.len(), pck, auc, mpjpe_mm })
}

/// The losses that networks descend on.
fn summary(losses: &Losses) -> String {
    let learnt = losses.terms().iter().filter(|term| term.weight != 0.0);
    learnt.map(|term| format!("{} {:.4}", term.name, term.value)).collect::<Vec<_>>().join("  ")
}

impl Report {
    fn write(&self, out: &mut dyn Write) -> std::io::Result<()> {
        let Self { device, steps, poses, seconds, losses, .. } = self;
        writeln!(out, "trained on {poses} poses to step {steps} in {seconds:.1} s on {device}")?;
        writeln!(out, "losses: {}", summary(losses))?;
        if let Some(HeldBack { sequences, poses, pck, auc, mpjpe_mm }) = &self.held_back {
            writeln!(
                out,
                "held back: PCK {pck:.1}  AUC {auc:.1}  MPJPE {mpjpe_mm:.1} mm on {poses} poses of {sequences} \
                 sequences (US, no adaptation)"
            )?;
        }
        writeln!(out, "wrote {}", self.out.display())
    }
}
