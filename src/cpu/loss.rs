//! Twins of the losses: each gives its rows' values and the gradient that starts a backward pass.

use super::State;
use super::geometry::{Camera, CopyRows, MAX_JOINTS, joint, turn, turn_back};
use super::math::{log_sigmoid, sigmoid};
use crate::kernel::{Inputs, Outputs, Uniforms};

/// Where the task's columns of `row_losses` begin in a row of an instance.
pub(super) fn columns(u: &Uniforms, instance: usize, row: usize) -> usize {
    (instance * u.size("loss_rows") + row) * u.size("terms") + u.size("column")
}

pub(crate) fn cycle_loss(u: &Uniforms, inputs: &Inputs<'_>, outputs: &mut Outputs<'_>) {
    let (rows, camera, joints) = (CopyRows::new(u), Camera::new(u), u.size("joints"));
    let (pose, views, x) = (inputs.get("pose"), inputs.get("views"), inputs.get("x"));
    let seen = inputs.get("seen");
    let (weight_2d, weight_3d) = (u.f32("weight_2d"), u.f32("weight_3d"));
    let row_losses = outputs.take("row_losses");
    let (dout, dpose) = (outputs.take("dout"), outputs.take("dpose"));
    for instance in 0..u.size("instances") {
        for b in 0..rows.copies {
            let lifted = rows.lifted_pose(pose, instance, b);
            let relift = &pose[rows.relift(instance, b)];
            let input = rows.lifted_input(x, instance, b);
            let r = rows.rotation(views, instance, b);
            let dout = &mut dout[rows.relift(instance, b)];
            let dpose = &mut dpose[rows.dpose(instance, b)];
            dout.fill(0.0);
            dpose.fill(0.0);
            let (mut loss_2d, mut loss_3d) = (0.0, 0.0);
            for j in 0..joints {
                let v = turn_back(&r, joint(relift, j));
                let original = joint(lifted, j);
                let weight = seen[instance * joints + j];
                let d3 = [0, 1, 2].map(|k| weight * (v[k] - original[k]));
                let flat = camera.project(v);
                let d2 = [0, 1].map(|k| weight * (flat[k] - input[2 * j + k]));
                loss_2d += d2[0] * d2[0] + d2[1] * d2[1];
                loss_3d += d3[0] * d3[0] + d3[1] * d3[1] + d3[2] * d3[2];
                let through_camera = camera.project_backward(v, d2.map(|d| 2.0 * weight_2d * d));
                let dv = [0, 1, 2].map(|k| through_camera[k] + 2.0 * weight_3d * d3[k]);
                let d = turn(&r, dv);
                for k in 0..3 {
                    if j > 0 {
                        dout[3 * j + k] = d[k];
                        dout[k] -= d[k];
                    }
                    dpose[3 * j + k] = -2.0 * weight_3d * d3[k];
                }
            }
            let at = columns(u, instance, u.size("lifted") + b);
            row_losses[at] = loss_2d * u.f32("loss_scale_2d");
            row_losses[at + 1] = loss_3d * u.f32("loss_scale_3d");
        }
    }
}

pub(crate) fn discriminator_loss(u: &Uniforms, inputs: &Inputs<'_>, outputs: &mut Outputs<'_>) {
    let (lifted, copies, weight) = (u.size("lifted"), u.size("copies"), u.f32("weight"));
    let logits = inputs.get("logits");
    let row_losses = outputs.take("row_losses");
    let (row_scale, generator_factor) = (outputs.take("row_scale"), outputs.take("generator_factor"));
    for instance in 0..u.size("instances") {
        for r in 0..lifted + copies {
            let row = instance * u.size("input_rows") + r;
            let losses = &mut row_losses[columns(u, instance, r)..][..3];
            let l = logits[row * u.size("logit_size")];
            if r < lifted {
                losses[0] = log_sigmoid(l);
                row_scale[row] = -weight / lifted as f32 * sigmoid(-l);
                generator_factor[row] = 0.0;
                continue;
            }
            let each = weight / copies as f32;
            losses[1] = log_sigmoid(-l);
            row_scale[row] = each * sigmoid(l);
            (losses[2], generator_factor[row]) = if u.flag("saturating") {
                (log_sigmoid(-l), -each * sigmoid(l))
            } else {
                (-log_sigmoid(l), -each * sigmoid(-l))
            };
        }
    }
}

pub(crate) fn supervised_loss(u: &Uniforms, inputs: &Inputs<'_>, outputs: &mut Outputs<'_>) {
    let row_losses = outputs.take("row_losses");
    let dout = outputs.take("dout");
    for row in 0..u.size("rows") {
        row_losses[columns(u, 0, row)] = supervise(u, inputs, [row, row], dout);
    }
}

pub(crate) fn replay_loss(u: &Uniforms, inputs: &Inputs<'_>, outputs: &mut Outputs<'_>) {
    let (replayed, first) = (u.size("replayed"), u.size("row"));
    let row_losses = outputs.take("row_losses");
    let dout = outputs.take("dout");
    for instance in 0..u.size("instances") {
        for r in 0..replayed {
            let rows = [instance * u.size("pose_rows") + first + r, instance * replayed + r];
            row_losses[columns(u, instance, first + r)] = supervise(u, inputs, rows, dout);
        }
    }
}

/// Eq. 2 of row `row` of the poses against row `label` of the truth, and its gradient to `dout`.
fn supervise(u: &Uniforms, inputs: &Inputs<'_>, [row, label]: [usize; 2], dout: &mut [f32]) -> f32 {
    let (joints, pose_size) = (u.size("joints"), u.size("pose_size"));
    let (pose, truth, parents) = (inputs.get("pose"), inputs.get("truth"), inputs.get_u32("skeleton"));
    let (weight_position, weight_bone) = (u.f32("weight_position"), u.f32("weight_bone"));
    let at = row * pose_size..(row + 1) * pose_size;
    let (out, truth) = (&pose[at.clone()], &truth[label * pose_size..][..pose_size]);
    let mut error = [[0.0f32; 3]; MAX_JOINTS];
    let mut d = [[0.0f32; 3]; MAX_JOINTS];
    let (mut positions, mut bones) = (0.0, 0.0);
    for j in 0..joints {
        let x = joint(out, j);
        error[j] = [0, 1, 2].map(|k| x[k] - truth[3 * j + k]);
        positions += error[j].iter().map(|e| e * e).sum::<f32>();
        d[j] = error[j].map(|e| 2.0 * weight_position * e);
    }
    for j in 1..joints {
        let parent = parents[j] as usize;
        for k in 0..3 {
            let bone = error[j][k] - error[parent][k];
            bones += bone * bone;
            d[j][k] += 2.0 * weight_bone * bone;
            d[parent][k] -= 2.0 * weight_bone * bone;
        }
    }
    write_gradient(&mut d, joints, &mut dout[at]);
    u.f32("position_scale") * positions + u.f32("bone_scale") * bones
}

/// Writes the gradient at a pose, `d`, as that at the raw output that it is of.
pub(super) fn write_gradient(d: &mut [[f32; 3]; MAX_JOINTS], joints: usize, dout: &mut [f32]) {
    // X_root is 0 whatever the network says: its own gradient is dropped, out_root gets minus the others'.
    d[0] = [0, 1, 2].map(|k| -(1..joints).map(|j| d[j][k]).sum::<f32>());
    dout.fill(0.0);
    dout.chunks_exact_mut(3).zip(&d[..joints]).for_each(|(out, d)| out.copy_from_slice(d));
}

pub(crate) fn reduce_losses(u: &Uniforms, inputs: &Inputs<'_>, outputs: &mut Outputs<'_>) {
    let (instances, terms) = (u.size("instances"), u.size("terms"));
    let state = State::of(inputs.get("state"));
    let (row_losses, columns) = (inputs.get("row_losses"), inputs.get_u32("columns"));
    let slot = state.step.wrapping_sub(1) as usize % u.size("slots");
    let ring = &mut outputs.take("ring")[slot * instances * terms..][..instances * terms];
    for (at, out) in ring.iter_mut().enumerate() {
        let (instance, term) = (at / terms, at % terms);
        let (row, count) = (columns[2 * term] as usize, columns[2 * term + 1] as usize);
        let first = instance * u.size("loss_rows") + row;
        *out = (first..first + count).map(|r| row_losses[r * terms + term]).sum::<f32>() / count.max(1) as f32;
    }
}
