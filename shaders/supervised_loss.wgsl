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
#import shared/supervised.wgsl

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3<u32>) {
    if gid.x >= dims.rows { return; }
    row_losses[gid.x * dims.terms + dims.column] = supervise(gid.x, gid.x);
}
