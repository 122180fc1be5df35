// dz = (dy W^T) * leaky_relu'(a) * scale: through a linear layer and the frozen epilogue of the one before it, whose
// activation is a (its sign is the derivative's).
// dy (instances, y_rows, out_features); parameters (weight_instances, in_features + 1, out_features);
// a, dz (instances, x_rows, in_features); scale_shift (2, in_features). Rows [row, row + rows).
// Grid: tiles of four input features x rows x instance. Twin: cpu/linear.rs.
struct Dims {
    instances: u32, weight_instances: u32, x_rows: u32, y_rows: u32,
    row: u32, rows: u32, in_features: u32, out_features: u32, slope: f32,
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read> parameters: array<f32>;
@group(0) @binding(3) var<storage, read> a: array<f32>;
@group(0) @binding(4) var<storage, read> scale_shift: array<f32>;
@group(0) @binding(5) var<storage, read_write> dz: array<f32>;
#import shared/linear_backward_input.wgsl

fn store_one(instance: u32, row: u32, i: u32, value: f32) {
    let index = (instance * dims.x_rows + dims.row + row) * dims.in_features + i;
    let derivative = select(dims.slope, 1.0, a[index] > 0.0);
    dz[index] = value * derivative * scale_shift[i];
}
