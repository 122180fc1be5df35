//! `isopose eval`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;

use super::options::{Adaptation, CameraOptions, DeviceOptions};
use super::train::check_joints;
use super::{Failure, Outcome, interrupt, options, output, report};
use crate::adapt::{AdaptConfig, Lifter, MODES, Mode, Policy, Start};
use crate::checkpoint::Checkpoint;
use crate::config::{ModelConfig, Ssl};
use crate::data::{PoseSet, hold_back};
use crate::error::{Error, Result};
use crate::evaluate::{Predictions, Stream, predict};
use crate::format::npz::NpzWriter;
use crate::gpu::Device;
use crate::metrics::{ProtocolSet, Score};
use crate::pose::root_centred;
use crate::study::{self, Comparison, Method, Predicted, Run};

/// Predict a pose set, adapting to it as each mode says, and score the predictions
#[derive(Debug, Args)]
pub(super) struct Eval {
    /// The model
    #[arg(long, value_name = "FILE")]
    checkpoint: PathBuf,
    /// The pose set; online modes take it as a stream in its order
    #[arg(long, value_name = "FILE.npz")]
    data: PathBuf,
    /// How to predict; may be given more than once [default: every mode that the model can]
    #[arg(long, value_parser = options::mode(|_| true))]
    mode: Vec<Mode>,
    #[command(flatten)]
    adaptation: Adaptation,
    /// Samples that the vanilla modes adapt to at once
    #[arg(long, value_name = "N", default_value_t = 1)]
    instances: usize,
    /// Samples that the baseline mode predicts at once
    #[arg(long, value_name = "N", default_value_t = 1)]
    batch: usize,
    /// How to score: the paper's tables, MPI-INF-3DHP's own script, SPIN's on 3DPW, or PoseAug's
    #[arg(long, value_name = "SET", default_value = "paper",
          value_parser = options::named::<ProtocolSet>())]
    protocol_set: ProtocolSet,
    /// Online modes start again from the trained model at each sequence
    #[arg(long)]
    reset_at_sequences: bool,
    /// Takes the sequences that the checkpoint's training held back only
    #[arg(long)]
    held_back: bool,
    /// Takes the first N samples only
    #[arg(long, value_name = "N", value_parser = options::count::<usize>)]
    limit: Option<usize>,
    /// Writes the predictions too, of one mode: `positions` (N, J, 3), metres from the root, `guessed` (N, J), 1 where
    /// the data lack the joint, and `joint_names`
    #[arg(long, value_name = "FILE.npz")]
    predictions: Option<PathBuf>,
    /// Writes a report too: one HTML page, or Markdown with its figures in a folder beside it
    #[arg(long, value_name = "FILE.html|FILE.md")]
    report: Option<PathBuf>,
    #[command(flatten)]
    camera: CameraOptions,
    #[command(flatten)]
    device: DeviceOptions,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    device: String,
    samples: usize,
    /// Joints of the samples that the data lack: their positions are guesses.
    guessed_joints: usize,
    results: Vec<Line>,
}

/// One mode on one line of the protocol set; without a protocol and scores where the data have no 3D poses.
#[derive(Serialize)]
struct Line {
    mode: Mode,
    protocol: Option<&'static str>,
    pck: Option<f64>,
    auc: Option<f64>,
    mpjpe_mm: Option<f64>,
    ms_per_sample: f64,
}

impl Eval {
    pub(super) fn run(&self, out: &mut dyn Write) -> Outcome {
        let inputs = [&*self.checkpoint, &*self.data];
        self.predictions.as_deref().map_or(Ok(()), |path| options::check_writable(path, "--predictions", &inputs))?;
        self.report.as_deref().map_or(Ok(()), |path| report::check(path, "--report", &inputs))?;
        options::check_distinct([(&self.report, "--report"), (&self.predictions, "--predictions")])?;
        let checkpoint = options::load_checkpoint(&self.checkpoint)?;
        let configs = self.configs(&checkpoint)?;
        let poses = self.poses(&checkpoint)?;
        if self.reset_at_sequences && poses.sequence.is_none() {
            let fix = "make the pose set with `sequence`, or leave --reset-at-sequences out";
            return Err(Error::file(&self.data, "sequence", "there is none", fix).into());
        }
        let resets = if self.reset_at_sequences { poses.sequence_starts() } else { Vec::new() };
        if self.report.is_some() && poses.positions.is_none() {
            let problem = "the array is missing, and a report compares with 3D poses";
            return Err(Error::file(&self.data, "positions", problem, "add it, or leave --report out").into());
        }
        let truth = root_centred(poses.positions.as_deref().unwrap_or_default(), poses.joints);
        let device = self.device.open()?;
        let model = checkpoint.model.clone();
        let lifter = Lifter::new(checkpoint.model, checkpoint.parameters, &device)?;
        let stream = Stream { fill: self.adaptation.fill, resets: &resets };
        let mut predicted = Vec::new();
        let mut report = Report::new(&device, &poses);
        interrupt::catch();
        let mut stopped = false;
        for (mode, config) in &configs {
            let mut progress = output::Progress::start(mode.name, poses.len());
            let result = predict(&lifter, config, &poses, stream, |done| {
                progress.update(done, "");
                interrupt::check()
            });
            drop(progress);
            stopped = matches!(result, Err(Error::Stopped));
            if stopped {
                output::note(&format!(
                    "stopped in mode {mode}, of which nothing is kept; what was finished before follows"
                ));
                break;
            }
            let result = result.map_err(|error| of_mode(error, *mode))?;
            report.results.extend(lines(*mode, &result, (&truth, poses.joints), self.protocol_set));
            let run = Run { poses: result.poses, ms_per_sample: result.ms_per_sample };
            predicted.push(Predicted { method: Method::of_mode(*mode, model.ssl), runs: vec![run] });
        }
        // Before anything is written that may fail.
        if self.json {
            output::json(out, &report)?
        } else {
            report.write(out)?
        }
        out.flush()?;
        if stopped {
            return Err(Failure::Engine(Error::Stopped));
        }
        if let (Some(path), [Predicted { runs, .. }]) = (&self.predictions, &predicted[..]) {
            write_predictions(path, &poses, &runs[0].poses)?;
        }
        if let Some(path) = &self.report {
            let comparison = Comparison::new(&poses, &truth, &predicted, pair(&predicted));
            self.write_report(path, &comparison, &report, &model)?;
        }
        Ok(ExitCode::SUCCESS)
    }

    fn write_report(&self, path: &Path, comparison: &Comparison, results: &Report, model: &ModelConfig) -> Result<()> {
        let (width, usual) = (model.width, Mode::ONLINE.policy(model));
        let rows =
            match (self.adaptation.copies.unwrap_or(usual.copies), self.adaptation.replay.unwrap_or(usual.replay)) {
                (copies, replay) if model.ssl == Ssl::Geometry => {
                    format!("{copies} random views and {replay} replayed poses a step")
                }
                (copies, _) => format!("{copies} random views a step"),
            };
        let facts = [
            ("Program", format!("isopose {}", env!("CARGO_PKG_VERSION"))),
            ("Device", results.device.clone()),
            ("Model", format!("{}, width {width}", self.checkpoint.display())),
            ("Data", format!("{}, {} samples", self.data.display(), results.samples)),
            ("Missing joints", results.guessed_joints.to_string()),
            ("Adaptation", format!("{rows}, seed {}", self.adaptation.seed)),
        ];
        let facts = facts.map(|(name, value)| (name.to_owned(), value)).to_vec();
        let commands = vec![options::command_line()];
        report::write(&study::comparison_document("Evaluation", comparison, facts, commands), path)
    }

    /// The settings of each mode, checked before anything long starts.
    fn configs(&self, checkpoint: &Checkpoint) -> Result<Vec<(Mode, AdaptConfig)>> {
        let can = |mode: &Mode| checkpoint.model.ssl != Ssl::None || !mode.adapts();
        let modes = match &self.mode[..] {
            [] => MODES.iter().copied().filter(can).collect(),
            given => given.to_vec(),
        };
        if self.predictions.is_some() && modes.len() != 1 {
            let problem = format!("it takes the predictions of one mode, not of {}; give one --mode", modes.len());
            return Err(Error::setting("predictions", problem));
        }
        self.adaptation.check(&checkpoint.model)?;
        if self.instances > 1 && !modes.iter().any(|mode| mode.paper.forgets()) {
            return Err(Error::setting("instances", "it is for the vanilla modes; leave it out, or add one"));
        }
        let config = |mode: Mode| (mode, self.config(mode.policy(&checkpoint.model)));
        let configs: Vec<_> = modes.into_iter().map(config).collect();
        configs
            .iter()
            .try_for_each(|(mode, config)| config.validate(&checkpoint.model).map_err(|error| of_mode(error, *mode)))?;
        Ok(configs)
    }

    fn config(&self, usual: Policy) -> AdaptConfig {
        let config = self.adaptation.config(usual);
        AdaptConfig { instances: if usual.forgets() { self.instances } else { 1 }, batch: self.batch, ..config }
    }

    /// The samples asked for.
    fn poses(&self, checkpoint: &Checkpoint) -> Result<PoseSet> {
        let mut poses = options::pose_set(&self.data)?;
        check_joints(&poses, &self.data, &checkpoint.model, &self.checkpoint)?;
        self.camera.note_without_effect(&[&poses]);
        poses = self.camera.complete(poses, &self.data, checkpoint.model.rays)?;
        if poses.positions.is_none() && self.predictions.is_none() {
            let problem = "the array is missing, so predictions cannot be scored";
            let fix = "add it, or give --predictions FILE to have them written only";
            return Err(Error::file(&self.data, "positions", problem, fix));
        }
        if self.held_back {
            let held_back = checkpoint.training.as_ref().map(|training| &training.held_back[..]).unwrap_or_default();
            if held_back.is_empty() {
                let problem = "no sequence was held back from this model's training";
                let fix = "train it with --hold-back, or leave --held-back out";
                return Err(Error::file(&self.checkpoint, "training.held_back", problem, fix));
            }
            poses = hold_back::select(&poses, &self.data, held_back, true)?;
        }
        Ok(match self.limit {
            Some(limit) if limit < poses.len() => poses.select(&(0..limit).collect::<Vec<_>>()),
            _ => poses,
        })
    }
}

/// The two methods to look at closely: the first, and the one that adapts most like the paper's ISO.
fn pair(predicted: &[Predicted]) -> [&str; 2] {
    let online = |predicted: &&Predicted| {
        let mode = predicted.method.mode;
        mode.every_task && mode.start() == Start::Carry
    };
    let second = predicted.iter().find(online).or(predicted.last());
    [predicted.first(), second].map(|predicted| predicted.map_or("", |predicted| &predicted.method.name))
}

/// Says which mode cannot be, or in which predictions ceased to be finite.
fn of_mode(error: Error, mode: Mode) -> Error {
    match error {
        Error::Diverged(what) => Error::Diverged(format!("{mode}: {what}")),
        Error::Setting { setting: "mode", problem } => Error::setting("mode", format!("{mode}: {problem}")),
        error => error,
    }
}

fn lines(mode: Mode, result: &Predictions, (truth, joints): (&[f32], usize), protocols: ProtocolSet) -> Vec<Line> {
    let ms_per_sample = result.ms_per_sample;
    if truth.is_empty() {
        return vec![Line { mode, protocol: None, pck: None, auc: None, mpjpe_mm: None, ms_per_sample }];
    }
    let line = |Score { label, metrics }: Score| {
        let (pck, auc, mpjpe_mm) = (Some(metrics.pck), Some(metrics.auc), Some(metrics.mpjpe_mm));
        Line { mode, protocol: Some(label), pck, auc, mpjpe_mm, ms_per_sample }
    };
    protocols.scores(&result.poses, truth, joints).into_iter().map(line).collect()
}

/// The predicted positions, and which joints were guessed because the data lack them.
fn write_predictions(path: &Path, poses: &PoseSet, predictions: &[f32]) -> Result<()> {
    let mut npz = NpzWriter::create(path)?;
    npz.f32("positions", &[poses.len(), poses.joints, 3], predictions)?;
    let seen = poses.seen();
    let guessed = if seen.is_empty() {
        vec![0; poses.len() * poses.joints]
    } else {
        seen.iter().map(|&seen| i32::from(seen == 0.0)).collect()
    };
    npz.i32("guessed", &[poses.len(), poses.joints], &guessed)?;
    npz.strings("joint_names", &poses.joint_names)?;
    npz.finish()
}

impl Report {
    fn new(device: &Device, set: &PoseSet) -> Self {
        let guessed_joints = set.seen().iter().filter(|seen| **seen == 0.0).count();
        Self { device: device.name(), samples: set.len(), guessed_joints, results: Vec::new() }
    }

    fn write(&self, out: &mut dyn Write) -> std::io::Result<()> {
        writeln!(out, "{} samples on {}", self.samples, self.device)?;
        if self.guessed_joints > 0 {
            writeln!(out, "{} joints are missing in the data: their positions are guesses", self.guessed_joints)?;
        }
        let mut table = output::Table::new(2, &["mode", "protocol", "PCK", "AUC", "MPJPE mm", "ms/sample"]);
        for line in &self.results {
            let number = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.1}"));
            let protocol = line.protocol.unwrap_or("-").to_owned();
            let [pck, auc, mpjpe] = [line.pck, line.auc, line.mpjpe_mm].map(number);
            table.row(vec![line.mode.to_string(), protocol, pck, auc, mpjpe, format!("{:.3}", line.ms_per_sample)]);
        }
        table.write(out)
    }
}
