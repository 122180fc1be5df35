// The geometric cycle (Eq. 4) of each view: the re-lifted pose turned back, V = R^T X~, against the lift X and the
// input x. Losses of a row: cyc2d = |project(V) - x|^2, cyc3d = |V - X|^2, each over the seen joints and times its loss
// scale.
// Gradients of weight_2d cyc2d + weight_3d cyc3d (weights include 1 / copies): dout at the re-lift's raw output, through
// X~ = out - out_root, and dpose = -2 weight_3d (V - X) at the lifted pose.
// pose (instances, pose_rows, pose_size): rows [0, lifted) lift, [lifted, lifted + copies) re-lift;
// views (instances, view_rows, 2); x (instances, input_rows, keypoint_size); seen (instances, 1, joints): 1, or 0 for a
// joint that the input lacks; row_losses (instances, loss_rows, terms), columns column and column + 1;
// dout (instances, pose_rows, pose_size); dpose (instances, copies, pose_size).
// Grid: 64 copies x instance. Twin: cpu/loss.rs.
struct Dims {
    instances: u32, pose_rows: u32, pose_size: u32, view_rows: u32, input_rows: u32, keypoint_size: u32, joints: u32,
    loss_rows: u32, terms: u32, column: u32, lifted: u32, copies: u32, first_view: u32, perspective: u32, depth: f32,
    min_depth: f32, loss_scale_2d: f32, loss_scale_3d: f32, weight_2d: f32, weight_3d: f32,
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> pose: array<f32>;
@group(0) @binding(2) var<storage, read> views: array<f32>;
@group(0) @binding(3) var<storage, read> x: array<f32>;
@group(0) @binding(4) var<storage, read> seen: array<f32>;
@group(0) @binding(5) var<storage, read_write> row_losses: array<f32>;
@group(0) @binding(6) var<storage, read_write> dout: array<f32>;
@group(0) @binding(7) var<storage, read_write> dpose: array<f32>;
#import shared/pose.wgsl

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3<u32>) {
    let b = gid.x;
    if b >= dims.copies { return; }
    let lift = b / (dims.copies / dims.lifted);
    let row = gid.y * dims.pose_rows + lift;
    let relift = gid.y * dims.pose_rows + dims.lifted + b;
    let input = (gid.y * dims.input_rows + lift) * dims.keypoint_size;
    let view = 2u * (gid.y * dims.view_rows + dims.first_view + b);
    let r = rotation(vec2<f32>(views[view], views[view + 1u]));
    let at = (gid.y * dims.copies + b) * dims.pose_size;
    var loss_2d = 0.0;
    var loss_3d = 0.0;
    var root = vec3<f32>(0.0);
    for (var j = 0u; j < dims.joints; j++) {
        let v = joint(relift, j) * r;
        let weight = seen[gid.y * dims.joints + j];
        let d3 = weight * (v - joint(row, j));
        let d2 = weight * (project(v) - vec2<f32>(x[input + 2u * j], x[input + 2u * j + 1u]));
        loss_2d += dot(d2, d2);
        loss_3d += dot(d3, d3);
        if j > 0u {
            let dv = project_backward(v, 2.0 * dims.weight_2d * d2) + 2.0 * dims.weight_3d * d3;
            let d = r * dv;
            root -= d;
            let k = relift * dims.pose_size + 3u * j;
            dout[k] = d.x;
            dout[k + 1u] = d.y;
            dout[k + 2u] = d.z;
        }
        let k = at + 3u * j;
        dpose[k] = -2.0 * dims.weight_3d * d3.x;
        dpose[k + 1u] = -2.0 * dims.weight_3d * d3.y;
        dpose[k + 2u] = -2.0 * dims.weight_3d * d3.z;
    }
    let k = relift * dims.pose_size;
    dout[k] = root.x;
    dout[k + 1u] = root.y;
    dout[k + 2u] = root.z;
    for (var p = 3u * dims.joints; p < dims.pose_size; p++) {
        dout[k + p] = 0.0;
        dpose[at + p] = 0.0;
    }
    let losses = (gid.y * dims.loss_rows + dims.lifted + b) * dims.terms + dims.column;
    row_losses[losses] = loss_2d * dims.loss_scale_2d;
    row_losses[losses + 1u] = loss_3d * dims.loss_scale_3d;
}
