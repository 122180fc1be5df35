//! What a GPU executor makes once: buffers, pipelines, bind groups.

use super::{GUARD, GUARD_WORD};
use crate::error::{Error, Result};
use crate::gpu::Gpu;
use crate::kernel::{Access, Kernel, MAX_UNIFORMS, Tile, wgsl};
use crate::plan::{Dispatch, Init, Plan, TensorInfo};

pub(super) fn buffer(gpu: &Gpu, info: &TensorInfo) -> wgpu::Buffer {
    let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST;
    let size = 4 * info.len() as u64;
    let descriptor =
        wgpu::BufferDescriptor { label: Some(&info.name), size: size + GUARD, usage, mapped_at_creation: false };
    let buffer = gpu.device.create_buffer(&descriptor);
    gpu.queue.write_buffer(&buffer, size, bytemuck::cast_slice(&[GUARD_WORD; GUARD as usize / 4]));
    if info.init != Init::Zero {
        gpu.queue.write_buffer(&buffer, 0, bytemuck::cast_slice(&info.initial()));
    }
    buffer
}

/// The uniforms of all dispatches, one 256-byte slot each.
pub(super) fn uniform_arena(plan: &Plan, gpu: &Gpu) -> wgpu::Buffer {
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

pub(super) type Pipeline = (wgpu::ComputePipeline, wgpu::BindGroupLayout);

/// The pipeline of a kernel, made if the device has not got it yet.
pub(super) fn pipeline(gpu: &Gpu, kernel: &'static Kernel, tile: Option<&'static Tile>) -> Result<Pipeline> {
    let key = (std::ptr::from_ref(kernel).addr(), tile);
    let known = gpu.pipelines.lock().map_or(None, |known| known.get(&key).cloned());
    if let Some(pipeline) = known {
        return Ok(pipeline);
    }
    let made = gpu.making(&format!("kernel `{}` does not compile", kernel.name), || compile(gpu, kernel, tile))?;
    if let Ok(mut known) = gpu.pipelines.lock() {
        known.insert(key, made.clone());
    }
    Ok(made)
}

fn compile(gpu: &Gpu, kernel: &'static Kernel, tile: Option<&'static Tile>) -> Result<Pipeline> {
    let module = gpu.shader(kernel, wgsl(kernel, tile).map_err(Error::Plan)?);
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

pub(super) fn bind(
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
