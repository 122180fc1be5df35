// Labelled poses turned, seen by a camera, and normalised as a model's inputs are. The same in src/cpu/augment.rs.
// Needs globals: skeleton, bones, dims {joints, normalize, perspective, min_depth}.
#import shared/rotation.wgsl
#import shared/bone_scale.wgsl

// X becomes R X; its root is 0.
fn turn_pose(body: ptr<function, array<vec3<f32>, MAX_JOINTS>>, r: mat3x3<f32>) {
    for (var j = 0u; j < dims.joints; j++) { (*body)[j] = r * (*body)[j]; }
}

// The normalised keypoints of a pose whose root is 0 and lies `distance` metres before the camera.
fn project_pose(
    body: ptr<function, array<vec3<f32>, MAX_JOINTS>>, distance: f32, u: ptr<function, array<vec2<f32>, MAX_JOINTS>>,
) {
    for (var j = 0u; j < dims.joints; j++) {
        let p = (*body)[j];
        (*u)[j] = p.xy / select(distance, max(p.z + distance, dims.min_depth), dims.perspective != 0u);
    }
    normalize_keypoints(u);
}

// Root-centred and, where the model's inputs are, divided by their bone scale.
fn normalize_keypoints(u: ptr<function, array<vec2<f32>, MAX_JOINTS>>) {
    let root = (*u)[0];
    for (var j = 0u; j < dims.joints; j++) { (*u)[j] = (*u)[j] - root; }
    if dims.normalize == 0u { return; }
    let scale = bone_scale(u).scale;
    for (var j = 0u; j < dims.joints; j++) { (*u)[j] = (*u)[j] / scale; }
}
