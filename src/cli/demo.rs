//! `isopose demo`: the paper's two tables on synthetic data, in about a minute.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use clap::Args;

use super::{Outcome, options, options::DeviceOptions, output, report};
use crate::adapt::{AdaptConfig, Lifter, Policy};
use crate::config::{Decay, ModelConfig, Ssl, TrainConfig};
use crate::data::{PoseSet, Scenario, synthetic};
use crate::error::Result;
use crate::evaluate::{Stream, predict};
use crate::gpu::Device;
use crate::metrics::{Metrics, Protocol, evaluate};
use crate::study::{self, BASELINE, Comparison, Method, Predicted, Run};
use crate::train::Trainer;

const WIDTH: usize = 128;
const SOURCE_POSES: usize = 8000;
const TARGET_POSES: usize = 240;
const UNSEEN_POSES: usize = 640;
const BATCH: usize = 64;
const STEPS: u32 = 2000;
/// Views of a sample in one step of adaptation.
const COPIES: usize = 64;
/// Another seed than the source's: no pose, person or camera in common.
const TARGET_SEED: u64 = 1;

/// Train on one synthetic scenario, adapt to another, and print the paper's Tables 3 and 4 for it
#[derive(Debug, Args)]
pub(super) struct Demo {
    /// Seed of the weights, of training and of the random views
    #[arg(long, value_name = "S", default_value_t = 0)]
    seed: u32,
    /// Writes a report: one HTML page, or Markdown with its figures in a folder beside it
    #[arg(long, value_name = "FILE.html|FILE.md")]
    report: Option<PathBuf>,
    #[command(flatten)]
    device: DeviceOptions,
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
        self.report.as_deref().map_or(Ok(()), |path| report::check(path, "--report"))?;
        let device = self.device.open()?;
        let source = synthetic(Scenario::Source, SOURCE_POSES, 0, 16)?;
        let target = synthetic(Scenario::Target, TARGET_POSES, TARGET_SEED, 16)?;
        writeln!(out, "device: {}", device.name())?;
        writeln!(out, "source: {SOURCE_POSES} poses of adults in everyday poses, four studio cameras")?;
        writeln!(out, "target: {TARGET_POSES} poses of all ages and actions, a camera anywhere for each clip")?;
        writeln!(out, "models: width {WIDTH}, {STEPS} steps of {BATCH} poses (the paper: width 1024)\n")?;
        // The models without self-supervision and with the cycle, each once, and what the tables say of both.
        let methods: Vec<Method> = study::methods().into_iter().filter(|m| m.model.ssl != Ssl::Adversary).collect();
        let (mut lifters, mut rows): (Vec<(Ssl, Lifter)>, Vec<Row>) = (Vec::new(), Vec::new());
        for Method { model, .. } in &methods {
            if lifters.iter().all(|(ssl, _)| *ssl != model.ssl) {
                lifters.push((model.ssl, self.train(&source, model.ssl, &device)?));
            }
        }
        let lifter =
            |method: &Method| lifters.iter().find(|(ssl, _)| *ssl == method.model.ssl).map(|(_, lifter)| lifter);
        let unseen = synthetic(Scenario::Source, UNSEEN_POSES, TARGET_SEED, 16)?;
        let mut here = Metrics::default();
        for method in methods {
            let Some(lifter) = lifter(&method) else { continue };
            if method.name == BASELINE {
                here = self.evaluate(&method, lifter, &unseen)?.score;
            }
            rows.push(self.evaluate(&method, lifter, &target)?);
        }
        let named = |name: &str| rows.iter().find(|row| row.method.name == name);

        let there = named(BASELINE).map(|row| row.score.pck).unwrap_or_default();
        writeln!(
            out,
            "The shift: Baseline has PCK {:.1} on unseen poses of the source, {there:.1} on the target\n",
            here.pck
        )?;
        writeln!(out, "Table 3: self-supervision, on the target (US)")?;
        let mut table = output::Table::new(1, &["Method", "PCK", "AUC", "MPJPE mm"]);
        for row in rows.iter().filter(|row| row.method.in_table_3()) {
            table.row([vec![row.method.name.clone()], row.scores()].concat());
        }
        table.write(out)?;

        writeln!(out, "\nTable 4: time, on the target (US)")?;
        let mut table = output::Table::new(1, &["Method", "PCK", "AUC", "MPJPE mm", "ms/sample"]);
        let (plain, adapted): (Vec<&Row>, Vec<&Row>) =
            rows.iter().filter(|row| row.method.in_table_4()).partition(|row| row.method.name == BASELINE);
        for row in adapted.iter().chain(&plain) {
            let name = row.method.mode.title.to_owned();
            table.row([vec![name], row.scores(), vec![format!("{:.2}", row.run.ms_per_sample)]].concat());
        }
        table.write(out)?;

        writeln!(out)?;
        let joint = study::joint();
        for (row, other) in adapted.iter().filter_map(|row| Some((row, named(&joint)?))) {
            writeln!(out, "{}", row.against(other, &format!("{joint}, the same model as trained")))?;
        }
        for (row, other) in adapted.iter().filter(|row| row.method.is_iso()).zip(&plain) {
            writeln!(out, "{}", row.against(other, "Baseline, trained without self-supervision"))?;
        }
        if let Some(path) = &self.report {
            let predicted = rows.into_iter().map(|row| Predicted { method: row.method, runs: vec![row.run] });
            self.write_report(path, &target, &predicted.collect::<Vec<_>>(), &device)?;
            writeln!(out, "wrote {}", path.display())?;
        }
        writeln!(out, "{:.0} s in all", begun.elapsed().as_secs_f64())?;
        Ok(ExitCode::SUCCESS)
    }

    fn write_report(&self, path: &Path, target: &PoseSet, predicted: &[Predicted], device: &Device) -> Result<()> {
        let comparison = Comparison::new(target, &study::truth(target)?, predicted, [BASELINE, &study::iso()]);
        let facts = [
            ("Program", format!("isopose {}", env!("CARGO_PKG_VERSION"))),
            ("Device", device.name()),
            ("Source", format!("{SOURCE_POSES} synthetic poses of adults in everyday poses, four studio cameras")),
            (
                "Target",
                format!("{TARGET_POSES} synthetic poses of all ages and actions, a camera anywhere for each clip"),
            ),
            ("Training", format!("width {WIDTH}, {STEPS} steps of {BATCH} poses")),
            ("Adaptation", format!("{COPIES} random views a step")),
            ("Seed", self.seed.to_string()),
        ];
        let facts = facts.map(|(name, value)| (name.to_owned(), value)).to_vec();
        let document =
            study::comparison_document("ISO on synthetic data", &comparison, facts, vec![options::command_line()]);
        report::write(&document, path)
    }

    fn train(&self, source: &PoseSet, ssl: Ssl, device: &Device) -> Result<Lifter> {
        let model = ModelConfig { width: WIDTH, ssl, ..ModelConfig::default() };
        let config = TrainConfig {
            batch: BATCH,
            steps: STEPS,
            lr: 1e-2,
            decay: Decay::ToFactor { factor: 0.02 },
            // A narrow network has nothing to spare for the paper's 0.5, and learns fast.
            dropout: 0.0,
            seed: self.seed,
            ..TrainConfig::default()
        };
        let mut trainer = Trainer::new(source, &model, &config, device)?;
        let label = if ssl == Ssl::None { BASELINE.to_owned() } else { study::joint() };
        let mut progress = output::Progress::start(format!("train {label}"), STEPS as usize);
        trainer.run(STEPS, 50, |step, losses| {
            progress.update(step as usize, &format!("fsl {:.4}", losses.get("fsl").unwrap_or_default()));
        })?;
        let checkpoint = trainer.checkpoint(Vec::new())?;
        Lifter::new(checkpoint.model, checkpoint.parameters, device)
    }

    fn evaluate(&self, method: &Method, lifter: &Lifter, set: &PoseSet) -> Result<Row> {
        let policy = Policy { copies: COPIES, ..method.mode.policy };
        let config = AdaptConfig { seed: self.seed, ..policy.into() };
        let mut progress = output::Progress::start(method.mode.name, set.len());
        let result = predict(lifter, &config, set, Stream::default(), |done| progress.update(done, ""))?;
        let score = evaluate(&result.poses, &study::truth(set)?, set.joints, Protocol::Us);
        let run = Run { poses: result.poses, ms_per_sample: result.ms_per_sample };
        Ok(Row { method: method.clone(), score, run })
    }
}

impl Row {
    fn scores(&self) -> Vec<String> {
        [self.score.pck, self.score.auc, self.score.mpjpe_mm].map(|number| format!("{number:.1}")).to_vec()
    }

    /// In words, whether adaptation helped.
    fn against(&self, other: &Self, name: &str) -> String {
        let gain = other.score.mpjpe_mm - self.score.mpjpe_mm;
        let verdict = match gain {
            gain if gain >= 0.05 => format!("lowers the error by {gain:.1} mm"),
            gain if gain <= -0.05 => format!("does not help: it raises the error by {:.1} mm", -gain),
            _ => "changes the error by less than 0.05 mm".to_owned(),
        };
        format!("{}: adaptation {verdict} (against {name})", self.method.mode)
    }
}
