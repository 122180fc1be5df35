// The gradient of a linear layer's parameters: [x, bias_input]^T (dy * row_scale), eight rows of it by one vec4 column.
// Needs globals: x, dy, row_scale, dims {x_rows, y_rows, row, rows, in_features, out_features, bias_input}.
// row_scale weighs each row: both players of the adversary share one backward pass through D.
// The importing kernel defines step(instance, i, column, gradient), which drops rows past the bias.

struct Gradient8 {
    g0: vec4<f32>, g1: vec4<f32>, g2: vec4<f32>, g3: vec4<f32>,
    g4: vec4<f32>, g5: vec4<f32>, g6: vec4<f32>, g7: vec4<f32>,
}

// Input feature i of a row; past the last feature it is the bias's.
fn augmented(row: u32, i: u32) -> f32 {
    return select(dims.bias_input, x[row * dims.in_features + min(i, dims.in_features - 1u)], i < dims.in_features);
}

fn linear_gradient(instance: u32, i: u32, column: u32) -> Gradient8 {
    let columns = dims.out_features / 4u;
    let zero = vec4<f32>(0.0);
    var g = Gradient8(zero, zero, zero, zero, zero, zero, zero, zero);
    for (var r = dims.row; r < dims.row + dims.rows; r++) {
        let xr = instance * dims.x_rows + r;
        let yr = instance * dims.y_rows + r;
        let d = dy[yr * columns + column] * row_scale[yr];
        g.g0 = fma(vec4<f32>(augmented(xr, i)), d, g.g0);
        g.g1 = fma(vec4<f32>(augmented(xr, i + 1u)), d, g.g1);
        g.g2 = fma(vec4<f32>(augmented(xr, i + 2u)), d, g.g2);
        g.g3 = fma(vec4<f32>(augmented(xr, i + 3u)), d, g.g3);
        g.g4 = fma(vec4<f32>(augmented(xr, i + 4u)), d, g.g4);
        g.g5 = fma(vec4<f32>(augmented(xr, i + 5u)), d, g.g5);
        g.g6 = fma(vec4<f32>(augmented(xr, i + 6u)), d, g.g6);
        g.g7 = fma(vec4<f32>(augmented(xr, i + 7u)), d, g.g7);
    }
    return g;
}

// One optimiser step on the eight parameter rows from `i` on.
fn step_rows(instance: u32, i: u32, column: u32) {
    let g = linear_gradient(instance, i, column);
    step(instance, i, column, g.g0);
    step(instance, i + 1u, column, g.g1);
    step(instance, i + 2u, column, g.g2);
    step(instance, i + 3u, column, g.g3);
    step(instance, i + 4u, column, g.g4);
    step(instance, i + 5u, column, g.g5);
    step(instance, i + 6u, column, g.g6);
    step(instance, i + 7u, column, g.g7);
}
