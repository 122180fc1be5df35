// y = seen x: rows [0, rows) of keypoints, or of their gradient, without the joints that the sample lacks.
// x, y (instances, input_rows, keypoint_size); seen (instances, 1, joints): 1, or 0 for a missing joint.
// Grid: 64 keypoints x row x instance. Twin: cpu/geometry.rs.
struct Dims { instances: u32, input_rows: u32, keypoint_size: u32, joints: u32, rows: u32 }
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> seen: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3<u32>) {
    if gid.x >= dims.keypoint_size { return; }
    let at = (gid.z * dims.input_rows + gid.y) * dims.keypoint_size + gid.x;
    y[at] = seen[gid.z * dims.joints + gid.x / 2u] * x[at];
}
