// The inputs of a flip-averaged prediction: row p the sample, row poses + p its mirror image.
// samples (capacity, keypoint_size); skeleton (2, joints); x (instances, input_rows, keypoint_size).
// Sample (sample - chunk + instance poses + p) mod capacity. Grid: 64 rows x instance. Twin: cpu/gather.rs.
#import shared/state.wgsl
struct Dims { capacity: u32, keypoint_size: u32, joints: u32, instances: u32, input_rows: u32, poses: u32 }
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> samples: array<f32>;
@group(0) @binding(2) var<storage, read> skeleton: array<u32>;
@group(0) @binding(3) var<storage, read> state: State;
@group(0) @binding(4) var<storage, read_write> x: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3<u32>) {
    let p = gid.x;
    if p >= dims.poses { return; }
    let origin = ((state.sample - state.chunk + gid.y * dims.poses + p) % dims.capacity) * dims.keypoint_size;
    let plain = (gid.y * dims.input_rows + p) * dims.keypoint_size;
    let mirror = plain + dims.poses * dims.keypoint_size;
    for (var j = 0u; j < dims.joints; j++) {
        let other = origin + 2u * skeleton[dims.joints + j];
        x[plain + 2u * j] = samples[origin + 2u * j];
        x[plain + 2u * j + 1u] = samples[origin + 2u * j + 1u];
        x[mirror + 2u * j] = -samples[other];
        x[mirror + 2u * j + 1u] = samples[other + 1u];
    }
}
