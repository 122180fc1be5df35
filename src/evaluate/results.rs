//! Predictions scored.

use serde::{Deserialize, Serialize};

use super::Predictions;
use crate::adapt::Mode;
use crate::metrics::{ProtocolSet, Score};

/// What an evaluation found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Results {
    /// The device's name.
    pub device: String,
    /// N, the most that a mode predicted.
    pub samples: usize,
    /// Joints of the samples that the data lack: their positions are guesses.
    pub guessed_joints: usize,
    /// The scores, a mode at a time.
    pub results: Vec<Line>,
}

/// One mode on one line of the protocol set; without a protocol and scores where the data have no 3D poses.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// The mode.
    pub mode: Mode,
    /// n, how many samples it was given.
    pub samples: usize,
    /// How many of them could not be predicted: they are not in the scores.
    #[serde(default)]
    pub failed: usize,
    /// The line of the protocol set.
    pub protocol: Option<String>,
    /// Percent.
    pub pck: Option<f64>,
    /// Percent.
    pub auc: Option<f64>,
    /// Millimetres.
    pub mpjpe_mm: Option<f64>,
    /// Wall-clock time of a sample, milliseconds.
    pub ms_per_sample: f64,
}

impl Predictions {
    /// The rows of those samples that could be predicted.
    fn without_failed(&self, rows: &[f32], width: usize) -> Vec<f32> {
        let kept = rows.chunks_exact(width).enumerate().filter(|(row, _)| self.failed.binary_search(row).is_err());
        kept.flat_map(|(_, row)| row).copied().collect()
    }
}

impl Results {
    /// Of no samples yet.
    #[must_use]
    pub fn new(device: String) -> Self {
        Self { device, samples: 0, guessed_joints: 0, results: Vec::new() }
    }

    /// Adds what a mode predicted of samples that lack `guessed_joints`, scored against root-centred poses (n, 3J), metres,
    /// if there are any.
    pub fn add(
        &mut self,
        mode: Mode,
        (predictions, guessed_joints): (&Predictions, usize),
        (truth, joints): (&[f32], usize),
        protocols: ProtocolSet,
    ) {
        let samples = predictions.poses.len() / (3 * joints).max(1);
        self.samples = self.samples.max(samples);
        self.guessed_joints = self.guessed_joints.max(guessed_joints);
        let ms_per_sample = predictions.ms_per_sample;
        let failed = predictions.failed.len();
        let plain = Line { mode, samples, failed, protocol: None, pck: None, auc: None, mpjpe_mm: None, ms_per_sample };
        if truth.is_empty() || failed == samples {
            self.results.push(plain);
            return;
        }
        let line = |Score { label, metrics }: Score| Line {
            protocol: Some(label.to_owned()),
            pck: Some(metrics.pck),
            auc: Some(metrics.auc),
            mpjpe_mm: Some(metrics.mpjpe_mm),
            ..plain.clone()
        };
        let scores = if failed == 0 {
            protocols.scores(&predictions.poses, truth, joints)
        } else {
            let kept = |poses: &[f32]| predictions.without_failed(poses, 3 * joints);
            protocols.scores(&kept(&predictions.poses), &kept(truth), joints)
        };
        self.results.extend(scores.into_iter().map(line));
    }
}
