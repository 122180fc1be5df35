// The prediction of a sample: X, or where flip is set (X + mirror(X')) / 2 with X' the lift of its mirror image; both
// root-centred. pose (instances, pose_rows, pose_size): raw output, rows as in gather_flip_pairs; skeleton (2, joints);
// predictions (capacity, pose_size). Grid: 64 rows x instance. Twin: cpu/gather.rs.
#import shared/state.wgsl
struct Dims { capacity: u32, pose_size: u32, joints: u32, instances: u32, pose_rows: u32, poses: u32, flip: u32 }
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> pose: array<f32>;
@group(0) @binding(2) var<storage, read> skeleton: array<u32>;
@group(0) @binding(3) var<storage, read> state: State;
@group(0) @binding(4) var<storage, read_write> predictions: array<f32>;

fn joint(row: u32, j: u32) -> vec3<f32> {
    let at = row * dims.pose_size;
    let k = at + 3u * j;
    return vec3<f32>(pose[k] - pose[at], pose[k + 1u] - pose[at + 1u], pose[k + 2u] - pose[at + 2u]);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3<u32>) {
    let p = gid.x;
    if p >= dims.poses { return; }
    let sample = (state.sample - state.chunk + gid.y * dims.poses + p) % dims.capacity;
    let row = gid.y * dims.pose_rows + p;
    for (var j = 0u; j < dims.joints; j++) {
        var value = joint(row, j);
        if dims.flip != 0u {
            let other = joint(row + dims.poses, skeleton[dims.joints + j]);
            value = 0.5 * (value + vec3<f32>(-other.x, other.yz));
        }
        let at = sample * dims.pose_size + 3u * j;
        predictions[at] = value.x;
        predictions[at + 1u] = value.y;
        predictions[at + 2u] = value.z;
    }
}
