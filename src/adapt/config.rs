//! The inference modes of the paper and their settings.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::config::{ModelConfig, Ssl};
use crate::error::{Error, Result};

/// How target poses are predicted (Sec. 3.2.2, 4.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// As trained, no adaptation.
    Baseline,
    /// Adapts to each sample from the source parameters: T = 10, α = 2e-5.
    Vanilla,
    /// The faster vanilla of Sec. 4.4: T = 1, α = 2e-4.
    VanillaLr,
    /// Adapts to each sample of a stream from where the one before left off: T = 1, α = 2e-5.
    Online,
    /// Online, adapting to every tenth sample only.
    OnlineSkip,
}

impl Mode {
    /// Every mode, in the order of Table 4.
    pub const ALL: [Self; 5] = [Self::Baseline, Self::Vanilla, Self::VanillaLr, Self::Online, Self::OnlineSkip];

    /// Whether each sample starts from the source parameters.
    #[must_use]
    pub fn is_vanilla(self) -> bool {
        matches!(self, Self::Vanilla | Self::VanillaLr)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::Vanilla => "vanilla",
            Self::VanillaLr => "vanilla-lr",
            Self::Online => "online",
            Self::OnlineSkip => "online-skip",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Most steps on a sample: each is recorded, about a hundred dispatches.
const MAX_ITERATIONS: usize = 1000;

/// Settings of an adaptation.
#[derive(Clone, Debug, PartialEq)]
pub struct AdaptConfig {
    /// The mode.
    pub mode: Mode,
    /// T, optimisation steps on each sample that is adapted to.
    pub iterations: usize,
    /// α, Adam's learning rate.
    pub alpha: f32,
    /// B, random views of a sample in one step.
    pub copies: usize,
    /// Online: adapts to samples 0, skip, 2 skip, ...
    pub skip: usize,
    /// Vanilla: samples adapted to at once.
    pub instances: usize,
    /// Baseline: samples predicted at once.
    pub batch: usize,
    /// Whether a prediction is averaged with that of the mirror image (Sec. 4.1).
    pub flip: bool,
    /// Seed of the random views.
    pub seed: u32,
    /// Whether random views are drawn on the device; otherwise they are given before each sample.
    pub draw_views: bool,
    /// Whether vanilla's last step skips what is discarded with the sample: all but the extractor.
    pub discard: bool,
    /// Whether samples may lack joints, so that each comes with a mask.
    pub masked: bool,
    /// Samples kept on the device at once.
    pub capacity: usize,
}

impl AdaptConfig {
    /// The paper's settings for a mode.
    #[must_use]
    pub fn new(mode: Mode) -> Self {
        Self {
            mode,
            iterations: if mode == Mode::Vanilla { 10 } else { 1 },
            alpha: if mode == Mode::VanillaLr { 2e-4 } else { 2e-5 },
            copies: 64,
            skip: if mode == Mode::OnlineSkip { 10 } else { 1 },
            instances: 1,
            batch: 1,
            flip: true,
            seed: 0,
            draw_views: true,
            discard: true,
            masked: false,
            capacity: 64,
        }
    }

    /// Samples that one replay advances.
    #[must_use]
    pub fn samples_per_replay(&self) -> usize {
        if self.mode == Mode::Baseline { self.batch } else { self.instances }
    }

    /// Fails when a setting is impossible, or impossible for this model.
    ///
    /// # Errors
    /// [`Error::Usage`] naming the setting and the fix.
    pub fn validate(&self, model: &ModelConfig) -> Result<()> {
        let usage = |what: String| Err(Error::Usage(what));
        if self.mode != Mode::Baseline && model.ssl == Ssl::None {
            return usage(format!(
                "--mode {}: a model of --ssl none has no SSL head to adapt with; \
                 use --mode baseline, or a model trained with --ssl adversary or cycle",
                self.mode
            ));
        }
        for (name, count) in [
            ("iterations", self.iterations),
            ("copies", self.copies),
            ("instances", self.instances),
            ("batch", self.batch),
            ("skip", self.skip),
            ("capacity", self.capacity),
        ] {
            if count == 0 || count > 1 << 20 {
                return usage(format!("--{name} is {count}; use 1 to {}", 1 << 20));
            }
        }
        if self.iterations > MAX_ITERATIONS {
            return usage(format!("--iterations is {}; use at most {MAX_ITERATIONS}", self.iterations));
        }
        if self.skip > 1 && self.mode != Mode::OnlineSkip {
            return usage(format!("skip is {}; only online-skip leaves samples out", self.skip));
        }
        if !(self.alpha.is_finite() && self.alpha >= 0.0) {
            return usage(format!("--alpha is {}; use a finite number that is not negative", self.alpha));
        }
        if self.instances > 1 && !self.mode.is_vanilla() {
            return usage(format!(
                "--instances: {} is sequential; only vanilla modes adapt several at once",
                self.mode
            ));
        }
        Ok(())
    }
}
