//! How fast a GPU copies its own memory.

use super::Gpu;
use crate::error::Result;

/// Two buffers that are copied from one to the other.
pub(crate) struct BufferCopy {
    gpu: Gpu,
    from: wgpu::Buffer,
    to: wgpu::Buffer,
}

impl BufferCopy {
    /// Allocates two buffers of `bytes`, a multiple of 4.
    pub(crate) fn new(gpu: &Gpu, bytes: u64) -> Result<Self> {
        let usage = wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST;
        let descriptor = wgpu::BufferDescriptor { label: Some("copy"), size: bytes, usage, mapped_at_creation: false };
        let make = || Ok([gpu.device.create_buffer(&descriptor), gpu.device.create_buffer(&descriptor)]);
        let [from, to] = gpu.making("two buffers", make)?;
        Ok(Self { gpu: gpu.clone(), from, to })
    }

    /// Copies `count` times in one submission and waits.
    pub(crate) fn run(&self, count: usize) -> Result<()> {
        let mut encoder = self.gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        for _ in 0..count {
            encoder.copy_buffer_to_buffer(&self.from, 0, &self.to, 0, self.from.size());
        }
        let index = self.gpu.queue.submit([encoder.finish()]);
        self.gpu.wait(Some(index))
    }
}
