// y = leaky_relu((x W + b) * scale + shift): a linear layer with frozen batch norm folded into its epilogue.
// scale = weight / sqrt(running_var + eps), shift = bias - running_mean * scale; 1 and 0 where there is no norm.
// x (instances, x_rows, in_features); parameters (weight_instances, in_features + 1, out_features);
// scale_shift (2, out_features); y (instances, y_rows, out_features). Grid: tiles of vec4 columns x rows x instance.
// Twin: cpu/linear.rs.
struct Dims {
    instances: u32, weight_instances: u32, x_rows: u32, y_rows: u32,
    row: u32, rows: u32, in_features: u32, out_features: u32, slope: f32,
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> parameters: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> scale_shift: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> y: array<vec4<f32>>;
#import shared/linear_forward.wgsl

// Nothing is read before it is stored over.
alias Old = f32;
fn old(instance: u32, row: u32, column: u32) -> Old { return 0.0; }

fn store(instance: u32, row: u32, column: u32, sum: vec4<f32>, known: Old) {
    let columns = dims.out_features / 4u;
    let n = fma(sum, scale_shift[column], scale_shift[columns + column]);
    y[(instance * dims.y_rows + dims.row + row) * columns + column] = select(dims.slope * n, n, n > vec4<f32>(0.0));
}
