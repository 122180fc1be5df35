// dout of the lift: the sum of dpose over each lifted pose's views, carried back through X = out - out_root:
// dout_j = dX_j, dout_root = -sum_j dX_j. Rows [0, lifted).
// dpose (instances, copies, pose_size); dout (instances, pose_rows, pose_size), pose_size at most 64.
// Grid: a row x instance. Twin: cpu/geometry.rs.
struct Dims { instances: u32, copies: u32, pose_size: u32, pose_rows: u32, joints: u32, lifted: u32 }
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> dpose: array<f32>;
@group(0) @binding(2) var<storage, read_write> dout: array<f32>;

var<workgroup> sums: array<f32, 64>;

// In the order of the views; four are loaded before any is added.
fn over_views(instance: u32, row: u32, k: u32) -> f32 {
    let each = dims.copies / dims.lifted;
    var at = (instance * dims.copies + row * each) * dims.pose_size + k;
    var sum = 0.0;
    var b = 0u;
    for (; b + 4u <= each; b += 4u) {
        let first = dpose[at];
        let second = dpose[at + dims.pose_size];
        let third = dpose[at + 2u * dims.pose_size];
        let fourth = dpose[at + 3u * dims.pose_size];
        sum = sum + first + second + third + fourth;
        at += 4u * dims.pose_size;
    }
    for (; b < each; b++) {
        sum += dpose[at];
        at += dims.pose_size;
    }
    return sum;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) k: u32) {
    let is_joint = k >= 3u && k < 3u * dims.joints;
    var d = 0.0;
    if is_joint { d = over_views(group.y, group.x, k); }
    sums[k] = d;
    workgroupBarrier();
    if k >= dims.pose_size { return; }
    if k < 3u {
        for (var j = 1u; j < dims.joints; j++) { d -= sums[3u * j + k]; }
    }
    dout[(group.y * dims.pose_rows + group.x) * dims.pose_size + k] = d;
}
