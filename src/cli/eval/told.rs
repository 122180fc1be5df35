//! What an evaluation tells.

use std::io::Write;
use std::path::Path;

use super::Eval;
use crate::adapt::{Mode, Start};
use crate::cli::{options, output, report};
use crate::config::{ModelConfig, Ssl};
use crate::data::PoseSet;
use crate::error::{Error, Result};
use crate::evaluate::{Line, Predicted, Results};
use crate::study::{self, Comparison, Method, Run};

impl Eval {
    /// Writes the report: of the samples that every mode could predict.
    pub(super) fn write_report(
        &self,
        path: &Path,
        (poses, truth): (&PoseSet, &[f32]),
        predicted: super::ByMode,
        results: &Results,
        model: &ModelConfig,
    ) -> Result<()> {
        let size = 3 * poses.joints;
        let is_kept = |sample: &usize| predicted.iter().all(|(_, of_mode)| !of_mode.positions[size * sample].is_nan());
        let kept: Vec<usize> = (0..poses.len()).filter(is_kept).collect();
        let left_out = poses.len() - kept.len();
        if kept.is_empty() {
            let problem =
                "no sample was predicted by every mode, so that there is nothing to compare; give fewer modes";
            return Err(Error::setting("report", problem));
        }
        let only = |rows: &[f32]| kept.iter().flat_map(|&row| &rows[size * row..][..size]).copied().collect::<Vec<_>>();
        let method = |(mode, of_mode): (Mode, Predicted)| {
            let line = results.results.iter().find(|line| line.mode == mode);
            let run = Run {
                poses: if left_out == 0 { of_mode.positions } else { only(&of_mode.positions) },
                as_trained: 0,
                ms_per_sample: line.map_or(0.0, |line| line.ms_per_sample),
            };
            study::Predicted { method: Method::of_mode(mode, model.ssl), runs: vec![run] }
        };
        let predicted_once: Vec<study::Predicted> = predicted.into_iter().map(method).collect();
        let comparison = match left_out {
            0 => Comparison::new(poses, truth, &predicted_once, pair(&predicted_once)),
            _ => Comparison::new(&poses.select(&kept), &only(truth), &predicted_once, pair(&predicted_once)),
        };
        let (width, usual) = (model.width, Mode::ONLINE.policy(model));
        let rows =
            match (self.adaptation.copies.unwrap_or(usual.copies), self.adaptation.replay.unwrap_or(usual.replay)) {
                (copies, replay) if model.ssl == Ssl::Geometry => {
                    format!("{copies} random views and {replay} replayed poses a step")
                }
                (copies, _) => format!("{copies} random views a step"),
            };
        let mut facts = vec![
            ("Program", format!("isopose {}", env!("CARGO_PKG_VERSION"))),
            ("Device", results.device.clone()),
            ("Model", format!("{}, width {width}", self.checkpoint.display())),
            ("Data", format!("{}, {} samples", self.data.display(), results.samples)),
            ("Missing joints", results.guessed_joints.to_string()),
            ("Adaptation", format!("{rows}, seed {}", self.adaptation.seed)),
        ];
        if left_out > 0 {
            facts.push(("Left out", format!("{left_out} samples that not every mode could predict")));
        }
        let facts = facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let commands = vec![options::command_line()];
        report::write(&study::comparison_document("Evaluation", &comparison, facts, commands), path)
    }
}

/// The two methods to look at closely: the first, and the one that adapts most like the paper's ISO.
fn pair(predicted: &[study::Predicted]) -> [&str; 2] {
    let online = |predicted: &&study::Predicted| {
        let mode = predicted.method.mode;
        mode.every_task && mode.start() == Start::Carry
    };
    let second = predicted.iter().find(online).or(predicted.last());
    [predicted.first(), second].map(|predicted| predicted.map_or("", |predicted| &predicted.method.name))
}

/// The table of scores.
pub(in crate::cli) fn write_results(results: &Results, out: &mut dyn Write) -> std::io::Result<()> {
    writeln!(out, "{} samples on {}", results.samples, results.device)?;
    if results.guessed_joints > 0 {
        writeln!(out, "{} joints are missing in the data: their positions are guesses", results.guessed_joints)?;
    }
    let failed = |line: &&Line| line.failed > 0;
    let mut told: Option<Mode> = None;
    for line in results.results.iter().filter(failed) {
        if told.replace(line.mode) != Some(line.mode) {
            let Line { mode, failed, samples, .. } = line;
            writeln!(out, "{mode}: {failed} of {samples} samples could not be predicted; they are in no score")?;
        }
    }
    let mut table = output::Table::new(2, &["mode", "protocol", "PCK", "AUC", "MPJPE mm", "ms/sample"]);
    for line in &results.results {
        let number = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.1}"));
        let protocol = line.protocol.as_deref().unwrap_or("-").to_owned();
        let [pck, auc, mpjpe] = [line.pck, line.auc, line.mpjpe_mm].map(number);
        table.row(vec![line.mode.to_string(), protocol, pck, auc, mpjpe, format!("{:.3}", line.ms_per_sample)]);
    }
    table.write(out)
}
