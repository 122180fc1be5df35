//! The paper's experiments (Sec. 4) for any source and target: what is trained, predicted and measured.
//!
//! A study is a straight line of steps, [`run`]. Each leaves a file in the study's [`Folder`], so that a study that was
//! cut off goes on where it was. What comes out is [`Results`]; [`report`](results_document) makes a page of them.

mod compare;
mod data;
mod document;
mod domain;
mod folder;
mod gallery;
mod method;
mod noise;
mod paper;
mod run;
mod sections;

pub use compare::{Comparison, Predicted, truth};
pub use data::{Data, Step};
pub use document::results_document;
pub use folder::{DataFile, Folder, Manifest, Run};
pub use gallery::{Sample, Selection};
pub use method::{BASELINE, Method, iso, joint, methods};
pub(crate) use noise::noisy;
pub use paper::PaperTarget;
pub use run::{Noise, Results, Sweep, run};
pub use sections::comparison_document;

use serde::{Deserialize, Serialize};

use crate::config::{ModelConfig, TrainConfig};

/// What a study does, apart from its data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The models but for their self-supervised task, which the study chooses.
    pub model: ModelConfig,
    /// Their training but for the seed.
    pub train: TrainConfig,
    /// How many seeds, from the training's on.
    pub seeds: u32,
    /// B, random views of a sample in one step of adaptation.
    pub copies: usize,
    /// Samples of the target, evenly spread, that the sweeps of Fig. 4 look at.
    pub sweep_samples: usize,
    /// Steps of the domain classifier.
    pub classifier_steps: u32,
    /// The paper's data set that the target is, if it is one: then the report quotes the paper's own numbers.
    pub paper_target: Option<PaperTarget>,
}
