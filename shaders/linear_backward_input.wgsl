// dx = dy W^T.
// dy (instances, y_rows, out_features); parameters (weight_instances, in_features + 1, out_features);
// dx (instances, x_rows, in_features). Rows [row, row + rows).
// Grid: tiles of four input features x rows x instance. Twin: cpu/linear.rs.
struct Dims {
    instances: u32, weight_instances: u32, x_rows: u32, y_rows: u32,
    row: u32, rows: u32, in_features: u32, out_features: u32,
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read> parameters: array<f32>;
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;
#import shared/linear_backward_input.wgsl

fn store_one(instance: u32, row: u32, i: u32, value: f32) {
    let index = (instance * dims.x_rows + dims.row + row) * dims.in_features + i;
    dx[index] = value;
}
