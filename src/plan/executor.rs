//! What replays a plan.

use std::ops::Range;
use std::time::Duration;

use super::{CpuExecutor, GpuExecutor, Plan, SectionId, TensorId};
use crate::error::Result;
use crate::gpu::Device;

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

    /// Replays a section. Returns before a GPU has finished.
    ///
    /// # Errors
    /// The device was lost.
    fn replay(&mut self, section: SectionId) -> Result<()> {
        let all = 0..self.plan().section(section).dispatches.len();
        self.replay_range(section, all)
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
    Ok(match device {
        Device::Cpu(threads) => Box::new(CpuExecutor::new(plan, *threads)?),
        Device::Gpu(gpu) => Box::new(GpuExecutor::new(plan, gpu)?),
    })
}
