//! The settings of a training run: defaults, then the file of `--config`, then flags.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Deserialize;

use super::options;
use crate::config::{Decay, ModelConfig, Ssl, TrainConfig};
use crate::error::{Error, Result};

/// Settings that a flag can give.
#[derive(Debug, Default, Args)]
pub(super) struct SettingFlags {
    /// The self-supervised task trained beside the supervised one: none is the paper's Baseline [default: cycle]
    #[arg(long, value_parser = options::named::<Ssl>())]
    ssl: Option<Ssl>,
    /// Features of every hidden layer, a multiple of 4 [default: 1024]
    #[arg(long, value_name = "W")]
    width: Option<usize>,
    /// Poses in a step [default: 64]
    #[arg(long, value_name = "B")]
    batch: Option<usize>,
    /// Initial learning rate [default: 2e-4]
    #[arg(long, value_parser = options::positive::<f32>)]
    lr: Option<f32>,
    /// Dropout probability [default: 0.5]
    #[arg(long, value_name = "P")]
    dropout: Option<f32>,
    /// Lets the learning rate fall exponentially to F times its initial value at the last step
    #[arg(long, value_name = "F", conflicts_with_all = ["decay_gamma", "decay_steps"],
          value_parser = options::positive::<f32>)]
    final_lr_factor: Option<f32>,
    /// The learning rate's factor per --decay-steps [default: 0.96]
    #[arg(long, value_name = "G", value_parser = options::positive::<f32>)]
    decay_gamma: Option<f32>,
    /// Steps per factor of --decay-gamma [default: 100000]
    #[arg(long, value_name = "N", value_parser = options::positive::<f32>)]
    decay_steps: Option<f32>,
    /// Seed of the initial weights, the order of poses, the random views and dropout [default: 0]
    #[arg(long, value_name = "S")]
    seed: Option<u32>,
    /// A TOML file with the tables [model] and [train]; flags win over it
    #[arg(long, value_name = "FILE.toml")]
    config: Option<PathBuf>,
}

/// How long a run is.
#[derive(Debug, Default, Args)]
pub(super) struct Length {
    /// Optimisation steps in all [default: 3000]
    #[arg(long, value_name = "N", conflicts_with = "epochs", value_parser = options::count::<u32>)]
    steps: Option<u32>,
    /// Passes over the data instead of --steps
    #[arg(long, value_name = "E", value_parser = options::positive::<f64>)]
    epochs: Option<f64>,
}

/// The file of `--config`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    model: ModelConfig,
    train: TrainConfig,
}

impl SettingFlags {
    /// The model and its training but for what the data tell: joints, bone lengths and the number of steps.
    pub(super) fn resolve(&self) -> Result<(ModelConfig, TrainConfig)> {
        let Settings { mut model, mut train } = match &self.config {
            Some(path) => read(path)?,
            None => Settings::default(),
        };
        model.ssl = self.ssl.unwrap_or(model.ssl);
        model.width = self.width.unwrap_or(model.width);
        train.batch = self.batch.unwrap_or(train.batch);
        train.lr = self.lr.unwrap_or(train.lr);
        train.dropout = self.dropout.unwrap_or(train.dropout);
        train.seed = self.seed.unwrap_or(train.seed);
        train.decay = self.decay(train.decay);
        train.decay.validate().map_err(|problem| Error::setting("decay", problem))?;
        Ok((model, train))
    }

    /// Fails where --ssl is given to a command that chooses the task itself, because of `reason`.
    pub(super) fn refuse_ssl(&self, reason: &str) -> Result<()> {
        match self.ssl {
            Some(_) => Err(Error::Usage(format!("--ssl: {reason}; leave it out"))),
            None => Ok(()),
        }
    }

    fn decay(&self, configured: Decay) -> Decay {
        if let Some(factor) = self.final_lr_factor {
            return Decay::ToFactor { factor };
        }
        if self.decay_gamma.is_none() && self.decay_steps.is_none() {
            return configured;
        }
        let (gamma, steps) = match configured {
            Decay::Exponential { gamma, steps } => (gamma, steps),
            Decay::ToFactor { .. } => (0.96, 100_000.0),
        };
        Decay::Exponential { gamma: self.decay_gamma.unwrap_or(gamma), steps: self.decay_steps.unwrap_or(steps) }
    }
}

impl Length {
    /// Steps for a run of batches of `batch` from `poses` poses, `default` where nothing is asked for.
    pub(super) fn steps(&self, poses: usize, batch: usize, default: u32) -> Result<u32> {
        let steps = match (self.steps, self.epochs) {
            (Some(steps), _) => return Ok(steps),
            (None, None) => return Ok(default),
            (None, Some(epochs)) => (epochs * poses as f64 / batch.max(1) as f64).ceil(),
        };
        if steps > f64::from(u32::MAX) {
            return Err(Error::Usage(format!("--epochs: that is {steps:.0} steps; use at most {}", u32::MAX)));
        }
        Ok(steps as u32)
    }
}

fn read(path: &Path) -> Result<Settings> {
    let text = std::fs::read_to_string(path).map_err(|source| Error::io(path, "read", source))?;
    toml::from_str(&text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start.min(text.len()));
        let before = text.get(..start).unwrap_or_default();
        let number = before.matches('\n').count();
        let line = text.lines().nth(number).unwrap_or_default().trim();
        let field = format!("line {} ({line})", number + 1);
        Error::file(path, field, error.message(), "correct it; the tables are [model] and [train]")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> (tempfile::NamedTempFile, SettingFlags) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let flags = SettingFlags { config: Some(file.path().to_owned()), ..SettingFlags::default() };
        (file, flags)
    }

    #[test]
    fn flags_win_over_the_file_and_the_file_over_defaults() {
        let (_file, mut flags) = written("[model]\nwidth = 32\nlambda = 0.5\n[train]\nbatch = 8\nlr = 0.01\n");
        flags.lr = Some(0.5);
        flags.final_lr_factor = Some(0.1);
        let (model, train) = flags.resolve().unwrap();
        assert_eq!((model.width, model.lambda, model.ssl), (32, 0.5, Ssl::Cycle));
        assert_eq!((train.batch, train.lr, train.dropout), (8, 0.5, 0.5));
        assert_eq!(train.decay, Decay::ToFactor { factor: 0.1 });
    }

    #[test]
    fn a_wrong_file_is_named_with_line_and_key() {
        for (text, expected) in [
            ("[model]\nwidht = 3\n", "line 2 (widht = 3): unknown field `widht`"),
            ("[training]\nlr = 1\n", "unknown field `training`"),
            ("[train]\n\nlr = \"fast\"\n", "line 3 (lr = \"fast\")"),
            ("[train\n", "line 1 ([train)"),
            ("[train]\ndecay = { exponential = { gamma = -1.0, steps = 1.0 } }\n", "gamma is -1"),
        ] {
            let (file, flags) = written(text);
            let error = flags.resolve().unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
            assert!(error.contains("gamma") || error.contains(file.path().to_str().unwrap()), "{error}");
        }
    }

    #[test]
    fn epochs_round_up() {
        let length = Length { steps: None, epochs: Some(2.0) };
        assert_eq!(length.steps(100, 64, 7).unwrap(), 4);
        assert_eq!(Length::default().steps(100, 64, 7).unwrap(), 7);
        assert!(Length { steps: None, epochs: Some(1e12) }.steps(100, 64, 7).is_err());
    }
}
