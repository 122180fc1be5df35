//! `isopose demo`: what adaptation gains on synthetic data, or the paper's two tables, in about a minute.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use clap::Args;

use super::{Outcome, options, options::DeviceOptions, output, report};
use crate::adapt::{AdaptConfig, Lifter, Mode, Policy};
use crate::config::{Decay, ModelConfig, Preset, Ssl, TrainConfig};
use crate::data::{PoseSet, Scenario, synthetic};
use crate::error::Result;
use crate::evaluate::{Stream, predict};
use crate::gpu::Device;
use crate::metrics::{Metrics, Protocol, evaluate};
use crate::study::{self, BASELINE, Change, Comparison, Method, Predicted, Run, Trained};
use crate::train::Trainer;

const WIDTH: usize = 128;
const SOURCE_POSES: usize = 8000;
const UNSEEN_POSES: usize = 640;
const BATCH: usize = 64;
/// Another seed than the source's: no pose, person or camera in common.
const TARGET_SEED: u64 = 1;

/// Train on one synthetic scenario, adapt to another, and print what that gains
#[derive(Debug, Args)]
pub(super) struct Demo {
    /// The methods to show: of the geometry task, or the paper's, as its Tables 3 and 4
    #[arg(long, default_value = "geometry", value_parser = options::named::<Preset>())]
    preset: Preset,
    /// Seed of the weights, of training and of the random views
    #[arg(long, value_name = "S", default_value_t = 0)]
    seed: u32,
    /// Writes a report: one HTML page, or Markdown with its figures in a folder beside it
    #[arg(long, value_name = "FILE.html|FILE.md")]
    report: Option<PathBuf>,
    #[command(flatten)]
    device: DeviceOptions,
}

/// Poses to adapt to: online modes gain with a stream's length, and vanilla's cost with it.
fn target_poses(preset: Preset) -> usize {
    match preset {
        Preset::Paper => 240,
        Preset::Geometry => 1280,
    }
}

/// How a narrow network learns in a few seconds. It has nothing to spare for the paper's dropout of 0.5.
fn training(preset: Preset) -> TrainConfig {
    let usual = TrainConfig { batch: BATCH, ..preset.training() };
    match preset {
        Preset::Paper => {
            TrainConfig { steps: 2000, lr: 1e-2, decay: Decay::ToFactor { factor: 0.02 }, dropout: 0.0, ..usual }
        }
        Preset::Geometry => TrainConfig { steps: 5000, ..usual },
    }
}

/// A row of the tables.
struct Row {
    method: Method,
    score: Metrics,
    run: Run,
}

impl Demo {
    pub(super) fn run(&self, out: &mut dyn Write) -> Outcome {
        let begun = Instant::now();
        self.report.as_deref().map_or(Ok(()), |path| report::check(path, "--report", &[]))?;
        let device = self.device.open()?;
        let (poses, training) = (target_poses(self.preset), self.training());
        let source = synthetic(Scenario::Source, SOURCE_POSES, 0, 16)?;
        let target = synthetic(Scenario::Target, poses, TARGET_SEED, 16)?;
        writeln!(out, "device: {}", device.name())?;
        writeln!(out, "source: {SOURCE_POSES} poses of adults in everyday poses, four studio cameras")?;
        writeln!(out, "target: {poses} poses of all ages and actions, a camera anywhere for each clip")?;
        writeln!(out, "models: width {WIDTH}, {} steps of {BATCH} poses (the paper: width 1024)\n", training.steps)?;
        // Two models, the paper's weaker task and half of training's changes left out: each takes as long as the rest.
        let left_out = |model: &Trained| model.ssl == Ssl::Adversary || model.change == Change::ViewsOnly;
        let shown = |method: &Method| !left_out(&method.model) && method.tells(&training);
        let methods: Vec<Method> = study::methods(self.preset).into_iter().filter(shown).collect();
        let (mut lifters, mut rows): (Vec<(Trained, Lifter)>, Vec<Row>) = (Vec::new(), Vec::new());
        for Method { model, name, .. } in &methods {
            if lifters.iter().all(|(known, _)| known != model) {
                lifters.push((*model, self.train(&source, (model, name), &device)?));
            }
        }
        let lifter =
            |method: &Method| lifters.iter().find(|(model, _)| *model == method.model).map(|(_, lifter)| lifter);
        let unseen = synthetic(Scenario::Source, UNSEEN_POSES, TARGET_SEED, 16)?;
        let mut here = Metrics::default();
        for method in methods {
            let Some(lifter) = lifter(&method) else { continue };
            if method.name == BASELINE {
                here = self.evaluate(&method, lifter, &unseen)?.score;
            }
            rows.push(self.evaluate(&method, lifter, &target)?);
        }

        let there = named(&rows, BASELINE).map(|row| row.score.pck).unwrap_or_default();
        writeln!(
            out,
            "The shift: Baseline has PCK {:.1} on unseen poses of the source, {there:.1} on the target\n",
            here.pck
        )?;
        match self.preset {
            Preset::Paper => write_paper(&rows, out)?,
            Preset::Geometry => write_geometry(&rows, out)?,
        }
        if let Some(path) = &self.report {
            let predicted = rows.into_iter().map(|row| Predicted { method: row.method, runs: vec![row.run] });
            self.write_report(path, &target, &predicted.collect::<Vec<_>>(), &device)?;
            writeln!(out, "wrote {}", path.display())?;
        }
        writeln!(out, "{:.0} s in all", begun.elapsed().as_secs_f64())?;
        Ok(ExitCode::SUCCESS)
    }

    fn training(&self) -> TrainConfig {
        TrainConfig { seed: self.seed, ..training(self.preset) }
    }

    fn write_report(&self, path: &Path, target: &PoseSet, predicted: &[Predicted], device: &Device) -> Result<()> {
        let (iso, joint) = (study::iso(self.preset), study::joint(self.preset));
        let (before, adaptation) = match self.preset {
            Preset::Paper => (BASELINE, format!("{} random views a step", Policy::ONLINE.copies)),
            Preset::Geometry => {
                let Policy { copies, replay, .. } = Mode::ONLINE.geometry;
                (&*joint, format!("{copies} random views a step, {replay} poses replayed"))
            }
        };
        let comparison = Comparison::new(target, &study::truth(target)?, predicted, [before, &iso]);
        let facts = [
            ("Program", format!("isopose {}", env!("CARGO_PKG_VERSION"))),
            ("Device", device.name()),
            ("Source", format!("{SOURCE_POSES} synthetic poses of adults in everyday poses, four studio cameras")),
            (
                "Target",
                format!(
                    "{} synthetic poses of all ages and actions, a camera anywhere for each clip",
                    target_poses(self.preset)
                ),
            ),
            ("Training", format!("width {WIDTH}, {} steps of {BATCH} poses", self.training().steps)),
            ("Adaptation", adaptation),
            ("Seed", self.seed.to_string()),
        ];
        let facts = facts.map(|(name, value)| (name.to_owned(), value)).to_vec();
        let document =
            study::comparison_document("ISO on synthetic data", &comparison, facts, vec![options::command_line()]);
        report::write(&document, path)
    }

    fn train(&self, source: &PoseSet, (trained, name): (&Trained, &str), device: &Device) -> Result<Lifter> {
        let model = ModelConfig { width: WIDTH, ..self.preset.model() };
        let (model, config) = trained.settings(&model, &self.training());
        let mut trainer = Trainer::new(source, &model, &config, device)?;
        let mut progress = output::Progress::start(format!("train {name}"), config.steps as usize);
        trainer.run(config.steps, 50, |step, losses| {
            progress.update(step as usize, &format!("fsl {:.4}", losses.get("fsl").unwrap_or_default()));
        })?;
        let checkpoint = trainer.checkpoint(Vec::new())?;
        Lifter::new(checkpoint.model, checkpoint.parameters, device)
    }

    fn evaluate(&self, method: &Method, lifter: &Lifter, set: &PoseSet) -> Result<Row> {
        let config = AdaptConfig { seed: self.seed, ..method.mode.policy(lifter.model()).into() };
        let mut progress = output::Progress::start(method.mode.name, set.len());
        let result = predict(lifter, &config, set, &Stream::default(), |done| {
            progress.update(done, "");
            Ok(())
        })?;
        let score = evaluate(&result.poses, &study::truth(set)?, set.joints, Protocol::Us);
        let run = Run { poses: result.poses, as_trained: 0, ms_per_sample: result.ms_per_sample };
        Ok(Row { method: method.clone(), score, run })
    }
}

fn named<'a>(rows: &'a [Row], name: &str) -> Option<&'a Row> {
    rows.iter().find(|row| row.method.name == name)
}

/// The paper's Tables 3 and 4, and what adaptation gains.
fn write_paper(rows: &[Row], out: &mut dyn Write) -> std::io::Result<()> {
    writeln!(out, "Table 3: self-supervision, on the target (US)")?;
    let mut table = output::Table::new(1, &["Method", "PCK", "AUC", "MPJPE mm"]);
    for row in rows.iter().filter(|row| row.method.in_table_3()) {
        table.row([vec![row.method.name.clone()], row.scores()].concat());
    }
    table.write(out)?;

    writeln!(out, "\nTable 4: time, on the target (US)")?;
    let (plain, adapted): (Vec<&Row>, Vec<&Row>) =
        rows.iter().filter(|row| row.method.in_table_4()).partition(|row| row.method.name == BASELINE);
    let mut table = timed();
    adapted.iter().chain(&plain).for_each(|row| table.row(row.timed(row.method.mode.title)));
    table.write(out)?;

    writeln!(out)?;
    let joint = study::joint(Preset::Paper);
    for (row, other) in adapted.iter().filter_map(|row| Some((row, named(rows, &joint)?))) {
        writeln!(out, "{}", row.against(other, &format!("{joint}, the same model as trained")))?;
    }
    for (row, other) in adapted.iter().filter(|row| row.method.is_iso()).zip(&plain) {
        writeln!(out, "{}", row.against(other, "Baseline, trained without self-supervision"))?;
    }
    Ok(())
}

/// Every method, and what training and adaptation gain, each of itself.
fn write_geometry(rows: &[Row], out: &mut dyn Write) -> std::io::Result<()> {
    writeln!(out, "Methods, on the target (US)")?;
    let mut table = timed();
    rows.iter().for_each(|row| table.row(row.timed(&row.method.name)));
    table.write(out)?;

    writeln!(out)?;
    let joint = study::joint(Preset::Geometry);
    let (Some(baseline), Some(trained)) = (named(rows, BASELINE), named(rows, &joint)) else { return Ok(()) };
    writeln!(
        out,
        "training on changed poses {} ({joint}, not adapted, against Baseline, trained on the poses as recorded)",
        trained.verdict(baseline)
    )?;
    for row in rows.iter().filter(|row| row.method.mode.adapts()) {
        writeln!(out, "{}", row.against(trained, &format!("{joint}, the same model as trained")))?;
    }
    for row in rows.iter().filter(|row| row.method.is_iso()) {
        writeln!(
            out,
            "{}: training and adaptation together: that {} (against Baseline)",
            row.method.mode,
            row.verdict(baseline)
        )?;
    }
    Ok(())
}

/// A table of scores and times.
fn timed() -> output::Table {
    output::Table::new(1, &["Method", "PCK", "AUC", "MPJPE mm", "ms/sample"])
}

impl Row {
    fn scores(&self) -> Vec<String> {
        [self.score.pck, self.score.auc, self.score.mpjpe_mm].map(|number| format!("{number:.1}")).to_vec()
    }

    fn timed(&self, name: &str) -> Vec<String> {
        [vec![name.to_owned()], self.scores(), vec![format!("{:.2}", self.run.ms_per_sample)]].concat()
    }

    /// In words, whether adaptation helped.
    fn against(&self, other: &Self, name: &str) -> String {
        format!("{}: adaptation {} (against {name})", self.method.mode, self.verdict(other))
    }

    /// What the error is against another's.
    fn verdict(&self, other: &Self) -> String {
        match other.score.mpjpe_mm - self.score.mpjpe_mm {
            gain if gain >= 0.05 => format!("lowers the error by {gain:.1} mm"),
            gain if gain <= -0.05 => format!("does not help: it raises the error by {:.1} mm", -gain),
            _ => "changes the error by less than 0.05 mm".to_owned(),
        }
    }
}
