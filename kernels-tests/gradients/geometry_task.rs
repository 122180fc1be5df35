//! The geometry task's losses, and the corrected lift.

use isopose::kernels::{GEOMETRY_LOSS, LIFT_CORRECTED_BACKWARD, LIFT_CORRECTED_FORWARD, REPLAY_LOSS};
use isopose::plan::{CpuExecutor, Executor, Init, SectionId, TensorId};

use super::geometry::{COPIES, LIFTED, ROWS, Scene};
use super::{check, dot};
use crate::models::draws;

/// The losses of a scene with some weights of plane, bone and view.
struct Losses {
    executor: CpuExecutor,
    pose_size: usize,
    section: SectionId,
    tensors: [TensorId; 3],
}

impl Losses {
    fn new(joints: usize, (perspective, depth): (bool, f32), [plane, bone, view]: [f32; 3], gate: f32) -> Self {
        let mut scene = Scene::new(joints);
        let x = scene.rec.tensor_with("x", &[1, ROWS, 2 * joints], Init::Data(draws(6, ROWS * 2 * joints)));
        let mask = (0..joints).map(|j| if j % 5 == 4 { 0.0 } else { 1.0 }).collect();
        let seen = scene.rec.tensor_with("seen", &[1, 1, joints], Init::Data(mask));
        let losses = scene.rec.tensor("row_losses", &[1, ROWS, 3]);
        let dout = scene.rec.tensor("dout", &[1, ROWS, scene.pose_size]);
        let values = [
            ("column", 0u32.into()),
            ("first_view", 0u32.into()),
            ("perspective", perspective.into()),
            ("depth", depth.into()),
            ("min_depth", 0.5.into()),
            ("bone_scale", 5.0.into()),
            ("gate", gate.into()),
            ("view_scale", 1.0.into()),
            ("weight_plane", plane.into()),
            ("weight_bone", bone.into()),
            ("weight_view", view.into()),
        ];
        let (pose, pose_size) = (scene.pose, scene.pose_size);
        let section = scene.rec.section("geometry");
        let tensors = [
            ("pose", pose),
            ("x", x),
            ("views", scene.views),
            ("skeleton", scene.skeleton),
            ("bones", scene.bones),
            ("seen", seen),
            ("row_losses", losses),
            ("dout", dout),
        ];
        scene.record(&GEOMETRY_LOSS, &tensors, &values);
        let executor = CpuExecutor::new(scene.rec.finish(), 1).unwrap();
        Self { executor, pose_size, section, tensors: [pose, losses, dout] }
    }

    /// Poses, losses and gradient.
    fn run(&mut self) -> [Vec<f32>; 3] {
        self.executor.replay(self.section).unwrap();
        self.tensors.map(|tensor| self.executor.read(tensor).unwrap())
    }

    /// Checks the gradient of the weighted sum of the losses in rows [first, first + count).
    fn check(mut self, what: &str, weights: [f32; 3], [first, count]: [usize; 2]) {
        let part = first * self.pose_size..(first + count) * self.pose_size;
        let [poses, _, gradient] = self.run();
        check(what, &poses[part.clone()], &gradient[part.clone()], |words| {
            self.executor.write(self.tensors[0], part.start, words);
            let [_, losses, _] = self.run();
            dot(&losses, &weights.repeat(ROWS))
        });
    }
}

#[test]
fn planes_and_bones() {
    for (joints, perspective, depth) in [(16, true, 10.0), (17, false, 2.0), (16, true, 1.0)] {
        for weights in [[0.3, 0.0, 0.0], [0.0, 0.8, 0.0], [0.2, 0.5, 0.0]] {
            let what = format!("J = {joints}, perspective {perspective}, depth {depth}, weights {weights:?}");
            Losses::new(joints, (perspective, depth), weights, 0.0).check(&what, weights, [0, LIFTED]);
        }
    }
}

/// What the views are compared with is held, so that the gradient is that of the views' own rows.
#[test]
fn views() {
    for joints in [16, 17] {
        let weights = [0.0, 0.0, 0.7];
        Losses::new(joints, (true, 10.0), weights, 0.0).check("views", weights, [LIFTED, COPIES]);
    }
}

#[test]
fn the_gate_weighs_plane_bone_and_view_alike() {
    let gradient = |gate: f32| {
        let mut losses = Losses::new(16, (true, 10.0), [0.3, 0.8, 0.7], gate);
        losses.run()
    };
    let [_, losses, open] = gradient(0.0);
    let bone = 0.5 * (losses[1] + losses[4]);
    let [_, same, half] = gradient(2.0 * bone);
    assert_eq!(losses, same, "losses are told unweighted");
    let close = |(half, open): (&f32, &f32)| (half - 0.5 * open).abs() <= 1e-5 * open.abs().max(1e-3);
    assert!(half.iter().zip(&open).all(close) && open.iter().any(|v| *v != 0.0));
    let [_, _, wide] = gradient(0.5 * bone);
    assert_eq!(wide, open, "a sample that is foreign enough counts whole");
}

#[test]
fn replayed_poses() {
    for joints in [16, 17] {
        let mut scene = Scene::new(joints);
        let size = scene.pose_size;
        let replayed = 3;
        let truth = scene.rec.tensor_with("truth", &[1, replayed, size], Init::Data(draws(7, replayed * size)));
        let losses = scene.rec.tensor("row_losses", &[1, ROWS, 2]);
        // Rows of others are not written.
        let dout = scene.rec.tensor("dout", &[1, ROWS, size]);
        let values = [
            ("column", 1u32.into()),
            ("row", LIFTED.into()),
            ("position_scale", 0.8.into()),
            ("bone_scale", 0.3.into()),
            ("weight_position", 0.8.into()),
            ("weight_bone", 0.3.into()),
        ];
        let (pose, skeleton) = (scene.pose, scene.skeleton);
        let section = scene.rec.section("replay");
        let tensors =
            [("pose", pose), ("truth", truth), ("skeleton", skeleton), ("row_losses", losses), ("dout", dout)];
        scene.record(&REPLAY_LOSS, &tensors, &values);
        let mut executor = CpuExecutor::new(scene.rec.finish(), 1).unwrap();
        executor.replay(section).unwrap();
        let (at, gradient) = (executor.read(pose).unwrap(), executor.read(dout).unwrap());
        assert!(gradient[..LIFTED * size].iter().all(|v| *v == 0.0));
        check(&format!("replay, J = {joints}"), &at, &gradient, |words| {
            executor.write(pose, 0, words);
            executor.replay(section).unwrap();
            executor.read(losses).unwrap().iter().map(|&v| f64::from(v)).sum()
        });
    }
}

#[test]
fn corrected_lifts() {
    for (joints, perspective) in [(16, true), (17, false)] {
        let mut scene = Scene::new(joints);
        let size = scene.pose_size;
        // A pose's root is 0 in the plane, as a normalised input's.
        let mut keypoints = draws(6, ROWS * 2 * joints);
        keypoints.chunks_exact_mut(2 * joints).for_each(|row| row[..2].fill(0.0));
        let x = scene.rec.tensor_with("x", &[1, ROWS, 2 * joints], Init::Data(keypoints));
        let weights: Vec<f32> = draws(9, ROWS * size);
        let dpose = scene.rec.tensor("dpose", &[1, ROWS, size]);
        let values =
            [("row", 1u32.into()), ("rows", 4u32.into()), ("perspective", perspective.into()), ("depth", 3.0.into())];
        let pose = scene.pose;
        let forward = scene.rec.section("forward");
        scene.record(&LIFT_CORRECTED_FORWARD, &[("x", x), ("pose", pose)], &values);
        let backward = scene.rec.section("backward");
        scene.record(&LIFT_CORRECTED_BACKWARD, &[("x", x), ("dpose", dpose)], &values);
        let mut executor = CpuExecutor::new(scene.rec.finish(), 1).unwrap();
        let at = executor.read(pose).unwrap();
        // Of the lifted rows, without the root, which is always 0, and without padding.
        let counts = |k: &usize| (1..5).contains(&(k / size)) && (3..3 * joints).contains(&(k % size));
        let counted: Vec<f32> = (0..ROWS * size).map(|k| if counts(&k) { weights[k] } else { 0.0 }).collect();
        executor.write(dpose, 0, &counted);
        executor.replay(backward).unwrap();
        let gradient = executor.read(dpose).unwrap();
        check(&format!("corrected lift, J = {joints}, perspective {perspective}"), &at, &gradient, |words| {
            executor.write(pose, 0, words);
            executor.replay(forward).unwrap();
            dot(&executor.read(pose).unwrap(), &counted)
        });
    }
}
