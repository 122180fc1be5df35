// y += x on rows [row, row + rows): where the gradients of two heads meet.
// x, y (instances, all_rows, features). Grid: 64 vec4s of a row x row x instance. Twin: cpu/activation.rs.
struct Dims { instances: u32, all_rows: u32, row: u32, rows: u32, features: u32 }
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3<u32>) {
    let columns = dims.features / 4u;
    if gid.x >= columns { return; }
    let index = (gid.z * dims.all_rows + dims.row + gid.y) * columns + gid.x;
    y[index] += x[index];
}
