// The sums that batch norm's backward pass needs, over rows [row, row + rows): with n the normalised, scaled value,
// dn = dy * dropout factor * leaky_relu'(n) and xhat = (z - mean) * rstd:
// dweight_j = sum dn xhat, dbias_j = sum dn. They are also the gradients of weight and bias for this `group`.
// dy, z (1, all_rows, features); statistics, dweight_bias (groups, 2, features); weight_bias (2, features);
// mask (mask_rows, mask_features). Grid: 64 vec4 columns. Twin: cpu/batch_norm.rs.
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
@group(0) @binding(5) var<storage, read> mask: array<u32>;
@group(0) @binding(6) var<storage, read> state: State;
@group(0) @binding(7) var<storage, read_write> dweight_bias: array<vec4<f32>>;
#import shared/dropout.wgsl

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3<u32>) {
    let columns = dims.features / 4u;
    if gid.x >= columns { return; }
    let at = dims.group * 2u * columns + gid.x;
    var dweight = vec4<f32>(0.0);
    var dbias = vec4<f32>(0.0);
    for (var r = 0u; r < dims.rows; r++) {
        let index = (dims.row + r) * columns + gid.x;
        let xhat = (z[index] - statistics[at]) * statistics[at + columns];
        let n = xhat * weight_bias[gid.x] + weight_bias[columns + gid.x];
        let derivative = select(vec4<f32>(dims.slope), vec4<f32>(1.0), n > vec4<f32>(0.0));
        let dn = dy[index] * dropout(r * columns + gid.x, index * 4u) * derivative;
        dweight = fma(dn, xhat, dweight);
        dbias += dn;
    }
    dweight_bias[at] = dweight;
    dweight_bias[at + columns] = dbias;
}
