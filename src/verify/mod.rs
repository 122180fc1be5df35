//! Is this device right? Every kernel against its twin, then recorded float64 states replayed step by step.

mod cases;
mod compare;
mod errors;
#[cfg(test)]
mod hostile_tests;
mod kernels;
mod layout;
mod limits;
mod pose_cases;
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

/// The project's own small recorded states, one of the paper's tasks and one of the geometry task: width 8, three views,
/// four iterations (see `docs/numerics.md`).
static OWN_STATES: [Own; 2] = [
    Own { name: "own", file: "own_state.safetensors", bytes: include_bytes!("own_state.safetensors") },
    Own {
        name: "own_geometry",
        file: "own_geometry_state.safetensors",
        bytes: include_bytes!("own_geometry_state.safetensors"),
    },
];

/// A recorded state inside the program.
struct Own {
    /// What stands for it in checks.
    name: &'static str,
    file: &'static str,
    bytes: &'static [u8],
}

impl Own {
    fn state(&self) -> Result<RecordedState> {
        RecordedState::from_bytes(Path::new(self.file), self.bytes)
    }
}

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
/// replays the recorded `states`, or the project's own two where none is named. `progress` hears what begins.
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
        progress("the recorded states inside the program");
        for (name, state) in own_states()? {
            checks.extend(replay(name, &state, device)?);
        }
    }
    for path in states {
        progress(&path.display().to_string());
        let name = path.file_stem().map_or_else(|| path.display().to_string(), |s| s.to_string_lossy().into_owned());
        checks.extend(replay(&name, &RecordedState::load(path)?, device)?);
    }
    Ok(Report { device: device.name(), pass: checks.iter().all(|check| check.pass), checks })
}

/// The recorded states inside the program, each with what stands for it in checks.
///
/// # Errors
/// Never: their bytes are tested.
pub fn own_states() -> Result<Vec<(&'static str, RecordedState)>> {
    OWN_STATES.iter().map(|own| Ok((own.name, own.state()?))).collect()
}
