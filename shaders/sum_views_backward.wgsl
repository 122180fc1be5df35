// dout of the lift: the sum of dpose over each lifted pose's views, carried back through X = out - out_root:
// dout_j = dX_j, dout_root = -sum_j dX_j. Rows [0, lifted).
// dpose (instances, copies, pose_size); dout (instances, pose_rows, pose_size). Grid: 64 elements x row x instance.
// Twin: cpu/geometry.rs.
struct Dims { instances: u32, copies: u32, pose_size: u32, pose_rows: u32, joints: u32, lifted: u32 }
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> dpose: array<f32>;
@group(0) @binding(2) var<storage, read_write> dout: array<f32>;

fn over_views(instance: u32, row: u32, k: u32) -> f32 {
    let each = dims.copies / dims.lifted;
    var sum = 0.0;
    for (var b = row * each; b < (row + 1u) * each; b++) { sum += dpose[(instance * dims.copies + b) * dims.pose_size + k]; }
    return sum;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3<u32>) {
    let k = gid.x;
    if k >= dims.pose_size { return; }
    var d = 0.0;
    if k >= 3u && k < 3u * dims.joints {
        d = over_views(gid.z, gid.y, k);
    } else if k < 3u {
        for (var j = 1u; j < dims.joints; j++) { d -= over_views(gid.z, gid.y, 3u * j + k); }
    }
    dout[(gid.z * dims.pose_rows + gid.y) * dims.pose_size + k] = d;
}
