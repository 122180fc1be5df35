//! The paper's experiments (Sec. 4) for any source and target: what is trained, predicted and measured.
//!
//! A study is a straight line of steps, [`run`]. Each leaves a file in the study's [`Folder`], so that a study that was
//! cut off goes on where it was. What comes out is [`Results`]; [`report`](results_document) makes a page of them.

mod ablations;
mod compare;
mod data;
mod document;
mod domain;
mod figures;
mod folder;
mod gallery;
mod kept;
mod method;
mod noise;
mod paper;
mod parts;
mod run;
mod sections;
mod tables;

pub use ablations::Ablation;
pub use compare::{Comparison, Predicted, truth};
pub use data::{Data, Step};
pub use document::results_document;
pub use folder::{DataFile, Folder, Manifest, Run};
pub use gallery::{Sample, Selection};
pub use method::{BASELINE, Change, Method, Trained, iso, joint, methods};
pub use noise::Pixels;
pub use paper::PaperTarget;
pub use parts::{Only, run_part};
pub use run::{Noise, Results, Sweep, run};
pub use sections::comparison_document;

use serde::{Deserialize, Serialize};

use crate::adapt::{Mode, Policy};
use crate::config::{ModelConfig, Preset, TrainConfig};

/// What a study does, apart from its data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Whose methods it compares.
    #[serde(default = "before_presets")]
    pub preset: Preset,
    /// The models but for their self-supervised task, which the study chooses.
    pub model: ModelConfig,
    /// Their training but for the seed.
    pub train: TrainConfig,
    /// How many seeds, from the training's on.
    pub seeds: u32,
    /// B, random views of a sample in one step of adaptation; none is each mode's own.
    pub copies: Option<usize>,
    /// R, poses replayed in one step of adaptation; none is each mode's own.
    #[serde(default)]
    pub replay: Option<usize>,
    /// Samples of the target, evenly spread, that sweeps and ablations look at.
    pub sweep_samples: usize,
    /// Steps of the domain classifier.
    pub classifier_steps: u32,
    /// The focal length, pixels, of data without intrinsics, where it is not guessed.
    #[serde(default)]
    pub focal: Option<f64>,
    /// The paper's data set that the target is, if it is one: then the report quotes the paper's own numbers.
    pub paper_target: Option<PaperTarget>,
}

/// What studies were before they had a preset.
fn before_presets() -> Preset {
    Preset::Paper
}

impl Settings {
    /// The methods that it compares.
    #[must_use]
    pub fn methods(&self) -> Vec<Method> {
        methods(self.preset).into_iter().filter(|method| method.tells(&self.train)).collect()
    }

    /// The models that those need.
    #[must_use]
    pub fn trained(&self) -> Vec<Trained> {
        let mut models: Vec<Trained> = Vec::new();
        for method in self.methods() {
            if !models.contains(&method.model) {
                models.push(method.model);
            }
        }
        models
    }

    /// The two methods to look at closely: the paper's Baseline and ISO; else what adapts, before and after.
    #[must_use]
    pub fn pair(&self) -> [String; 2] {
        let first = match self.preset {
            Preset::Paper => BASELINE.to_owned(),
            Preset::Geometry => joint(self.preset),
        };
        [first, iso(self.preset)]
    }

    /// What `mode` does with `model` here.
    #[must_use]
    pub fn policy(&self, mode: Mode, model: &ModelConfig) -> Policy {
        let usual = mode.policy(model);
        let (copies, replay) = (self.copies.unwrap_or(usual.copies), self.replay.unwrap_or(usual.replay));
        Policy { copies, replay, ..usual }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_without_a_preset_are_the_papers() {
        let old = serde_json::json!({
            "model": {}, "train": {}, "seeds": 1, "copies": 64, "sweep_samples": 5, "classifier_steps": 5,
            "paper_target": null
        });
        let settings: Settings = serde_json::from_value(old).unwrap();
        assert_eq!((settings.preset, settings.copies, settings.replay), (Preset::Paper, Some(64), None));
        let trained: Vec<_> = settings.trained().iter().map(|model| model.name).collect();
        assert_eq!(trained, ["baseline", "adv", "cyc"]);
    }

    #[test]
    fn what_is_given_wins_over_the_modes_own() {
        let usual = serde_json::json!({
            "preset": "geometry", "model": Preset::Geometry.model(), "train": Preset::Geometry.training(), "seeds": 1,
            "copies": null, "sweep_samples": 5, "classifier_steps": 5, "paper_target": null
        });
        let settings: Settings = serde_json::from_value(usual).unwrap();
        let own = Mode::ONLINE.policy(&settings.model);
        assert_eq!(settings.policy(Mode::ONLINE, &settings.model), own);
        let few = Settings { copies: Some(2), replay: Some(0), ..settings };
        assert_eq!(few.policy(Mode::ONLINE, &few.model), Policy { copies: 2, replay: 0, ..own });
    }
}
