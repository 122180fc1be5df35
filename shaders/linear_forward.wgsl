// y = x W + b, on rows [row, row + rows) of every instance.
// x (instances, x_rows, in_features); parameters (weight_instances, in_features + 1, out_features): W, then b as
// the last row; y (instances, y_rows, out_features). Grid: tiles of vec4 columns x rows x instance.
// Twin: cpu/linear.rs. PyTorch: nn.Linear, weight transposed.
struct Dims {
    instances: u32, weight_instances: u32, x_rows: u32, y_rows: u32,
    row: u32, rows: u32, in_features: u32, out_features: u32,
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> parameters: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4<f32>>;
#import shared/linear_forward.wgsl

// Nothing is read before it is stored over.
alias Old = f32;
fn old(instance: u32, row: u32, column: u32) -> Old { return 0.0; }

fn store(instance: u32, row: u32, column: u32, value: vec4<f32>, known: Old) {
    y[(instance * dims.y_rows + dims.row + row) * (dims.out_features / 4u) + column] = value;
}
