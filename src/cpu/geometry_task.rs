//! Twins of the geometry task: views of the flip-averaged lift, and what geometry asks of a lift.

use super::geometry::{Bones, Camera, CopyRows, MAX_JOINTS, bones, joint, turn, turn_back};
use super::loss::{columns, write_gradient};
use crate::kernel::{Inputs, Outputs, Uniforms};

/// Poses of the instances of a plan: their rows 0 and 1 are the lifts of an input and of its mirror image.
struct Lifts<'a> {
    pose: &'a [f32],
    pose_rows: usize,
    pose_size: usize,
    swap: &'a [u32],
}

impl<'a> Lifts<'a> {
    fn new(u: &Uniforms, inputs: &Inputs<'a>) -> Self {
        let (pose_rows, pose_size) = (u.size("pose_rows"), u.size("pose_size"));
        let swap = &inputs.get_u32("skeleton")[u.size("joints")..];
        Self { pose: inputs.get("pose"), pose_rows, pose_size, swap }
    }

    fn row(&self, instance: usize, row: usize) -> &'a [f32] {
        &self.pose[(instance * self.pose_rows + row) * self.pose_size..][..self.pose_size]
    }

    /// Joint `j` of the flip-averaged lift.
    fn average(&self, instance: usize, j: usize) -> [f32; 3] {
        let p = joint(self.row(instance, 0), j);
        let [x, y, z] = joint(self.row(instance, 1), self.swap[j] as usize);
        [0.5 * (p[0] - x), 0.5 * (p[1] + y), 0.5 * (p[2] + z)]
    }
}

pub(crate) fn project_average_views_forward(u: &Uniforms, inputs: &Inputs<'_>, outputs: &mut Outputs<'_>) {
    let (rows, camera, bones) = (CopyRows::new(u), Camera::new(u), bones(u, inputs));
    let (lifts, views) = (Lifts::new(u, inputs), inputs.get("views"));
    let y = outputs.take("y");
    for instance in 0..u.size("instances") {
        for b in 0..rows.copies {
            let r = rows.rotation(views, instance, b);
            let mut flat = [[0.0; 2]; MAX_JOINTS];
            for (j, p) in flat.iter_mut().enumerate().take(bones.joints) {
                *p = camera.project(turn(&r, lifts.average(instance, j)));
            }
            let scale = if u.flag("normalize") { bones.scale(&flat).0 } else { 1.0 };
            let y = &mut y[rows.keypoints(rows.input_row(instance, b))];
            y.chunks_exact_mut(2).zip(flat).for_each(|(y, p)| y.copy_from_slice(&p.map(|v| v / scale)));
        }
    }
}

/// The lift of an input or of its mirror image, against the bones that are expected.
struct Limbs<'a> {
    bones: &'a Bones<'a>,
    bone_scale: f32,
    swap: &'a [u32],
    pose: &'a [f32],
    /// Of the input (J).
    seen: &'a [f32],
    mirrored: bool,
}

impl Limbs<'_> {
    /// 1 where the input has what joint `j` shows.
    fn there(&self, j: usize) -> f32 {
        self.seen[if self.mirrored { self.swap[j] as usize } else { j }]
    }

    /// From the parent to joint `j`.
    fn vector(&self, j: usize) -> [f32; 3] {
        let (end, start) = (joint(self.pose, j), joint(self.pose, self.bones.parents[j] as usize));
        [0, 1, 2].map(|k| end[k] - start[k])
    }

    /// How much longer bone `j` is than expected, metres; 0 where the input lacks an end. And its length.
    fn excess(&self, j: usize) -> (f32, f32) {
        let ends = self.there(j) * self.there(self.bones.parents[j] as usize);
        let v = self.vector(j);
        let length = (v[0] * v[0] + v[1] * v[1] + v[2] * v[2]).max(1e-14).sqrt();
        (ends * (length - self.bones.lengths[j] * self.bone_scale), length)
    }

    fn loss(&self) -> f32 {
        (1..self.bones.joints).map(|j| self.excess(j).0.powi(2)).sum()
    }
}

pub(crate) fn geometry_loss(u: &Uniforms, inputs: &Inputs<'_>, outputs: &mut Outputs<'_>) {
    let (rows, camera, bones) = (CopyRows::new(u), Camera::new(u), bones(u, inputs));
    let (lifts, views) = (Lifts::new(u, inputs), inputs.get("views"));
    let (x, all_seen, joints) = (inputs.get("x"), inputs.get("seen"), bones.joints);
    let (keypoint_size, depth) = (u.size("keypoint_size"), u.f32("depth"));
    let (row_losses, dout) = (outputs.take("row_losses"), outputs.take("dout"));
    for instance in 0..u.size("instances") {
        let seen = &all_seen[instance * joints..][..joints];
        let limbs = [false, true].map(|mirrored| Limbs {
            bones: &bones,
            bone_scale: u.f32("bone_scale"),
            swap: lifts.swap,
            pose: lifts.row(instance, mirrored.into()),
            seen,
            mirrored,
        });
        let losses = limbs.each_ref().map(Limbs::loss);
        let gate = match u.f32("gate") {
            gate if gate > 0.0 => (0.5 * (losses[0] + losses[1]) / gate).min(1.0),
            _ => 1.0,
        };
        let dout_row = |row: usize| (instance * lifts.pose_rows + row) * lifts.pose_size;
        for (row, (limbs, bone)) in limbs.iter().zip(losses).enumerate() {
            let x = &x[(instance * u.size("input_rows") + row) * keypoint_size..][..keypoint_size];
            let mut d = [[0.0; 3]; MAX_JOINTS];
            let mut plane = 0.0;
            for (j, d) in d.iter_mut().enumerate().take(joints) {
                let p = joint(limbs.pose, j);
                let projected = camera.project(p);
                let e = [0, 1].map(|k| limbs.there(j) * depth * (projected[k] - x[2 * j + k]));
                plane += e[0] * e[0] + e[1] * e[1];
                *d = camera.project_backward(p, e.map(|e| 2.0 * gate * u.f32("weight_plane") * depth * e));
            }
            for j in 1..joints {
                let (excess, length) = limbs.excess(j);
                // A bone of no length has no direction to grow in.
                let along = if length > 1e-7 { 2.0 * gate * u.f32("weight_bone") * excess / length } else { 0.0 };
                let v = limbs.vector(j);
                for k in 0..3 {
                    d[j][k] += along * v[k];
                    d[bones.parents[j] as usize][k] -= along * v[k];
                }
            }
            write_gradient(&mut d, joints, &mut dout[dout_row(row)..][..lifts.pose_size]);
            let at = columns(u, instance, row);
            (row_losses[at], row_losses[at + 1]) = (plane, bone);
        }
        for b in 0..rows.copies {
            let row = u.size("lifted") + b;
            let r = rows.rotation(views, instance, b);
            let mut d = [[0.0; 3]; MAX_JOINTS];
            let mut view = 0.0;
            for (j, d) in d.iter_mut().enumerate().take(joints) {
                let (back, average) = (turn_back(&r, joint(lifts.row(instance, row), j)), lifts.average(instance, j));
                let e = [0, 1, 2].map(|k| seen[j] * (back[k] - average[k]));
                view += e[0] * e[0] + e[1] * e[1] + e[2] * e[2];
                *d = turn(&r, e.map(|e| 2.0 * gate * u.f32("weight_view") * e));
            }
            write_gradient(&mut d, joints, &mut dout[dout_row(row)..][..lifts.pose_size]);
            row_losses[columns(u, instance, row) + 2] = view * u.f32("view_scale");
        }
    }
}
