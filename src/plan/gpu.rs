//! The GPU executor: pipelines and bind groups made once; a replay only encodes them and submits, most of it ahead.

mod ahead;
mod made;

use std::collections::VecDeque;
use std::ops::Range;
use std::time::{Duration, Instant};

use ahead::{Ahead, Encoded, Kind, encode_parts};
use made::{bind, buffer, pipeline, uniform_arena};

use super::{Dispatch, Executor, Plan, Readback, SectionId, SharedTensor, TensorId};
use crate::error::{Error, Result};
use crate::gpu::{Gpu, Staging};
use crate::kernel::{Product, Tile};

/// Replays that may be unfinished at once: one runs while the next is encoded.
const IN_FLIGHT: usize = 2;

/// Bytes behind every tensor that no kernel may touch.
const GUARD: u64 = 64;
const GUARD_WORD: u32 = 0xa5a5_5a5a;

/// A tensor in a GPU's memory that several executors read.
#[derive(Clone)]
pub struct GpuTensor(wgpu::Buffer);

impl GpuTensor {
    pub(super) fn bytes(&self) -> u64 {
        self.0.size() - GUARD
    }
}

/// What one dispatch needs at replay.
struct Ready {
    pipeline: wgpu::ComputePipeline,
    bind_group: wgpu::BindGroup,
    grid: [u32; 3],
}

/// Replays a plan on a GPU.
pub struct GpuExecutor {
    plan: Plan,
    gpu: Gpu,
    buffers: Vec<wgpu::Buffer>,
    sections: Vec<Vec<Ready>>,
    staging: Staging,
    ahead: Ahead,
    in_flight: VecDeque<wgpu::SubmissionIndex>,
    submissions: usize,
    encoded_ahead: Duration,
}

impl GpuExecutor {
    /// Allocates the plan's tensors and makes its pipelines and bind groups.
    ///
    /// # Errors
    /// [`Error::Device`] naming the tensor or dispatch that exceeds a limit of the device.
    pub fn new(plan: Plan, gpu: &Gpu) -> Result<Self> {
        Self::sharing(plan, gpu, &[])
    }

    /// As [`Self::new`] with tensors that are there already.
    pub(super) fn sharing(plan: Plan, gpu: &Gpu, shared: &[(TensorId, SharedTensor)]) -> Result<Self> {
        fits(&plan, gpu)?;
        let place = |(index, info): (usize, &super::TensorInfo)| match shared.iter().find(|(id, _)| id.0 == index) {
            None => Ok(buffer(gpu, info)),
            Some((_, SharedTensor::Gpu(tensor))) if tensor.bytes() == 4 * info.len() as u64 => Ok(tensor.0.clone()),
            Some(_) => Err(Error::Plan(format!("tensor `{}` is shared with another size or device", info.name))),
        };
        let mib = plan.bytes() >> 20;
        let (buffers, uniforms) = gpu.making(&format!("the plan's tensors ({mib} MiB)"), || {
            let buffers = plan.tensors.iter().enumerate().map(place).collect::<Result<Vec<_>>>()?;
            Ok((buffers, uniform_arena(&plan, gpu)))
        })?;
        let sections = gpu.making("the plan's dispatches", || ready(&plan, gpu, (&buffers, &uniforms)))?;
        let (staging, ahead, in_flight) = (Staging::default(), Ahead::default(), VecDeque::with_capacity(IN_FLIGHT));
        let (submissions, encoded_ahead) = (0, Duration::ZERO);
        Ok(Self { plan, gpu: gpu.clone(), buffers, sections, staging, ahead, in_flight, submissions, encoded_ahead })
    }

    /// Calls of the driver so far that handed it work.
    #[must_use]
    pub fn submissions(&self) -> usize {
        self.submissions
    }

    /// Whether the bytes behind every tensor are as they were made: no kernel wrote past its end.
    ///
    /// # Errors
    /// The device was lost.
    pub fn guards_intact(&mut self) -> Result<bool> {
        for index in 0..self.buffers.len() {
            let (mut encoder, buffer) = (self.encoder(), &self.buffers[index]);
            let guard = 4 * self.plan.tensors[index].len() as u64..buffer.size();
            let staged = self.staging.stage(&self.gpu, &mut encoder, buffer, guard);
            let pending = staged.submitted(self.hand_over([encoder.finish()]));
            if self.staging.receive(&self.gpu, pending)?.iter().any(|word| word.to_bits() != GUARD_WORD) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn hand_over(&mut self, commands: impl IntoIterator<Item = wgpu::CommandBuffer>) -> wgpu::SubmissionIndex {
        self.submissions += 1;
        self.gpu.queue.submit(commands)
    }

    fn submit(&mut self, commands: impl IntoIterator<Item = wgpu::CommandBuffer>) -> wgpu::SubmissionIndex {
        let index = self.hand_over(commands);
        self.in_flight.push_back(index.clone());
        index
    }

    /// Waits until there is room for another submission.
    fn make_room(&mut self) -> Result<()> {
        while self.in_flight.len() >= IN_FLIGHT {
            let oldest = self.in_flight.pop_front();
            self.gpu.wait(oldest)?;
        }
        Ok(())
    }

    /// Encodes some dispatches of a section, the reads behind them. Where the GPU has nothing to do, each part is submitted
    /// while the next is encoded.
    fn submit_parts(&mut self, section: SectionId, range: Range<usize>, reads: &[TensorId]) -> Vec<Readback> {
        let Self { plan, gpu, buffers, sections, staging, in_flight, submissions, .. } = self;
        let sources = sources(plan, buffers, reads);
        let (idle, mut waiting) = (gpu.is_idle(), Vec::new());
        let (last, staged) = encode_parts(gpu, &sections[section.0][range], (staging, &sources), |part| {
            if idle {
                *submissions += 1;
                gpu.queue.submit([part]);
            } else {
                waiting.push(part);
            }
        });
        waiting.push(last);
        *submissions += 1;
        let index = gpu.queue.submit(waiting);
        in_flight.push_back(index.clone());
        staged.into_iter().map(|staged| Readback::Pending(staged.submitted(index.clone()))).collect()
    }

    /// Encodes the next replay of the last one's kind, unless it lies ready.
    fn encode_ahead(&mut self) {
        let Some(kind) = self.ahead.wanted() else { return };
        let begun = Instant::now();
        let Self { plan, gpu, buffers, sections, staging, .. } = self;
        let sources = sources(plan, buffers, &kind.reads);
        let mut commands = Vec::new();
        let (last, staged) =
            encode_parts(gpu, &sections[kind.section.0], (staging, &sources), |part| commands.push(part));
        commands.push(last);
        if let Some(dropped) = self.ahead.keep(Encoded::new(kind, commands, staged)) {
            dropped.staged.into_iter().for_each(|staged| self.staging.give_back(staged));
        }
        self.encoded_ahead += begun.elapsed();
    }

    fn encoder(&self) -> wgpu::CommandEncoder {
        self.gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default())
    }

    /// Times each dispatch in a pass of its own, by the GPU's clock.
    fn profile_by_timestamps(&mut self, section: SectionId) -> Result<Vec<Duration>> {
        let mut times = Vec::new();
        // A query set holds at most 4096 timestamps; sections are read in pieces well below that.
        let all = self.sections[section.0].len();
        for start in (0..all).step_by(1024) {
            let range = start..all.min(start + 1024);
            let count = u32::try_from(range.len() * 2).unwrap_or(u32::MAX);
            let device = &self.gpu.device;
            let queries = device.create_query_set(&wgpu::QuerySetDescriptor {
                label: Some("profile"),
                ty: wgpu::QueryType::Timestamp,
                count,
            });
            let size = u64::from(count) * 8;
            let usage = wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC;
            let resolved =
                device.create_buffer(&wgpu::BufferDescriptor { label: None, size, usage, mapped_at_creation: false });
            let mut encoder = self.encoder();
            for (ready, begin) in self.sections[section.0][range].iter().zip((0..).step_by(2)) {
                let timestamp_writes = Some(wgpu::ComputePassTimestampWrites {
                    query_set: &queries,
                    beginning_of_pass_write_index: Some(begin),
                    end_of_pass_write_index: Some(begin + 1),
                });
                let mut pass =
                    encoder.begin_compute_pass(&wgpu::ComputePassDescriptor { label: None, timestamp_writes });
                pass.set_pipeline(&ready.pipeline);
                encode(&mut pass, ready);
            }
            encoder.resolve_query_set(&queries, 0..count, &resolved, 0);
            let staged = self.staging.stage(&self.gpu, &mut encoder, &resolved, 0..size);
            let index = self.submit([encoder.finish()]);
            let ticks = self.staging.receive(&self.gpu, staged.submitted(index))?;
            let period = f64::from(self.gpu.queue.get_timestamp_period()) * 1e-9;
            let ticks: Vec<u64> = bytemuck::pod_collect_to_vec(&ticks);
            times.extend(
                ticks.chunks_exact(2).map(|t| Duration::from_secs_f64(t[1].saturating_sub(t[0]) as f64 * period)),
            );
        }
        Ok(times)
    }
}

impl Executor for GpuExecutor {
    fn plan(&self) -> &Plan {
        &self.plan
    }

    fn device(&self) -> &str {
        self.gpu.name()
    }

    fn replay_range(&mut self, section: SectionId, range: Range<usize>) -> Result<()> {
        self.make_room()?;
        self.submit_parts(section, range, &[]);
        self.gpu.healthy()
    }

    /// The copies are in the replay's last submission, and the next replay of the kind is encoded while the host waits for
    /// this one.
    fn replay_reading(&mut self, section: SectionId, tensors: &[TensorId]) -> Result<Vec<Readback>> {
        self.make_room()?;
        let kind = Kind { section, reads: tensors.to_vec() };
        let reads = match self.ahead.take(&kind) {
            Some(Encoded { commands, staged, .. }) => {
                let index = self.submit(commands);
                staged.into_iter().map(|staged| Readback::Pending(staged.submitted(index.clone()))).collect()
            }
            None => {
                let all = 0..self.sections[section.0].len();
                self.submit_parts(section, all, tensors)
            }
        };
        self.gpu.healthy()?;
        Ok(reads)
    }

    fn write(&mut self, tensor: TensorId, offset: usize, data: &[f32]) {
        self.gpu.queue.write_buffer(&self.buffers[tensor.0], 4 * offset as u64, bytemuck::cast_slice(data));
    }

    fn begin_read(&mut self, tensor: TensorId) -> Result<Readback> {
        let mut encoder = self.encoder();
        let size = 4 * self.plan.tensor(tensor).len() as u64;
        let staged = self.staging.stage(&self.gpu, &mut encoder, &self.buffers[tensor.0], 0..size);
        let index = self.submit([encoder.finish()]);
        Ok(Readback::Pending(staged.submitted(index)))
    }

    fn finish_read(&mut self, readback: Readback) -> Result<Vec<f32>> {
        match readback {
            Readback::Ready(words) => Ok(words),
            Readback::Pending(pending) => {
                self.encode_ahead();
                self.staging.receive(&self.gpu, pending)
            }
        }
    }

    fn take_encoded_ahead(&mut self) -> Duration {
        std::mem::take(&mut self.encoded_ahead)
    }

    fn wait(&mut self) -> Result<()> {
        self.in_flight.clear();
        self.gpu.wait(None)
    }

    fn share(&mut self, tensor: TensorId) -> SharedTensor {
        SharedTensor::Gpu(GpuTensor(self.buffers[tensor.0].clone()))
    }

    fn profile(&mut self, section: SectionId) -> Result<Vec<Duration>> {
        if self.gpu.device.features().contains(wgpu::Features::TIMESTAMP_QUERY) {
            return self.profile_by_timestamps(section);
        }
        let mut times = Vec::new();
        for index in 0..self.sections[section.0].len() {
            self.wait()?;
            let start = Instant::now();
            self.replay_range(section, index..index + 1)?;
            self.wait()?;
            times.push(start.elapsed());
        }
        Ok(times)
    }
}

/// What the dispatches of each section need at replay.
fn ready(plan: &Plan, gpu: &Gpu, (buffers, uniforms): (&[wgpu::Buffer], &wgpu::Buffer)) -> Result<Vec<Vec<Ready>>> {
    let mut slots = 0..;
    let mut one = |dispatch: &Dispatch| {
        let (tile, grid) = cut(dispatch, gpu);
        let (pipeline, layout) = pipeline(gpu, dispatch.kernel, tile)?;
        let slot = slots.next().unwrap_or_default();
        let bind_group = bind(gpu, plan, dispatch, &layout, (buffers, uniforms, slot));
        Ok(Ready { pipeline, bind_group, grid })
    };
    plan.sections.iter().map(|section| section.dispatches.iter().map(&mut one).collect()).collect()
}

/// The buffers of tensors that are read, with their bytes.
fn sources<'a>(plan: &Plan, buffers: &'a [wgpu::Buffer], tensors: &[TensorId]) -> Vec<(&'a wgpu::Buffer, u64)> {
    tensors.iter().map(|&id| (&buffers[id.0], 4 * plan.tensor(id).len() as u64)).collect()
}

/// A dispatch's tile on this device, where its kernel has tiles, and its workgroups.
fn cut(dispatch: &Dispatch, gpu: &Gpu) -> (Option<&'static Tile>, [u32; 3]) {
    match Product::of(dispatch.kernel) {
        Some(product) => {
            let tile = gpu.tiling.tile(product, &dispatch.uniforms);
            (Some(tile), tile.grid(product, &dispatch.uniforms))
        }
        None => (None, dispatch.grid),
    }
}

/// Encodes a dispatch of the pipeline that is set.
fn encode(pass: &mut wgpu::ComputePass<'_>, ready: &Ready) {
    let [x, y, z] = ready.grid;
    pass.set_bind_group(0, &ready.bind_group, &[]);
    pass.dispatch_workgroups(x, y, z);
}

/// Fails when a tensor of so many bytes exceeds what the device can bind.
pub(super) fn check_binding(gpu: &Gpu, name: &str, shape: &[usize], bytes: u64) -> Result<()> {
    let limits = gpu.device.limits();
    let largest = limits.max_storage_buffer_binding_size.min(limits.max_buffer_size);
    if bytes.saturating_add(GUARD) <= largest {
        return Ok(());
    }
    Err(Error::Device(format!(
        "{}: tensor `{name}` {shape:?} takes {} MiB, but one binding holds at most {} MiB; lower `width`, `copies`, \
         `instances` or `batch`, or use `device` cpu",
        gpu.name(),
        bytes >> 20,
        largest >> 20
    )))
}

/// Fails when a tensor or a grid exceeds the device's limits.
pub(super) fn fits(plan: &Plan, gpu: &Gpu) -> Result<()> {
    for info in &plan.tensors {
        check_binding(gpu, &info.name, &info.shape, 4 * info.len() as u64)?;
    }
    let limits = gpu.device.limits();
    let most = limits.max_compute_workgroups_per_dimension;
    for dispatch in plan.sections.iter().flat_map(|s| &s.dispatches) {
        let (_, grid) = cut(dispatch, gpu);
        if grid.iter().any(|&n| n > most) {
            return Err(Error::Device(format!(
                "{}: `{}` needs a grid of {:?} workgroups, but a side holds at most {most}; \
                 lower `width`, `copies`, `instances` or `batch`",
                gpu.name(),
                dispatch.label,
                grid
            )));
        }
    }
    Ok(())
}
