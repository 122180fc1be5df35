// Eq. 2 of a row of `pose` against one of `truth`, and its gradient at the row's raw output, written to dout.
// Needs globals: pose, truth, skeleton, dout, dims {pose_size, joints, position_scale, bone_scale, weight_position,
// weight_bone}.
const MAX_JOINTS: u32 = 17u;

// The loss: position_scale |X - G|^2 + bone_scale |B(X) - B(G)|^2, X = out - out_root, B from parent to child.
fn supervise(row: u32, label: u32) -> f32 {
    let at = row * dims.pose_size;
    let first = label * dims.pose_size;
    let root = vec3<f32>(pose[at], pose[at + 1u], pose[at + 2u]);
    var error: array<vec3<f32>, MAX_JOINTS>;
    var d: array<vec3<f32>, MAX_JOINTS>;
    var positions = 0.0;
    for (var j = 0u; j < dims.joints; j++) {
        let k = at + 3u * j;
        let g = first + 3u * j;
        error[j] = vec3<f32>(pose[k], pose[k + 1u], pose[k + 2u]) - root - vec3<f32>(truth[g], truth[g + 1u], truth[g + 2u]);
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
    return dims.position_scale * positions + dims.bone_scale * bones;
}
