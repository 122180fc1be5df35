// Back through a folded batch norm and the leaky ReLU: the factors of four features. Needs globals: scale_shift (f32),
// dims {in_features, slope}.

// The leaky ReLU's derivative, which has the sign of the activation.
fn slope_of(activation: vec4<f32>) -> vec4<f32> {
    return select(vec4<f32>(dims.slope), vec4<f32>(1.0), activation > vec4<f32>(0.0));
}

// The scale of a column. Past the last feature stands the last again.
fn scale_of(column: u32) -> vec4<f32> {
    let i = min(vec4<u32>(4u * column) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(dims.in_features - 1u));
    return vec4<f32>(scale_shift[i.x], scale_shift[i.y], scale_shift[i.z], scale_shift[i.w]);
}
