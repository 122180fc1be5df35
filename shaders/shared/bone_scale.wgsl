// The bone scale of a 2D pose whose root is 0 (a projected root is exactly that).
// Needs globals: skeleton, bones, dims {joints}, and MAX_JOINTS.
struct BoneScale {
    scale: f32,
    mean_cube: f32,         // mean_j q_j^3
}

// Squared 2D length of bone j over its squared expected length.
fn bone_ratio(u: ptr<function, array<vec2<f32>, MAX_JOINTS>>, j: u32) -> f32 {
    let d = (*u)[j] - (*u)[skeleton[j]];
    return max(dot(d, d), 1e-14) / (bones[j] * bones[j]);
}

fn bone_scale(u: ptr<function, array<vec2<f32>, MAX_JOINTS>>) -> BoneScale {
    var sum = 0.0;
    for (var j = 1u; j < dims.joints; j++) {
        let q = bone_ratio(u, j);
        sum += q * q * q;
    }
    let mean = sum / f32(dims.joints - 1u);
    var s = pow(mean, 1.0 / 6.0);
    // One Newton step of s^6 = mean: pow may be off by more than rounding.
    let s2 = s * s;
    s = max((5.0 * s + mean / (s2 * s2 * s)) / 6.0, 1e-9);
    return BoneScale(s, mean);
}
