//! Buffers that bring results back: used again and again, so that a read allocates none.

use std::ops::Range;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use super::Gpu;
use crate::error::{Error, Result};

/// Most buffers that wait for their next read.
const KEPT: usize = 4;

/// Longest wait for the news after the copy has finished: another thread that polls the device may bring it.
const NEWS: Duration = Duration::from_secs(10);

type Mapped = Option<std::result::Result<(), wgpu::BufferAsyncError>>;

/// A staging buffer and the news whether it is mapped.
#[derive(Debug)]
struct Slot {
    buffer: wgpu::Buffer,
    mapped: Arc<(Mutex<Mapped>, Condvar)>,
}

/// A copy to a staging buffer that was encoded and not yet submitted.
pub(crate) struct StagedRead {
    slot: Slot,
    bytes: u64,
}

/// A read-back on its way.
pub struct PendingRead {
    staged: StagedRead,
    submission: wgpu::SubmissionIndex,
}

/// The staging buffers of one executor.
#[derive(Debug, Default)]
pub(crate) struct Staging(Vec<Slot>);

impl Staging {
    /// Encodes a copy of a part of `source` to a staging buffer.
    pub(crate) fn stage(
        &mut self,
        gpu: &Gpu,
        encoder: &mut wgpu::CommandEncoder,
        source: &wgpu::Buffer,
        range: Range<u64>,
    ) -> StagedRead {
        let bytes = range.end - range.start;
        let fits = self.0.iter().enumerate().filter(|(_, slot)| slot.buffer.size() >= bytes);
        let slot = match fits.min_by_key(|(_, slot)| slot.buffer.size()).map(|(index, _)| index) {
            Some(index) => self.0.swap_remove(index),
            None => {
                let usage = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST;
                let label = Some("read-back");
                let descriptor = wgpu::BufferDescriptor { label, size: bytes, usage, mapped_at_creation: false };
                Slot { buffer: gpu.device.create_buffer(&descriptor), mapped: Arc::default() }
            }
        };
        encoder.copy_buffer_to_buffer(source, range.start, &slot.buffer, 0, bytes);
        StagedRead { slot, bytes }
    }

    /// Takes the buffer of a read back that will not be submitted.
    pub(crate) fn give_back(&mut self, staged: StagedRead) {
        self.keep(staged.slot);
    }

    fn keep(&mut self, slot: Slot) {
        self.0.push(slot);
        if self.0.len() > KEPT {
            // Large ones serve every read.
            self.0.sort_by_key(|slot| slot.buffer.size());
            self.0.remove(0);
        }
    }

    /// Waits for a read and takes its buffer back.
    pub(crate) fn receive(&mut self, gpu: &Gpu, pending: PendingRead) -> Result<Vec<f32>> {
        let PendingRead { staged: StagedRead { slot, bytes }, submission } = pending;
        let lost = |e: &dyn std::fmt::Display| {
            Error::Lost(format!("{}: read-back failed: {e}; update the driver, or use `device` cpu", gpu.name()))
        };
        gpu.wait(Some(submission))?;
        let (mapped, news) = &*slot.mapped;
        let waited = mapped.lock().map(|mapped| news.wait_timeout_while(mapped, NEWS, |mapped| mapped.is_none()));
        let mapped = waited.ok().and_then(|waited| waited.ok()?.0.take());
        mapped.ok_or_else(|| lost(&"the buffer was not mapped"))?.map_err(|e| lost(&e))?;
        let view = slot.buffer.get_mapped_range(..bytes);
        let words = bytemuck::pod_collect_to_vec(&view.map_err(|e| lost(&e))?);
        slot.buffer.unmap();
        self.keep(slot);
        Ok(words)
    }
}

impl StagedRead {
    /// Asks for the buffer to be mapped, once `submission` has filled it.
    pub(crate) fn submitted(self, submission: wgpu::SubmissionIndex) -> PendingRead {
        let news = Arc::clone(&self.slot.mapped);
        self.slot.buffer.map_async(wgpu::MapMode::Read, ..self.bytes, move |result| {
            if let Ok(mut mapped) = news.0.lock() {
                *mapped = Some(result);
            }
            news.1.notify_one();
        });
        PendingRead { staged: self, submission }
    }
}
