//! Twins that make labelled poses reach further: limbs of other poses, other views, noise.

use super::State;
use super::geometry::{Bones, MAX_JOINTS, Pose2d, bones, joint, turn};
use super::math::{log_positive, sin_cos};
use super::random::{STREAM_LIMBS, STREAM_NOISE, STREAM_TURN, pcg4d, unit_float};
use super::state::{random_angle, random_rotation, view_rotation};
use crate::kernel::{Inputs, Outputs, Uniforms};

/// A pose whose root is 0; joints that the skeleton lacks are 0 too.
pub(super) type Pose3d = [[f32; 3]; MAX_JOINTS];

/// `shaders/shared/turn.wgsl`: X becomes R X.
pub(super) fn turn_pose(body: &mut Pose3d, r: &[[f32; 3]; 3]) {
    body.iter_mut().for_each(|p| *p = turn(r, *p));
}

/// `shaders/shared/turn.wgsl` and `shaders/shared/noise.wgsl`: keypoints as a model's inputs are.
pub(super) struct Inputs2d<'a> {
    bones: Bones<'a>,
    normalize: bool,
    perspective: bool,
    min_depth: f32,
}

impl<'a> Inputs2d<'a> {
    pub(super) fn new(u: &Uniforms, inputs: &Inputs<'a>) -> Self {
        let (normalize, perspective) = (u.flag("normalize"), u.flag("perspective"));
        Self { bones: bones(u, inputs), normalize, perspective, min_depth: u.f32("min_depth") }
    }

    /// The normalised keypoints of a pose whose root lies `distance` metres before the camera.
    pub(super) fn project_pose(&self, body: &Pose3d, distance: f32) -> Pose2d {
        let mut u = body.map(|[x, y, z]| {
            let z = if self.perspective { (z + distance).max(self.min_depth) } else { distance };
            [x / z, y / z]
        });
        self.normalize(&mut u);
        u
    }

    /// Root-centred and, where the model's inputs are, divided by their bone scale.
    fn normalize(&self, u: &mut Pose2d) {
        let root = u[0];
        u.iter_mut().for_each(|p| *p = [p[0] - root[0], p[1] - root[1]]);
        if self.normalize {
            let scale = self.bones.scale(u).0;
            u.iter_mut().for_each(|p| *p = p.map(|v| v / scale));
        }
    }

    /// Normal noise on each coordinate, then the normalisation again. `key` is seed, step or sample, and stream.
    pub(super) fn add_noise(&self, u: &mut Pose2d, key: [u32; 3], row: u32, pixels: f32) {
        let joints = &mut u[..self.bones.joints];
        let [width, height] = [0, 1].map(|k| {
            let (low, high) = joints.iter().fold((joints[0][k], joints[0][k]), |(a, b), p| (a.min(p[k]), b.max(p[k])));
            high - low
        });
        let mut sigma = 0.0;
        for (j, p) in (0u32..).zip(joints) {
            let bits = pcg4d([key[0], key[1], key[2], 32 * row + j]);
            if j == 0 {
                sigma = unit_float(bits[2]) * pixels / 200.0 * width.max(height);
            }
            // Box and Muller 1958; the logarithm's argument is in (0, 1].
            let radius = sigma * (-2.0 * log_positive(1.0 - unit_float(bits[0]))).sqrt();
            let (sin, cos) = sin_cos(random_angle(bits[1]));
            *p = [p[0] + radius * sin, p[1] + radius * cos];
        }
        self.normalize(u);
    }
}

/// A pose of the data set, or its mirror image.
struct Drawn<'a> {
    pose: &'a [f32],
    /// The joints on the other side, where it is mirrored.
    swap: Option<&'a [u32]>,
}

impl Drawn<'_> {
    fn bone(&self, parent: u32, j: u32) -> [f32; 3] {
        let side = |j: u32| 3 * self.swap.map_or(j, |swap| swap[j as usize]) as usize;
        let [x, y, z] = [0, 1, 2].map(|k| self.pose[side(j) + k] - self.pose[side(parent) + k]);
        [if self.swap.is_some() { -x } else { x }, y, z]
    }

    /// Gives `limb` of `body` the directions of this pose's bones, turned about the vertical until the hips agree.
    fn mix(&self, body: &mut Pose3d, limbs: &[u32], limb: usize) {
        let [right, left] = [body[limbs[0] as usize], body[limbs[3] as usize]];
        let h = [right[0] - left[0], right[2] - left[2]];
        let g = self.bone(limbs[3], limbs[0]);
        // Cosine and sine between the two azimuths; a line of hips that is vertical has none.
        let along = [h[0] * g[0] + h[1] * g[2], h[1] * g[0] - h[0] * g[2]];
        let reach = (along[0] * along[0] + along[1] * along[1]).sqrt();
        let q = if reach > 1e-6 { along.map(|v| v / reach) } else { [1.0, 0.0] };
        let limb = &limbs[3 * limb..3 * limb + 3];
        let mut before = body[limb[0] as usize];
        let mut end = before;
        for bone in limb.windows(2) {
            let j = bone[1] as usize;
            let mut own = [0, 1, 2].map(|k| body[j][k] - before[k]);
            before = body[j];
            let d = self.bone(bone[0], bone[1]);
            let size = length(d);
            if size > 1e-6 {
                let scale = length(own) / size;
                own = [q[0] * d[0] - q[1] * d[2], d[1], q[1] * d[0] + q[0] * d[2]].map(|v| scale * v);
            }
            end = [0, 1, 2].map(|k| end[k] + own[k]);
            body[j] = end;
        }
    }
}

fn length(v: [f32; 3]) -> f32 {
    (v[0] * v[0] + v[1] * v[1] + v[2] * v[2]).sqrt()
}

pub(crate) fn augment_batch(u: &Uniforms, inputs: &Inputs<'_>, outputs: &mut Outputs<'_>) {
    let (joints, keypoint_size, pose_size) = (u.size("joints"), u.size("keypoint_size"), u.size("pose_size"));
    let (turned, noise) = (u.u32("turned"), u.f32("noise"));
    let [nearest, farthest] = ["nearest", "farthest"].map(|name| u.f32(name));
    let (state, plane) = (State::of(inputs.get("state")), Inputs2d::new(u, inputs));
    let (x, truth) = (outputs.take("x"), outputs.take("truth"));
    let rows = x.chunks_exact_mut(keypoint_size).zip(truth.chunks_exact_mut(pose_size));
    for (row, (x, truth)) in (0..u.u32("batch")).zip(rows) {
        let mut flat = [[0.0; 2]; MAX_JOINTS];
        if row < turned {
            let mut body = [[0.0; 3]; MAX_JOINTS];
            body.iter_mut().enumerate().take(joints).for_each(|(j, p)| *p = joint(truth, j));
            mix_limbs(u, inputs, (&state, row), &mut body);
            let bits = pcg4d([state.seed, state.step, STREAM_TURN, row]);
            turn_pose(&mut body, &if row < u.u32("free") { random_rotation(bits) } else { view_rotation(bits) });
            flat = plane.project_pose(&body, nearest + unit_float(bits[3]) * (farthest - nearest));
            truth.chunks_exact_mut(3).zip(&body[..joints]).for_each(|(out, p)| out.copy_from_slice(p));
        } else if noise > 0.0 {
            flat.iter_mut().zip(x.chunks_exact(2)).for_each(|(p, x)| p.copy_from_slice(x));
        } else {
            continue;
        }
        if noise > 0.0 {
            plane.add_noise(&mut flat, [state.seed, state.step, STREAM_NOISE], row, noise);
        }
        x.chunks_exact_mut(2).zip(flat).for_each(|(x, p)| x.copy_from_slice(&p));
    }
}

/// Draws for each limb of a row whether it takes the directions of another pose, and of which.
fn mix_limbs(u: &Uniforms, inputs: &Inputs<'_>, (state, row): (&State, u32), body: &mut Pose3d) {
    let (poses, size) = (u.u32("poses"), u.size("pose_size"));
    let (positions, limbs) = (inputs.get("positions"), inputs.get_u32("limbs"));
    let swap = &inputs.get_u32("skeleton")[u.size("joints")..];
    for (limb, stream) in (STREAM_LIMBS..STREAM_LIMBS + 4).enumerate() {
        let bits = pcg4d([state.seed, state.step, stream, row]);
        if unit_float(bits[0]) < u.f32("limb_mixing") {
            let pose = &positions[(bits[1] % poses) as usize * size..][..size];
            let swap = (u.flag("flip") && bits[2] >> 31 == 1).then_some(swap);
            Drawn { pose, swap }.mix(body, limbs, limb);
        }
    }
}
