// x W + b in tiles. Needs globals: x, parameters,
// dims {weight_instances, x_rows, row, rows, in_features, out_features}.
// The importing kernel defines store(instance, row, column, value), where row counts from dims.row.
#import tile

fn left(instance: u32, row: u32, k: u32) -> f32 {
    return x[(instance * dims.x_rows + dims.row + row) * dims.in_features + k];
}

fn right(instance: u32, k: u32, column: u32) -> vec4<f32> {
    let row = (instance % dims.weight_instances) * (dims.in_features + 1u) + k;
    return parameters[row * (dims.out_features / 4u) + column];
}

// The bias is the row behind the weights.
fn start(instance: u32, column: u32) -> vec4<f32> { return right(instance, dims.in_features, column); }

// Lanes are neighbouring columns: they read neighbouring weights.
@compute @workgroup_size(LANES * SPLITS)
fn main(@builtin(workgroup_id) group: vec3<u32>, place: Place) {
    let size = Size(group.z, dims.rows, dims.out_features / 4u, dims.in_features);
    product(size, group, place, place.index % LANES, place.index / LANES);
}
