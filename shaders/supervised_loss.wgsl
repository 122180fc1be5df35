// Eq. 2 of a row: position_scale |X - G|^2 + bone_scale |B(X) - B(G)|^2, with X = out - out_root and B the vectors from
// parent to child; and the gradient at out of that over the batch's size: weight_position and weight_bone are the
// scales over rows. pose, dout (1, pose_rows, pose_size); truth (1, rows, pose_size): root-centred, metres;
// skeleton (2, joints); row_losses (1, loss_rows, terms), at column. Grid: 64 rows. Twin: cpu/loss.rs.
struct Dims {
    pose_rows: u32, pose_size: u32, rows: u32, joints: u32, loss_rows: u32, terms: u32, column: u32,
    position_scale: f32, bone_scale: f32, weight_position: f32, weight_bone: f32,
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> pose: array<f32>;
@group(0) @binding(2) var<storage, read> truth: array<f32>;
@group(0) @binding(3) var<storage, read> skeleton: array<u32>;
@group(0) @binding(4) var<storage, read_write> row_losses: array<f32>;
@group(0) @binding(5) var<storage, read_write> dout: array<f32>;
const MAX_JOINTS: u32 = 17u;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3<u32>) {
    let row = gid.x;
    if row >= dims.rows { return; }
    let at = row * dims.pose_size;
    let root = vec3<f32>(pose[at], pose[at + 1u], pose[at + 2u]);
    var error: array<vec3<f32>, MAX_JOINTS>;
    var d: array<vec3<f32>, MAX_JOINTS>;
    var positions = 0.0;
    for (var j = 0u; j < dims.joints; j++) {
        let k = at + 3u * j;
        error[j] = vec3<f32>(pose[k], pose[k + 1u], pose[k + 2u]) - root - vec3<f32>(truth[k], truth[k + 1u], truth[k + 2u]);
        positions += dot(error[j], error[j]);
        d[j] = 2.0 * dims.weight_position * error[j];
    }
    var bones = 0.0;
    for (var j = 1u; j < dims.joints; j++) {
        let parent = skeleton[j];
        let bone = error[j] - error[parent];
        bones += dot(bone, bone);
        d[j] += 2.0 * dims.weight_bone * bone;
        d[parent] -= 2.0 * dims.weight_bone * bone;
    }
    // X_root is 0 whatever the network says: its own gradient is dropped, out_root gets minus the others'.
    d[0] = vec3<f32>(0.0);
    for (var j = 1u; j < dims.joints; j++) { d[0] -= d[j]; }
    for (var j = 0u; j < dims.joints; j++) {
        let k = at + 3u * j;
        dout[k] = d[j].x;
        dout[k + 1u] = d[j].y;
        dout[k + 2u] = d[j].z;
    }
    for (var p = 3u * dims.joints; p < dims.pose_size; p++) { dout[at + p] = 0.0; }
    row_losses[row * dims.terms + dims.column] = dims.position_scale * positions + dims.bone_scale * bones;
}
