//! A recorded program on a device.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::Store;
use crate::checkpoint::{Moments, Tensors};
use crate::config::ModelConfig;
use crate::cpu::State;
use crate::error::Result;
use crate::gpu::Device;
use crate::plan::{Executor, Plan, Readback, SectionId, SharedTensor, TensorId, gone, prepare_sharing};

/// A plan with its parameters and its state, not yet on a device.
#[derive(Clone, Debug, Default)]
pub struct Recording {
    /// The plan.
    pub plan: Plan,
    /// Its parameters.
    pub store: Store,
    /// Its state, see [`State`].
    pub state: TensorId,
}

/// The trained weights of one model on one device, which any number of programs read: each is there once. Weights come
/// here with the first program that needs them.
#[derive(Default)]
pub struct SourceWeights(Mutex<Shared>);

#[derive(Default)]
struct Shared {
    /// The device's, see [`Device::generation`].
    generation: u32,
    weights: BTreeMap<String, SharedTensor>,
}

impl SourceWeights {
    /// Bytes that they take on the device.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let shared = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        shared.weights.values().map(SharedTensor::bytes).sum()
    }
}

/// What replays cost the host.
#[derive(Clone, Copy, Debug, Default)]
pub struct HostTime {
    /// Until everything is submitted, and what does not lie ready encoded; on the CPU the work itself.
    pub submit: Duration,
    /// To encode the next replays, while it would wait for these.
    pub ahead: Duration,
}

/// Brings a plan and its parameters to a device; with the tensors that other programs read too.
fn prepare_with(
    plan: Plan,
    store: &Store,
    device: &Device,
    ((model, parameters), weights): ((&ModelConfig, &Tensors), Option<&SourceWeights>),
) -> Result<(Box<dyn Executor>, Vec<TensorId>)> {
    let device = device.reopened()?;
    let Some(weights) = weights else {
        let mut executor = prepare_sharing(plan, &device, &[])?;
        store.load(executor.as_mut(), model, parameters, &[])?;
        return Ok((executor, Vec::new()));
    };
    let only_read = plan.only_read();
    let only_read: Vec<(&str, TensorId)> = store.sources().filter(|(_, id)| only_read.contains(id)).collect();
    // Held until the end: two programs that are made at once must not both bring a weight.
    let mut shared = weights.0.lock().unwrap_or_else(PoisonError::into_inner);
    if shared.generation != device.generation() {
        *shared = Shared { generation: device.generation(), ..Shared::default() };
    }
    let known: Vec<(TensorId, SharedTensor)> =
        only_read.iter().filter_map(|(name, id)| Some((*id, shared.weights.get(*name)?.clone()))).collect();
    let mut executor = prepare_sharing(plan, &device, &known)?;
    let known: Vec<TensorId> = known.into_iter().map(|(id, _)| id).collect();
    store.load(executor.as_mut(), model, parameters, &known)?;
    for (name, id) in only_read.iter().filter(|(_, id)| !known.contains(id)) {
        shared.weights.insert((*name).to_owned(), executor.share(*id));
    }
    Ok((executor, only_read.into_iter().map(|(_, id)| id).collect()))
}

/// A recording on a device: what everything that runs plans with parameters is made of.
pub struct Program {
    executor: Box<dyn Executor>,
    store: Store,
    state: TensorId,
    /// Tensors that other programs read too, and that are therefore never written again.
    shared: Vec<TensorId>,
    encoding: Duration,
}

impl Program {
    /// Brings a recording and the parameters to a device. Moments are 0.
    ///
    /// # Errors
    /// [`crate::Error::Device`] when the device is too small; [`crate::Error::Plan`] naming a tensor that is missing.
    pub fn new(recording: Recording, device: &Device, model: &ModelConfig, parameters: &Tensors) -> Result<Self> {
        Self::with_weights(recording, device, (model, parameters), None)
    }

    /// As [`Self::new`]; what the program only reads of the model's weights is shared with all programs that were made
    /// with the same `weights`.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn sharing(
        recording: Recording,
        device: &Device,
        (model, parameters): (&ModelConfig, &Tensors),
        weights: &SourceWeights,
    ) -> Result<Self> {
        Self::with_weights(recording, device, (model, parameters), Some(weights))
    }

    fn with_weights(
        Recording { plan, store, state }: Recording,
        device: &Device,
        parameters: (&ModelConfig, &Tensors),
        weights: Option<&SourceWeights>,
    ) -> Result<Self> {
        let (executor, shared) = prepare_with(plan, &store, device, (parameters, weights))?;
        Ok(Self { executor, store, state, shared, encoding: Duration::ZERO })
    }

    /// As if the program were made anew, on the device opened again where it was lost: what it was
    /// [made](Self::sharing) with is given again.
    ///
    /// # Errors
    /// As [`Self::new`]; [`crate::Error::Lost`] where the device cannot be opened again.
    pub fn renew(
        &mut self,
        device: &Device,
        parameters: (&ModelConfig, &Tensors),
        weights: Option<&SourceWeights>,
    ) -> Result<()> {
        let plan = self.plan().clone();
        self.executor = gone(self.executor.as_ref());
        (self.executor, self.shared) = prepare_with(plan, &self.store, device, (parameters, weights))?;
        Ok(())
    }

    /// Back to `parameters` and to moments of 0.
    ///
    /// # Errors
    /// [`crate::Error::Plan`] naming a tensor that is missing.
    pub fn reload(&mut self, model: &ModelConfig, parameters: &Tensors) -> Result<()> {
        self.store.load(self.executor.as_mut(), model, parameters, &self.shared)
    }

    /// Writes Adam's moments, to go on where a training stopped.
    ///
    /// # Errors
    /// [`crate::Error::Plan`] naming a tensor that is missing.
    pub fn load_moments(&mut self, moments: &Moments) -> Result<()> {
        self.store.load_moments(self.executor.as_mut(), moments)
    }

    /// Sets the whole state.
    pub fn set_state(&mut self, state: State) {
        self.executor.write(self.state, 0, &state.words());
    }

    /// Goes to target sample `sample`; row 0 of the resident chunk holds sample `chunk`.
    pub fn seek(&mut self, sample: u32, chunk: u32) {
        self.executor.write(self.state, State::CURSOR, &[sample, chunk].map(f32::from_bits));
    }

    /// Overwrites `data.len()` elements of a tensor from element `offset` on.
    pub fn write(&mut self, tensor: TensorId, offset: usize, data: &[f32]) {
        self.executor.write(tensor, offset, data);
    }

    /// Replays a section. Returns before a GPU has finished.
    ///
    /// # Errors
    /// The device was lost.
    pub fn replay(&mut self, section: SectionId) -> Result<()> {
        let begun = Instant::now();
        let done = self.executor.replay(section);
        self.encoding += begun.elapsed();
        done
    }

    /// Replays a section and asks for the content of some tensors as it is then.
    ///
    /// # Errors
    /// The device was lost.
    pub fn replay_reading(&mut self, section: SectionId, tensors: &[TensorId]) -> Result<Vec<Readback>> {
        let begun = Instant::now();
        let reads = self.executor.replay_reading(section, tensors);
        self.encoding += begun.elapsed();
        reads
    }

    /// What replays have cost the host since the last call.
    pub fn take_host_time(&mut self) -> HostTime {
        HostTime { submit: std::mem::take(&mut self.encoding), ahead: self.executor.take_encoded_ahead() }
    }

    /// Reads a tensor, waiting for it.
    ///
    /// # Errors
    /// The device was lost.
    pub fn read(&mut self, tensor: TensorId) -> Result<Vec<f32>> {
        self.executor.read(tensor)
    }

    /// Reads tensors, waiting once.
    ///
    /// # Errors
    /// The device was lost.
    pub fn read_all(&mut self, tensors: &[TensorId]) -> Result<Vec<Vec<f32>>> {
        let reads = tensors.iter().map(|&tensor| self.executor.begin_read(tensor)).collect::<Result<Vec<_>>>()?;
        reads.into_iter().map(|read| self.executor.finish_read(read)).collect()
    }

    /// The tensors that updates in place change: parameters, moments and running statistics.
    #[must_use]
    pub fn learnt(&self) -> Vec<TensorId> {
        self.store.learnt().collect()
    }

    /// The state.
    ///
    /// # Errors
    /// The device was lost.
    pub fn state(&mut self) -> Result<State> {
        Ok(State::of(&self.executor.read(self.state)?))
    }

    /// Asks for the content of a tensor as it is after all replays so far.
    ///
    /// # Errors
    /// The device was lost.
    pub fn begin_read(&mut self, tensor: TensorId) -> Result<Readback> {
        self.executor.begin_read(tensor)
    }

    /// Waits for a read.
    ///
    /// # Errors
    /// The device was lost.
    pub fn finish_read(&mut self, readback: Readback) -> Result<Vec<f32>> {
        self.executor.finish_read(readback)
    }

    /// Waits until every replay so far has finished.
    ///
    /// # Errors
    /// The device was lost.
    pub fn wait(&mut self) -> Result<()> {
        self.executor.wait()
    }

    /// Time of each dispatch of a section, one replay.
    ///
    /// # Errors
    /// The device was lost.
    pub fn profile(&mut self, section: SectionId) -> Result<Vec<Duration>> {
        self.executor.profile(section)
    }

    /// The plan.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        self.executor.plan()
    }

    /// Bytes on the device that are this program's own: those of its plan without what it shares.
    #[must_use]
    pub fn own_bytes(&self) -> u64 {
        let plan = self.plan();
        plan.bytes() - self.shared.iter().map(|id| 4 * plan.tensor(*id).len() as u64).sum::<u64>()
    }

    /// The device's name.
    #[must_use]
    pub fn device(&self) -> &str {
        self.executor.device()
    }

    /// The recorded dropout mask of that name, where masks are given.
    #[must_use]
    pub fn mask(&self, name: &str) -> Option<TensorId> {
        self.store.masks.iter().find(|(known, _)| known == name).map(|(_, tensor)| *tensor)
    }

    /// The working parameters (of the first instance) and the running statistics.
    ///
    /// # Errors
    /// The device was lost.
    pub fn parameters(&mut self) -> Result<Tensors> {
        self.store.parameters(self.executor.as_mut())
    }

    /// Adam's moments (of the first instance).
    ///
    /// # Errors
    /// The device was lost.
    pub fn moments(&mut self) -> Result<Moments> {
        self.store.moments(self.executor.as_mut())
    }
}
