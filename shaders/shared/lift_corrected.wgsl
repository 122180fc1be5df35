// A head's output of a joint, less the root's, put at its depth and corrected. Needs dims {perspective, depth}.
fn lift_corrected(x: vec2<f32>, o: vec3<f32>) -> vec3<f32> {
    let scale = dims.depth + select(0.0, o.z, dims.perspective != 0u);
    return vec3<f32>(x * scale + o.xy, o.z);
}
