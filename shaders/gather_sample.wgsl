// The sample that an instance adapts to: row (sample - chunk + instance) mod capacity of the resident chunk, to row 0
// of x. samples (capacity, keypoint_size); x (instances, input_rows, keypoint_size). Grid: 64 keypoints x instance.
// Twin: cpu/gather.rs.
#import shared/state.wgsl
struct Dims { capacity: u32, keypoint_size: u32, instances: u32, input_rows: u32 }
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> samples: array<f32>;
@group(0) @binding(2) var<storage, read> state: State;
@group(0) @binding(3) var<storage, read_write> x: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3<u32>) {
    if gid.x >= dims.keypoint_size { return; }
    let sample = (state.sample - state.chunk + gid.y) % dims.capacity;
    x[gid.y * dims.input_rows * dims.keypoint_size + gid.x] = samples[sample * dims.keypoint_size + gid.x];
}
