// One batch from the resident training set. Position p = (step - 1) batch + row of an endless stream of epochs; within
// its epoch the pose is a pseudo-random permutation of p: a 4-round Feistel network on the next even number of bits,
// walked until it lands inside. Each drawn pose is mirrored with probability 1/2 where flip is set.
// keypoints (poses, keypoint_size); positions (poses, pose_size): root-centred, metres; skeleton (2, joints);
// x (1, input_rows, keypoint_size): rows [0, batch); truth (1, batch, pose_size). Grid: 64 rows. Twin: cpu/gather.rs.
#import shared/state.wgsl
#import shared/random.wgsl
#import shared/streams.wgsl
struct Dims {
    poses: u32, keypoint_size: u32, pose_size: u32, joints: u32, input_rows: u32, batch: u32, flip: u32, half_bits: u32,
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> keypoints: array<f32>;
@group(0) @binding(2) var<storage, read> positions: array<f32>;
@group(0) @binding(3) var<storage, read> skeleton: array<u32>;
@group(0) @binding(4) var<storage, read> state: State;
@group(0) @binding(5) var<storage, read_write> x: array<f32>;
@group(0) @binding(6) var<storage, read_write> truth: array<f32>;

fn permute(index: u32, epoch: u32) -> u32 {
    let low = (1u << dims.half_bits) - 1u;
    var value = index;
    loop {
        var left = value >> dims.half_bits;
        var right = value & low;
        for (var i = 0u; i < 4u; i++) {
            let next = left ^ (pcg4d(vec4<u32>(state.seed, epoch, STREAM_ORDER + i, right)).x & low);
            left = right;
            right = next;
        }
        value = (left << dims.half_bits) | right;
        if value < dims.poses { break; }
    }
    return value;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3<u32>) {
    let row = gid.x;
    if row >= dims.batch { return; }
    let p = (state.step - 1u) * dims.batch + row;
    let source = permute(p % dims.poses, p / dims.poses);
    let bits = pcg4d(vec4<u32>(state.seed, state.step, STREAM_FLIP, row)).x;
    let mirrored = dims.flip != 0u && (bits >> 31u) == 1u;
    let sign = select(1.0, -1.0, mirrored);
    for (var j = 0u; j < dims.joints; j++) {
        let drawn = select(j, skeleton[dims.joints + j], mirrored);
        let k2 = source * dims.keypoint_size + 2u * drawn;
        let k3 = source * dims.pose_size + 3u * drawn;
        let x_at = row * dims.keypoint_size + 2u * j;
        let truth_at = row * dims.pose_size + 3u * j;
        x[x_at] = sign * keypoints[k2];
        x[x_at + 1u] = keypoints[k2 + 1u];
        truth[truth_at] = sign * positions[k3];
        truth[truth_at + 1u] = positions[k3 + 1u];
        truth[truth_at + 2u] = positions[k3 + 2u];
    }
    for (var k = 3u * dims.joints; k < dims.pose_size; k++) { truth[row * dims.pose_size + k] = 0.0; }
}
