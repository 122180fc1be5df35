// a = leaky_relu((x W + b) * scale + shift); y = residual + a. The second half of a residual block with frozen batch
// norm: a is kept because its sign is the leaky ReLU's derivative, which the sum hides.
// x (instances, x_rows, in_features); parameters (weight_instances, in_features + 1, out_features);
// scale_shift (2, out_features); residual, a, y (instances, y_rows, out_features).
// Grid: tiles of vec4 columns x rows x instance. Twin: cpu/linear.rs.
struct Dims {
    instances: u32, weight_instances: u32, x_rows: u32, y_rows: u32,
    row: u32, rows: u32, in_features: u32, out_features: u32, slope: f32,
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> parameters: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> scale_shift: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> residual: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> a: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read_write> y: array<vec4<f32>>;
#import shared/linear_forward.wgsl

alias Old = vec4<f32>;

fn index_of(instance: u32, row: u32, column: u32) -> u32 {
    return (instance * dims.y_rows + dims.row + row) * (dims.out_features / 4u) + column;
}

fn old(instance: u32, row: u32, column: u32) -> Old { return residual[index_of(instance, row, column)]; }

fn store(instance: u32, row: u32, column: u32, sum: vec4<f32>, known: Old) {
    let n = fma(sum, scale_shift[column], scale_shift[dims.out_features / 4u + column]);
    let activation = select(dims.slope * n, n, n > vec4<f32>(0.0));
    let index = index_of(instance, row, column);
    a[index] = activation;
    y[index] = known + activation;
}
