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
@group(0) @binding(2) var<storage, read> parameters: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;
#import shared/linear_backward_input.wgsl

// Nothing is read before it is stored over.
alias Old = f32;
fn old(instance: u32, row: u32, column: u32) -> Old { return 0.0; }

fn store(instance: u32, row: u32, column: u32, value: vec4<f32>, known: Old) {
    let at = features(instance, row, column);
    let inside = there(column);
    if inside.x { dx[at.x] = value.x; }
    if inside.y { dx[at.y] = value.y; }
    if inside.z { dx[at.z] = value.z; }
    if inside.w { dx[at.w] = value.w; }
}
