// A batch made to reach further than its data: rows [0, turned) get limbs of other poses, are turned with their labels,
// [0, free) of them by any rotation, and are seen from any distance; every row gets noise.
// limb: with probability limb_mixing, bones b = |b| Q d / |d|, d those of a drawn pose, Q about y so that hips agree;
// Y = R X, u = Y_xy / max(Y_z + distance, min_depth) or Y_xy / distance; noise as in shared/noise.wgsl.
// positions (poses, pose_size): the data set; skeleton (2, joints): parents, mirror; limbs (4, 3): joints from the
// trunk out, the legs first, right before left; bones (joints): expected lengths in the plane;
// x (1, input_rows, keypoint_size): rows [0, batch); truth (1, batch, pose_size). Grid: 64 rows. Twin: cpu/augment.rs.
#import shared/state.wgsl
#import shared/streams.wgsl
struct Dims {
    poses: u32, pose_size: u32, keypoint_size: u32, joints: u32, input_rows: u32, batch: u32, turned: u32, free: u32,
    flip: u32, normalize: u32, perspective: u32, limb_mixing: f32, nearest: f32, farthest: f32, min_depth: f32,
    noise: f32,
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> positions: array<f32>;
@group(0) @binding(2) var<storage, read> skeleton: array<u32>;
@group(0) @binding(3) var<storage, read> limbs: array<u32>;
@group(0) @binding(4) var<storage, read> bones: array<f32>;
@group(0) @binding(5) var<storage, read> state: State;
@group(0) @binding(6) var<storage, read_write> x: array<f32>;
@group(0) @binding(7) var<storage, read_write> truth: array<f32>;
#import shared/noise.wgsl

// The vector from joint `parent` to joint `j` of a pose of the data set, or of its mirror image.
fn drawn_bone(source: u32, mirrored: bool, parent: u32, j: u32) -> vec3<f32> {
    let first = source * dims.pose_size + 3u * select(parent, skeleton[dims.joints + parent], mirrored);
    let last = source * dims.pose_size + 3u * select(j, skeleton[dims.joints + j], mirrored);
    let sign = select(1.0, -1.0, mirrored);
    return vec3<f32>(
        sign * (positions[last] - positions[first]),
        positions[last + 1u] - positions[first + 1u],
        positions[last + 2u] - positions[first + 2u],
    );
}

fn mix_limb(body: ptr<function, array<vec3<f32>, MAX_JOINTS>>, row: u32, limb: u32) {
    let bits = pcg4d(vec4<u32>(state.seed, state.step, STREAM_LIMBS + limb, row));
    if unit_float(bits.x) >= dims.limb_mixing { return; }
    let source = bits.y % dims.poses;
    let mirrored = dims.flip != 0u && (bits.z >> 31u) == 1u;
    let h = (*body)[limbs[0]] - (*body)[limbs[3]];
    let g = drawn_bone(source, mirrored, limbs[3], limbs[0]);
    // Cosine and sine between the two azimuths; a line of hips that is vertical has none.
    let along = vec2<f32>(h.x * g.x + h.z * g.z, h.z * g.x - h.x * g.z);
    let reach = length(along);
    let q = select(vec2<f32>(1.0, 0.0), along / max(reach, 1e-6), reach > 1e-6);
    var before = (*body)[limbs[3u * limb]];
    var end = before;
    for (var k = 1u; k < 3u; k++) {
        let j = limbs[3u * limb + k];
        var bone = (*body)[j] - before;
        before = (*body)[j];
        let d = drawn_bone(source, mirrored, limbs[3u * limb + k - 1u], j);
        let size = length(d);
        if size > 1e-6 {
            bone = length(bone) / size * vec3<f32>(q.x * d.x - q.y * d.z, d.y, q.y * d.x + q.x * d.z);
        }
        end += bone;
        (*body)[j] = end;
    }
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3<u32>) {
    let row = gid.x;
    if row >= dims.batch || (row >= dims.turned && dims.noise == 0.0) { return; }
    let x_at = row * dims.keypoint_size;
    var u: array<vec2<f32>, MAX_JOINTS>;
    if row < dims.turned {
        let at = row * dims.pose_size;
        var body: array<vec3<f32>, MAX_JOINTS>;
        for (var j = 0u; j < dims.joints; j++) {
            let k = at + 3u * j;
            body[j] = vec3<f32>(truth[k] - truth[at], truth[k + 1u] - truth[at + 1u], truth[k + 2u] - truth[at + 2u]);
        }
        for (var limb = 0u; limb < 4u; limb++) { mix_limb(&body, row, limb); }
        let bits = pcg4d(vec4<u32>(state.seed, state.step, STREAM_TURN, row));
        if row < dims.free {
            turn_pose(&body, random_rotation(bits));
        } else {
            turn_pose(&body, rotation(random_view(bits)));
        }
        project_pose(&body, dims.nearest + unit_float(bits.w) * (dims.farthest - dims.nearest), &u);
        for (var j = 0u; j < dims.joints; j++) {
            truth[at + 3u * j] = body[j].x;
            truth[at + 3u * j + 1u] = body[j].y;
            truth[at + 3u * j + 2u] = body[j].z;
        }
    } else {
        for (var j = 0u; j < dims.joints; j++) { u[j] = vec2<f32>(x[x_at + 2u * j], x[x_at + 2u * j + 1u]); }
    }
    if dims.noise > 0.0 { add_noise(&u, vec3<u32>(state.seed, state.step, STREAM_NOISE), row, dims.noise); }
    for (var j = 0u; j < dims.joints; j++) {
        x[x_at + 2u * j] = u[j].x;
        x[x_at + 2u * j + 1u] = u[j].y;
    }
}
