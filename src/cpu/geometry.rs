//! Twins of the pose geometry: random projections and their gradient.

use super::state::rotation;
use crate::kernel::{Inputs, Outputs, Uniforms};

/// Joints of the largest skeleton.
pub(super) const MAX_JOINTS: usize = 17;

/// `shaders/shared/pose.wgsl`.
pub(super) struct Camera {
    perspective: bool,
    depth: f32,
    min_depth: f32,
}

impl Camera {
    pub(super) fn new(u: &Uniforms) -> Self {
        Self { perspective: u.flag("perspective"), depth: u.f32("depth"), min_depth: u.f32("min_depth") }
    }

    pub(super) fn project(&self, p: [f32; 3]) -> [f32; 2] {
        let z = if self.perspective { (p[2] + self.depth).max(self.min_depth) } else { self.depth };
        [p[0] / z, p[1] / z]
    }

    pub(super) fn project_backward(&self, p: [f32; 3], d: [f32; 2]) -> [f32; 3] {
        if !self.perspective {
            return [d[0] / self.depth, d[1] / self.depth, 0.0];
        }
        let z = p[2] + self.depth;
        let inverse = 1.0 / z.max(self.min_depth);
        let along = d[0] * p[0] + d[1] * p[1];
        [d[0] * inverse, d[1] * inverse, if z >= self.min_depth { -along * inverse * inverse } else { 0.0 }]
    }
}

/// Joint `j` of a head's raw output, root-centred.
pub(super) fn joint(out: &[f32], j: usize) -> [f32; 3] {
    [0, 1, 2].map(|k| out[3 * j + k] - out[k])
}

/// `R p`.
pub(super) fn turn(r: &[[f32; 3]; 3], p: [f32; 3]) -> [f32; 3] {
    r.map(|row| row[0] * p[0] + row[1] * p[1] + row[2] * p[2])
}

/// `R^T p`.
pub(super) fn turn_back(r: &[[f32; 3]; 3], p: [f32; 3]) -> [f32; 3] {
    [0, 1, 2].map(|k| r[0][k] * p[0] + r[1][k] * p[1] + r[2][k] * p[2])
}

/// Where copy `b` of an instance finds its tensors' rows.
pub(super) struct CopyRows {
    pose_size: usize,
    pose_rows: usize,
    input_rows: usize,
    keypoint_size: usize,
    view_rows: usize,
    lifted: usize,
    pub(super) copies: usize,
    first_view: usize,
}

impl CopyRows {
    pub(super) fn new(u: &Uniforms) -> Self {
        Self {
            pose_size: u.size("pose_size"),
            pose_rows: u.size("pose_rows"),
            input_rows: u.size("input_rows"),
            keypoint_size: u.size("keypoint_size"),
            view_rows: u.size("view_rows"),
            lifted: u.size("lifted"),
            copies: u.size("copies"),
            first_view: u.size("first_view"),
        }
    }

    /// The lifted pose's row that copy `b` sees.
    fn lift(&self, b: usize) -> usize {
        b / (self.copies / self.lifted)
    }

    pub(super) fn lifted_pose<'a>(&self, pose: &'a [f32], instance: usize, b: usize) -> &'a [f32] {
        let at = (instance * self.pose_rows + self.lift(b)) * self.pose_size;
        &pose[at..at + self.pose_size]
    }

    pub(super) fn relift(&self, instance: usize, b: usize) -> std::ops::Range<usize> {
        let at = (instance * self.pose_rows + self.lifted + b) * self.pose_size;
        at..at + self.pose_size
    }

    pub(super) fn lifted_input<'a>(&self, x: &'a [f32], instance: usize, b: usize) -> &'a [f32] {
        let at = (instance * self.input_rows + self.lift(b)) * self.keypoint_size;
        &x[at..at + self.keypoint_size]
    }

    /// The row of the inputs, and of everything with their rows, that copy `b` fills.
    pub(super) fn input_row(&self, instance: usize, b: usize) -> usize {
        instance * self.input_rows + self.lifted + b
    }

    pub(super) fn keypoints(&self, row: usize) -> std::ops::Range<usize> {
        row * self.keypoint_size..(row + 1) * self.keypoint_size
    }

    pub(super) fn dpose(&self, instance: usize, b: usize) -> std::ops::Range<usize> {
        let at = (instance * self.copies + b) * self.pose_size;
        at..at + self.pose_size
    }

    pub(super) fn rotation(&self, views: &[f32], instance: usize, b: usize) -> [[f32; 3]; 3] {
        let at = 2 * (instance * self.view_rows + self.first_view + b);
        rotation(views[at], views[at + 1])
    }
}

/// `shaders/shared/bone_scale.wgsl`: expected bone lengths and parents.
pub(super) struct Bones<'a> {
    pub(super) parents: &'a [u32],
    pub(super) lengths: &'a [f32],
    pub(super) joints: usize,
}

/// The joints that a skeleton lacks are 0.
pub(super) type Pose2d = [[f32; 2]; MAX_JOINTS];

impl Bones<'_> {
    fn vector(&self, u: &Pose2d, j: usize) -> [f32; 2] {
        let parent = self.parents[j] as usize;
        [u[j][0] - u[parent][0], u[j][1] - u[parent][1]]
    }

    fn ratio(&self, u: &Pose2d, j: usize) -> f32 {
        let d = self.vector(u, j);
        (d[0] * d[0] + d[1] * d[1]).max(1e-14) / (self.lengths[j] * self.lengths[j])
    }

    /// The scale and the mean cube of the ratios.
    pub(super) fn scale(&self, u: &Pose2d) -> (f32, f32) {
        let sum: f32 = (1..self.joints).map(|j| self.ratio(u, j).powi(3)).sum();
        let mean = sum / (self.joints - 1) as f32;
        let s = mean.powf(1.0 / 6.0);
        let s2 = s * s;
        (((5.0 * s + mean / (s2 * s2 * s)) / 6.0).max(1e-9), mean)
    }
}

pub(super) fn bones<'a>(u: &Uniforms, inputs: &Inputs<'a>) -> Bones<'a> {
    Bones { parents: inputs.get_u32("skeleton"), lengths: inputs.get("bones"), joints: u.size("joints") }
}

pub(crate) fn project_views_forward(u: &Uniforms, inputs: &Inputs<'_>, outputs: &mut Outputs<'_>) {
    let (rows, camera, bones) = (CopyRows::new(u), Camera::new(u), bones(u, inputs));
    let (pose, views) = (inputs.get("pose"), inputs.get("views"));
    let y = outputs.take("y");
    for instance in 0..u.size("instances") {
        for b in 0..rows.copies {
            let x = rows.lifted_pose(pose, instance, b);
            let r = rows.rotation(views, instance, b);
            let mut flat = [[0.0; 2]; MAX_JOINTS];
            for (j, p) in flat.iter_mut().enumerate().take(bones.joints) {
                *p = camera.project(turn(&r, joint(x, j)));
            }
            let scale = if u.flag("normalize") { bones.scale(&flat).0 } else { 1.0 };
            let y = &mut y[rows.keypoints(rows.input_row(instance, b))];
            y.chunks_exact_mut(2).zip(flat).for_each(|(y, p)| y.copy_from_slice(&p.map(|v| v / scale)));
        }
    }
}

pub(crate) fn project_views_backward(u: &Uniforms, inputs: &Inputs<'_>, outputs: &mut Outputs<'_>) {
    let (rows, camera, bones) = (CopyRows::new(u), Camera::new(u), bones(u, inputs));
    let (pose, views) = (inputs.get("pose"), inputs.get("views"));
    let (dy_disc, dy_lift) = (inputs.get("dy_disc"), inputs.get("dy_lift"));
    let factors = inputs.get("generator_factor");
    let cycle = u.flag("cycle");
    let dpose = outputs.take("dpose");
    for instance in 0..u.size("instances") {
        for b in 0..rows.copies {
            let x = rows.lifted_pose(pose, instance, b);
            let r = rows.rotation(views, instance, b);
            let input_row = rows.input_row(instance, b);
            let keypoints = rows.keypoints(input_row);
            let mut flat = [[0.0; 2]; MAX_JOINTS];
            let mut d = [[0.0; 2]; MAX_JOINTS];
            for (j, (p, d)) in flat.iter_mut().zip(&mut d).enumerate().take(bones.joints) {
                *p = camera.project(turn(&r, joint(x, j)));
                *d = [0, 1].map(|k| {
                    let at = keypoints.start + 2 * j + k;
                    factors[input_row] * dy_disc[at] + if cycle { dy_lift[at] } else { 0.0 }
                });
            }
            if u.flag("normalize") {
                normalize_backward(&bones, &flat, &mut d);
            }
            let dpose = &mut dpose[rows.dpose(instance, b)];
            for (j, (dpose, d)) in dpose.chunks_exact_mut(3).zip(d).enumerate().take(bones.joints) {
                // The root is 0 whatever the network says.
                let g = match j {
                    0 => [0.0; 3],
                    _ => turn_back(&r, camera.project_backward(turn(&r, joint(x, j)), d)),
                };
                dpose.iter_mut().zip(g).for_each(|(out, g)| *out = g + if cycle { *out } else { 0.0 });
            }
            dpose[3 * bones.joints..].fill(0.0);
        }
    }
}

/// Turns the gradient of `u / scale(u)` into that of `u`.
fn normalize_backward(bones: &Bones<'_>, u: &Pose2d, d: &mut Pose2d) {
    let (scale, mean_cube) = bones.scale(u);
    let mut along = 0.0;
    for (d, u) in d.iter_mut().zip(u).take(bones.joints) {
        along += d[0] * u[0] + d[1] * u[1];
        *d = d.map(|v| v / scale);
    }
    let dscale = if scale <= 1e-9 { 0.0 } else { -along / (scale * scale) };
    let common = dscale * scale / (2.0 * mean_cube * (bones.joints - 1) as f32);
    for j in 1..bones.joints {
        let v = bones.vector(u, j);
        if v[0] * v[0] + v[1] * v[1] > 1e-14 {
            let q = bones.ratio(u, j);
            let factor = 2.0 * common * q * q / (bones.lengths[j] * bones.lengths[j]);
            let parent = bones.parents[j] as usize;
            for k in 0..2 {
                d[j][k] += factor * v[k];
                d[parent][k] -= factor * v[k];
            }
        }
    }
}

pub(crate) fn mask_joints(u: &Uniforms, inputs: &Inputs<'_>, outputs: &mut Outputs<'_>) {
    let (input_rows, size, joints) = (u.size("input_rows"), u.size("keypoint_size"), u.size("joints"));
    let (x, seen) = (inputs.get("x"), inputs.get("seen"));
    let y = outputs.take("y");
    for instance in 0..u.size("instances") {
        let rows = instance * input_rows * size..(instance * input_rows + u.size("rows")) * size;
        for (at, (y, x)) in y[rows.clone()].iter_mut().zip(&x[rows]).enumerate() {
            *y = seen[instance * joints + at % size / 2] * x;
        }
    }
}

pub(crate) fn sum_views_backward(u: &Uniforms, inputs: &Inputs<'_>, outputs: &mut Outputs<'_>) {
    let (copies, lifted, joints) = (u.size("copies"), u.size("lifted"), u.size("joints"));
    let (pose_size, pose_rows) = (u.size("pose_size"), u.size("pose_rows"));
    let dpose = inputs.get("dpose");
    let dout = outputs.take("dout");
    let each = copies / lifted;
    for instance in 0..u.size("instances") {
        for row in 0..lifted {
            let at = (instance * pose_rows + row) * pose_size;
            let out = &mut dout[at..at + pose_size];
            out.fill(0.0);
            for b in row * each..(row + 1) * each {
                let at = (instance * copies + b) * pose_size;
                let joints = 3..3 * joints;
                out[joints.clone()].iter_mut().zip(&dpose[at..][joints]).for_each(|(o, d)| *o += d);
            }
            for k in 0..3 {
                out[k] = -(1..joints).map(|j| out[3 * j + k]).sum::<f32>();
            }
        }
    }
}
