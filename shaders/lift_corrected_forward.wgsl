// A head's raw output to a pose that corrects what the image says, in place: with o = out - out_root,
// pose_j = (k x_j + (o_x, o_y), o_z), k = o_z + depth in perspective, else depth: x put at the depth o_z, and corrected.
// x (instances, input_rows, keypoint_size); pose (instances, pose_rows, pose_size), rows [row, row + rows), the same of
// both. Grid: 64 rows x instance. Twin: cpu/lift.rs.
struct Dims {
    instances: u32, input_rows: u32, keypoint_size: u32, pose_rows: u32, pose_size: u32, joints: u32, row: u32, rows: u32,
    perspective: u32, depth: f32,
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> pose: array<f32>;
#import shared/lift_corrected.wgsl

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3<u32>) {
    if gid.x >= dims.rows { return; }
    let row = dims.row + gid.x;
    let source = (gid.y * dims.input_rows + row) * dims.keypoint_size;
    let at = (gid.y * dims.pose_rows + row) * dims.pose_size;
    let root = vec3<f32>(pose[at], pose[at + 1u], pose[at + 2u]);
    for (var j = 0u; j < dims.joints; j++) {
        let k = at + 3u * j;
        let o = vec3<f32>(pose[k], pose[k + 1u], pose[k + 2u]) - root;
        let lifted = lift_corrected(vec2<f32>(x[source + 2u * j], x[source + 2u * j + 1u]), o);
        pose[k] = lifted.x;
        pose[k + 1u] = lifted.y;
        pose[k + 2u] = lifted.z;
    }
}
