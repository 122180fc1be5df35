// Eq. 2 of the replayed poses: row `row + r` of pose, r < replayed, against row r of truth; and the gradient at out of
// that over their number: weight_position and weight_bone are the scales over it, times replay's weight.
// pose, dout (instances, pose_rows, pose_size); truth (instances, replayed, pose_size): root-centred, metres;
// skeleton (2, joints); row_losses (instances, loss_rows, terms), at column. Grid: 64 rows x instance.
// Twin: cpu/loss.rs.
struct Dims {
    instances: u32, pose_rows: u32, pose_size: u32, replayed: u32, row: u32, joints: u32, loss_rows: u32, terms: u32,
    column: u32, position_scale: f32, bone_scale: f32, weight_position: f32, weight_bone: f32,
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
    if gid.x >= dims.replayed { return; }
    let loss = supervise(gid.y * dims.pose_rows + dims.row + gid.x, gid.y * dims.replayed + gid.x);
    row_losses[(gid.y * dims.loss_rows + dims.row + gid.x) * dims.terms + dims.column] = loss;
}
