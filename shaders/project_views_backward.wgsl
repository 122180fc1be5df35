// dpose: the gradient of each lifted pose's joints through one random view. The gradient of y is the adversary's,
// dy_disc (D's backward pass from a unit seed) times the row's generator_factor, plus the re-lift's, dy_lift, where
// cycle is set; then dpose already holds the 3D cycle term's gradient, to which this adds.
// pose (instances, pose_rows, pose_size); views (instances, view_rows, 2); skeleton (2, joints); bones (joints);
// dy_disc, dy_lift (instances, input_rows, keypoint_size); generator_factor (instances, input_rows);
// dpose (instances, copies, pose_size): root 0. Grid: 64 copies x instance. Twin: cpu/geometry.rs.
struct Dims {
    instances: u32, pose_rows: u32, pose_size: u32, view_rows: u32, input_rows: u32, keypoint_size: u32, joints: u32,
    lifted: u32, copies: u32, first_view: u32, normalize: u32, perspective: u32, depth: f32, min_depth: f32,
    cycle: u32,
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> pose: array<f32>;
@group(0) @binding(2) var<storage, read> views: array<f32>;
@group(0) @binding(3) var<storage, read> skeleton: array<u32>;
@group(0) @binding(4) var<storage, read> bones: array<f32>;
@group(0) @binding(5) var<storage, read> dy_disc: array<f32>;
@group(0) @binding(6) var<storage, read> dy_lift: array<f32>;
@group(0) @binding(7) var<storage, read> generator_factor: array<f32>;
@group(0) @binding(8) var<storage, read_write> dpose: array<f32>;
#import shared/pose.wgsl
#import shared/bone_scale.wgsl

// The gradient of y at joint j of an input row.
fn gradient(row: u32, j: u32) -> vec2<f32> {
    let k = row * dims.keypoint_size + 2u * j;
    var d = generator_factor[row] * vec2<f32>(dy_disc[k], dy_disc[k + 1u]);
    if dims.cycle != 0u { d += vec2<f32>(dy_lift[k], dy_lift[k + 1u]); }
    return d;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3<u32>) {
    let b = gid.x;
    if b >= dims.copies { return; }
    let row = gid.y * dims.pose_rows + b / (dims.copies / dims.lifted);
    let input_row = gid.y * dims.input_rows + dims.lifted + b;
    let view = 2u * (gid.y * dims.view_rows + dims.first_view + b);
    let r = rotation(vec2<f32>(views[view], views[view + 1u]));
    var u: array<vec2<f32>, MAX_JOINTS>;
    var du: array<vec2<f32>, MAX_JOINTS>;
    for (var j = 0u; j < dims.joints; j++) {
        u[j] = project(r * joint(row, j));
        du[j] = gradient(input_row, j);
    }
    if dims.normalize != 0u {
        let bone = bone_scale(&u);
        var along = 0.0;
        for (var j = 0u; j < dims.joints; j++) {
            along += dot(du[j], u[j]);
            du[j] /= bone.scale;
        }
        // d scale / d q_j = scale q_j^2 / (2 mean_cube (joints - 1)); nothing where the scale is clamped.
        let dscale = select(-along / (bone.scale * bone.scale), 0.0, bone.scale <= 1e-9);
        let shared_factor = dscale * bone.scale / (2.0 * bone.mean_cube * f32(dims.joints - 1u));
        for (var j = 1u; j < dims.joints; j++) {
            let parent = skeleton[j];
            let d = u[j] - u[parent];
            if dot(d, d) > 1e-14 {
                let q = bone_ratio(&u, j);
                let move_bone = 2.0 * shared_factor * q * q / (bones[j] * bones[j]) * d;
                du[j] += move_bone;
                du[parent] -= move_bone;
            }
        }
    }
    let at = (gid.y * dims.copies + b) * dims.pose_size;
    for (var j = 0u; j < dims.joints; j++) {
        // The root is 0 whatever the network says.
        var d = vec3<f32>(0.0);
        if j > 0u { d = project_backward(r * joint(row, j), du[j]) * r; }
        let k = at + 3u * j;
        if dims.cycle != 0u { d += vec3<f32>(dpose[k], dpose[k + 1u], dpose[k + 2u]); }
        dpose[k] = d.x;
        dpose[k + 1u] = d.y;
        dpose[k + 2u] = d.z;
    }
    for (var k = 3u * dims.joints; k < dims.pose_size; k++) { dpose[at + k] = 0.0; }
}
