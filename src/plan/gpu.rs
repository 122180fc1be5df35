//! The GPU executor: pipelines and bind groups made once; a replay only encodes one pass and submits it.

use std::collections::VecDeque;
use std::ops::Range;
use std::time::{Duration, Instant};

use super::{Dispatch, Executor, Plan, Readback, SectionId, SharedTensor, TensorId};
use crate::error::{Error, Result};
use crate::gpu::{Gpu, Staging};
use crate::kernel::{Access, Kernel, MAX_UNIFORMS, Product, Tile, expand_imports};

/// Submissions that may be unfinished at once: one runs while the next is encoded.
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
    in_flight: VecDeque<wgpu::SubmissionIndex>,
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
        let buffers = plan.tensors.iter().enumerate().map(place).collect::<Result<Vec<_>>>()?;
        let uniforms = uniform_arena(&plan, gpu);
        let mut slot = 0;
        let mut sections = Vec::with_capacity(plan.sections.len());
        for section in &plan.sections {
            let mut ready = Vec::with_capacity(section.dispatches.len());
            for dispatch in &section.dispatches {
                let (tile, grid) = cut(dispatch, gpu);
                let (pipeline, layout) = pipeline(gpu, dispatch.kernel, tile)?;
                let bind_group = bind(gpu, &plan, dispatch, &layout, (&buffers, &uniforms, slot));
                slot += 1;
                ready.push(Ready { pipeline, bind_group, grid });
            }
            sections.push(ready);
        }
        gpu.healthy()?;
        let (staging, in_flight) = (Staging::default(), VecDeque::with_capacity(IN_FLIGHT));
        Ok(Self { plan, gpu: gpu.clone(), buffers, sections, staging, in_flight })
    }

    /// Whether the bytes behind every tensor are as they were made: no kernel wrote past its end.
    ///
    /// # Errors
    /// The device was lost.
    pub fn guards_intact(&mut self) -> Result<bool> {
        for (buffer, info) in self.buffers.iter().zip(&self.plan.tensors) {
            let mut encoder = self.encoder();
            let guard = 4 * info.len() as u64..buffer.size();
            let staged = self.staging.stage(&self.gpu, &mut encoder, buffer, guard);
            let pending = staged.submitted(self.gpu.queue.submit([encoder.finish()]));
            if self.staging.receive(&self.gpu, pending)?.iter().any(|word| word.to_bits() != GUARD_WORD) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn submit(&mut self, commands: wgpu::CommandBuffer) -> wgpu::SubmissionIndex {
        let index = self.gpu.queue.submit([commands]);
        self.in_flight.push_back(index.clone());
        index
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
            let index = self.submit(encoder.finish());
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
        while self.in_flight.len() >= IN_FLIGHT {
            let oldest = self.in_flight.pop_front();
            self.gpu.wait(oldest)?;
        }
        let mut encoder = self.encoder();
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        let mut set = None;
        for ready in &self.sections[section.0][range] {
            if set.replace(&ready.pipeline) != Some(&ready.pipeline) {
                pass.set_pipeline(&ready.pipeline);
            }
            encode(&mut pass, ready);
        }
        drop(pass);
        self.submit(encoder.finish());
        self.gpu.healthy()
    }

    fn write(&mut self, tensor: TensorId, offset: usize, data: &[f32]) {
        self.gpu.queue.write_buffer(&self.buffers[tensor.0], 4 * offset as u64, bytemuck::cast_slice(data));
    }

    fn begin_read(&mut self, tensor: TensorId) -> Result<Readback> {
        let mut encoder = self.encoder();
        let size = 4 * self.plan.tensor(tensor).len() as u64;
        let staged = self.staging.stage(&self.gpu, &mut encoder, &self.buffers[tensor.0], 0..size);
        let index = self.submit(encoder.finish());
        Ok(Readback::Pending(staged.submitted(index)))
    }

    fn finish_read(&mut self, readback: Readback) -> Result<Vec<f32>> {
        match readback {
            Readback::Ready(words) => Ok(words),
            Readback::Pending(pending) => self.staging.receive(&self.gpu, pending),
        }
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

fn buffer(gpu: &Gpu, info: &super::TensorInfo) -> wgpu::Buffer {
    let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST;
    let size = 4 * info.len() as u64;
    let descriptor =
        wgpu::BufferDescriptor { label: Some(&info.name), size: size + GUARD, usage, mapped_at_creation: false };
    let buffer = gpu.device.create_buffer(&descriptor);
    gpu.queue.write_buffer(&buffer, size, bytemuck::cast_slice(&[GUARD_WORD; GUARD as usize / 4]));
    if info.init != super::Init::Zero {
        gpu.queue.write_buffer(&buffer, 0, bytemuck::cast_slice(&info.initial()));
    }
    buffer
}

/// The uniforms of all dispatches, one 256-byte slot each.
fn uniform_arena(plan: &Plan, gpu: &Gpu) -> wgpu::Buffer {
    let mut words = Vec::new();
    for dispatch in plan.sections.iter().flat_map(|s| &s.dispatches) {
        words.extend_from_slice(dispatch.uniforms.words());
        words.resize(words.len().next_multiple_of(MAX_UNIFORMS), 0);
    }
    words.resize(words.len().max(MAX_UNIFORMS), 0);
    let usage = wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST;
    let size = 4 * words.len() as u64;
    let descriptor = wgpu::BufferDescriptor { label: Some("uniforms"), size, usage, mapped_at_creation: false };
    let buffer = gpu.device.create_buffer(&descriptor);
    gpu.queue.write_buffer(&buffer, 0, bytemuck::cast_slice(&words));
    buffer
}

type Pipeline = (wgpu::ComputePipeline, wgpu::BindGroupLayout);

/// The pipeline of a kernel, made if the device has not got it yet.
fn pipeline(gpu: &Gpu, kernel: &'static Kernel, tile: Option<&'static Tile>) -> Result<Pipeline> {
    let key = (std::ptr::from_ref(kernel).addr(), tile);
    let known = gpu.pipelines.lock().map_or(None, |known| known.get(&key).cloned());
    if let Some(pipeline) = known {
        return Ok(pipeline);
    }
    let made = compile(gpu, kernel, tile)?;
    if let Ok(mut known) = gpu.pipelines.lock() {
        known.insert(key, made.clone());
    }
    Ok(made)
}

fn compile(gpu: &Gpu, kernel: &'static Kernel, tile: Option<&'static Tile>) -> Result<Pipeline> {
    let wgsl = expand_imports(kernel.source, tile).map_err(|e| Error::Plan(format!("{}: {e}", kernel.name)))?;
    let module = gpu.shader(kernel, wgsl);
    let entry = |binding, ty| wgpu::BindGroupLayoutEntry {
        binding,
        visibility: wgpu::ShaderStages::COMPUTE,
        ty: wgpu::BindingType::Buffer { ty, has_dynamic_offset: false, min_binding_size: None },
        count: None,
    };
    let mut entries = vec![entry(0, wgpu::BufferBindingType::Uniform)];
    entries.extend(kernel.bindings.iter().zip(1..).map(|(binding, index)| {
        entry(index, wgpu::BufferBindingType::Storage { read_only: binding.access == Access::Read })
    }));
    let layout = gpu
        .device
        .create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label: Some(kernel.name), entries: &entries });
    let pipeline_layout = gpu.device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
        label: Some(kernel.name),
        bind_group_layouts: &[Some(&layout)],
        immediate_size: 0,
    });
    let pipeline = gpu.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
        label: Some(kernel.name),
        layout: Some(&pipeline_layout),
        module: &module,
        entry_point: Some("main"),
        // No kernel uses workgroup memory that it has not written.
        compilation_options: wgpu::PipelineCompilationOptions {
            zero_initialize_workgroup_memory: false,
            ..Default::default()
        },
        cache: None,
    });
    Ok((pipeline, layout))
}

fn bind(
    gpu: &Gpu,
    plan: &Plan,
    dispatch: &Dispatch,
    layout: &wgpu::BindGroupLayout,
    (buffers, uniforms, slot): (&[wgpu::Buffer], &wgpu::Buffer, u64),
) -> wgpu::BindGroup {
    let dims = wgpu::BufferBinding {
        buffer: uniforms,
        offset: slot * 4 * MAX_UNIFORMS as u64,
        size: wgpu::BufferSize::new(4 * MAX_UNIFORMS as u64),
    };
    let mut entries = vec![wgpu::BindGroupEntry { binding: 0, resource: wgpu::BindingResource::Buffer(dims) }];
    entries.extend(dispatch.tensors.iter().zip(1..).map(|(id, binding)| wgpu::BindGroupEntry {
        binding,
        resource: wgpu::BindingResource::Buffer(wgpu::BufferBinding {
            buffer: &buffers[id.0],
            offset: 0,
            size: wgpu::BufferSize::new(4 * plan.tensor(*id).len() as u64),
        }),
    }));
    gpu.device.create_bind_group(&wgpu::BindGroupDescriptor { label: Some(&dispatch.label), layout, entries: &entries })
}
