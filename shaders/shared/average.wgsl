// The flip-averaged lift. Needs globals: skeleton, dims {joints}, and shared/pose.wgsl.

// Joint j of (X + flip(X')) / 2: X in `row`, X', that of the mirror image, in the row after it.
fn average_joint(row: u32, j: u32) -> vec3<f32> {
    let other = joint(row + 1u, skeleton[dims.joints + j]);
    return 0.5 * (joint(row, j) + vec3<f32>(-other.x, other.yz));
}
