//! A trained model on a device.

use std::path::Path;
use std::sync::Arc;

use super::{AdaptConfig, Adapter};
use crate::checkpoint::{Checkpoint, Tensors, check_parameters};
use crate::config::ModelConfig;
use crate::error::Result;
use crate::gpu::Device;
use crate::nn::SourceWeights;

/// A trained model on a device, from which adapters are made. Cheap to clone.
///
/// The trained weights are there once, however many adapters read them: in the host's memory, where adapters that start
/// again take them from, and on the device as far as adapters only read them, [`Self::bytes`]. At width 1024 that is the FSL
/// head (8.6 MB) for all, the extractor (25 MB) for those that predict as trained or start from the source, SSL head and
/// discriminator (34 MB) for the latter. The device keeps its compute pipelines, so that a second adapter of a kind compiles
/// nothing.
#[derive(Clone)]
pub struct Lifter {
    model: Arc<Model>,
}

struct Model {
    config: ModelConfig,
    parameters: Tensors,
    device: Device,
    weights: SourceWeights,
}

impl Lifter {
    /// Reads a checkpoint.
    ///
    /// # Errors
    /// Those of [`Checkpoint::load`].
    pub fn open(checkpoint: &Path, device: &Device) -> Result<Self> {
        let checkpoint = Checkpoint::load(checkpoint)?;
        Ok(Self::of_sound(checkpoint.model, checkpoint.parameters, device))
    }

    /// A model by its parameters. What training's optimiser knew has no place here: adaptation has its own.
    ///
    /// # Errors
    /// [`Error::Setting`](crate::Error::Setting) for a model that cannot be, or parameters that are not its own.
    pub fn new(config: ModelConfig, parameters: Tensors, device: &Device) -> Result<Self> {
        config.check()?;
        check_parameters(&config, &parameters)?;
        Ok(Self::of_sound(config, parameters, device))
    }

    fn of_sound(config: ModelConfig, parameters: Tensors, device: &Device) -> Self {
        let model = Model { config, parameters, device: device.clone(), weights: SourceWeights::default() };
        Self { model: Arc::new(model) }
    }

    /// Makes what adapts: by a [`Policy`](super::Policy), or by all settings.
    ///
    /// # Errors
    /// [`Error::Setting`](crate::Error::Setting) for settings that do not fit the model; [`Error::Device`](crate::Error::Device) when the device is too small.
    pub fn adapter(&self, config: impl Into<AdaptConfig>) -> Result<Adapter> {
        Adapter::new(self, config.into())
    }

    /// The model's options.
    #[must_use]
    pub fn model(&self) -> &ModelConfig {
        &self.model.config
    }

    /// The trained parameters.
    #[must_use]
    pub fn parameters(&self) -> &Tensors {
        &self.model.parameters
    }

    /// The device.
    #[must_use]
    pub fn device(&self) -> &Device {
        &self.model.device
    }

    /// Bytes of the weights on the device that adapters share so far.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.model.weights.bytes()
    }

    pub(super) fn weights(&self) -> &SourceWeights {
        &self.model.weights
    }
}
