//! `isopose eval`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;

use super::train::check_joints;
use super::{Outcome, methods, options, options::DeviceOptions, output, report};
use crate::adapt::{AdaptConfig, Mode};
use crate::checkpoint::Checkpoint;
use crate::config::Ssl;
use crate::data::{PoseSet, hold_back};
use crate::error::{Error, Result};
use crate::evaluate::{ModeResult, run_mode};
use crate::format::npz::NpzWriter;
use crate::gpu::Device;
use crate::metrics::{ProtocolSet, Score};
use crate::pose::missing::Fill;
use crate::study::{self, Comparison, Predicted};
use crate::train::TrainingSet;

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
    #[arg(long, value_parser = options::choice::<Mode>(&["baseline", "vanilla", "vanilla-lr", "online", "online-skip"]))]
    mode: Vec<Mode>,
    /// T, steps of adaptation on a sample [default: 10 for vanilla, else 1]
    #[arg(long, value_name = "T")]
    iterations: Option<usize>,
    /// α, the learning rate of adaptation [default: 2e-4 for vanilla-lr, else 2e-5]
    #[arg(long, value_name = "A")]
    alpha: Option<f32>,
    /// B, random views of a sample in one step
    #[arg(long, value_name = "B", default_value_t = 64)]
    copies: usize,
    /// Samples that the vanilla modes adapt to at once
    #[arg(long, value_name = "N", default_value_t = 1)]
    instances: usize,
    /// Samples that the baseline mode predicts at once
    #[arg(long, value_name = "N", default_value_t = 1)]
    batch: usize,
    /// How to score: the paper's tables, MPI-INF-3DHP's own script, SPIN's on 3DPW, or PoseAug's
    #[arg(long, value_name = "SET", default_value = "paper",
          value_parser = options::choice::<ProtocolSet>(&["paper", "3dhp-official", "3dpw", "poseaug"]))]
    protocol_set: ProtocolSet,
    /// Predicts each pose once, without averaging with its mirror image
    #[arg(long)]
    no_flip: bool,
    /// Online modes start again from the trained model at each sequence
    #[arg(long)]
    reset_at_sequences: bool,
    /// Takes the sequences that the checkpoint's training held back only
    #[arg(long)]
    held_back: bool,
    /// Takes the first N samples only
    #[arg(long, value_name = "N", value_parser = options::count::<usize>)]
    limit: Option<usize>,
    /// What stands in for joints that the data lack (confidence 0); they count in no loss and no scale
    #[arg(long, value_name = "FILL", default_value = "last-frame",
          value_parser = options::choice::<Fill>(&["last-frame", "neighbours"]))]
    fill: Fill,
    /// Seed of the random views
    #[arg(long, value_name = "S", default_value_t = 0)]
    seed: u32,
    /// Writes the predictions too, of one mode: `positions` (N, J, 3), metres from the root, `guessed` (N, J), 1 where
    /// the data lack the joint, and `joint_names`
    #[arg(long, value_name = "FILE.npz")]
    predictions: Option<PathBuf>,
    /// Writes a report too: one HTML page, or Markdown with its figures in a folder beside it
    #[arg(long, value_name = "FILE.html|FILE.md")]
    report: Option<PathBuf>,
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
        self.report.as_deref().map_or(Ok(()), |path| report::check(path, "--report"))?;
        let checkpoint = Checkpoint::load(&self.checkpoint)?;
        let configs = self.configs(&checkpoint)?;
        let poses = self.poses(&checkpoint)?;
        let set = TrainingSet::filled(&poses, &checkpoint.model, self.fill)?;
        if self.reset_at_sequences && poses.sequence.is_none() {
            let fix = "make the pose set with `sequence`, or leave --reset-at-sequences out";
            return Err(Error::file(&self.data, "sequence", "there is none", fix).into());
        }
        let starts = if self.reset_at_sequences { poses.sequence_starts() } else { Vec::new() };
        if self.report.is_some() && poses.positions.is_none() {
            let problem = "the array is missing, and a report compares with 3D poses";
            return Err(Error::file(&self.data, "positions", problem, "add it, or leave --report out").into());
        }
        let device = self.device.open()?;
        let mut predicted = Vec::new();
        let mut report = Report::new(&device, &set);
        for config in &configs {
            let mut progress = output::Progress::start(config.mode.to_string(), set.len());
            let result = run_mode(&checkpoint, config, &device, &set, &starts, |done| progress.update(done, ""))?;
            if let Some(path) = &self.predictions {
                write_predictions(path, &poses, &result.predictions)?;
            }
            report.results.extend(lines(&result, &set, self.protocol_set));
            predicted.push(methods::predicted(result, checkpoint.model.ssl));
        }
        if let Some(path) = &self.report {
            self.write_report(path, (&poses, &set), &predicted, (&report, checkpoint.model.width))?;
        }
        if self.json {
            output::json(out, &report)?
        } else {
            report.write(out)?
        }
        Ok(ExitCode::SUCCESS)
    }

    fn write_report(
        &self,
        path: &Path,
        (poses, set): (&PoseSet, &TrainingSet),
        predicted: &[Predicted],
        (results, width): (&Report, usize),
    ) -> Result<()> {
        let comparison = Comparison::new(poses, &set.positions, predicted, methods::pair(predicted));
        let facts = [
            ("Program", format!("isopose {}", env!("CARGO_PKG_VERSION"))),
            ("Device", results.device.clone()),
            ("Model", format!("{}, width {width}", self.checkpoint.display())),
            ("Data", format!("{}, {} samples", self.data.display(), results.samples)),
            ("Missing joints", results.guessed_joints.to_string()),
            ("Adaptation", format!("{} random views a step, seed {}", self.copies, self.seed)),
        ];
        let facts = facts.map(|(name, value)| (name.to_owned(), value)).to_vec();
        let commands = vec![options::command_line()];
        report::write(&study::comparison_document("Evaluation", &comparison, facts, commands), path)
    }

    /// The settings of each mode, checked before anything long starts.
    fn configs(&self, checkpoint: &Checkpoint) -> Result<Vec<AdaptConfig>> {
        let modes = match (&self.mode[..], checkpoint.model.ssl) {
            ([], Ssl::None) => vec![Mode::Baseline],
            ([], _) => Mode::ALL.to_vec(),
            (given, _) => given.to_vec(),
        };
        if self.predictions.is_some() && modes.len() != 1 {
            let problem = format!("--predictions takes those of one mode, not of {}; give one --mode", modes.len());
            return Err(Error::Usage(problem));
        }
        if self.instances > 1 && !modes.iter().any(|mode| mode.is_vanilla()) {
            return Err(Error::Usage("--instances is for the vanilla modes; leave it out, or add one".to_owned()));
        }
        let configs: Vec<AdaptConfig> = modes.into_iter().map(|mode| self.config(mode)).collect();
        configs.iter().try_for_each(|config| config.validate(&checkpoint.model))?;
        Ok(configs)
    }

    fn config(&self, mode: Mode) -> AdaptConfig {
        let usual = AdaptConfig::new(mode);
        AdaptConfig {
            iterations: self.iterations.unwrap_or(usual.iterations),
            alpha: self.alpha.unwrap_or(usual.alpha),
            copies: self.copies,
            instances: if mode.is_vanilla() { self.instances } else { 1 },
            batch: self.batch,
            flip: !self.no_flip,
            seed: self.seed,
            ..usual
        }
    }

    /// The samples asked for.
    fn poses(&self, checkpoint: &Checkpoint) -> Result<PoseSet> {
        let mut poses = PoseSet::load(&self.data)?;
        check_joints(&poses, &self.data, &checkpoint.model, &self.checkpoint)?;
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

fn lines(result: &ModeResult, set: &TrainingSet, protocols: ProtocolSet) -> Vec<Line> {
    let (mode, ms_per_sample) = (result.mode, result.ms_per_sample);
    if set.positions.is_empty() {
        return vec![Line { mode, protocol: None, pck: None, auc: None, mpjpe_mm: None, ms_per_sample }];
    }
    let line = |Score { label, metrics }: Score| {
        let (pck, auc, mpjpe_mm) = (Some(metrics.pck), Some(metrics.auc), Some(metrics.mpjpe_mm));
        Line { mode, protocol: Some(label), pck, auc, mpjpe_mm, ms_per_sample }
    };
    protocols.scores(&result.predictions, &set.positions, set.joints).into_iter().map(line).collect()
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
    fn new(device: &Device, set: &TrainingSet) -> Self {
        let guessed_joints = set.seen.iter().filter(|seen| **seen == 0.0).count();
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
