//! The GPU that the tests share.

use std::sync::OnceLock;

use isopose::gpu::{Device, Extras, ShaderChecks};

/// The best GPU, software ones included, opened once for each way of checking. Without one the test is skipped, loudly;
/// where `ISOPOSE_REQUIRE_GPU` is set it fails instead.
pub(crate) fn gpu(checks: ShaderChecks) -> Option<Device> {
    static OPENED: [OnceLock<Result<Device, String>>; 2] = [OnceLock::new(), OnceLock::new()];
    let opened = OPENED[usize::from(checks == ShaderChecks::Off)]
        .get_or_init(|| Device::open("gpu", 0, checks).map_err(|error| error.to_string()));
    match opened {
        Ok(device) => Some(device.clone()),
        Err(why) if std::env::var_os("ISOPOSE_REQUIRE_GPU").is_some_and(|v| !v.is_empty()) => {
            panic!("ISOPOSE_REQUIRE_GPU is set, but there is no GPU to test on: {why}")
        }
        Err(why) => {
            let test = std::thread::current().name().unwrap_or("a test").to_owned();
            eprintln!("SKIPPED {test}: no GPU adapter ({why})");
            None
        }
    }
}

/// As [`gpu`] with checks, opened anew with no more of the adapter's optional parts than `extras`.
pub(crate) fn gpu_with(extras: Extras) -> Option<Device> {
    gpu(ShaderChecks::On)?;
    Some(Device::open_with("gpu", 0, ShaderChecks::On, extras).unwrap())
}

/// One thread of the CPU executor and, where there is one, the GPU.
pub(crate) fn devices() -> Vec<Device> {
    let mut all = vec![Device::Cpu(1)];
    all.extend(gpu(ShaderChecks::On));
    all
}
