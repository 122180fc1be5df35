// [x, bias_input]^T (dy * row_scale) in tiles: a row is an input feature, the last one the bias; k is a row of x, dy.
// Needs globals: x, dy, row_scale, dims {x_rows, y_rows, row, rows, in_features, out_features, bias_input}.
// row_scale weighs each row: both players of the adversary share one backward pass through D.
// The importing kernel defines Old, old_at(index) and adapt(index, gradient, old), its optimiser step, where index is that of
// four parameters.
#import tile

fn left(instance: u32, i: u32, k: u32) -> f32 {
    let at = (instance * dims.x_rows + dims.row + k) * dims.in_features + min(i, dims.in_features - 1u);
    return select(dims.bias_input, x[at], i < dims.in_features) * row_scale[instance * dims.y_rows + dims.row + k];
}

struct Right { k0: vec4<f32> }

fn from_of(instance: u32, column: u32) -> u32 {
    return (instance * dims.y_rows + dims.row) * (dims.out_features / 4u) + column;
}

fn along(k: u32) -> u32 { return k * (dims.out_features / 4u); }

fn right(origin: u32, at: u32) -> Right { return Right(dy[origin + at]); }

fn start(instance: u32, column: u32) -> vec4<f32> { return vec4<f32>(0.0); }

fn size_of(instance: u32) -> Size { return Size(instance, dims.in_features + 1u, dims.out_features / 4u, dims.rows); }

fn lane_of(index: u32) -> u32 { return index % LANES; }
fn split_of(index: u32) -> u32 { return index / LANES; }

fn index_of(instance: u32, i: u32, column: u32) -> u32 {
    return (instance * (dims.in_features + 1u) + i) * (dims.out_features / 4u) + column;
}

fn old(instance: u32, i: u32, column: u32) -> Old { return old_at(index_of(instance, i, column)); }

fn store(instance: u32, i: u32, column: u32, g: vec4<f32>, known: Old) {
    adapt(index_of(instance, i, column), g, known);
}
