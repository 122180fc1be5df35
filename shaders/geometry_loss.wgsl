// What geometry asks of a lift. Rows 0 and 1, the lifts X of the input and of its mirror image, over seen joints and over
// bones with both ends seen: plane = |depth (project(X) - x)|^2, bone = sum_b (|bone_b(X)| - L_b)^2. Rows lifted + b, the
// lift of view b, turned back: view = |R^T X_b - X|^2 with X the flip-averaged lift, which is held.
// Gradient at pose of gate (weight_plane plane + weight_bone bone + weight_view view); the weights include 1 / rows, and
// gate = min(1, mean of the two bone losses / gate), 1 where gate is 0, is held. Losses of a row: plane, bone, view
// (times view_scale), at column and the next two.
// L = bones * bone_scale. pose, dout (instances, pose_rows, pose_size); x (instances, input_rows, keypoint_size);
// views (instances, view_rows, 2); skeleton (2, joints); bones (joints); seen (instances, 1, joints): 1, or 0 for a joint
// that the input lacks; row_losses (instances, loss_rows, terms).
// Grid: 64 of (2 + copies) x instance. Twin: cpu/geometry_task.rs.
struct Dims {
    instances: u32, pose_rows: u32, pose_size: u32, view_rows: u32, input_rows: u32, keypoint_size: u32, joints: u32,
    loss_rows: u32, terms: u32, column: u32, lifted: u32, copies: u32, first_view: u32, perspective: u32, depth: f32,
    min_depth: f32, bone_scale: f32, gate: f32, view_scale: f32, weight_plane: f32, weight_bone: f32, weight_view: f32,
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> pose: array<f32>;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read> views: array<f32>;
@group(0) @binding(4) var<storage, read> skeleton: array<u32>;
@group(0) @binding(5) var<storage, read> bones: array<f32>;
@group(0) @binding(6) var<storage, read> seen: array<f32>;
@group(0) @binding(7) var<storage, read_write> row_losses: array<f32>;
@group(0) @binding(8) var<storage, read_write> dout: array<f32>;
#import shared/pose.wgsl
#import shared/average.wgsl

// The joint of the input that joint j of row `mirrored` shows.
fn shown(j: u32, mirrored: bool) -> u32 {
    return select(j, skeleton[dims.joints + j], mirrored);
}

// How much longer bone j of a row is than expected, metres; 0 where the input lacks an end. And its length.
fn excess(instance: u32, mirrored: bool, j: u32) -> vec2<f32> {
    let row = instance * dims.pose_rows + u32(mirrored);
    let ends = seen[instance * dims.joints + shown(j, mirrored)] * seen[instance * dims.joints + shown(skeleton[j], mirrored)];
    let v = joint(row, j) - joint(row, skeleton[j]);
    let length = sqrt(max(dot(v, v), 1e-14));
    return vec2<f32>(ends * (length - bones[j] * dims.bone_scale), length);
}

fn bone_loss(instance: u32, mirrored: bool) -> f32 {
    var sum = 0.0;
    for (var j = 1u; j < dims.joints; j++) {
        let e = excess(instance, mirrored, j).x;
        sum += e * e;
    }
    return sum;
}

fn write_gradient(row: u32, d: ptr<function, array<vec3<f32>, MAX_JOINTS>>) {
    // X_root is 0 whatever the network says: its own gradient is dropped, out_root gets minus the others'.
    (*d)[0] = vec3<f32>(0.0);
    for (var j = 1u; j < dims.joints; j++) { (*d)[0] -= (*d)[j]; }
    let at = row * dims.pose_size;
    for (var j = 0u; j < dims.joints; j++) {
        dout[at + 3u * j] = (*d)[j].x;
        dout[at + 3u * j + 1u] = (*d)[j].y;
        dout[at + 3u * j + 2u] = (*d)[j].z;
    }
    for (var p = 3u * dims.joints; p < dims.pose_size; p++) { dout[at + p] = 0.0; }
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3<u32>) {
    let i = gid.y;
    if gid.x >= 2u + dims.copies { return; }
    var gate = 1.0;
    if dims.gate > 0.0 { gate = min(1.0, 0.5 * (bone_loss(i, false) + bone_loss(i, true)) / dims.gate); }
    var d: array<vec3<f32>, MAX_JOINTS>;
    if gid.x < 2u {
        let mirrored = gid.x == 1u;
        let row = i * dims.pose_rows + gid.x;
        let input = (i * dims.input_rows + gid.x) * dims.keypoint_size;
        var plane = 0.0;
        var bone = 0.0;
        for (var j = 0u; j < dims.joints; j++) {
            let p = joint(row, j);
            let there = seen[i * dims.joints + shown(j, mirrored)];
            let e = there * dims.depth * (project(p) - vec2<f32>(x[input + 2u * j], x[input + 2u * j + 1u]));
            plane += dot(e, e);
            d[j] = project_backward(p, 2.0 * gate * dims.weight_plane * dims.depth * e);
        }
        for (var j = 1u; j < dims.joints; j++) {
            let e = excess(i, mirrored, j);
            bone += e.x * e.x;
            // A bone of no length has no direction to grow in.
            let along = select(0.0, 2.0 * gate * dims.weight_bone * e.x / e.y, e.y > 1e-7);
            let v = along * (joint(row, j) - joint(row, skeleton[j]));
            d[j] += v;
            d[skeleton[j]] -= v;
        }
        write_gradient(row, &d);
        let losses = (i * dims.loss_rows + gid.x) * dims.terms + dims.column;
        row_losses[losses] = plane;
        row_losses[losses + 1u] = bone;
        return;
    }
    let b = gid.x - 2u;
    let row = i * dims.pose_rows + dims.lifted + b;
    let at = 2u * (i * dims.view_rows + dims.first_view + b);
    let r = rotation(vec2<f32>(views[at], views[at + 1u]));
    var view = 0.0;
    for (var j = 0u; j < dims.joints; j++) {
        let e = seen[i * dims.joints + j] * (joint(row, j) * r - average_joint(i * dims.pose_rows, j));
        view += dot(e, e);
        d[j] = r * (2.0 * gate * dims.weight_view * e);
    }
    write_gradient(row, &d);
    row_losses[(i * dims.loss_rows + dims.lifted + b) * dims.terms + dims.column + 2u] = view * dims.view_scale;
}
