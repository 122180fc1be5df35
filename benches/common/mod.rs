//! What both benches need.

use std::env;
use std::time::Duration;

use criterion::Criterion;
use isopose::Result;
use isopose::gpu::{Device, ShaderChecks};

/// The device that `ISOPOSE_BENCH_DEVICE` names, as `--device` would; the CPU where it is not set.
pub(crate) fn device() -> Result<Device> {
    let choice = env::var("ISOPOSE_BENCH_DEVICE").unwrap_or_else(|_| "cpu".to_owned());
    Device::open(&choice, 0, ShaderChecks::Off)
}

/// Settings for work of milliseconds to a second: ten samples, three seconds; the command line may say otherwise.
pub(crate) fn criterion() -> Criterion {
    let short = Criterion::default().sample_size(10).measurement_time(Duration::from_secs(3));
    short.warm_up_time(Duration::from_millis(500)).configure_from_args()
}
