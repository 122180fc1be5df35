// [x, bias_input]^T (dy * row_scale) in tiles: a row is an input feature, the last one the bias; k is a row of x, dy.
// Needs globals: x, dy, row_scale, dims {x_rows, y_rows, row, rows, in_features, out_features, bias_input}.
// row_scale weighs each row: both players of the adversary share one backward pass through D.
// The importing kernel defines store(instance, i, column, gradient): its optimiser step.
#import tile

fn left(instance: u32, i: u32, k: u32) -> f32 {
    let at = (instance * dims.x_rows + dims.row + k) * dims.in_features + min(i, dims.in_features - 1u);
    return select(dims.bias_input, x[at], i < dims.in_features);
}

fn right(instance: u32, k: u32, column: u32) -> vec4<f32> {
    let row = instance * dims.y_rows + dims.row + k;
    return dy[row * (dims.out_features / 4u) + column] * row_scale[row];
}

fn start(instance: u32, column: u32) -> vec4<f32> { return vec4<f32>(0.0); }

@compute @workgroup_size(LANES * SPLITS)
fn main(@builtin(workgroup_id) group: vec3<u32>, place: Place) {
    let size = Size(group.z, dims.in_features + 1u, dims.out_features / 4u, dims.rows);
    product(size, group, place, place.index % LANES, place.index / LANES);
}
