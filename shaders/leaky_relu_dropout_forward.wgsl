// y = dropout(leaky_relu(z)), plus residual where add_residual is set. The discriminator's activation.
// z, residual, y (1, all_rows, features); mask (mask_rows, mask_features): recorded keep bits, read where recorded is set.
// Rows [row, row + rows). Grid: 64 vec4s of a row x row. Twin: cpu/activation.rs.
#import shared/state.wgsl
struct Dims {
    all_rows: u32, row: u32, rows: u32, features: u32, slope: f32, add_residual: u32,
    keep_threshold: u32, keep_scale: f32, stream: u32, recorded: u32,
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> z: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> residual: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> mask: array<u32>;
@group(0) @binding(4) var<storage, read> state: State;
@group(0) @binding(5) var<storage, read_write> y: array<vec4<f32>>;
#import shared/dropout.wgsl

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3<u32>) {
    let columns = dims.features / 4u;
    if gid.x >= columns { return; }
    let index = (dims.row + gid.y) * columns + gid.x;
    let n = z[index];
    var h = select(dims.slope * n, n, n > vec4<f32>(0.0)) * dropout(gid.y * columns + gid.x, index * 4u);
    if dims.add_residual != 0u { h += residual[index]; }
    y[index] = h;
}
