//! What replays a plan.

use std::ops::Range;
use std::time::Duration;

use super::cpu::CpuTensor;
use super::gpu::GpuTensor;
use super::{CpuExecutor, GpuExecutor, Plan, SectionId, TensorId};
use crate::error::{Error, Result};
use crate::gpu::Device;

/// A tensor that several executors of one device read and none writes. Cheap to clone.
#[derive(Clone)]
pub enum SharedTensor {
    /// In the CPU's memory.
    Cpu(CpuTensor),
    /// In a GPU's.
    Gpu(GpuTensor),
}

impl SharedTensor {
    /// Bytes that it takes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        match self {
            Self::Cpu(tensor) => tensor.bytes(),
            Self::Gpu(tensor) => tensor.bytes(),
        }
    }
}

/// A read that was asked for and not yet waited for.
pub enum Readback {
    /// The content is here (CPU).
    Ready(Vec<f32>),
    /// A mapped staging buffer will hold it (GPU).
    Pending(crate::gpu::PendingRead),
}

/// Owns a plan's memory and replays its sections.
pub trait Executor: Send {
    /// The plan.
    fn plan(&self) -> &Plan;

    /// The device's name, for tables.
    fn device(&self) -> &str;

    /// Replays the dispatches `range` of a section. Returns before a GPU has finished.
    ///
    /// # Errors
    /// The device was lost.
    fn replay_range(&mut self, section: SectionId, range: Range<usize>) -> Result<()>;

    /// Overwrites `data.len()` elements of a tensor from element `offset` on.
    fn write(&mut self, tensor: TensorId, offset: usize, data: &[f32]);

    /// Asks for the whole content of a tensor, as it is after all replays so far.
    ///
    /// # Errors
    /// The device was lost.
    fn begin_read(&mut self, tensor: TensorId) -> Result<Readback>;

    /// Waits for a read.
    ///
    /// # Errors
    /// The device was lost.
    fn finish_read(&mut self, readback: Readback) -> Result<Vec<f32>>;

    /// Waits until every replay so far has finished.
    ///
    /// # Errors
    /// The device was lost.
    fn wait(&mut self) -> Result<()>;

    /// Time of each dispatch of a section, one replay.
    ///
    /// # Errors
    /// The device was lost.
    fn profile(&mut self, section: SectionId) -> Result<Vec<Duration>>;

    /// The tensor as others may read it. No dispatch of the plan may write it, and [`Self::write`] must not again.
    fn share(&mut self, tensor: TensorId) -> SharedTensor;

    /// What the host has spent since the last call on replays that were not asked for yet, while it waited for others.
    fn take_encoded_ahead(&mut self) -> Duration {
        Duration::ZERO
    }

    /// Replays a section. Returns before a GPU has finished.
    ///
    /// # Errors
    /// The device was lost.
    fn replay(&mut self, section: SectionId) -> Result<()> {
        let all = 0..self.plan().section(section).dispatches.len();
        self.replay_range(section, all)
    }

    /// Replays a section and asks for the whole content of some tensors as it is then, to be waited for in their order.
    ///
    /// # Errors
    /// The device was lost.
    fn replay_reading(&mut self, section: SectionId, tensors: &[TensorId]) -> Result<Vec<Readback>> {
        self.replay(section)?;
        tensors.iter().map(|&tensor| self.begin_read(tensor)).collect()
    }

    /// Reads a tensor, waiting for it.
    ///
    /// # Errors
    /// The device was lost.
    fn read(&mut self, tensor: TensorId) -> Result<Vec<f32>> {
        let readback = self.begin_read(tensor)?;
        self.finish_read(readback)
    }
}

/// Allocates the plan's tensors on a device and makes everything that a replay needs.
///
/// # Errors
/// [`crate::Error::Device`] when the plan does not fit the device's limits.
pub fn prepare(plan: Plan, device: &Device) -> Result<Box<dyn Executor>> {
    prepare_sharing(plan, device, &[])
}

/// Fails where `device` cannot hold a plan, or this machine `host` bytes beside it: to be asked before any of it is made.
///
/// # Errors
/// As [`prepare`].
pub(crate) fn check_fits(plan: &Plan, device: &Device, host: u64) -> Result<()> {
    match device {
        Device::Cpu(_) => super::cpu::check_memory(plan.bytes().saturating_add(host)),
        Device::Gpu(gpu) => super::gpu::fits(plan, gpu).and_then(|()| super::cpu::check_memory(host)),
    }
}

/// Fails where `device` cannot hold one tensor of `rows` of `width`: to be asked before a plan of so many rows is recorded,
/// since a recording itself takes memory for each.
///
/// # Errors
/// As [`prepare`].
pub(crate) fn check_rows(device: &Device, rows: usize, width: usize) -> Result<()> {
    let bytes = 4u64.saturating_mul(rows as u64).saturating_mul(width as u64);
    match device {
        Device::Cpu(_) => super::cpu::check_memory(bytes),
        Device::Gpu(gpu) => super::gpu::check_binding(gpu, "activations", &[rows, width], bytes),
    }
}

/// As [`prepare`], with some tensors that an earlier executor of the same device has shared.
///
/// # Errors
/// As [`prepare`]; [`Error::Plan`] where the plan does not only read such a tensor.
pub(crate) fn prepare_sharing(
    plan: Plan,
    device: &Device,
    shared: &[(TensorId, SharedTensor)],
) -> Result<Box<dyn Executor>> {
    let only_read = plan.only_read();
    if let Some((id, _)) = shared.iter().find(|(id, _)| !only_read.contains(id)) {
        return Err(Error::Plan(format!("tensor `{}` is shared, but not only read", plan.tensor(*id).name)));
    }
    super::faults::injected(|| {
        Ok(match device {
            Device::Cpu(threads) => Box::new(CpuExecutor::sharing(plan, *threads, shared)?),
            Device::Gpu(gpu) => Box::new(GpuExecutor::sharing(plan, gpu, shared)?),
        })
    })
}

/// Stands in for an executor whose device was lost, so that its memory is given back before another is prepared.
pub(crate) fn gone(of: &dyn Executor) -> Box<dyn Executor> {
    Box::new(Gone { plan: of.plan().clone(), device: of.device().to_owned() })
}

struct Gone {
    plan: Plan,
    device: String,
}

impl Gone {
    fn lost<T>(&self) -> Result<T> {
        Err(Error::Lost(format!("{}: the device was lost; start again, or use `device` cpu", self.device)))
    }
}

impl Executor for Gone {
    fn plan(&self) -> &Plan {
        &self.plan
    }

    fn device(&self) -> &str {
        &self.device
    }

    fn replay_range(&mut self, _: SectionId, _: Range<usize>) -> Result<()> {
        self.lost()
    }

    fn write(&mut self, _: TensorId, _: usize, _: &[f32]) {}

    fn begin_read(&mut self, _: TensorId) -> Result<Readback> {
        self.lost()
    }

    fn finish_read(&mut self, _: Readback) -> Result<Vec<f32>> {
        self.lost()
    }

    fn wait(&mut self) -> Result<()> {
        self.lost()
    }

    fn profile(&mut self, _: SectionId) -> Result<Vec<Duration>> {
        self.lost()
    }

    fn share(&mut self, _: TensorId) -> SharedTensor {
        SharedTensor::Cpu(CpuTensor::default())
    }
}
