// The prediction of a sample: X, or where flip is set (X + mirror(X')) / 2 with X' the lift of its mirror image; both
// root-centred. Where `corrected`, a head's output is lifted as in lift_corrected_forward.
// pose (instances, pose_rows, pose_size): raw output, rows as in gather_flip_pairs, whose x is the same here
// (instances, input_rows, keypoint_size); skeleton (2, joints); predictions (capacity, pose_size).
// Grid: 64 rows x instance. Twin: cpu/gather.rs.
#import shared/state.wgsl
struct Dims {
    capacity: u32, keypoint_size: u32, pose_size: u32, joints: u32, instances: u32, input_rows: u32, pose_rows: u32,
    poses: u32, flip: u32, corrected: u32, perspective: u32, depth: f32,
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> pose: array<f32>;
@group(0) @binding(3) var<storage, read> skeleton: array<u32>;
@group(0) @binding(4) var<storage, read> state: State;
@group(0) @binding(5) var<storage, read_write> predictions: array<f32>;
#import shared/lift_corrected.wgsl

fn lifted(input: u32, row: u32, j: u32) -> vec3<f32> {
    let at = row * dims.pose_size;
    let k = at + 3u * j;
    let o = vec3<f32>(pose[k] - pose[at], pose[k + 1u] - pose[at + 1u], pose[k + 2u] - pose[at + 2u]);
    if dims.corrected == 0u { return o; }
    let at_x = input * dims.keypoint_size + 2u * j;
    return lift_corrected(vec2<f32>(x[at_x], x[at_x + 1u]), o);
}

fn joint(input: u32, row: u32, j: u32) -> vec3<f32> { return lifted(input, row, j) - lifted(input, row, 0u); }

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3<u32>) {
    let p = gid.x;
    if p >= dims.poses { return; }
    let sample = (state.sample - state.chunk + gid.y * dims.poses + p) % dims.capacity;
    let input = gid.y * dims.input_rows + p;
    let row = gid.y * dims.pose_rows + p;
    for (var j = 0u; j < dims.joints; j++) {
        var value = joint(input, row, j);
        if dims.flip != 0u {
            let other = joint(input + dims.poses, row + dims.poses, skeleton[dims.joints + j]);
            value = 0.5 * (value + vec3<f32>(-other.x, other.yz));
        }
        let at = sample * dims.pose_size + 3u * j;
        predictions[at] = value.x;
        predictions[at + 1u] = value.y;
        predictions[at + 2u] = value.z;
    }
}
