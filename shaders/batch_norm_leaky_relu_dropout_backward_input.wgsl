// dz = weight * rstd * (dn - dbias / rows - xhat * dweight / rows), with dn and xhat as in ..._backward_reduce.
// dy, z, dz (1, all_rows, features); statistics, dweight_bias (groups, 2, features); weight_bias (2, features);
// mask (mask_rows, mask_features). Rows [row, row + rows). Grid: 64 vec4s of a row x row. Twin: cpu/batch_norm.rs.
#import shared/state.wgsl
struct Dims {
    all_rows: u32, row: u32, rows: u32, features: u32, groups: u32, group: u32, slope: f32,
    keep_threshold: u32, keep_scale: f32, stream: u32, recorded: u32,
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> dy: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> z: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> statistics: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> weight_bias: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read> dweight_bias: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read> mask: array<u32>;
@group(0) @binding(7) var<storage, read> state: State;
@group(0) @binding(8) var<storage, read_write> dz: array<vec4<f32>>;
#import shared/dropout.wgsl

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3<u32>) {
    let columns = dims.features / 4u;
    if gid.x >= columns { return; }
    let index = (dims.row + gid.y) * columns + gid.x;
    let at = dims.group * 2u * columns + gid.x;
    let rstd = statistics[at + columns];
    let xhat = (z[index] - statistics[at]) * rstd;
    let n = xhat * weight_bias[gid.x] + weight_bias[columns + gid.x];
    let derivative = select(vec4<f32>(dims.slope), vec4<f32>(1.0), n > vec4<f32>(0.0));
    let dn = dy[index] * dropout(gid.y * columns + gid.x, index * 4u) * derivative;
    let inverse = 1.0 / f32(dims.rows);
    dz[index] = weight_bias[gid.x] * rstd
        * (dn - dweight_bias[at + columns] * inverse - xhat * dweight_bias[at] * inverse);
}
