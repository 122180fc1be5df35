// Poses, rotations and projections. A head's raw output is `pose_size` numbers a row: x0, y0, z0, x1, ... and padding;
// a pose is that less its root, so its root is exactly 0.
// Needs globals: pose, dims {joints, pose_rows, pose_size, perspective, depth, min_depth}.
#import shared/rotation.wgsl

// Joint j of a row, root-centred, metres.
fn joint(row: u32, j: u32) -> vec3<f32> {
    let at = row * dims.pose_size;
    let k = at + 3u * j;
    return vec3<f32>(pose[k] - pose[at], pose[k + 1u] - pose[at + 1u], pose[k + 2u] - pose[at + 2u]);
}

fn project(p: vec3<f32>) -> vec2<f32> {
    if dims.perspective != 0u { return p.xy / max(p.z + dims.depth, dims.min_depth); }
    return p.xy / dims.depth;
}

// The gradient of p where d is that of project(p); z has none where the depth is clamped.
fn project_backward(p: vec3<f32>, d: vec2<f32>) -> vec3<f32> {
    if dims.perspective == 0u { return vec3<f32>(d / dims.depth, 0.0); }
    let z = p.z + dims.depth;
    let inverse = 1.0 / max(z, dims.min_depth);
    return vec3<f32>(d * inverse, select(0.0, -dot(d, p.xy) * inverse * inverse, z >= dims.min_depth));
}
