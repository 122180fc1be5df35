//! Adapters and devices: which machine runs a plan.

mod backends;
mod copy;
mod deadline;
mod extras;
mod health;
mod instance;
mod reopen;
mod select;
mod staging;

#[cfg(feature = "cli")]
pub(crate) use backends::{advice, unusable_variable};
pub(crate) use copy::BufferCopy;
pub(crate) use deadline::Deadline;
pub use extras::Extras;
pub use select::{AdapterSummary, adapters};
pub use staging::PendingRead;
pub(crate) use staging::{StagedRead, Staging};

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use health::{in_words, note};
use reopen::Opened;

use crate::error::{Error, Result};
use crate::kernel::{Kernel, Product, Tile, Tiling};
use crate::system;

/// Where plans run.
#[derive(Clone, Debug)]
pub enum Device {
    /// The kernels' twins on this many threads; 0 for as many as `RAYON_NUM_THREADS` says, or else for one per core
    /// that the process may use.
    Cpu(usize),
    /// An opened GPU.
    Gpu(Gpu),
}

/// Whether shaders check their own bounds, loops and divisions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShaderChecks {
    /// On: for tests and `verify`.
    On,
    /// Off for this crate's own kernels, each of which is tested with checks on; still on for any other.
    Off,
}

impl Device {
    /// Opens the device that `choice` names: `auto` (a discrete GPU, an integrated GPU, then the CPU), `cpu`, `gpu`
    /// (the best adapter, software ones included), `gpu:N` (as numbered by [`adapters`]), or a part of an
    /// adapter's name. A software adapter is never chosen by `auto`. `WGPU_BACKEND` limits the backends, as wgpu
    /// documents it.
    ///
    /// # Errors
    /// [`Error::Setting`] when no adapter fits `choice`; [`Error::Device`] when it cannot be opened.
    pub fn open(choice: &str, threads: usize, checks: ShaderChecks) -> Result<Self> {
        Self::open_with(choice, threads, checks, Extras::ALL)
    }

    /// As [`Self::open`], with no more of the adapter's optional parts than `extras`.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_with(choice: &str, threads: usize, checks: ShaderChecks, extras: Extras) -> Result<Self> {
        match select::select(choice)? {
            Some(adapter) => Ok(Self::Gpu(Gpu::open(&adapter, checks, extras, 0)?)),
            None => Ok(Self::Cpu(threads)),
        }
    }

    /// The device's name, for tables.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Cpu(threads) => cpu_name(system::threads(*threads)),
            Self::Gpu(gpu) => gpu.name.clone(),
        }
    }
}

/// How tables call the CPU executor.
pub(crate) fn cpu_name(threads: usize) -> String {
    format!("cpu ({threads} thread{})", if threads == 1 { "" } else { "s" })
}

/// Compute pipelines and the layouts of their bindings, by kernel (its address) and tile.
pub(crate) type Pipelines = HashMap<(usize, Option<&'static Tile>), (wgpu::ComputePipeline, wgpu::BindGroupLayout)>;

/// An opened GPU. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Gpu {
    pub(crate) device: wgpu::Device,
    pub(crate) queue: wgpu::Queue,
    pub(crate) checks: ShaderChecks,
    pub(crate) tiling: Tiling,
    /// As [`Gpu::min_subgroup`].
    min_subgroup: u32,
    /// Made once for each kernel and tile, for all executors.
    pub(crate) pipelines: Arc<Mutex<Pipelines>>,
    name: String,
    driver: String,
    fault: Arc<Mutex<Option<String>>>,
    deadline: Deadline,
    opened: Arc<Opened>,
}

impl Gpu {
    fn open(adapter: &wgpu::Adapter, checks: ShaderChecks, extras: Extras, generation: u32) -> Result<Self> {
        let (info, deadline) = (adapter.get_info(), Deadline::of_environment()?);
        let name = format!("{} ({})", info.name, info.backend);
        let driver = format!("{} {}", info.driver, info.driver_info).trim().to_owned();
        let software = info.device_type == wgpu::DeviceType::Cpu;
        let features = extras.features(adapter.features(), software);
        let required_limits = extras.limits(&adapter.limits());
        let min_subgroup = if features.contains(wgpu::Features::SUBGROUP) { info.subgroup_min_size } else { 0 };
        let tiling = if software { Tiling::of_software(min_subgroup) } else { Tiling::of_gpu() };
        let descriptor = wgpu::DeviceDescriptor {
            label: Some("isopose"),
            required_features: features,
            required_limits,
            ..Default::default()
        };
        let (device, queue) = pollster::block_on(adapter.request_device(&descriptor))
            .map_err(|e| Error::Device(format!("cannot open {name}: {e}; try `device` cpu")))?;
        let fault = Arc::new(Mutex::new(None));
        let (on_error, on_loss) = (Arc::clone(&fault), Arc::clone(&fault));
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| note(&on_error, in_words(&error))));
        device.set_device_lost_callback(move |reason, message| {
            if reason != wgpu::DeviceLostReason::Destroyed {
                let why = "a watchdog ended a long dispatch, the driver was reset, or the GPU was taken away";
                note(&on_loss, format!("the device was lost ({}): {why}", message.trim()));
            }
        });
        let pipelines = Arc::default();
        let opened = Arc::new(Opened::new(info, extras, generation));
        Ok(Self { device, queue, checks, tiling, min_subgroup, pipelines, name, driver, fault, deadline, opened })
    }

    /// The adapter's name and backend.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The driver and its version.
    #[must_use]
    pub fn driver(&self) -> &str {
        &self.driver
    }

    /// How linear kernels are cut.
    #[must_use]
    pub fn tiling(&self) -> &Tiling {
        &self.tiling
    }

    /// The tiles of a product that this adapter can run.
    pub fn tiles(&self, product: Product) -> impl Iterator<Item = &'static Tile> + use<> {
        let lanes = self.min_subgroup;
        product.tiles().iter().filter(move |tile| tile.subgroup() <= lanes)
    }

    /// Lanes of the smallest subgroup that a software adapter makes; 0 where kernels run without subgroups.
    #[must_use]
    pub fn min_subgroup(&self) -> u32 {
        self.min_subgroup
    }

    /// The optional parts of the adapter that are in use.
    #[must_use]
    pub fn extras(&self) -> Extras {
        let (features, limits, defaults) = (self.device.features(), self.device.limits(), wgpu::Limits::default());
        Extras {
            timestamps: features.contains(wgpu::Features::TIMESTAMP_QUERY),
            subgroups: features.contains(wgpu::Features::SUBGROUP),
            large_buffers: limits.max_storage_buffer_binding_size > defaults.max_storage_buffer_binding_size
                || limits.max_buffer_size > defaults.max_buffer_size,
        }
    }

    /// Compute pipelines made so far, for all plans. It stands still while prepared plans are replayed.
    #[must_use]
    pub fn pipeline_count(&self) -> usize {
        self.pipelines.lock().map_or(0, |known| known.len())
    }

    /// The same device with linear kernels cut otherwise, by tiles that it can run. Results differ by rounding where
    /// sums are split otherwise.
    #[must_use]
    pub fn with_tiling(&self, tiling: Tiling) -> Self {
        Self { tiling, ..self.clone() }
    }

    /// Compiles a kernel's WGSL. Only kernels of this crate ever run without their run-time checks.
    pub(crate) fn shader(&self, kernel: &'static Kernel, wgsl: String) -> wgpu::ShaderModule {
        let source = wgpu::ShaderSource::Wgsl(wgsl.into());
        let descriptor = wgpu::ShaderModuleDescriptor { label: Some(kernel.name), source };
        let own = crate::kernels::ALL.iter().any(|known| std::ptr::eq(*known, kernel));
        if self.checks == ShaderChecks::On || !own {
            return self.device.create_shader_module(descriptor);
        }
        // SAFETY: the kernel is one of `kernels::ALL`. The recorder proves that its row ranges lie inside its tensors
        // and every kernel guards its last workgroup. Indices that are data (parents and mirror joints, the drawn pose,
        // the sample, the rows of a loss) come from `Skeleton`, from a permutation of the data set's poses, modulo a
        // tensor's rows, and from `LossRing`, which checks them.
        // Every loop ends: by a uniform, or because a permutation's cycle returns. The test suite runs each kernel with
        // the checks on, and with them off between guard bytes.
        #[expect(unsafe_code, reason = "wgpu calls a shader without run-time checks unsafe")]
        unsafe {
            self.device.create_shader_module_trusted(descriptor, wgpu::ShaderRuntimeChecks::unchecked())
        }
    }
}
