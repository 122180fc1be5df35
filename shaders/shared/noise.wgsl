// Noise on keypoints. Needs the globals of shared/turn.wgsl. The same in src/cpu/augment.rs.
#import shared/turn.wgsl

// Normal noise on each coordinate, then the normalisation again. Its standard deviation is uniform up to `pixels` for a
// person who is 200 pixels large, across or down. `key` is seed, step or sample, and stream.
fn add_noise(u: ptr<function, array<vec2<f32>, MAX_JOINTS>>, key: vec3<u32>, row: u32, pixels: f32) {
    var low = (*u)[0];
    var high = low;
    for (var j = 1u; j < dims.joints; j++) {
        low = min(low, (*u)[j]);
        high = max(high, (*u)[j]);
    }
    let size = max(high.x - low.x, high.y - low.y);
    var sigma = 0.0;
    for (var j = 0u; j < dims.joints; j++) {
        let bits = pcg4d(vec4<u32>(key, 32u * row + j));
        if j == 0u { sigma = unit_float(bits.z) * pixels / 200.0 * size; }
        // Box and Muller 1958; the logarithm's argument is in (0, 1].
        let radius = sigma * sqrt(-2.0 * log_positive(1.0 - unit_float(bits.x)));
        (*u)[j] = (*u)[j] + radius * sin_cos(random_angle(bits.y));
    }
    normalize_keypoints(u);
}
