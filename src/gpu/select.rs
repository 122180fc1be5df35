//! Lists adapters and picks one by the user's words.

use serde::Serialize;

use super::{backends, instance};
use crate::error::{Error, Result};
use crate::system;

/// An adapter, or the CPU executor, as a user can choose it.
#[derive(Clone, Debug, Serialize)]
pub struct AdapterSummary {
    /// What it is chosen by: `cpu` or `gpu:N`.
    pub id: String,
    /// The adapter's name.
    pub name: String,
    /// `discrete GPU`, `integrated GPU`, `virtual GPU`, `software`, `CPU executor` or `other`.
    pub kind: &'static str,
    /// Vulkan, Metal, Dx12 or Gl; empty for the CPU executor.
    pub backend: String,
    /// Driver and its version.
    pub driver: String,
    /// Largest tensor, MiB; 0 where only memory limits it.
    pub max_binding_mib: u64,
    /// Whether `auto` picks it.
    pub auto: bool,
}

/// Every adapter that can compute, best first, then the CPU executor.
#[must_use]
pub fn adapters() -> Vec<AdapterSummary> {
    let found = ranked();
    let auto = automatic(&found);
    let mut all: Vec<_> = found
        .iter()
        .enumerate()
        .map(|(index, adapter)| {
            let info = adapter.get_info();
            AdapterSummary {
                id: format!("gpu:{index}"),
                name: info.name,
                kind: kind(info.device_type),
                backend: info.backend.to_string(),
                driver: format!("{} {}", info.driver, info.driver_info).trim().to_owned(),
                max_binding_mib: adapter.limits().max_storage_buffer_binding_size >> 20,
                auto: auto == Some(index),
            }
        })
        .collect();
    all.push(AdapterSummary {
        id: "cpu".to_owned(),
        name: super::cpu_name(system::threads(0)),
        kind: "CPU executor",
        backend: String::new(),
        driver: String::new(),
        max_binding_mib: 0,
        auto: auto.is_none(),
    });
    all
}

/// The adapter that `choice` names; `None` for the CPU executor.
pub(super) fn select(choice: &str) -> Result<Option<wgpu::Adapter>> {
    if choice == "cpu" {
        return Ok(None);
    }
    let mut found = ranked();
    let index = match choice {
        "auto" => automatic(&found),
        "gpu" if found.is_empty() => return Err(absent("no GPU adapter was found", &found)),
        "gpu" => Some(0),
        _ => Some(named(choice, &found)?),
    };
    Ok(index.map(|index| found.swap_remove(index)))
}

/// The adapter that `info` tells of, sought anew: what one knew of it before it was lost may be stale.
pub(super) fn same(info: &wgpu::AdapterInfo) -> Option<wgpu::Adapter> {
    let identity = |info: &wgpu::AdapterInfo| {
        let place = (info.backend, info.device_pci_bus_id.clone());
        (place, info.vendor, info.device, info.device_type, info.name.clone())
    };
    ranked().into_iter().find(|adapter| identity(&adapter.get_info()) == identity(info))
}

fn named(choice: &str, found: &[wgpu::Adapter]) -> Result<usize> {
    if choice.trim().is_empty() {
        return Err(absent("an empty name fits every adapter", found));
    }
    if let Some(number) = choice.strip_prefix("gpu:") {
        let index: usize =
            number.parse().map_err(|_| absent(&format!("'{number}' in {choice} is not a number"), found))?;
        return if index < found.len() { Ok(index) } else { Err(absent(&format!("there is no gpu:{index}"), found)) };
    }
    let wanted = choice.to_lowercase();
    let position = found.iter().position(|adapter| adapter.get_info().name.to_lowercase().contains(&wanted));
    position.ok_or_else(|| absent(&format!("no adapter's name contains '{choice}'"), found))
}

fn absent(what: &str, found: &[wgpu::Adapter]) -> Error {
    let names: Vec<String> = found.iter().enumerate().map(|(i, a)| format!("gpu:{i} {}", a.get_info().name)).collect();
    if names.is_empty() {
        let advice = backends::advice();
        return Error::setting("device", format!("{what} (adapters here: none); {advice}, or use auto or cpu"));
    }
    let limit = backends::variable().map_or_else(String::new, |value| format!(", as WGPU_BACKEND is set to '{value}'"));
    let here = names.join(", ") + &limit;
    Error::setting("device", format!("{what} (adapters here: {here}); use auto, cpu, gpu, gpu:N or part of a name"))
}

/// A discrete GPU, else an integrated one; never a software adapter.
fn automatic(found: &[wgpu::Adapter]) -> Option<usize> {
    found.iter().position(|adapter| rank(adapter.get_info().device_type) <= rank(wgpu::DeviceType::IntegratedGpu))
}

fn ranked() -> Vec<wgpu::Adapter> {
    let sought = backends::chosen();
    let Some(instance) = instance::compute_only(sought) else { return Vec::new() };
    let mut found = pollster::block_on(instance.enumerate_adapters(sought));
    found.retain(|a| a.get_downlevel_capabilities().flags.contains(wgpu::DownlevelFlags::COMPUTE_SHADERS));
    found.sort_by_key(|adapter| rank(adapter.get_info().device_type));
    found
}

fn rank(kind: wgpu::DeviceType) -> u8 {
    match kind {
        wgpu::DeviceType::DiscreteGpu => 0,
        wgpu::DeviceType::IntegratedGpu => 1,
        wgpu::DeviceType::VirtualGpu => 2,
        wgpu::DeviceType::Other => 3,
        wgpu::DeviceType::Cpu => 4,
    }
}

fn kind(kind: wgpu::DeviceType) -> &'static str {
    match kind {
        wgpu::DeviceType::DiscreteGpu => "discrete GPU",
        wgpu::DeviceType::IntegratedGpu => "integrated GPU",
        wgpu::DeviceType::VirtualGpu => "virtual GPU",
        wgpu::DeviceType::Other => "other",
        wgpu::DeviceType::Cpu => "software",
    }
}
