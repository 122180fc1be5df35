//! Every shader against its twin, and the proof that this comparison finds wrong shaders.

use isopose::gpu::{Device, ShaderChecks};
use isopose::kernel::{Element, Inputs, Kernel, Outputs, Uniform, Uniforms, read, write};
use isopose::kernels::{ADVANCE_SAMPLE, ADVANCE_STEP, ALL};
use isopose::verify::{Case, cases, check_case, kernel_limit};

use crate::device::gpu;

pub(crate) fn every_case(device: &Device) {
    let mut failed = Vec::new();
    for case in cases() {
        let found = check_case(&case, device);
        if !matches!(&found, Ok(f) if f.error <= kernel_limit(case.kernel) && f.guards_intact) {
            failed.push(format!("{} {:?} {:?}: {found:?}", case.kernel.name, case.dims, case.values));
        }
    }
    assert!(failed.is_empty(), "{} cases differ by more than their limit:\n{}", failed.len(), failed.join("\n"));
}

#[test]
fn every_shader_equals_its_twin_with_checks() {
    let Some(device) = gpu(ShaderChecks::On) else { return };
    every_case(&device);
}

#[test]
fn every_shader_equals_its_twin_without_checks() {
    let Some(device) = gpu(ShaderChecks::Off) else { return };
    every_case(&device);
}

#[test]
fn every_kernel_has_cases() {
    let all = cases();
    for kernel in ALL {
        let count = all.iter().filter(|case| std::ptr::eq(case.kernel, *kernel)).count();
        // These two have no sizes to vary.
        let least = match kernel.name {
            name if name == ADVANCE_STEP.name => 2,
            name if name == ADVANCE_SAMPLE.name => 1,
            _ => 3,
        };
        assert!(count >= least, "{} has {count} cases, not {least}", kernel.name);
    }
}

fn double(_: &Uniforms, inputs: &Inputs<'_>, outputs: &mut Outputs<'_>) {
    outputs.take("y").iter_mut().zip(inputs.get("x")).for_each(|(y, x)| *y = 2.0 * x);
}

/// y = 2 x, with the body of `main` as given.
macro_rules! doubling {
    ($body:literal) => {
        Kernel {
            name: "doubling",
            source: concat!(
                "struct Dims { count: u32 }
                @group(0) @binding(0) var<uniform> dims: Dims;
                @group(0) @binding(1) var<storage, read> x: array<f32>;
                @group(0) @binding(2) var<storage, read_write> y: array<f32>;
                @compute @workgroup_size(64)
                fn main(@builtin(global_invocation_id) gid: vec3<u32>) {
                    let i = gid.x;
                ",
                $body,
                "}"
            ),
            bindings: &[read("x", Element::F32, &["count"]), write("y", Element::F32, &["count"])],
            uniforms: &[Uniform::U32("count")],
            workgroup: [64, 1, 1],
            grid: |u| [u.u32("count").div_ceil(64), 1, 1],
            check: |_| Ok(()),
            twin: double,
            flops: |_| 0,
        }
    };
}

static RIGHT: Kernel = doubling!("if i < dims.count { y[i] = 2.0 * x[i]; }");
static WRONG_FACTOR: Kernel = doubling!("if i < dims.count { y[i] = 3.0 * x[i]; }");
static FORGETS_THE_LAST: Kernel = doubling!("if i + 1u < dims.count { y[i] = 2.0 * x[i]; }");
static PAST_ITS_END: Kernel = doubling!("y[i] = 7.0; if i < dims.count { y[i] = 2.0 * x[i]; }");

fn case_of(kernel: &'static Kernel) -> Case {
    Case { kernel, dims: vec![("count", 61)], values: Vec::new() }
}

#[test]
fn a_wrong_shader_is_found() {
    let Some(device) = gpu(ShaderChecks::On) else { return };
    let error = |kernel| check_case(&case_of(kernel), &device).unwrap().error;
    assert_eq!(error(&RIGHT), 0.0, "doubling is exact");
    let factor = error(&WRONG_FACTOR);
    assert!((factor - 0.5).abs() < 1e-6, "3 x is half of 2 x too large, not {factor}");
    assert_eq!(error(&FORGETS_THE_LAST), f64::INFINITY, "the poison must stay where nothing is written");
}

#[test]
fn a_write_past_the_end_does_no_harm_or_is_found() {
    let Some(device) = gpu(ShaderChecks::On) else { return };
    let found = check_case(&case_of(&PAST_ITS_END), &device).unwrap();
    assert!(found.guards_intact, "with checks on, no write may leave its tensor");
    // A device of its own: a driver may do anything here. Many (lavapipe too) drop the write even without wgpu's
    // checks, because the binding ends where the tensor does; elsewhere the guard must show it.
    let Ok(device) = Device::open("gpu", 0, ShaderChecks::Off) else { return };
    let found = check_case(&case_of(&PAST_ITS_END), &device).unwrap();
    assert!(!found.guards_intact || found.error == 0.0, "hidden and wrong: {found:?}");
}
