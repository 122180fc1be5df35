// dx = dy W^T + dresidual: the other branch of a residual block, or of two heads, joins here.
// dy (instances, y_rows, out_features); parameters (weight_instances, in_features + 1, out_features);
// dresidual, dx (instances, x_rows, in_features). Rows [row, row + rows).
// Grid: tiles of four input features x rows x instance. Twin: cpu/linear.rs.
struct Dims {
    instances: u32, weight_instances: u32, x_rows: u32, y_rows: u32,
    row: u32, rows: u32, in_features: u32, out_features: u32,
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read> parameters: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> dresidual: array<f32>;
@group(0) @binding(4) var<storage, read_write> dx: array<f32>;
#import shared/linear_backward_input.wgsl

alias Old = vec4<f32>;

fn old(instance: u32, row: u32, column: u32) -> Old {
    let at = features(instance, row, column);
    return vec4<f32>(dresidual[at.x], dresidual[at.y], dresidual[at.z], dresidual[at.w]);
}

fn store(instance: u32, row: u32, column: u32, value: vec4<f32>, known: Old) {
    let at = features(instance, row, column);
    let inside = there(column);
    let d = value + known;
    if inside.x { dx[at.x] = d.x; }
    if inside.y { dx[at.y] = d.y; }
    if inside.z { dx[at.z] = d.z; }
    if inside.w { dx[at.w] = d.w; }
}
