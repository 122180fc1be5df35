// dz = dy * leaky_relu'(a) * scale: back through y = leaky_relu(z * scale + shift), where a is that activation (its
// sign is the derivative's). dy, a, dz (instances, all_rows, features); scale_shift (2, features).
// Rows [row, row + rows). Grid: 64 vec4s of a row x row x instance. Twin: cpu/activation.rs.
struct Dims { instances: u32, all_rows: u32, row: u32, rows: u32, features: u32, slope: f32 }
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> dy: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> a: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> scale_shift: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> dz: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3<u32>) {
    let columns = dims.features / 4u;
    if gid.x >= columns { return; }
    let index = (gid.z * dims.all_rows + dims.row + gid.y) * columns + gid.x;
    let derivative = select(vec4<f32>(dims.slope), vec4<f32>(1.0), a[index] > vec4<f32>(0.0));
    dz[index] = dy[index] * derivative * scale_shift[gid.x];
}
