// dy W^T in tiles; a column is four input features. Needs globals: dy, parameters (both f32),
// dims {weight_instances, y_rows, row, rows, in_features, out_features}.
// The importing kernel defines store_one(instance, row, i, value), where row counts from dims.row.
#import tile

fn left(instance: u32, row: u32, k: u32) -> f32 {
    return dy[(instance * dims.y_rows + dims.row + row) * dims.out_features + k];
}

fn right(instance: u32, k: u32, column: u32) -> vec4<f32> {
    // Past the last input feature lies the bias, and past that nothing: neither is stored.
    let i = min(vec4<u32>(4u * column) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(dims.in_features));
    let at = ((instance % dims.weight_instances) * (dims.in_features + 1u) + i) * dims.out_features + k;
    return vec4<f32>(parameters[at.x], parameters[at.y], parameters[at.z], parameters[at.w]);
}

fn start(instance: u32, column: u32) -> vec4<f32> { return vec4<f32>(0.0); }

fn store(instance: u32, row: u32, column: u32, value: vec4<f32>) {
    for (var j = 0u; j < 4u; j++) {
        let i = 4u * column + j;
        if i < dims.in_features { store_one(instance, row, i, value[j]); }
    }
}

// Splits come first: they read neighbouring weights, because k runs along a row of W here.
@compute @workgroup_size(LANES * SPLITS)
fn main(@builtin(workgroup_id) group: vec3<u32>, place: Place) {
    let size = Size(group.z, dims.rows, (dims.in_features + 3u) / 4u, dims.out_features);
    product(size, group, place, place.index / SPLITS, place.index % SPLITS);
}
