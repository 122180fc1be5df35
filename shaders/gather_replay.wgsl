// Replayed poses of an optimisation step: row `row + r` of x and row r of truth, r < replayed, from the reservoir.
// drawn: which pose, whether mirrored, and the view follow from pcg4d(seed, sample + instance, REPLAY, first + r); rows
// below `turned` are turned to that view: truth = R X, x = normalize(project(R X)); the others are as recorded. All get
// noise of up to `noise` pixels for a person of 200 pixels.
// Else rows first + r of the instance's own part of the reservoir, as they are.
// keypoints (poses, keypoint_size); pose (poses, pose_size): root-centred, metres; skeleton (2, joints); bones (joints):
// expected lengths in the plane; x (instances, input_rows, keypoint_size); truth (instances, replayed, pose_size).
// Grid: 64 rows x instance. Twin: cpu/replay.rs.
#import shared/state.wgsl
#import shared/streams.wgsl
struct Dims {
    poses: u32, keypoint_size: u32, pose_size: u32, joints: u32, instances: u32, input_rows: u32, replayed: u32, row: u32,
    first: u32, turned: u32, drawn: u32, normalize: u32, perspective: u32, depth: f32, min_depth: f32, noise: f32,
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> keypoints: array<f32>;
@group(0) @binding(2) var<storage, read> pose: array<f32>;
@group(0) @binding(3) var<storage, read> skeleton: array<u32>;
@group(0) @binding(4) var<storage, read> bones: array<f32>;
@group(0) @binding(5) var<storage, read> state: State;
@group(0) @binding(6) var<storage, read_write> x: array<f32>;
@group(0) @binding(7) var<storage, read_write> truth: array<f32>;
#import shared/pose.wgsl
#import shared/noise.wgsl

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3<u32>) {
    let r = gid.x;
    if r >= dims.replayed { return; }
    let bits = pcg4d(vec4<u32>(state.seed, state.sample + gid.y, STREAM_REPLAY, dims.first + r));
    let drawn = dims.drawn != 0u;
    let own = (gid.y * (dims.poses / dims.instances) + dims.first + r) % dims.poses;
    let source = select(own, bits.x % dims.poses, drawn);
    let mirrored = drawn && bits.y >> 31u == 1u;
    let turned = drawn && r < dims.turned;
    let into = (gid.y * dims.input_rows + dims.row + r) * dims.keypoint_size;
    let to = (gid.y * dims.replayed + r) * dims.pose_size;
    let sign = select(1.0, -1.0, mirrored);
    var body: array<vec3<f32>, MAX_JOINTS>;
    var u: array<vec2<f32>, MAX_JOINTS>;
    for (var j = 0u; j < dims.joints; j++) {
        let shown = select(j, skeleton[dims.joints + j], mirrored);
        body[j] = joint(source, shown) * vec3<f32>(sign, 1.0, 1.0);
        let at = source * dims.keypoint_size + 2u * shown;
        u[j] = vec2<f32>(sign * keypoints[at], keypoints[at + 1u]);
    }
    if turned {
        turn_pose(&body, rotation(random_view(bits.zwxy)));
        project_pose(&body, dims.depth, &u);
    }
    if drawn && dims.noise > 0.0 {
        add_noise(&u, vec3<u32>(state.seed, state.sample + gid.y, STREAM_REPLAY_NOISE), dims.first + r, dims.noise);
    }
    for (var j = 0u; j < dims.joints; j++) {
        truth[to + 3u * j] = body[j].x;
        truth[to + 3u * j + 1u] = body[j].y;
        truth[to + 3u * j + 2u] = body[j].z;
        x[into + 2u * j] = u[j].x;
        x[into + 2u * j + 1u] = u[j].y;
    }
    for (var k = 3u * dims.joints; k < dims.pose_size; k++) { truth[to + k] = 0.0; }
}
