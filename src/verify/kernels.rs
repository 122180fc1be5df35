//! Each kernel against its twin: one dispatch on both executors, outputs poisoned, guards watched.

use super::Check;
use super::cases::{Case, cases};
use super::errors::worst as of_all;
use crate::error::{Error, Result};
use crate::gpu::Device;
use crate::kernel::{Kernel, Product, RowClass};
use crate::named::Named;
use crate::plan::{CpuExecutor, GpuExecutor, lockstep};

/// Largest relative L2 distance of a shader's output from its twin's: float32 sums of a thousand products in another
/// order differ by a few 1e-7; the exponentials of some drivers by a few 1e-6.
pub const KERNEL_LIMIT: f64 = 1e-5;

/// The limit of one kernel: [`KERNEL_LIMIT`] but for a fresh Adam's step, which is nearly the gradient's sign, so that
/// rounding of a gradient near 0 moves a parameter by a share of the learning rate (9.6e-6 on lavapipe).
#[must_use]
pub fn kernel_limit(kernel: &Kernel) -> f64 {
    match kernel.name {
        "linear_backward_weight_adam_first" | "linear_backward_weight_adam_only" => 1e-4,
        _ => KERNEL_LIMIT,
    }
}

/// How a kernel failed a case.
#[derive(Clone, Debug, PartialEq)]
pub struct KernelError {
    /// Worst relative L2 distance over the written tensors; infinite for a NaN that the twin has not.
    pub error: f64,
    /// Whether every byte behind the tensors is as it was.
    pub guards_intact: bool,
}

/// Runs one case on a GPU and on the twin; on the GPU with every tile of the kernel's product that the GPU can run,
/// where it has tiles. The worst of them counts.
///
/// # Errors
/// The case does not record, the device was lost.
pub fn check_case(case: &Case, device: &Device) -> Result<KernelError> {
    let Device::Gpu(gpu) = device else {
        return Err(Error::Device("the CPU executor is the twins; choose a GPU".to_owned()));
    };
    let mut devices = vec![gpu.clone()];
    if let Some(product) = Product::of(case.kernel) {
        let tilings = gpu.tiles(product).map(|tile| gpu.tiling().clone().with(product, RowClass::ALL, tile));
        devices = tilings.map(|tiling| gpu.with_tiling(tiling)).collect();
    }
    let mut worst = KernelError { error: 0.0, guards_intact: true };
    for gpu in devices {
        let (plan, section) = case.plan()?;
        let mut twin = CpuExecutor::new(plan.clone(), 1)?;
        let mut shader = GpuExecutor::new(plan, &gpu)?;
        let differences = lockstep(&mut twin, &mut shader, section)?;
        worst.error = of_all(differences.iter().map(|d| d.error).chain([worst.error]));
        worst.guards_intact &= shader.guards_intact()?;
    }
    Ok(worst)
}

/// The worst error of each kernel over its cases.
pub(super) fn check_all(device: &Device) -> Result<Vec<Check>> {
    let mut checks: Vec<Check> = Vec::new();
    for case in cases() {
        let found = check_case(&case, device)?;
        let error = if found.guards_intact { found.error } else { f64::INFINITY };
        let of_case = |error| Check::new("kernels", case.kernel.name, error, kernel_limit(case.kernel));
        match checks.last_mut().filter(|check| check.name == case.kernel.name) {
            Some(group) => *group = of_case(of_all([group.error, error])),
            None => checks.push(of_case(error)),
        }
    }
    Ok(checks)
}
