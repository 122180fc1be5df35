//! The GPU tests again on a device without each optional part, and with WebGPU's limits: what an adapter that is not
//! here may be like.

use isopose::Named;
use isopose::gpu::{Device, Extras, Gpu};
use isopose::kernel::{Product, RowClass};
use isopose::kernels::LINEAR_FORWARD;
use isopose::plan::{Executor, GpuExecutor, Recorder};

use crate::device::gpu_with;
use crate::{kernels, plans, states};

/// A device with `extras` alone, and that it is.
fn reduced(extras: Extras) -> Option<Gpu> {
    let device = gpu_with(extras)?;
    let Device::Gpu(gpu) = device else { panic!("gpu was asked for") };
    let used = gpu.extras();
    let more = [
        used.timestamps && !extras.timestamps,
        used.subgroups && !extras.subgroups,
        used.large_buffers && !extras.large_buffers,
    ];
    assert_eq!(more, [false; 3], "{used:?} where {extras:?} were allowed");
    Some(gpu)
}

/// Whole plans and states, which no kernel's cases are needed for where the shaders are the usual ones.
fn plans_and_states(gpu: &Gpu) {
    plans::adaptation_agrees(gpu);
    plans::training_agrees(gpu);
    states::own_states_replay(&[Device::Gpu(gpu.clone())]);
}

#[test]
fn everything_runs_without_subgroups() {
    let Some(gpu) = reduced(Extras { subgroups: false, ..Extras::ALL }) else { return };
    assert_eq!(gpu.min_subgroup(), 0);
    let classes = |&product| RowClass::ALL.iter().map(move |&class| (product, class));
    for (product, class) in Product::ALL.iter().flat_map(classes) {
        assert_eq!(gpu.tiling().get(product, class).subgroup(), 0, "{product:?}, {class:?} rows");
    }
    kernels::every_case(&Device::Gpu(gpu.clone()));
    plans_and_states(&gpu);
}

#[test]
fn everything_runs_without_any_extra() {
    let Some(gpu) = reduced(Extras::NONE) else { return };
    kernels::every_case(&Device::Gpu(gpu.clone()));
    plans_and_states(&gpu);
}

#[test]
fn plans_run_without_timestamps() {
    let Some(gpu) = reduced(Extras { timestamps: false, ..Extras::ALL }) else { return };
    plans_and_states(&gpu);
}

#[test]
fn plans_run_with_the_default_limits() {
    let Some(gpu) = reduced(Extras { large_buffers: false, ..Extras::ALL }) else { return };
    plans_and_states(&gpu);
}

#[test]
fn profiles_need_no_timestamps() {
    let Some(gpu) = reduced(Extras { timestamps: false, ..Extras::ALL }) else { return };
    let mut rec = Recorder::new();
    let section = rec.section("once");
    let [x, parameters, y] =
        [("x", [1, 5, 8]), ("parameters", [1, 9, 12]), ("y", [1, 5, 12])].map(|(name, shape)| rec.tensor(name, &shape));
    let rows = [("row", 0u32.into()), ("rows", 5u32.into())];
    rec.dispatch(&LINEAR_FORWARD, "forward", &[("x", x), ("parameters", parameters), ("y", y)], &rows).unwrap();
    let times = GpuExecutor::new(rec.finish(), &gpu).unwrap().profile(section).unwrap();
    assert!(times.len() == 1 && !times[0].is_zero(), "{times:?}");
}

#[test]
fn a_tensor_beyond_the_default_limits_is_named() {
    let Some(gpu) = reduced(Extras { large_buffers: false, ..Extras::ALL }) else { return };
    let mut rec = Recorder::new();
    rec.section("none");
    // 128 MiB, and the guard behind it.
    rec.tensor("wide", &[1, 4096, 8192]);
    let error = GpuExecutor::new(rec.finish(), &gpu).err().expect("the tensor is too large").to_string();
    assert!(
        error.contains("tensor `wide` [1, 4096, 8192] takes 128 MiB") && error.contains("at most 128 MiB"),
        "{error}"
    );
}
