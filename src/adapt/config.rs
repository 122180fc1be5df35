//! Settings of an adaptation.

use super::{Policy, Start};
use crate::config::{ModelConfig, Ssl};
use crate::error::{Error, Result};

/// Most steps on a sample: each is recorded, about a hundred dispatches.
const MAX_ITERATIONS: usize = 1000;

/// How an [`Adapter`](super::Adapter) adapts and predicts.
#[derive(Clone, Debug, PartialEq)]
pub struct AdaptConfig {
    /// When to adapt, and how much.
    pub policy: Policy,
    /// Samples that are adapted to at once, each on its own; with [`Start::Source`] only.
    pub instances: usize,
    /// Samples predicted at once, with [`Start::Never`].
    pub batch: usize,
    /// Whether a prediction is averaged with that of the mirror image (Sec. 4.1).
    pub flip: bool,
    /// Seed of the random views.
    pub seed: u32,
    /// Whether random views are drawn on the device; otherwise they are given before each sample.
    pub draw_views: bool,
    /// Whether the last step from the source skips what is discarded with the sample: all but the extractor.
    pub discard: bool,
    /// Whether samples may lack joints. Without, a step has two dispatches less, and a sample that lacks one is refused.
    pub masked: bool,
    /// Samples kept on the device at once.
    pub capacity: usize,
}

impl From<Policy> for AdaptConfig {
    /// One sample at a time, as the paper predicts, of any sample.
    fn from(policy: Policy) -> Self {
        Self {
            policy,
            instances: 1,
            batch: 1,
            flip: true,
            seed: 0,
            draw_views: true,
            discard: true,
            masked: true,
            capacity: 64,
        }
    }
}

impl AdaptConfig {
    /// Samples that one replay advances.
    #[must_use]
    pub(crate) fn samples_per_replay(&self) -> usize {
        if self.policy.adapts() { self.instances } else { self.batch }
    }

    /// Fails when a setting is impossible, or impossible for this model.
    ///
    /// # Errors
    /// [`Error::Setting`] naming the setting and the fix.
    pub fn validate(&self, model: &ModelConfig) -> Result<()> {
        let Policy { start, every, iterations, alpha, copies } = self.policy;
        if start != Start::Never && model.ssl == Ssl::None {
            let problem = "the model was trained without a self-supervised task (`train.ssl` none), so there is nothing to adapt \
                           with; predict with baseline, or train one with adversary or cycle";
            return Err(Error::setting("mode", problem));
        }
        for (name, count) in [
            ("iterations", iterations),
            ("copies", copies),
            ("instances", self.instances),
            ("batch", self.batch),
            ("every", every),
            ("capacity", self.capacity),
        ] {
            if count == 0 || count > 1 << 20 {
                return Err(Error::setting(name, format!("it is {count}; use 1 to {}", 1 << 20)));
            }
        }
        if iterations > MAX_ITERATIONS {
            return Err(Error::setting("iterations", format!("it is {iterations}; use at most {MAX_ITERATIONS}")));
        }
        if every > 1 && start != Start::Carry {
            let problem = "only a policy that carries on (online) leaves samples out; use 1";
            return Err(Error::setting("every", problem));
        }
        if !(alpha.is_finite() && alpha >= 0.0) {
            return Err(Error::setting("alpha", format!("it is {alpha}; use a finite number that is not negative")));
        }
        if self.instances > 1 && start != Start::Source {
            let problem = "only policies that start from the source (vanilla) adapt to several samples at once; use 1";
            return Err(Error::setting("instances", problem));
        }
        Ok(())
    }
}
