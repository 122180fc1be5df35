//! How a model is trained.

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// How the learning rate falls during training.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Decay {
    /// `lr · gamma^(step / steps)`.
    Exponential {
        /// Factor per `steps`.
        gamma: f32,
        /// Steps per factor.
        steps: f32,
    },
    /// Exponential from `lr` down to `lr · factor` at the last step of the run.
    ToFactor {
        /// Final factor.
        factor: f32,
    },
}

impl Decay {
    /// Fails unless every number is finite and above 0.
    ///
    /// # Errors
    /// A sentence that names the number.
    pub fn validate(self) -> Result<(), String> {
        let numbers = match self {
            Self::Exponential { gamma, steps } => [("gamma", gamma), ("steps", steps)],
            Self::ToFactor { factor } => [("factor", factor); 2],
        };
        match numbers.into_iter().find(|(_, number)| !(number.is_finite() && *number > 0.0)) {
            Some((name, number)) => Err(format!("{name} is {number}; use a number above 0")),
            None => Ok(()),
        }
    }
}

/// One training run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrainConfig {
    /// Poses per step.
    pub batch: usize,
    /// Optimisation steps of the whole run.
    pub steps: u32,
    /// Initial learning rate.
    pub lr: f32,
    /// Its decay.
    pub decay: Decay,
    /// Dropout probability.
    pub dropout: f32,
    /// Momentum of batch norm's running statistics.
    pub bn_momentum: f32,
    /// Mirror each drawn pose with probability one half.
    pub flip: bool,
    /// Share of each batch that is turned to random views with its labels.
    pub random_views: f32,
    /// Share of the turned rows whose rotation is uniform over all rotations, for people who lie and tumble.
    pub free_rotation: f32,
    /// Probability with which a limb takes the bone directions of another pose.
    pub limb_mixing: f32,
    /// The model's `gate` is this quantile of the bone term over the reservoir under the trained model; 0 is off.
    pub gate_quantile: f32,
    /// What the stem's initial weights are multiplied by: keypoints in a plane at `depth` are small beside the features that
    /// blocks add to them.
    pub stem_gain: f32,
    /// Seed of the initial weights, the order of poses, the views and the dropout masks.
    pub seed: u32,
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            batch: 64,
            steps: 3000,
            lr: 2e-4,
            decay: Decay::Exponential { gamma: 0.96, steps: 100_000.0 },
            dropout: 0.5,
            bn_momentum: 0.1,
            flip: true,
            random_views: 0.0,
            free_rotation: 0.0,
            limb_mixing: 0.0,
            gate_quantile: 0.97,
            stem_gain: 1.0,
            seed: 0,
        }
    }
}

impl TrainConfig {
    /// Fails for settings that cannot be trained.
    ///
    /// # Errors
    /// [`Error::Setting`] naming the setting and the fix.
    pub fn validate(&self) -> crate::error::Result<()> {
        let wrong = |setting, problem: String| Err(Error::setting(setting, problem));
        if self.steps == 0 {
            return wrong("steps", "it is 0; use at least 1".to_owned());
        }
        if !(2..=1 << 16).contains(&self.batch) {
            return wrong("batch", format!("it is {}; batch norm needs 2 to 65536", self.batch));
        }
        if !(0.0..1.0).contains(&self.dropout) {
            return wrong("dropout", format!("it is {}; use 0 to below 1", self.dropout));
        }
        if !(self.lr.is_finite() && self.lr > 0.0) {
            return wrong("lr", format!("it is {}; use a positive number", self.lr));
        }
        if !(self.stem_gain.is_finite() && self.stem_gain > 0.0) {
            return wrong("stem_gain", format!("it is {}; use a positive number", self.stem_gain));
        }
        self.decay.validate().map_err(|problem| Error::setting("decay", problem))?;
        let shares = [
            ("bn_momentum", self.bn_momentum),
            ("random_views", self.random_views),
            ("free_rotation", self.free_rotation),
            ("limb_mixing", self.limb_mixing),
            ("gate_quantile", self.gate_quantile),
        ];
        if let Some((name, share)) = shares.into_iter().find(|(_, share)| !(0.0..=1.0).contains(share)) {
            return wrong(name, format!("it is {share}; use 0 to 1"));
        }
        self.check_turned()
    }

    /// Fails for settings of turned rows where there are none.
    fn check_turned(&self) -> crate::error::Result<()> {
        let wrong = |setting, problem: String| Err(Error::setting(setting, problem));
        for (name, value) in [("free_rotation", self.free_rotation), ("limb_mixing", self.limb_mixing)] {
            if value > 0.0 && self.random_views == 0.0 {
                return wrong(name, format!("it is {value}, but no pose is turned; set `random_views` above 0 too"));
            }
        }
        let parts = [
            ("random_views", self.random_views, self.turned(), self.batch),
            ("free_rotation", self.free_rotation, self.freely_turned(), self.turned()),
        ];
        match parts.into_iter().find(|(_, share, part, _)| *share > 0.0 && *part == 0) {
            Some((name, share, _, whole)) => {
                let least = 0.5 / whole.max(1) as f32;
                wrong(name, format!("it is {share}, which of {whole} poses a step is none; use at least {least}"))
            }
            None => Ok(()),
        }
    }

    /// Without what is done to turned rows where no row is turned, or so few that the share of them is none.
    #[must_use]
    pub(crate) fn without_empty_shares(mut self) -> Self {
        if self.turned() == 0 {
            self.limb_mixing = 0.0;
        }
        if self.freely_turned() == 0 {
            self.free_rotation = 0.0;
        }
        self
    }

    /// Rows of a batch that are turned to random views with their labels: its first ones.
    pub(crate) fn turned(&self) -> usize {
        share_of(self.random_views, self.batch)
    }

    /// The first of those, whose rotation is uniform over all rotations.
    pub(crate) fn freely_turned(&self) -> usize {
        share_of(self.free_rotation, self.turned())
    }
}

fn share_of(share: f32, rows: usize) -> usize {
    ((share * rows as f32).round() as usize).min(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_of_a_batch_are_rounded_and_none_is_refused() {
        let config = TrainConfig { batch: 10, random_views: 0.66, free_rotation: 0.5, ..TrainConfig::default() };
        assert_eq!((config.turned(), config.freely_turned()), (7, 4));
        config.validate().unwrap();
        for (wrong, expected) in [
            (TrainConfig { random_views: 1.5, ..config.clone() }, "random_views: it is 1.5; use 0 to 1"),
            (TrainConfig { limb_mixing: f32::NAN, ..config.clone() }, "limb_mixing: it is NaN; use 0 to 1"),
            (TrainConfig { random_views: 0.0, ..config.clone() }, "free_rotation: it is 0.5, but no pose is turned"),
            (
                TrainConfig { random_views: 0.0, free_rotation: 0.0, limb_mixing: 0.2, ..config.clone() },
                "limb_mixing: it is 0.2, but no pose is turned; set `random_views` above 0 too",
            ),
            (TrainConfig { random_views: 0.04, ..config.clone() }, "of 10 poses a step is none; use at least 0.05"),
            (TrainConfig { free_rotation: 0.01, ..config.clone() }, "free_rotation: it is 0.01, which of 7 poses"),
        ] {
            let error = wrong.validate().unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
