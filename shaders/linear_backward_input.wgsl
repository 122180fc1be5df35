// dx = dy W^T, plus dresidual where add_residual is set (the other branch of a residual or of two heads).
// dy (instances, y_rows, out_features); parameters (weight_instances, in_features + 1, out_features);
// dresidual, dx (instances, x_rows, in_features). Rows [row, row + rows).
// Grid: 64 input features x 8 rows x instance. Twin: cpu/linear.rs.
struct Dims {
    instances: u32, weight_instances: u32, x_rows: u32, y_rows: u32,
    row: u32, rows: u32, in_features: u32, out_features: u32, add_residual: u32,
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> dy: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> parameters: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> dresidual: array<f32>;
@group(0) @binding(4) var<storage, read_write> dx: array<f32>;

fn store(instance: u32, r: u32, i: u32, value: f32) {
    if r < dims.row + dims.rows {
        let index = (instance * dims.x_rows + r) * dims.in_features + i;
        if dims.add_residual != 0u {
            dx[index] = value + dresidual[index];
        } else {
            dx[index] = value;
        }
    }
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3<u32>) {
    if gid.x >= dims.in_features { return; }
    let columns = dims.out_features / 4u;
    let weights = ((gid.z % dims.weight_instances) * (dims.in_features + 1u) + gid.x) * columns;
    let first = dims.row + gid.y * 8u;
    let last = dims.row + dims.rows - 1u;
    let base = gid.z * dims.y_rows;
    let y0 = (base + min(first, last)) * columns;
    let y1 = (base + min(first + 1u, last)) * columns;
    let y2 = (base + min(first + 2u, last)) * columns;
    let y3 = (base + min(first + 3u, last)) * columns;
    let y4 = (base + min(first + 4u, last)) * columns;
    let y5 = (base + min(first + 5u, last)) * columns;
    let y6 = (base + min(first + 6u, last)) * columns;
    let y7 = (base + min(first + 7u, last)) * columns;
    // Four partial sums per row, added at the end.
    var s0 = vec4<f32>(0.0); var s1 = s0; var s2 = s0; var s3 = s0;
    var s4 = s0; var s5 = s0; var s6 = s0; var s7 = s0;
    for (var o = 0u; o < columns; o++) {
        let w = parameters[weights + o];
        s0 = fma(dy[y0 + o], w, s0);
        s1 = fma(dy[y1 + o], w, s1);
        s2 = fma(dy[y2 + o], w, s2);
        s3 = fma(dy[y3 + o], w, s3);
        s4 = fma(dy[y4 + o], w, s4);
        s5 = fma(dy[y5 + o], w, s5);
        s6 = fma(dy[y6 + o], w, s6);
        s7 = fma(dy[y7 + o], w, s7);
    }
    let ones = vec4<f32>(1.0);
    store(gid.z, first, gid.x, dot(s0, ones));
    store(gid.z, first + 1u, gid.x, dot(s1, ones));
    store(gid.z, first + 2u, gid.x, dot(s2, ones));
    store(gid.z, first + 3u, gid.x, dot(s3, ones));
    store(gid.z, first + 4u, gid.x, dot(s4, ones));
    store(gid.z, first + 5u, gid.x, dot(s5, ones));
    store(gid.z, first + 6u, gid.x, dot(s6, ones));
    store(gid.z, first + 7u, gid.x, dot(s7, ones));
}
