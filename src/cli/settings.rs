//! The settings of a training run: defaults, then the file of `--config`, then flags.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::{Deserialize, Serialize};

use super::options;
use crate::config::{Decay, Lift, ModelConfig, Preset, Ssl, TrainConfig};
use crate::error::{Error, Result};
use crate::format::{HAND_WRITTEN, read_text_limited};

/// Settings that a flag can give.
#[derive(Debug, Default, Args)]
pub(super) struct SettingFlags {
    /// The settings that go together: the paper's, to the letter, or those with which adaptation pays [default: paper
    /// with --ssl adversary or cycle, else geometry]
    #[arg(long, value_parser = options::named::<Preset>())]
    preset: Option<Preset>,
    #[arg(long, value_parser = options::named::<Ssl>(),
          help = usual("The self-supervised task: none is the paper's Baseline", |model, _| model.ssl.to_string()))]
    ssl: Option<Ssl>,
    #[arg(long, value_name = "W",
          help = usual("Features of every hidden layer, a multiple of 4", |model, _| model.width.to_string()))]
    width: Option<usize>,
    #[arg(long, value_name = "B", help = usual("Poses in a step", |_, train| train.batch.to_string()))]
    batch: Option<usize>,
    #[arg(long, value_parser = options::positive::<f32>,
          help = usual("Initial learning rate", |_, train| format!("{:e}", train.lr)))]
    lr: Option<f32>,
    #[arg(long, value_name = "P", help = usual("Dropout probability", |_, train| train.dropout.to_string()))]
    dropout: Option<f32>,
    #[arg(long, value_name = "F", conflicts_with_all = ["decay_gamma", "decay_steps"],
          value_parser = options::positive::<f32>,
          help = usual("Lets the learning rate fall exponentially to F times its initial value at the last step",
                       |_, train| match train.decay {
                           Decay::ToFactor { factor } => factor.to_string(),
                           Decay::Exponential { .. } => "--decay-gamma".to_owned(),
                       }))]
    final_lr_factor: Option<f32>,
    /// The learning rate's factor per --decay-steps [default, with --preset paper: 0.96]
    #[arg(long, value_name = "G", value_parser = options::positive::<f32>)]
    decay_gamma: Option<f32>,
    /// Steps per factor of --decay-gamma [default, with --preset paper: 100000]
    #[arg(long, value_name = "N", value_parser = options::positive::<f32>)]
    decay_steps: Option<f32>,
    #[arg(long, value_name = "F",
          help = usual("Turns this share of each step's poses to random views, with their labels",
                       |_, train| train.random_views.to_string()))]
    random_views: Option<f32>,
    #[arg(long, value_name = "F",
          help = usual("Gives this share of the turned poses any rotation, for people who lie and tumble",
                       |_, train| train.free_rotation.to_string()))]
    free_rotation: Option<f32>,
    #[arg(long, value_name = "P",
          help = usual("Gives each limb of the turned poses the bone directions of another pose with probability P",
                       |_, train| train.limb_mixing.to_string()))]
    limb_mixing: Option<f32>,
    #[arg(long, value_name = "PX",
          help = usual("Adds noise to keypoints, of a standard deviation up to PX pixels for a person of 200",
                       |model, _| model.noise.to_string()))]
    noise: Option<f32>,
    #[arg(long, value_parser = options::named::<Lift>(),
          help = usual("How a head's output becomes a pose: as it is, or as a correction of what the image says",
                       |model, _| model.lift.to_string()))]
    lift: Option<Lift>,
    /// Seed of the initial weights, the order of poses, the random views and dropout [default: 0]
    #[arg(long, value_name = "S")]
    seed: Option<u32>,
    /// A TOML file with the tables [model] and [train]; flags win over it
    #[arg(long, value_name = "FILE.toml")]
    config: Option<PathBuf>,
}

/// Help that ends with the default of each preset.
fn usual(about: &str, of: fn(&ModelConfig, &TrainConfig) -> String) -> String {
    let [geometry, paper] = [Preset::Geometry, Preset::Paper].map(|preset| of(&preset.model(), &preset.training()));
    let paper = if paper == geometry { String::new() } else { format!(", with --preset paper {paper}") };
    format!("{about} [default: {geometry}{paper}]")
}

/// How long a run is.
#[derive(Debug, Default, Args)]
pub(super) struct Length {
    #[arg(long, value_name = "N", conflicts_with = "epochs", value_parser = options::count::<u32>,
          help = usual("Optimisation steps in all", |_, train| train.steps.to_string()))]
    steps: Option<u32>,
    /// Passes over the data instead of --steps
    #[arg(long, value_name = "E", value_parser = options::positive::<f64>)]
    epochs: Option<f64>,
}

/// The file of `--config`.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    model: ModelConfig,
    train: TrainConfig,
}

impl Settings {
    fn of(preset: Preset) -> Self {
        Self { model: preset.model(), train: preset.training() }
    }
}

impl SettingFlags {
    /// The model and its training but for what the data tell: joints, bone lengths and the number of steps.
    pub(super) fn resolve(&self) -> Result<(ModelConfig, TrainConfig)> {
        let file = self.config.as_deref().map(read).transpose()?;
        let usual = Settings::of(self.preset_over(file.as_ref())?);
        let (Some(path), Some(file)) = (&self.config, file) else {
            let settings = self.over(usual, None);
            check(&settings)?;
            return Ok((settings.model, settings.train));
        };
        let alone = self.over(usual.clone(), None);
        let settings = self.over(merged(&file, &usual, path)?, Some(&file));
        let is_wrong_alone =
            |setting: &str| matches!(check(&alone), Err(Error::Setting { setting: wrong, .. }) if wrong == setting);
        match check(&settings) {
            Err(Error::Setting { setting, problem }) if !is_wrong_alone(setting) => {
                let (problem, fix) = problem.split_once("; ").unwrap_or((&problem, "correct it"));
                Err(Error::file(path, setting, problem, fix))
            }
            checked => checked.map(|()| (settings.model, settings.train)),
        }
    }

    /// The file of --config, if there is one.
    pub(super) fn file(&self) -> Option<&Path> {
        self.config.as_deref()
    }

    /// The settings with the flags over them. What the preset alone does to turned rows is left out where none is turned.
    fn over(&self, Settings { mut model, mut train }: Settings, file: Option<&toml::Table>) -> Settings {
        model.ssl = self.ssl.unwrap_or(model.ssl);
        model.width = self.width.unwrap_or(model.width);
        model.noise = self.noise.unwrap_or(model.noise);
        model.lift = self.lift.unwrap_or(model.lift);
        train.batch = self.batch.unwrap_or(train.batch);
        train.lr = self.lr.unwrap_or(train.lr);
        train.dropout = self.dropout.unwrap_or(train.dropout);
        train.random_views = self.random_views.unwrap_or(train.random_views);
        train.free_rotation = self.free_rotation.unwrap_or(train.free_rotation);
        train.limb_mixing = self.limb_mixing.unwrap_or(train.limb_mixing);
        train.seed = self.seed.unwrap_or(train.seed);
        train.decay = self.decay(train.decay);
        let in_file = |key| file.and_then(|file| file.get("train")?.get(key)).is_some();
        let fitting = train.clone().without_empty_shares();
        if self.limb_mixing.is_none() && !in_file("limb_mixing") {
            train.limb_mixing = fitting.limb_mixing;
        }
        if self.free_rotation.is_none() && !in_file("free_rotation") {
            train.free_rotation = fitting.free_rotation;
        }
        Settings { model, train }
    }

    /// The settings that go together.
    pub(super) fn preset(&self) -> Result<Preset> {
        let file = self.config.as_deref().map(read).transpose()?;
        self.preset_over(file.as_ref())
    }

    /// As asked for, or else the one that has the task which the flags or the file ask for.
    fn preset_over(&self, file: Option<&toml::Table>) -> Result<Preset> {
        let in_file = || file?.get("model")?.get("ssl")?.clone().try_into::<Ssl>().ok();
        let Some(ssl) = self.ssl.or_else(in_file) else { return Ok(self.preset.unwrap_or_default()) };
        let own = match ssl {
            Ssl::None => self.preset.unwrap_or_default(),
            Ssl::Adversary | Ssl::Cycle => Preset::Paper,
            Ssl::Geometry => Preset::Geometry,
        };
        match (self.preset, &self.config) {
            (None, _) => Ok(own),
            (Some(preset), _) if preset == own => Ok(preset),
            (Some(preset), Some(path)) if self.ssl.is_none() => {
                let fix = format!("correct it, or give --preset {own}");
                Err(Error::file(path, "ssl", format!("it is {ssl}, a task of the preset {own}, not of {preset}"), fix))
            }
            (Some(preset), _) => Err(Error::Usage(format!(
                "--preset {preset}: --ssl {ssl} is a task of the preset {own}; leave one of the two out"
            ))),
        }
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

/// Fails for what no data can make right.
fn check(Settings { model, train }: &Settings) -> Result<()> {
    let mut model = model.clone();
    // Data tell the joints, the plane's scale where it is 0, and the lengths where there are none.
    if model.plane_scale == 0.0 {
        model.plane_scale = 1.0;
    }
    if model.bone_lengths.is_empty() {
        model.bone_lengths = vec![1.0; model.joints.max(1) - 1];
    } else if matches!(model.bone_lengths.len(), 15 | 16) {
        model.joints = model.bone_lengths.len() + 1;
    }
    model.check()?;
    if model.gate != 0.0 {
        let problem = format!("it is {}, but training measures it; set `gate_quantile` of [train]", model.gate);
        return Err(Error::setting("gate", problem));
    }
    train.validate()
}

/// What a file says, which is known to be settings.
fn read(path: &Path) -> Result<toml::Table> {
    let text = read_text_limited(path, HAND_WRITTEN)?;
    let located = |error: toml::de::Error| {
        let start = error.span().map_or(0, |span| span.start.min(text.len()));
        let before = text.get(..start).unwrap_or_default();
        let number = before.matches('\n').count();
        let line = text.lines().nth(number).unwrap_or_default().trim();
        let field = format!("line {} ({line})", number + 1);
        Error::file(path, field, error.message(), "correct it; the tables are [model] and [train]")
    };
    // Read alone, what is wrong is found with its line.
    toml::from_str::<Settings>(&text).map_err(located)?;
    toml::from_str(&text).map_err(located)
}

/// The settings of a file, and `usual` where it says nothing.
fn merged(file: &toml::Table, usual: &Settings, path: &Path) -> Result<Settings> {
    let wrong = |problem: String| Error::file(path, "settings", problem, "report this");
    let mut all = toml::Table::try_from(usual).map_err(|error| wrong(error.to_string()))?;
    for (table, values) in file {
        match (all.get_mut(table).and_then(toml::Value::as_table_mut), values.clone()) {
            (Some(known), toml::Value::Table(values)) => known.extend(values),
            (_, values) => drop(all.insert(table.clone(), values)),
        }
    }
    all.try_into().map_err(|error: toml::de::Error| wrong(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> (tempfile::NamedTempFile, SettingFlags) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let (preset, config) = (Some(Preset::Paper), Some(file.path().to_owned()));
        let flags = SettingFlags { preset, config, ..SettingFlags::default() };
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
        let (_file, mut flags) = written("[model]\nnoise = 3.0\n[train]\nrandom_views = 0.5\n");
        flags.preset = Some(Preset::Geometry);
        flags.limb_mixing = Some(0.25);
        flags.noise = Some(6.0);
        let (model, train) = flags.resolve().unwrap();
        assert_eq!((model.noise, model.lift), (6.0, Lift::Corrected));
        assert_eq!((train.random_views, train.free_rotation, train.limb_mixing), (0.5, 0.25, 0.25));
    }

    #[test]
    fn without_turned_poses_the_preset_changes_none() {
        let of = |text: &str, batch, random_views, limb_mixing| {
            let (_file, flags) = written(text);
            let preset = Some(Preset::Geometry);
            let (_, train) = SettingFlags { preset, batch, random_views, limb_mixing, ..flags }.resolve()?;
            Ok::<_, Error>((train.random_views, train.free_rotation, train.limb_mixing))
        };
        assert_eq!(of("", None, None, None).unwrap(), (0.5, 0.25, 0.5));
        assert_eq!(of("", None, Some(0.0), None).unwrap(), (0.0, 0.0, 0.0));
        assert_eq!(of("", Some(2), None, None).unwrap(), (0.5, 0.0, 0.5));
        assert!(of("", None, Some(0.0), Some(0.5)).is_err(), "what is asked for is not dropped");
        assert!(of("[train]\nfree_rotation = 0.25\n", Some(2), None, None).is_err());
    }

    #[test]
    fn the_papers_tasks_bring_the_papers_preset() {
        let of = |preset, ssl, text| {
            let (_file, flags) = written(text);
            let flags = SettingFlags { preset, ssl, ..flags };
            let lift = flags.resolve().map(|(model, _)| (model.ssl, model.lift)).map_err(|error| error.to_string());
            (flags.preset().unwrap(), lift)
        };
        let (cycle, cycle_file) = (Some(Ssl::Cycle), "[model]\nssl = \"cycle\"\n");
        assert_eq!(of(None, None, ""), (Preset::Geometry, Ok((Ssl::Geometry, Lift::Corrected))));
        assert_eq!(of(None, Some(Ssl::None), ""), (Preset::Geometry, Ok((Ssl::None, Lift::Corrected))));
        assert_eq!(of(None, cycle, ""), (Preset::Paper, Ok((Ssl::Cycle, Lift::Free))));
        assert_eq!(of(None, None, cycle_file), (Preset::Paper, Ok((Ssl::Cycle, Lift::Free))));
        // Flags win over the file.
        let geometry = Some(Ssl::Geometry);
        assert_eq!(of(None, geometry, cycle_file), (Preset::Geometry, Ok((Ssl::Geometry, Lift::Corrected))));
        let refused = |preset, ssl, text| {
            let (_file, flags) = written(text);
            SettingFlags { preset: Some(preset), ssl, ..flags }.resolve().unwrap_err().to_string()
        };
        let error = refused(Preset::Geometry, cycle, "");
        assert!(error.contains("--preset geometry: --ssl cycle is a task of the preset paper"), "{error}");
        let error = refused(Preset::Paper, geometry, cycle_file);
        assert!(error.contains("--preset paper: --ssl geometry"), "{error}");
        let error = refused(Preset::Geometry, None, cycle_file);
        assert!(error.contains("ssl: it is cycle, a task of the preset paper"), "{error}");
    }

    #[test]
    fn a_wrong_file_is_named_with_line_and_key() {
        for (text, expected) in [
            ("[model]\nwidht = 3\n", "line 2 (widht = 3): unknown field `widht`"),
            ("[training]\nlr = 1\n", "unknown field `training`"),
            ("[train]\n\nlr = \"fast\"\n", "line 3 (lr = \"fast\")"),
            ("[train\n", "line 1 ([train)"),
            ("[train]\ndecay = { exponential = { gamma = -1.0, steps = 1.0 } }\n", "decay: gamma is -1"),
            ("[train]\nbatch = 1\n", "batch: it is 1; batch norm needs"),
            ("[train]\nsteps = 0\n", "steps: it is 0; use at least 1"),
            ("[train]\nbn_momentum = 7\n", "bn_momentum: it is 7"),
            ("[model]\ngate = 0.5\n", "gate: it is 0.5, but training measures it"),
            ("[model]\nwidth = 30\n", "width: it is 30, not a multiple of 4"),
            ("[model]\nbone_lengths = [0.1]\n", "bone_lengths: it has 1 entries"),
        ] {
            let (file, flags) = written(text);
            let error = flags.resolve().unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
            assert!(error.contains(file.path().to_str().unwrap()), "{error}");
        }
        // What a flag gives is the flag's fault, and what it mends is none.
        let (_file, mut flags) = written("[train]\nbatch = 1\n");
        flags.batch = Some(0);
        assert!(matches!(flags.resolve(), Err(Error::Setting { setting: "batch", .. })));
        flags.batch = Some(8);
        assert!(flags.resolve().is_ok());
    }

    #[test]
    fn epochs_round_up() {
        let length = Length { steps: None, epochs: Some(2.0) };
        assert_eq!(length.steps(100, 64, 7).unwrap(), 4);
        assert_eq!(Length::default().steps(100, 64, 7).unwrap(), 7);
        assert!(Length { steps: None, epochs: Some(1e12) }.steps(100, 64, 7).is_err());
    }
}
