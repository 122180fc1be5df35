// dx = dy W^T + dresidual; dz = dx * leaky_relu'(a) * scale: out of a residual block, and on through the frozen epilogue of
// the block before it, whose last activation is a (its sign is the derivative's). That block's residual branch needs dx.
// dy (instances, y_rows, out_features); parameters (weight_instances, in_features + 1, out_features);
// dresidual, a, dx, dz (instances, x_rows, in_features); scale_shift (2, in_features). Rows [row, row + rows).
// Grid: tiles of four input features x rows x instance. Twin: cpu/linear.rs.
struct Dims {
    instances: u32, weight_instances: u32, x_rows: u32, y_rows: u32,
    row: u32, rows: u32, in_features: u32, out_features: u32, slope: f32,
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read> parameters: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> dresidual: array<f32>;
@group(0) @binding(4) var<storage, read> a: array<f32>;
@group(0) @binding(5) var<storage, read> scale_shift: array<f32>;
@group(0) @binding(6) var<storage, read_write> dx: array<f32>;
@group(0) @binding(7) var<storage, read_write> dz: array<f32>;
#import shared/linear_backward_input.wgsl
#import shared/folded_norm_backward.wgsl

struct Old { dresidual: vec4<f32>, a: vec4<f32> }

fn old(instance: u32, row: u32, column: u32) -> Old {
    let at = features(instance, row, column);
    return Old(vec4<f32>(dresidual[at.x], dresidual[at.y], dresidual[at.z], dresidual[at.w]),
        vec4<f32>(a[at.x], a[at.y], a[at.z], a[at.w]));
}

fn store(instance: u32, row: u32, column: u32, value: vec4<f32>, known: Old) {
    let at = features(instance, row, column);
    let inside = there(column);
    let sum = value + known.dresidual;
    if inside.x { dx[at.x] = sum.x; }
    if inside.y { dx[at.y] = sum.y; }
    if inside.z { dx[at.z] = sum.z; }
    if inside.w { dx[at.w] = sum.w; }
    let d = sum * slope_of(known.a) * scale_of(column);
    if inside.x { dz[at.x] = d.x; }
    if inside.y { dz[at.y] = d.y; }
    if inside.z { dz[at.z] = d.z; }
    if inside.w { dz[at.w] = d.w; }
}
