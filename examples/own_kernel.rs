//! A kernel of one's own: declare it, prove that declaration and WGSL agree, record it into a plan, replay the plan on
//! the CPU and on a device, compare.
//!
//! `cargo run --release --example own_kernel [auto | cpu | gpu | gpu:N | part of a GPU's name]`
#![expect(clippy::print_stdout, reason = "an example shows its result")]

use isopose::gpu::{Device, ShaderChecks};
use isopose::kernel::{self, Element, Inputs, Kernel, Outputs, Uniform::U32, Uniforms, read, write};
use isopose::plan::{Init, Recorder, prepare, relative_error};
use isopose::{Error, Result};

/// distance_j = |pose_j - pose_0|: how far each joint is from the root.
static ROOT_DISTANCE: Kernel = Kernel {
    name: "root_distance",
    source: "
struct Dims { poses: u32, joints: u32, pose_size: u32 }
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> pose: array<f32>;
@group(0) @binding(2) var<storage, read_write> distance: array<f32>;

fn joint(row: u32, j: u32) -> vec3<f32> {
    let at = row * dims.pose_size + 3u * j;
    return vec3<f32>(pose[at], pose[at + 1u], pose[at + 2u]);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3<u32>) {
    if gid.x >= dims.joints { return; }
    distance[gid.y * dims.joints + gid.x] = length(joint(gid.y, gid.x) - joint(gid.y, 0u));
}",
    // The symbols are bound by the tensors' real shapes when a dispatch is recorded; two that disagree are an error.
    bindings: &[
        read("pose", Element::F32, &["poses", "pose_size"]),
        write("distance", Element::F32, &["poses", "joints"]),
    ],
    uniforms: &[U32("poses"), U32("joints"), U32("pose_size")],
    workgroup: [64, 1, 1],
    grid: |u| [u.u32("joints").div_ceil(64), u.u32("poses"), 1],
    // What shapes alone cannot say.
    check: |u| if u.size("pose_size") < 3 * u.size("joints") { Err("`pose_size` is too small".into()) } else { Ok(()) },
    twin: root_distance,
    // It has no matrix product, so it is judged by its memory traffic.
    flops: |_| 0,
};

/// The CPU twin: the same name and meaning in plain Rust.
fn root_distance(u: &Uniforms, inputs: &Inputs<'_>, outputs: &mut Outputs<'_>) {
    let rows = outputs.take("distance").chunks_exact_mut(u.size("joints"));
    for (pose, row) in inputs.get("pose").chunks_exact(u.size("pose_size")).zip(rows) {
        for (joint, out) in pose.chunks_exact(3).zip(row) {
            *out = joint.iter().zip(pose).map(|(a, root)| (a - root) * (a - root)).sum::<f32>().sqrt();
        }
    }
}

fn main() -> Result<()> {
    kernel::check(&ROOT_DISTANCE).map_err(Error::Plan)?;
    let mut rec = Recorder::new();
    let numbers = (0..5 * 48).map(|i| (i as f32 * 0.7).sin()).collect();
    let pose = rec.tensor_with("pose", &[5, 48], Init::Data(numbers));
    let distance = rec.tensor("distance", &[5, 16]);
    let section = rec.section("example");
    rec.dispatch(&ROOT_DISTANCE, "distance", &[("pose", pose), ("distance", distance)], &[])?;
    let plan = rec.finish();
    println!("{plan}");

    let choice = std::env::args().nth(1).unwrap_or_else(|| "auto".to_owned());
    let mut results = Vec::new();
    for device in [Device::Cpu(0), Device::open(&choice, 0, ShaderChecks::On)?] {
        let mut executor = prepare(plan.clone(), &device)?;
        executor.replay(section)?;
        results.push(executor.read(distance)?);
        println!("{}: joints 1 to 4 of pose 0: {:?}", device.name(), &results[results.len() - 1][1..5]);
    }
    let error = relative_error(&results[1], &results[0]);
    println!("relative L2 distance: {error:.1e}");
    if error < 1e-6 { Ok(()) } else { Err(Error::Device("the shader and its twin disagree".to_owned())) }
}
