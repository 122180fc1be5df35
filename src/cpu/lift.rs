//! Twins of the corrected lift, forward and backward.

use std::ops::Range;

use crate::kernel::{Inputs, Outputs, Uniforms};

/// Where the rows of an instance lie: in the keypoints, in the poses.
fn rows(u: &Uniforms) -> impl Iterator<Item = [Range<usize>; 2]> {
    let range = |of: &str, size: &str, used: usize| {
        let (all, size) = (u.size(of), u.size(size));
        move |instance: usize, row: usize| {
            let at = (instance * all + row) * size;
            at..at + used
        }
    };
    let joints = u.size("joints");
    let (first, count) = (u.size("row"), u.size("rows"));
    let x = range("input_rows", "keypoint_size", 2 * joints);
    let pose = range("pose_rows", "pose_size", 3 * joints);
    (0..u.size("instances"))
        .flat_map(move |i| (first..first + count).map(move |row| (i, row)))
        .map(move |(i, row)| [x(i, row), pose(i, row)])
}

/// `shaders/shared/lift_corrected.wgsl`
pub(super) fn lift_corrected(u: &Uniforms, x: &[f32; 2], o: [f32; 3]) -> [f32; 3] {
    let scale = u.f32("depth") + if u.flag("perspective") { o[2] } else { 0.0 };
    [x[0] * scale + o[0], x[1] * scale + o[1], o[2]]
}

pub(crate) fn lift_corrected_forward(u: &Uniforms, inputs: &Inputs<'_>, outputs: &mut Outputs<'_>) {
    let (x, poses) = (inputs.get("x"), outputs.take("pose"));
    for [of_x, of_pose] in rows(u) {
        let (x, pose) = (&x[of_x], &mut poses[of_pose]);
        let root = [pose[0], pose[1], pose[2]];
        for (x, p) in x.as_chunks::<2>().0.iter().zip(pose.as_chunks_mut::<3>().0) {
            *p = lift_corrected(u, x, [0, 1, 2].map(|k| p[k] - root[k]));
        }
    }
}

pub(crate) fn lift_corrected_backward(u: &Uniforms, inputs: &Inputs<'_>, outputs: &mut Outputs<'_>) {
    let (x, gradients) = (inputs.get("x"), outputs.take("dpose"));
    for [of_x, of_pose] in rows(u) {
        let (x, dpose) = (&x[of_x], gradients[of_pose].as_chunks_mut::<3>().0);
        let mut root = [0.0; 3];
        for (x, d) in x.as_chunks::<2>().0.iter().zip(&mut *dpose).skip(1) {
            d[2] += if u.flag("perspective") { d[0] * x[0] + d[1] * x[1] } else { 0.0 };
            root = [0, 1, 2].map(|k| root[k] - d[k]);
        }
        dpose[0] = root;
    }
}
