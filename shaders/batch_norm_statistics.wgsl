// mean_j and rstd_j = 1 / sqrt(var_j + eps) of rows [row, row + rows) of z, two passes; and
// running = (1 - momentum) running + momentum (mean, var * rows / (rows - 1)).
// z (1, all_rows, features); statistics (groups, 2, features): mean, then rstd, of this pass's `group`;
// running (2, features): mean, then variance. Grid: 64 features. Twin: cpu/batch_norm.rs. PyTorch: nn.BatchNorm1d.
struct Dims { all_rows: u32, row: u32, rows: u32, features: u32, groups: u32, group: u32, eps: f32, momentum: f32 }
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> z: array<f32>;
@group(0) @binding(2) var<storage, read_write> statistics: array<f32>;
@group(0) @binding(3) var<storage, read_write> running: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3<u32>) {
    let j = gid.x;
    if j >= dims.features { return; }
    let count = f32(dims.rows);
    var sum = 0.0;
    for (var r = dims.row; r < dims.row + dims.rows; r++) { sum += z[r * dims.features + j]; }
    let mean = sum / count;
    var squares = 0.0;
    for (var r = dims.row; r < dims.row + dims.rows; r++) {
        let d = z[r * dims.features + j] - mean;
        squares = fma(d, d, squares);
    }
    let at = dims.group * 2u * dims.features + j;
    statistics[at] = mean;
    statistics[at + dims.features] = 1.0 / sqrt(squares / count + dims.eps);
    let unbiased = squares / (count - 1.0);
    running[j] += dims.momentum * (mean - running[j]);
    running[dims.features + j] += dims.momentum * (unbiased - running[dims.features + j]);
}
