//! `isopose eval`.

mod choose;
mod told;

use std::io::Write;
use std::ops::Range;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use self::choose::of_mode;
pub(super) use self::told::write_results;
use super::options::{Adaptation, CameraOptions, DeviceOptions};
use super::shard::{self, Asked};
use super::words::Words;
use super::{Failure, Outcome, interrupt, options, output, report};
use crate::adapt::{AdaptConfig, Lifter, Mode};
use crate::checkpoint::Checkpoint;
use crate::data::PoseSet;
use crate::error::{Error, Result};
use crate::evaluate::{
    self, Folder, InputFile, Manifest, Predicted, Predictions, Results, Shard, ShardBy, Spread, Stream, Told,
};
use crate::gpu::Device;
use crate::metrics::ProtocolSet;
use crate::pose::root_centred;

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
    /// Writes the predictions too, of one mode: `positions` (N, J, 3), metres from the root, `truth` as far as the data have
    /// it, `guessed` (N, J), 1 where the data lack the joint, `sample` (N), `joint_names` and `mode`
    #[arg(long, value_name = "FILE.npz")]
    predictions: Option<PathBuf>,
    /// Writes a report too: one HTML page, or Markdown with its figures in a folder beside it
    #[arg(long, value_name = "FILE.html|FILE.md")]
    report: Option<PathBuf>,
    /// The evaluation's folder: results.json, predictions/MODE.npz with what is true beside it, and evaluation.json, which
    /// says what it is; what is done is kept there
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Goes on with the evaluation in --out where it was cut off
    #[arg(long, requires = "out")]
    resume: bool,
    /// Does part I of N alone, in a folder of its own in --out; `isopose merge` puts all of them together. auto takes I
    /// and N from a Slurm array, srun or MPI; auto/N the I of a Kubernetes indexed job or of GNU parallel
    #[arg(long, value_name = "I/N", value_parser = shard::asked, requires = "out", conflicts_with_all = ["predictions", "report"])]
    shard: Option<Asked>,
    /// Where samples are parted [default: sample for what learns nothing from one sample for the next, else sequence]
    #[arg(long, value_name = "B", value_parser = options::named::<ShardBy>(), requires = "shard")]
    shard_by: Option<ShardBy>,
    #[command(flatten)]
    camera: CameraOptions,
    #[command(flatten)]
    device: DeviceOptions,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Eval {
    pub(super) fn run(&self, out: &mut dyn Write) -> Outcome {
        let inputs = [&*self.checkpoint, &*self.data];
        self.predictions.as_deref().map_or(Ok(()), |path| options::check_writable(path, "--predictions", &inputs))?;
        self.report.as_deref().map_or(Ok(()), |path| report::check(path, "--report", &inputs))?;
        options::check_distinct([(&self.report, "--report"), (&self.predictions, "--predictions")])?;
        let shard = self.shard.map_or(Ok(Shard::WHOLE), shard::told)?;
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
        let ranges = configs.iter().map(|(mode, _)| self.part(shard, *mode, &poses)).collect::<Result<Vec<_>>>()?;
        let devices = self.device.open_each()?;
        let names: Vec<String> = devices.iter().map(Device::name).collect();
        let folder = match &self.out {
            Some(out) => Some(self.folder(out, &self.manifest(&names, &configs, poses.len(), shard)?)?),
            None => None,
        };
        let finished = folder.as_ref().map(Folder::results).transpose()?.flatten();
        let is_new = finished.is_none();
        let model = checkpoint.model.clone();
        let (results, predicted, stopped) = match (finished, &folder) {
            (Some(results), Some(folder)) => {
                output::note("this evaluation is finished: here is what it found");
                let is_asked = self.predictions.is_some() || self.report.is_some();
                let modes = configs.iter().filter(|_| is_asked).map(|(mode, _)| *mode);
                let predicted = modes.map(|mode| Ok((mode, folder.predicted_of(mode, &poses)?)));
                (results, predicted.collect::<Result<Vec<_>>>()?, false)
            }
            _ => {
                let lifters = lifters(checkpoint, &devices)?;
                let sets = Sets { poses: &poses, truth: &truth, resets: &resets, ranges: &ranges };
                self.predict((&lifters, &configs), sets, (folder.as_ref(), shard), Results::new(names.join(", ")))?
            }
        };
        // Before anything is written that may fail; that nobody reads it keeps nothing from being written.
        let shown = if self.json { output::json(out, &results) } else { write_results(&results, out) };
        let shown = shown.and_then(|()| out.flush());
        if stopped {
            return Err(Failure::Engine(Error::Stopped));
        }
        if let Some(folder) = folder.filter(|_| is_new) {
            predicted.iter().try_for_each(|(mode, of_mode)| folder.write(*mode, of_mode))?;
            folder.finish(&results)?;
        }
        if let (Some(path), [(mode, of_mode)]) = (&self.predictions, &predicted[..]) {
            of_mode.write(*mode, path)?;
        }
        if let Some(path) = &self.report {
            self.write_report(path, (&poses, &truth), predicted, &results, &model)?;
        }
        shown?;
        Ok(ExitCode::SUCCESS)
    }

    /// What each mode predicts, until the end is asked for.
    fn predict(
        &self,
        (lifters, configs): (&[Lifter], &[(Mode, AdaptConfig)]),
        Sets { poses, truth, resets, ranges }: Sets<'_>,
        (folder, shard): (Option<&Folder>, Shard),
        mut results: Results,
    ) -> Result<(Results, ByMode, bool)> {
        let mut predicted = Vec::new();
        interrupt::catch();
        for ((mode, config), range) in configs.iter().zip(ranges) {
            let stream = Stream { fill: self.adaptation.fill, resets, range: Some(range.clone()) };
            let pieces = folder.map(|folder| (folder.pieces(), mode.name.to_owned()));
            let result = match follow(&Spread { set: poses, stream, pieces }, (lifters, config), *mode) {
                Err(Error::Stopped) => {
                    output::note(&self.how_stopped(*mode, shard));
                    return Ok((results, predicted, true));
                }
                result => result.map_err(|error| of_mode(error, *mode))?,
            };
            let size = 3 * poses.joints;
            let truth = truth.get(size * range.start..size * range.end).unwrap_or_default();
            let guessed = Predicted::guessed_in(poses, range.clone());
            results.add(*mode, (&result, guessed), (truth, poses.joints), self.protocol_set);
            predicted.push((*mode, Predicted::new(poses, range.start, result.poses, truth)));
        }
        Ok((results, predicted, false))
    }

    /// What the evaluation is.
    fn manifest(
        &self,
        devices: &[String],
        configs: &[(Mode, AdaptConfig)],
        samples: usize,
        shard: Shard,
    ) -> Result<Manifest> {
        let Adaptation { iterations, alpha, copies, replay, no_flip, fill, seed } = self.adaptation;
        Ok(Manifest {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            command: options::command_line(),
            devices: devices.to_vec(),
            checkpoint: InputFile::of(&self.checkpoint)?,
            data: InputFile::of(&self.data)?,
            samples,
            settings: evaluate::Settings {
                modes: configs.iter().map(|(mode, _)| *mode).collect(),
                iterations,
                alpha,
                copies,
                replay,
                flip: !no_flip,
                fill,
                seed,
                instances: self.instances,
                batch: self.batch,
                protocol_set: self.protocol_set,
                reset_at_sequences: self.reset_at_sequences,
                held_back: self.held_back,
                limit: self.limit,
                focal: self.camera.focal,
                shard_by: self.shard_by,
            },
            shard,
        })
    }

    /// The evaluation's folder, or its part's in there.
    fn folder(&self, out: &std::path::Path, manifest: &Manifest) -> Result<Folder> {
        let path = shard::folder(out, manifest.shard);
        if self.resume && !Folder::is_at(&path) {
            output::note(&format!("there is no evaluation in {} yet: this begins one", path.display()));
        }
        Folder::open(&path, manifest, self.resume)
    }

    fn how_stopped(&self, mode: Mode, shard: Shard) -> String {
        if self.out.is_none() {
            return format!("stopped in mode {mode}, of which nothing is kept; what was finished before follows");
        }
        let resume = if self.resume { "" } else { " --resume" };
        let command = shard::command_line(shard);
        format!("stopped in mode {mode}; what is done is kept. Go on: {command}{resume}")
    }
}

/// What each mode predicted.
type ByMode = Vec<(Mode, Predicted)>;

/// The samples, what is true of them (N, 3J), where online modes start again, and the range of each mode.
struct Sets<'a> {
    poses: &'a PoseSet,
    truth: &'a [f32],
    resets: &'a [usize],
    ranges: &'a [Range<usize>],
}

/// The model on each of the devices.
fn lifters(checkpoint: Checkpoint, devices: &[Device]) -> Result<Vec<Lifter>> {
    let lifter = |device| Lifter::new(checkpoint.model.clone(), checkpoint.parameters.clone(), device);
    devices.iter().map(lifter).collect()
}

/// Predicts with a bar of progress.
fn follow(spread: &Spread<'_>, (lifters, config): (&[Lifter], &AdaptConfig), mode: Mode) -> Result<Predictions> {
    let total = spread.stream.range.as_ref().map_or(0, ExactSizeIterator::len);
    let mut progress = output::Progress::start(mode.name, total);
    let mut is_told = false;
    spread.predict(lifters, config, &mut |told| {
        match told {
            Told::At(done) => progress.update(done, ""),
            Told::Failed(sample, why) => {
                // The others are counted in the table.
                if !std::mem::replace(&mut is_told, true) {
                    progress.note(&format!("warning: {mode}: sample {sample}: {}", Words::typed().said(why)));
                }
            }
            Told::NotSaved(error) => progress.note(&format!("warning: not saved, to be tried again: {error}")),
        }
        interrupt::check()
    })
}
