//! What an evaluation takes: modes and samples, checked before anything long starts.

use std::ops::Range;

use super::Eval;
use crate::adapt::{AdaptConfig, MODES, Mode, Policy, Start};
use crate::checkpoint::Checkpoint;
use crate::cli::options;
use crate::cli::train::check_joints;
use crate::config::Ssl;
use crate::data::{PoseSet, hold_back};
use crate::error::{Error, Result};
use crate::evaluate::{Shard, ShardBy};

impl Eval {
    /// The settings of each mode, checked before anything long starts.
    pub(super) fn configs(&self, checkpoint: &Checkpoint) -> Result<Vec<(Mode, AdaptConfig)>> {
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
    pub(super) fn poses(&self, checkpoint: &Checkpoint) -> Result<PoseSet> {
        let mut poses = options::pose_set(&self.data)?;
        check_joints(&poses, &self.data, &checkpoint.model, &self.checkpoint)?;
        self.camera.note_without_effect(&[&poses]);
        poses = self.camera.complete(poses, &self.data, checkpoint.model.rays)?;
        if poses.positions.is_none() && self.predictions.is_none() && self.out.is_none() {
            let problem = "the array is missing, so predictions cannot be scored";
            let fix = "add it, or give --predictions FILE or --out DIR to have them written only";
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

    /// The part of the samples that a mode predicts.
    pub(super) fn part(&self, shard: Shard, mode: Mode, poses: &PoseSet) -> Result<Range<usize>> {
        let all = 0..poses.len();
        let carries = mode.start() == Start::Carry;
        if shard.is_whole() {
            return Ok(all);
        }
        if carries && self.shard_by.is_none() && !self.reset_at_sequences {
            let problem = format!(
                "{mode} learns from each sample for the next, so that parts of the samples are predicted otherwise than \
                 all; give `reset_at_sequences`, or `shard_by` to have each part begin anew"
            );
            return Err(Error::setting("shard", problem));
        }
        let usual = if carries { ShardBy::Sequence } else { ShardBy::Sample };
        match self.shard_by.unwrap_or(usual) {
            ShardBy::Sample => Ok(shard.part(all)),
            ShardBy::Sequence if poses.sequence.is_none() => {
                let fix = "make the pose set with `sequence`, or give --shard-by sample";
                Err(Error::file(&self.data, "sequence", "there is none", fix))
            }
            ShardBy::Sequence => Ok(shard.part_at(all, &poses.sequence_starts())),
        }
    }
}

/// Says which mode cannot be, or in which predictions ceased to be finite.
pub(super) fn of_mode(error: Error, mode: Mode) -> Error {
    match error {
        Error::Diverged(what) => Error::Diverged(format!("{mode}: {what}")),
        Error::Setting { setting: "mode", problem } => Error::setting("mode", format!("{mode}: {problem}")),
        error => error,
    }
}
