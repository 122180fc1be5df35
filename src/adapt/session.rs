//! A running adaptation: parameters on a device, samples in, predictions out.

use super::{AdaptConfig, AdaptPlan, adapt_plan};
use crate::checkpoint::Checkpoint;
use crate::config::ModelConfig;
use crate::cpu::State;
use crate::cpu::loss::LOSS_TERMS;
use crate::error::{Error, Result};
use crate::gpu::Device;
use crate::nn::{LossTerms, Tensors};
use crate::plan::{Executor, prepare};

/// Adapts and predicts on one device.
pub struct Adapter {
    model: ModelConfig,
    config: AdaptConfig,
    source: Tensors,
    ids: AdaptPlan,
    executor: Box<dyn Executor>,
    /// Samples and optimisation steps so far.
    samples: u32,
    steps: u32,
}

impl Adapter {
    /// Brings a model to a device.
    ///
    /// # Errors
    /// [`Error::Usage`] for settings that do not fit the model; [`Error::Device`] when the device is too
    /// small.
    pub fn new(checkpoint: &Checkpoint, config: &AdaptConfig, device: &Device) -> Result<Self> {
        config.validate(&checkpoint.model)?;
        let mut ids = adapt_plan(&checkpoint.model, config)?;
        let mut executor = prepare(std::mem::take(&mut ids.plan), device)?;
        ids.store.load(executor.as_mut(), &checkpoint.model, &checkpoint.tensors)?;
        Ok(Self {
            model: checkpoint.model.clone(),
            config: config.clone(),
            source: checkpoint.tensors.clone(),
            ids,
            executor,
            samples: 0,
            steps: 0,
        })
    }

    /// Back to the source parameters, a fresh Adam and sample 0: a new stream, as if this adapter were new.
    ///
    /// # Errors
    /// The device was lost.
    pub fn reset(&mut self) -> Result<()> {
        self.ids.store.load(self.executor.as_mut(), &self.model, &self.source)?;
        let state = State { seed: self.config.seed, ..State::default() };
        self.executor.write(self.ids.state, 0, &state.words());
        (self.samples, self.steps) = (0, 0);
        Ok(())
    }

    /// Adapts as the mode says and predicts: `keypoints` (N, 2J), normalised, to poses (N, 3J), root-centred, metres.
    /// Online modes go on where the last call ended.
    ///
    /// # Errors
    /// The device was lost.
    pub fn run(&mut self, keypoints: &[f32]) -> Result<Vec<f32>> {
        self.run_lots(keypoints, None)
    }

    /// As [`Self::run`] for samples that may lack joints: `seen` (N, J) is 1 for a joint that a sample has, 0 for one
    /// that was filled in. It counts where the settings are `masked`.
    ///
    /// # Errors
    /// [`Error::Usage`] where there is not one number for each joint; or the device was lost.
    pub fn run_masked(&mut self, keypoints: &[f32], seen: &[f32]) -> Result<Vec<f32>> {
        if seen.len() != keypoints.len() / 2 {
            let counts = (seen.len(), keypoints.len() / 2);
            return Err(Error::Usage(format!(
                "the mask has {} numbers for {} joints; give one for each",
                counts.0, counts.1
            )));
        }
        self.run_lots(keypoints, Some(seen))
    }

    fn run_lots(&mut self, keypoints: &[f32], seen: Option<&[f32]>) -> Result<Vec<f32>> {
        let size = 2 * self.model.joints;
        let per_replay = self.config.samples_per_replay();
        let capacity = self.executor.plan().tensor(self.ids.samples).shape[0];
        let mut poses = Vec::with_capacity(keypoints.len() / 2 * 3);
        for (lot, chunk) in keypoints.chunks(capacity * size).enumerate() {
            let count = chunk.len() / size;
            self.executor.write(self.ids.samples, 0, chunk);
            if let Some(masks) = self.ids.masks {
                let first = lot * capacity * self.model.joints;
                match seen {
                    Some(seen) => self.executor.write(masks, 0, &seen[first..first + chunk.len() / 2]),
                    None => self.executor.write(masks, 0, &vec![1.0; chunk.len() / 2]),
                }
            }
            // sample and chunk of the state.
            self.executor.write(self.ids.state, 2, &[f32::from_bits(self.samples); 2]);
            for first in (0..count).step_by(per_replay) {
                let index = self.samples as usize + first;
                let section = match self.ids.adapt {
                    Some(adapt) if index.is_multiple_of(self.config.skip) => {
                        self.steps += self.config.iterations as u32;
                        adapt
                    }
                    _ => self.ids.predict,
                };
                self.executor.replay(section)?;
            }
            self.samples += count as u32;
            let stride = crate::nn::pose_size(&self.model);
            let predictions = self.executor.read(self.ids.predictions)?;
            predictions.chunks_exact(stride).take(count).for_each(|row| poses.extend(&row[..3 * self.model.joints]));
        }
        Ok(poses)
    }

    /// Gives the random views of the next sample, azimuth and elevation in radians (T B, 2), where they are not drawn.
    pub fn give_views(&mut self, views: &[f32]) {
        if let Some(tensor) = self.ids.views {
            self.executor.write(tensor, 0, views);
        }
    }

    /// Losses of the last adapted sample's steps (of its first instance).
    ///
    /// # Errors
    /// The device was lost.
    pub fn losses(&mut self) -> Result<Vec<LossTerms>> {
        let Some(ring) = self.ids.losses else { return Ok(Vec::new()) };
        let words = self.executor.read(ring)?;
        let slots = self.executor.plan().tensor(ring).shape[0];
        let slot = LOSS_TERMS * self.config.instances;
        let last = (self.steps as usize).saturating_sub(self.config.iterations)..self.steps as usize;
        Ok(last.map(|step| LossTerms::of_ring(&words[step % slots * slot..], &self.model)).collect())
    }

    /// The working parameters (of the first instance), by their checkpoint names.
    ///
    /// # Errors
    /// The device was lost.
    pub fn parameters(&mut self) -> Result<Tensors> {
        self.ids.store.parameters(self.executor.as_mut())
    }

    /// Adam's moments, under `adam.exp_avg.` and `adam.exp_avg_sq.`.
    ///
    /// # Errors
    /// The device was lost.
    pub fn moments(&mut self) -> Result<Tensors> {
        self.ids.store.moments(self.executor.as_mut())
    }

    /// The device's name.
    #[must_use]
    pub fn device(&self) -> &str {
        self.executor.device()
    }
}
