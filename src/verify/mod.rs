//! Is this device right? Every kernel against its twin, then recorded float64 states replayed step by step.

mod cases;
mod compare;
mod errors;
#[cfg(test)]
mod hostile_tests;
mod kernels;
mod layout;
mod limits;
pub mod recorded;
mod replay;

use std::path::{Path, PathBuf};

use serde::Serialize;

pub use cases::{Case, cases};
pub use kernels::{KERNEL_LIMIT, KernelError, check_case, kernel_limit};
pub use recorded::RecordedState;
pub use replay::replay;

use crate::error::Result;
use crate::gpu::Device;

/// The project's own small recorded state: width 8, three views, four iterations (see `docs/numerics.md`).
static OWN_STATE: &[u8] = include_bytes!("own_state.safetensors");

/// The worst error of one group of numbers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Check {
    /// The recorded state, or `kernels`.
    pub state: String,
    /// What was compared, such as `vanilla.gradients`, or the kernel.
    pub name: String,
    /// Its worst error, in the units of [`Self::limit`].
    pub error: f64,
    /// The largest error allowed.
    pub limit: f64,
    /// Whether it is within the limit.
    pub pass: bool,
}

impl Check {
    /// A check. An error that is NaN or infinite does not pass, whatever the limit.
    #[must_use]
    pub fn new(state: &str, name: &str, error: f64, limit: f64) -> Self {
        Self { state: state.to_owned(), name: name.to_owned(), error, limit, pass: error.is_finite() && error <= limit }
    }
}

/// Everything that was compared on a device.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// The device.
    pub device: String,
    /// Whether every group passed.
    pub pass: bool,
    /// The checks.
    pub checks: Vec<Check>,
}

/// Compares every kernel with its twin on `device` (the CPU executor is the twins, so there is nothing to compare), then
/// replays the recorded `states`, or the project's own where none is named. `progress` hears what begins.
///
/// # Errors
/// A state that cannot be read, a device that is lost.
pub fn verify(states: &[PathBuf], device: &Device, mut progress: impl FnMut(&str)) -> Result<Report> {
    let mut checks = Vec::new();
    if matches!(device, Device::Gpu(_)) {
        progress("kernels");
        checks.extend(kernels::check_all(device)?);
    }
    if states.is_empty() {
        progress("the recorded state inside the program");
        checks.extend(replay("own", &own_state()?, device)?);
    }
    for path in states {
        progress(&path.display().to_string());
        let name = path.file_stem().map_or_else(|| path.display().to_string(), |s| s.to_string_lossy().into_owned());
        checks.extend(replay(&name, &RecordedState::load(path)?, device)?);
    }
    Ok(Report { device: device.name(), pass: checks.iter().all(|check| check.pass), checks })
}

/// The recorded state inside the program.
///
/// # Errors
/// Never: its bytes are tested.
pub fn own_state() -> Result<RecordedState> {
    RecordedState::from_bytes(Path::new("own_state.safetensors"), OWN_STATE)
}
