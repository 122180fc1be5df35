//! `isopose study`.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::options::{CameraOptions, DeviceOptions};
use super::settings::{Length, SettingFlags};
use super::shard::{self, Asked};
use super::train::complete;
use super::{Outcome, interrupt, options, output};
use crate::adapt::{AdaptConfig, MODES};
use crate::config::{ModelConfig, Preset};
use crate::data::{PoseSet, hold_back};
use crate::error::{Error, Result};
use crate::evaluate::Shard;
use crate::report::{self, Table};
use crate::study::{self, Data, DataFile, Folder, Manifest, Only, PaperTarget, Results, Settings, Step};
use crate::train::Trainer;

/// Recordings of the source that are kept out of training, to see what the change of scenario costs.
const HOLD_BACK: f64 = 0.1;

/// Run the paper's experiments (its Sec. 4), or those of the geometry preset, on any source and target, and write a report
#[derive(Debug, Args)]
#[command(mut_arg("ssl", |ssl| ssl.hide(true)))]
pub(super) struct Study {
    /// The pose set to train on; every tenth recording, where there are ten, is held back, to score
    /// the models at home
    #[arg(long, value_name = "FILE.npz")]
    source: PathBuf,
    /// The pose set to adapt to, with 3D poses to score against; online modes take it as a stream in its order
    #[arg(long, value_name = "FILE.npz")]
    target: PathBuf,
    /// The study's folder: models, predictions, results and report.html
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    settings: SettingFlags,
    #[command(flatten)]
    length: Length,
    /// Trains and measures everything K times, with seeds --seed, --seed + 1, ...
    #[arg(long, value_name = "K", default_value_t = 1, value_parser = options::count::<u32>)]
    seeds: u32,
    #[arg(long, value_name = "B", value_parser = options::count::<usize>, help = options::copies_help())]
    copies: Option<usize>,
    #[arg(long, value_name = "R", help = options::replay_help())]
    replay: Option<usize>,
    /// Samples of the target, evenly spread, on which T and α are varied and parts of the preset left out
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = options::count::<usize>)]
    sweep_samples: usize,
    /// Steps that train the domain classifier
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = options::count::<u32>)]
    classifier_steps: u32,
    /// Says that the target is the paper's: its own numbers are then quoted beside ours
    #[arg(long, value_name = "NAME", value_parser = options::named::<PaperTarget>())]
    paper_target: Option<PaperTarget>,
    /// Goes on with the study in --out where it was cut off
    #[arg(long)]
    resume: bool,
    /// Does this step alone, with --shard a part of it: train the models, or predict with trained ones. Several processes may
    /// share --out; the study then goes on from what they did, with --resume
    #[arg(long, value_name = "STEP", value_parser = options::named::<Only>())]
    only: Option<Only>,
    /// Does part I of N of the step; auto takes I and N from a Slurm array, srun or MPI, auto/N the I of a Kubernetes indexed
    /// job or of GNU parallel
    #[arg(long, value_name = "I/N", value_parser = shard::asked, requires = "only")]
    shard: Option<Asked>,
    #[command(flatten)]
    camera: CameraOptions,
    #[command(flatten)]
    device: DeviceOptions,
    /// Print one JSON object: everything that the report shows
    #[arg(long)]
    json: bool,
}

impl Study {
    pub(super) fn run(&self, out: &mut dyn Write) -> Outcome {
        let source = complete(options::pose_set(&self.source)?, &self.source)?;
        let target = options::pose_set(&self.target)?;
        self.check(&source, &target)?;
        let rays = self.settings.resolve()?.0.rays;
        self.camera.note_without_effect(&[&source, &target]);
        let source = self.camera.complete(source, &self.source, rays)?;
        let target = self.camera.complete(target, &self.target, rays)?;
        let (training, held_back, ids) = self.split(source)?;
        // An epoch is of what is trained on.
        let settings = self.settings(&training)?;
        self.check_settings(&training, &settings)?;
        let device = self.device.open()?;
        let manifest = Manifest {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            command: options::command_line_without(&["--only", "--shard"]),
            device: device.name(),
            source: DataFile::of(&self.source, training.len())?,
            target: DataFile::of(&self.target, target.len())?,
            settings,
        };
        if self.resume && !self.out.join("study.json").exists() {
            output::note(&format!("there is no study in {} yet: this begins one", self.out.display()));
        }
        interrupt::catch();
        let shard = self.shard.map_or(Ok(Shard::WHOLE), shard::told)?;
        let folder = match self.only {
            Some(_) => Folder::open_shared(&self.out, &manifest)?,
            None => Folder::open(&self.out, &manifest, self.resume)?,
        };
        let data = Data { source: &training, held_back: held_back.as_ref(), held_back_ids: &ids, target: &target };
        let mut progress = Shown::default();
        let observe = &mut |step: Step<'_>| {
            progress.show(step);
            interrupt::check()
        };
        if let Some(only) = self.only {
            let done = study::run_part(&folder, data, &device, (only, shard), observe);
            drop(progress);
            self.say_stopped(&done, shard);
            done?;
            writeln!(out, "{only}: part {shard} is in {}", self.out.display())?;
            return Ok(ExitCode::SUCCESS);
        }
        let results = study::run(&folder, data, &device, observe);
        drop(progress);
        self.say_stopped(&results, shard);
        let results = results?;
        let page = self.out.join("report.html");
        report::write_html(&study::results_document(&results), &page)?;
        if self.json {
            output::json(out, &results)?;
        } else {
            write_summary(&results, out)?;
            writeln!(out, "\nwrote {}", page.display())?;
        }
        Ok(ExitCode::SUCCESS)
    }

    fn say_stopped<T>(&self, done: &Result<T>, shard: Shard) {
        if matches!(done, Err(Error::Stopped)) {
            let resume = if self.resume || self.only.is_some() { "" } else { " --resume" };
            output::note(&format!("stopped; what is done is kept. Go on: {}{resume}", shard::command_line(shard)));
        }
    }

    fn check(&self, source: &PoseSet, target: &PoseSet) -> Result<()> {
        for (set, path) in [(source, &self.source), (target, &self.target)] {
            if set.positions.is_none() {
                let problem = "the array is missing, and a study compares with 3D poses";
                return Err(Error::file(path, "positions", problem, "add it: (N, J, 3) metres in camera axes"));
            }
            if set.is_empty() {
                return Err(Error::file(path, "keypoints", "there are no poses", "give a file with poses"));
            }
        }
        if source.joints != target.joints {
            let problem = format!("{} joints, but {} has {}", target.joints, self.source.display(), source.joints);
            let fix = format!("make the poses with --joints {}", source.joints);
            return Err(Error::file(&self.target, "keypoints", problem, fix));
        }
        Ok(())
    }

    fn settings(&self, source: &PoseSet) -> Result<Settings> {
        self.settings.refuse_ssl("a study trains the models of its preset")?;
        let preset = self.settings.preset()?;
        if preset == Preset::Paper && self.replay.is_some() {
            return Err(Error::Usage("--replay: the paper's tasks replay nothing; leave it out".to_owned()));
        }
        let (model, mut train) = self.settings.resolve()?;
        if model.ssl != preset.model().ssl {
            let problem = format!("it is {}, but a study trains the models of its preset; leave it out", model.ssl);
            return Err(Error::setting("ssl", problem));
        }
        train.steps = self.length.steps(source.len(), train.batch, train.steps)?;
        // The study chooses the task itself.
        let model = ModelConfig { joints: source.joints, ssl: preset.model().ssl, ..model };
        Ok(Settings {
            preset,
            model,
            train,
            seeds: self.seeds,
            copies: self.copies,
            replay: self.replay,
            sweep_samples: self.sweep_samples,
            classifier_steps: self.classifier_steps,
            focal: self.camera.focal,
            paper_target: self.paper_target,
        })
    }

    /// Fails for what no step could be run with, before the folder is made.
    fn check_settings(&self, training: &PoseSet, settings: &Settings) -> Result<()> {
        let of_source = |error| match error {
            Error::Setting { setting: "data", problem } => Error::setting("source", problem),
            error => error,
        };
        for trained in settings.trained() {
            let (model, train) = trained.settings(&settings.model, &settings.train);
            Trainer::check(training, &model, &train).map_err(of_source)?;
        }
        let model = Trainer::check(training, &settings.model, &settings.train).map_err(of_source)?;
        let adapting = MODES.iter().filter(|mode| mode.adapts());
        adapting
            .map(|mode| settings.policy(*mode, &model))
            .try_for_each(|policy| AdaptConfig::from(policy).validate(&model))
    }

    /// What is trained on, and what is held back with its ids where there are recordings enough.
    fn split(&self, source: PoseSet) -> Result<(PoseSet, Option<PoseSet>, Vec<i32>)> {
        match hold_back::choose(&source, &self.source, HOLD_BACK) {
            Ok(ids) => {
                let [unseen, training] =
                    [true, false].map(|inside| hold_back::select(&source, &self.source, &ids, inside));
                Ok((training?, Some(unseen?), ids))
            }
            Err(why) => {
                output::note(&format!("no poses of the source are held back: {why}"));
                Ok((source, None, Vec::new()))
            }
        }
    }
}

/// The bar of the step that is being done.
#[derive(Default)]
struct Shown {
    name: String,
    bar: Option<output::Progress>,
}

impl Shown {
    fn show(&mut self, step: Step<'_>) {
        if self.name != step.name {
            // The one before is cleared first.
            self.bar = None;
            self.bar = Some(output::Progress::start(step.name, step.total));
            step.name.clone_into(&mut self.name);
        }
        if let Some(bar) = &mut self.bar {
            bar.update(step.done, "");
            step.warning.iter().for_each(|warning| bar.note(&format!("warning: {warning}")));
        }
    }
}

/// The tables of accuracy and of gains.
fn write_summary(results: &Results, out: &mut dyn Write) -> std::io::Result<()> {
    let document = study::results_document(results);
    writeln!(out, "{}\n", document.summary)?;
    let shown = |table: &&Table| {
        ["Table 1", "Table 3", "Methods", "Gains", "Ablations"].iter().any(|start| table.caption.starts_with(start))
    };
    for table in document.sections.iter().flat_map(|section| section.tables()).filter(shown) {
        writeln!(out, "{}", table.caption)?;
        let words = table.columns.iter().filter(|column| column.words).count();
        let header: Vec<&str> = table.columns.iter().map(|column| &*column.title).collect();
        let mut text = output::Table::new(words, &header);
        table.rows.iter().for_each(|row| text.row(row.cells.clone()));
        text.write(out)?;
        writeln!(out)?;
    }
    Ok(())
}
