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

    /// Rows of the activations: of all instances, each its sample and its views; with the geometry task the mirror image
    /// and what is replayed too.
    pub(crate) fn rows(&self, model: &ModelConfig) -> usize {
        let Policy { copies, replay, .. } = self.policy;
        let lifted = if model.ssl == Ssl::Geometry { replay.saturating_add(2) } else { 1 };
        match self.policy.adapts() {
            true => self.instances.saturating_mul(copies.saturating_add(lifted)),
            false => self.batch.saturating_mul(2),
        }
    }

    /// Fails when a setting is impossible, or impossible for this model.
    ///
    /// # Errors
    /// [`Error::Setting`] naming the setting and the fix.
    pub fn validate(&self, model: &ModelConfig) -> Result<()> {
        let Policy { start, every, iterations, alpha, copies, replay } = self.policy;
        if start != Start::Never && model.ssl == Ssl::None {
            let problem = "the model was trained without a self-supervised task (`train.ssl` none), so there is nothing to adapt \
                           with; predict with baseline, or train one with geometry, adversary or cycle";
            return Err(Error::setting("mode", problem));
        }
        for (name, count, most) in [
            ("iterations", iterations, MAX_ITERATIONS),
            ("copies", copies, 1 << 20),
            ("instances", self.instances, 1 << 20),
            ("batch", self.batch, 1 << 20),
            ("every", every, 1 << 20),
            ("capacity", self.capacity, 1 << 20),
        ] {
            if count == 0 || count > most {
                return Err(Error::setting(name, format!("it is {count}; use 1 to {most}")));
            }
        }
        if replay > 1 << 10 {
            return Err(Error::setting("replay", format!("it is {replay}; use 0 to {}", 1 << 10)));
        }
        if start != Start::Never && replay > 0 && self.draw_views && model.ssl == Ssl::Geometry && model.reservoir == 0
        {
            let problem =
                "the model keeps no poses to replay (its reservoir is 0); use 0, or train one that keeps some";
            return Err(Error::setting("replay", problem));
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
