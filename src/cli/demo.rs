//! `isopose demo`: the paper's two tables on synthetic data, in about a minute.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use clap::Args;

use super::{Outcome, options, options::DeviceOptions, output, report};
use crate::adapt::{AdaptConfig, Mode};
use crate::checkpoint::Checkpoint;
use crate::config::{Decay, ModelConfig, Ssl, TrainConfig};
use crate::data::{PoseSet, Scenario, synthetic};
use crate::error::Result;
use crate::evaluate::{ModeResult, run_mode};
use crate::gpu::Device;
use crate::metrics::{Metrics, Protocol};
use crate::report::Role;
use crate::study::{self, Comparison, Predicted, Run};
use crate::train::{Trainer, TrainingSet};

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

/// A row of both tables.
struct Row {
    mode: Mode,
    score: Metrics,
    ms: f64,
    predictions: Vec<f32>,
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
        let [baseline, joint] = [Ssl::None, Ssl::Cycle].map(|ssl| self.train(&source, ssl, &device));
        let (baseline, joint) = (baseline?, joint?);
        let unseen = synthetic(Scenario::Source, UNSEEN_POSES, TARGET_SEED, 16)?;
        let at_home = self.evaluate(&baseline, Mode::Baseline, &unseen, &device)?;
        let baseline = self.evaluate(&baseline, Mode::Baseline, &target, &device)?;
        let rows = Mode::ALL.map(|mode| self.evaluate(&joint, mode, &target, &device));
        let [joint, vanilla, vanilla_lr, online, online_skip] = rows;
        let (joint, vanilla, vanilla_lr) = (joint?, vanilla?, vanilla_lr?);
        let (online, online_skip) = (online?, online_skip?);

        let (here, there) = (&at_home.score, &baseline.score);
        writeln!(
            out,
            "The shift: Baseline has PCK {:.1} on unseen poses of the source, {:.1} on the target\n",
            here.pck, there.pck
        )?;
        writeln!(out, "Table 3: self-supervision, on the target (US)")?;
        let mut table = output::Table::new(1, &["Method", "PCK", "AUC", "MPJPE mm"]);
        let methods =
            [("Baseline", &baseline), ("Joint-Cyc", &joint), ("Vanilla-Cyc", &vanilla), ("Online-Cyc", &online)];
        methods.iter().for_each(|(name, row)| table.row([vec![(*name).to_owned()], row.scores()].concat()));
        table.write(out)?;

        writeln!(out, "\nTable 4: time, on the target (US)")?;
        let mut table = output::Table::new(1, &["Method", "PCK", "AUC", "MPJPE mm", "ms/sample"]);
        let methods = [
            ("Vanilla", &vanilla),
            ("Vanilla-lr", &vanilla_lr),
            ("Online", &online),
            ("Online-skip", &online_skip),
            ("Baseline", &baseline),
        ];
        for (name, row) in methods {
            table.row([vec![name.to_owned()], row.scores(), vec![format!("{:.2}", row.ms)]].concat());
        }
        table.write(out)?;

        writeln!(out)?;
        for row in [&vanilla, &vanilla_lr, &online, &online_skip] {
            writeln!(out, "{}", row.against(&joint, "Joint-Cyc, the same model as trained"))?;
        }
        writeln!(out, "{}", online.against(&baseline, "Baseline, trained without self-supervision"))?;
        if let Some(path) = &self.report {
            let methods = [
                ("Baseline", Role::Baseline, &baseline, &[][..]),
                ("Joint-Cyc", Role::Joint, &joint, &["Baseline"]),
                ("Vanilla-Cyc", Role::Vanilla, &vanilla, &["Joint-Cyc", "Baseline"]),
                ("Vanilla-lr", Role::Vanilla, &vanilla_lr, &["Joint-Cyc"]),
                ("Online-Cyc", Role::Online, &online, &["Joint-Cyc", "Baseline"]),
                ("Online-skip", Role::Online, &online_skip, &["Joint-Cyc"]),
            ];
            let predicted = methods.map(|(name, role, row, against)| Predicted {
                name: name.to_owned(),
                role,
                runs: vec![Run { poses: row.predictions.clone(), ms_per_sample: row.ms }],
                against: against.iter().map(ToString::to_string).collect(),
            });
            self.write_report(path, &target, &predicted, &device)?;
            writeln!(out, "wrote {}", path.display())?;
        }
        writeln!(out, "{:.0} s in all", begun.elapsed().as_secs_f64())?;
        Ok(ExitCode::SUCCESS)
    }

    fn write_report(&self, path: &Path, target: &PoseSet, predicted: &[Predicted], device: &Device) -> Result<()> {
        let comparison = Comparison::new(target, &study::positions(target)?, predicted, ["Baseline", "Online-Cyc"]);
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

    fn train(&self, source: &PoseSet, ssl: Ssl, device: &Device) -> Result<Checkpoint> {
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
        let label = if ssl == Ssl::None { "train Baseline" } else { "train Joint-Cyc" };
        let mut progress = output::Progress::start(label, STEPS as usize);
        trainer.run(STEPS, 50, |step, losses| progress.update(step as usize, &format!("fsl {:.4}", losses.fsl)))?;
        trainer.checkpoint(Vec::new())
    }

    fn evaluate(&self, checkpoint: &Checkpoint, mode: Mode, target: &PoseSet, device: &Device) -> Result<Row> {
        let set = TrainingSet::new(target, &checkpoint.model)?;
        let config = AdaptConfig { copies: COPIES, seed: self.seed, ..AdaptConfig::new(mode) };
        let mut progress = output::Progress::start(mode.to_string(), set.len());
        let result = run_mode(checkpoint, &config, device, &set, &[], |done| progress.update(done, ""))?;
        let score = result.score(&set, Protocol::Us);
        let ModeResult { ms_per_sample: ms, predictions, .. } = result;
        Ok(Row { mode, score, ms, predictions })
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
        format!("{}: adaptation {verdict} (against {name})", self.mode)
    }
}
