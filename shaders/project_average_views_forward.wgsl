// y = normalize(project(R X)) for the flip-averaged lift X = (pose_0 + flip(pose_1)) / 2 of an instance, pose_1 being
// that of the mirror image: row lifted + b of y is view first_view + b. Nothing goes back through it: y is held.
// normalize as in project_views_forward.
// pose (instances, pose_rows, pose_size); views (instances, view_rows, 2): azimuth, elevation; skeleton (2, joints):
// parents, mirror; bones (joints): expected lengths in the plane; y (instances, input_rows, keypoint_size).
// Grid: 64 copies x instance. Twin: cpu/geometry_task.rs.
struct Dims {
    instances: u32, pose_rows: u32, pose_size: u32, view_rows: u32, input_rows: u32, keypoint_size: u32, joints: u32,
    lifted: u32, copies: u32, first_view: u32, normalize: u32, perspective: u32, depth: f32, min_depth: f32,
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> pose: array<f32>;
@group(0) @binding(2) var<storage, read> views: array<f32>;
@group(0) @binding(3) var<storage, read> skeleton: array<u32>;
@group(0) @binding(4) var<storage, read> bones: array<f32>;
@group(0) @binding(5) var<storage, read_write> y: array<f32>;
#import shared/pose.wgsl
#import shared/bone_scale.wgsl
#import shared/average.wgsl

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3<u32>) {
    let b = gid.x;
    if b >= dims.copies { return; }
    let view = 2u * (gid.y * dims.view_rows + dims.first_view + b);
    let r = rotation(vec2<f32>(views[view], views[view + 1u]));
    var u: array<vec2<f32>, MAX_JOINTS>;
    for (var j = 0u; j < dims.joints; j++) { u[j] = project(r * average_joint(gid.y * dims.pose_rows, j)); }
    var scale = 1.0;
    if dims.normalize != 0u { scale = bone_scale(&u).scale; }
    let at = (gid.y * dims.input_rows + dims.lifted + b) * dims.keypoint_size;
    for (var j = 0u; j < dims.joints; j++) {
        y[at + 2u * j] = u[j].x / scale;
        y[at + 2u * j + 1u] = u[j].y / scale;
    }
}
