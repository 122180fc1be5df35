// The gradient of lift_corrected_forward, in place: from dpose at the pose to that at the head's raw output,
// d_j = (g_x, g_y, g_z + x_j . (g_x, g_y)) in perspective, else g_j; the root's is minus the sum of the others', since
// every joint is less the root. x (instances, input_rows, keypoint_size); dpose (instances, pose_rows, pose_size), rows
// [row, row + rows). Grid: 64 rows x instance. Twin: cpu/lift.rs.
struct Dims {
    instances: u32, input_rows: u32, keypoint_size: u32, pose_rows: u32, pose_size: u32, joints: u32, row: u32, rows: u32,
    perspective: u32,
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> dpose: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3<u32>) {
    if gid.x >= dims.rows { return; }
    let row = dims.row + gid.x;
    let source = (gid.y * dims.input_rows + row) * dims.keypoint_size;
    let at = (gid.y * dims.pose_rows + row) * dims.pose_size;
    var root = vec3<f32>(0.0);
    for (var j = 1u; j < dims.joints; j++) {
        let k = at + 3u * j;
        let along = dpose[k] * x[source + 2u * j] + dpose[k + 1u] * x[source + 2u * j + 1u];
        let d = vec3<f32>(dpose[k], dpose[k + 1u], dpose[k + 2u] + select(0.0, along, dims.perspective != 0u));
        dpose[k + 2u] = d.z;
        root -= d;
    }
    dpose[at] = root.x;
    dpose[at + 1u] = root.y;
    dpose[at + 2u] = root.z;
}
