//! Twin that replays labelled poses out of the reservoir.

use super::State;
use super::augment::{Inputs2d, turn_pose};
use super::geometry::{MAX_JOINTS, joint};
use super::random::{STREAM_REPLAY, STREAM_REPLAY_NOISE, pcg4d};
use super::state::view_rotation;
use crate::kernel::{Inputs, Outputs, Uniforms};

pub(crate) fn gather_replay(u: &Uniforms, inputs: &Inputs<'_>, outputs: &mut Outputs<'_>) {
    let plane = Inputs2d::new(u, inputs);
    let (joints, keypoint_size, pose_size) = (u.size("joints"), u.size("keypoint_size"), u.size("pose_size"));
    let (keypoints, poses) = (inputs.get("keypoints"), inputs.get("pose"));
    let swap = &inputs.get_u32("skeleton")[joints..];
    let state = State::of(inputs.get("state"));
    let (count, instances, replayed) = (u.u32("poses"), u.u32("instances"), u.u32("replayed"));
    let (drawn, noise) = (u.flag("drawn"), u.f32("noise"));
    let (x, truth) = (outputs.take("x"), outputs.take("truth"));
    truth.fill(0.0);
    for (instance, r) in (0..instances).flat_map(|instance| (0..replayed).map(move |r| (instance, r))) {
        let (sample, index) = (state.sample.wrapping_add(instance), u.u32("first") + r);
        let bits = pcg4d([state.seed, sample, STREAM_REPLAY, index]);
        let own = (instance * (count / instances) + index) % count;
        let source = if drawn { bits[0] % count } else { own } as usize;
        let mirrored = drawn && bits[1] >> 31 == 1;
        let label = &poses[source * pose_size..][..pose_size];
        let seen = &keypoints[source * keypoint_size..][..keypoint_size];
        let sign = if mirrored { -1.0 } else { 1.0 };
        let (mut body, mut flat) = ([[0.0; 3]; MAX_JOINTS], [[0.0; 2]; MAX_JOINTS]);
        for j in 0..joints {
            let shown = if mirrored { swap[j] as usize } else { j };
            let [px, py, pz] = joint(label, shown);
            body[j] = [sign * px, py, pz];
            flat[j] = [sign * seen[2 * shown], seen[2 * shown + 1]];
        }
        if drawn && r < u.u32("turned") {
            turn_pose(&mut body, &view_rotation([bits[2], bits[3], bits[0], bits[1]]));
            flat = plane.project_pose(&body, u.f32("depth"));
        }
        if drawn && noise > 0.0 {
            plane.add_noise(&mut flat, [state.seed, sample, STREAM_REPLAY_NOISE], index, noise);
        }
        let (instance, r) = (instance as usize, r as usize);
        let x = &mut x[(instance * u.size("input_rows") + u.size("row") + r) * keypoint_size..][..keypoint_size];
        let truth = &mut truth[(instance * u.size("replayed") + r) * pose_size..][..pose_size];
        x.chunks_exact_mut(2).zip(flat).for_each(|(x, p)| x.copy_from_slice(&p));
        truth.chunks_exact_mut(3).zip(&body[..joints]).for_each(|(out, p)| out.copy_from_slice(p));
    }
}
