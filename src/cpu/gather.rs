//! Twins that bring poses in and predictions out.

use super::State;
use super::geometry::joint;
use super::lift::lift_corrected;
use super::random::{STREAM_FLIP, STREAM_ORDER, pcg4d};
use crate::kernel::{Inputs, Outputs, Uniforms};

/// The pose that position `index` of an epoch draws: a 4-round Feistel network, walked until it lands inside.
fn permute(index: u32, epoch: u32, seed: u32, half_bits: u32, poses: u32) -> u32 {
    let low = (1u32 << half_bits) - 1;
    let mut value = index;
    loop {
        let (mut left, mut right) = (value >> half_bits, value & low);
        for i in 0..4 {
            let next = left ^ (pcg4d([seed, epoch, STREAM_ORDER + i, right])[0] & low);
            (left, right) = (right, next);
        }
        value = (left << half_bits) | right;
        if value < poses {
            return value;
        }
    }
}

pub(crate) fn gather_batch(u: &Uniforms, inputs: &Inputs<'_>, outputs: &mut Outputs<'_>) {
    let (joints, keypoint_size, pose_size) = (u.size("joints"), u.size("keypoint_size"), u.size("pose_size"));
    let (poses, batch) = (u.u32("poses"), u.u32("batch"));
    let (keypoints, positions) = (inputs.get("keypoints"), inputs.get("positions"));
    let swap = &inputs.get_u32("skeleton")[joints..];
    let state = State::of(inputs.get("state"));
    let (x, truth) = (outputs.take("x"), outputs.take("truth"));
    let rows = x.chunks_exact_mut(keypoint_size).zip(truth.chunks_exact_mut(pose_size));
    for (row, (x, truth)) in (0..batch).zip(rows) {
        let p = state.step.wrapping_sub(1).wrapping_mul(batch).wrapping_add(row);
        let source = permute(p % poses, p / poses, state.seed, u.u32("half_bits"), poses) as usize;
        let mirrored = u.flag("flip") && pcg4d([state.seed, state.step, STREAM_FLIP, row])[0] >> 31 == 1;
        let sign = if mirrored { -1.0 } else { 1.0 };
        truth.fill(0.0);
        for j in 0..joints {
            let from = if mirrored { swap[j] as usize } else { j };
            let k2 = &keypoints[source * keypoint_size + 2 * from..][..2];
            let k3 = &positions[source * pose_size + 3 * from..][..3];
            x[2 * j..2 * j + 2].copy_from_slice(&[sign * k2[0], k2[1]]);
            truth[3 * j..3 * j + 3].copy_from_slice(&[sign * k3[0], k3[1], k3[2]]);
        }
    }
}

/// The row of the resident chunk that holds sample `offset` from the next one.
fn chunk_row(u: &Uniforms, inputs: &Inputs<'_>, offset: usize) -> usize {
    let state = State::of(inputs.get("state"));
    (state.sample.wrapping_sub(state.chunk) as usize + offset) % u.size("capacity")
}

pub(crate) fn gather_sample(u: &Uniforms, inputs: &Inputs<'_>, outputs: &mut Outputs<'_>) {
    let size = u.size("keypoint_size");
    let samples = inputs.get("samples");
    let x = outputs.take("x");
    for instance in 0..u.size("instances") {
        let from = chunk_row(u, inputs, instance) * size;
        x[instance * u.size("input_rows") * size..][..size].copy_from_slice(&samples[from..from + size]);
    }
}

pub(crate) fn gather_flip_pairs(u: &Uniforms, inputs: &Inputs<'_>, outputs: &mut Outputs<'_>) {
    let (size, joints, poses) = (u.size("keypoint_size"), u.size("joints"), u.size("poses"));
    let samples = inputs.get("samples");
    let swap = &inputs.get_u32("skeleton")[joints..];
    let x = outputs.take("x");
    for instance in 0..u.size("instances") {
        for p in 0..poses {
            let sample = &samples[chunk_row(u, inputs, instance * poses + p) * size..][..size];
            let plain = (instance * u.size("input_rows") + p) * size;
            x[plain..plain + size].copy_from_slice(sample);
            let mirror = &mut x[plain + poses * size..][..size];
            for (out, &j) in mirror.chunks_exact_mut(2).zip(swap) {
                let from = 2 * j as usize;
                out.copy_from_slice(&[-sample[from], sample[from + 1]]);
            }
        }
    }
}

pub(crate) fn average_flip_pairs(u: &Uniforms, inputs: &Inputs<'_>, outputs: &mut Outputs<'_>) {
    let (size, joints, poses) = (u.size("pose_size"), u.size("joints"), u.size("poses"));
    let (x, pose) = (inputs.get("x"), inputs.get("pose"));
    let swap = &inputs.get_u32("skeleton")[joints..];
    let predictions = outputs.take("predictions");
    // Root-centred, of a row of x and pose.
    let lifted = |instance: usize, row: usize, j: usize| {
        let o = joint(&pose[(instance * u.size("pose_rows") + row) * size..][..size], j);
        let from = (instance * u.size("input_rows") + row) * u.size("keypoint_size") + 2 * j;
        if u.flag("corrected") { lift_corrected(u, &[x[from], x[from + 1]], o) } else { o }
    };
    for instance in 0..u.size("instances") {
        for p in 0..poses {
            let centred = |row, j| {
                let (joint, root) = (lifted(instance, row, j), lifted(instance, row, 0));
                [0, 1, 2].map(|k| joint[k] - root[k])
            };
            let sample = chunk_row(u, inputs, instance * poses + p) * size;
            for j in 0..joints {
                let mut value = centred(p, j);
                if u.flag("flip") {
                    let other = centred(p + poses, swap[j] as usize);
                    value = [value[0] - other[0], value[1] + other[1], value[2] + other[2]].map(|v| 0.5 * v);
                }
                predictions[sample + 3 * j..sample + 3 * j + 3].copy_from_slice(&value);
            }
        }
    }
}
