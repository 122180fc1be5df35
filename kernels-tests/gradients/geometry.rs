//! Projections and losses.

use isopose::kernel::{Kernel, Value};
use isopose::kernels::{
    CYCLE_LOSS, DISCRIMINATOR_LOSS, PROJECT_VIEWS_BACKWARD, PROJECT_VIEWS_FORWARD, SUM_VIEWS_BACKWARD, SUPERVISED_LOSS,
};
use isopose::plan::{CpuExecutor, Executor, Init, Recorder, TensorId};
use isopose::pose::Skeleton;

use super::{check, dot};
use crate::models::draws;

pub(super) const LIFTED: usize = 2;
pub(super) const COPIES: usize = 6;
pub(super) const ROWS: usize = LIFTED + COPIES;
const FACTOR: [f32; ROWS] = [0.0, 0.0, 0.3, -0.7, 1.1, 0.9, -0.4, 0.6];

/// Tensors of a few lifted poses and their views.
pub(super) struct Scene {
    pub(super) rec: Recorder,
    joints: usize,
    pub(super) pose_size: usize,
    pub(super) pose: TensorId,
    pub(super) views: TensorId,
    pub(super) skeleton: TensorId,
    pub(super) bones: TensorId,
}

impl Scene {
    pub(super) fn new(joints: usize) -> Self {
        let mut rec = Recorder::new();
        let pose_size = (3 * joints).next_multiple_of(4);
        let skeleton = Skeleton::of(joints).unwrap();
        let words = skeleton.parents.iter().chain(skeleton.swap).map(|&j| j as u32).collect();
        let angles = draws(2, 2 * COPIES).iter().map(|v| 1.5 * v).collect();
        Self {
            joints,
            pose_size,
            pose: rec.tensor_with("pose", &[1, ROWS, pose_size], Init::Data(draws(1, ROWS * pose_size))),
            views: rec.tensor_with("views", &[1, COPIES, 2], Init::Data(angles)),
            skeleton: rec.tensor_with("skeleton", &[2, joints], Init::Words(words)),
            bones: rec.tensor_with("bones", &[joints], Init::Fill(0.05)),
            rec,
        }
    }

    pub(super) fn record(
        &mut self,
        kernel: &'static Kernel,
        tensors: &[(&str, TensorId)],
        known: &[(&'static str, Value)],
    ) {
        let sizes = [("joints", self.joints.into()), ("lifted", LIFTED.into()), ("copies", COPIES.into())];
        let symbols: Vec<&str> = kernel.bindings.iter().flat_map(|b| b.shape).copied().collect();
        let wanted = |name: &str| kernel.uniforms.iter().any(|u| u.name() == name) && !symbols.contains(&name);
        let values: Vec<_> = sizes.iter().chain(known).filter(|(name, _)| wanted(name)).copied().collect();
        self.rec.dispatch(kernel, kernel.name, tensors, &values).unwrap();
    }
}

/// perspective, normalised, depth, smallest depth
fn projection(joints: usize, perspective: bool, normalize: bool, [depth, min_depth]: [f32; 2]) {
    let what = format!("J = {joints}, perspective {perspective}, normalised {normalize}, depth {depth}");
    let mut scene = Scene::new(joints);
    let keypoints = [1, ROWS, 2 * joints];
    let (of_disc, of_lift) = (draws(3, ROWS * 2 * joints), draws(4, ROWS * 2 * joints));
    let y = scene.rec.tensor("y", &keypoints);
    let dy_disc = scene.rec.tensor_with("dy_disc", &keypoints, Init::Data(of_disc.clone()));
    let dy_lift = scene.rec.tensor_with("dy_lift", &keypoints, Init::Data(of_lift.clone()));
    let factor = scene.rec.tensor_with("generator_factor", &[1, ROWS], Init::Data(FACTOR.to_vec()));
    let dpose = scene.rec.tensor("dpose", &[1, COPIES, scene.pose_size]);
    let dout = scene.rec.tensor("dout", &[1, ROWS, scene.pose_size]);
    let values = [
        ("first_view", 0u32.into()),
        ("normalize", normalize.into()),
        ("perspective", perspective.into()),
        ("depth", depth.into()),
        ("min_depth", min_depth.into()),
        ("cycle", true.into()),
    ];
    let forward = scene.rec.section("forward");
    let Scene { pose, views, skeleton, bones, .. } = scene;
    let seen = [("pose", pose), ("views", views), ("skeleton", skeleton), ("bones", bones)];
    scene.record(&PROJECT_VIEWS_FORWARD, &[&seen[..], &[("y", y)]].concat(), &values);
    let backward = scene.rec.section("backward");
    let back = [("dy_disc", dy_disc), ("dy_lift", dy_lift), ("generator_factor", factor), ("dpose", dpose)];
    scene.record(&PROJECT_VIEWS_BACKWARD, &[&seen[..], &back].concat(), &values);
    scene.record(&SUM_VIEWS_BACKWARD, &[("dpose", dpose), ("dout", dout)], &values);
    let mut executor = CpuExecutor::new(scene.rec.finish(), 1).unwrap();
    executor.replay(forward).unwrap();
    executor.replay(backward).unwrap();
    let gradient = executor.read(dout).unwrap();
    let at = executor.read(pose).unwrap();
    let weights: Vec<f32> = (0..ROWS * 2 * joints)
        .map(|k| if k / (2 * joints) < LIFTED { 0.0 } else { FACTOR[k / (2 * joints)] * of_disc[k] + of_lift[k] })
        .collect();
    check(&what, &at, &gradient, |words| {
        executor.write(pose, 0, words);
        executor.replay(forward).unwrap();
        dot(&executor.read(y).unwrap(), &weights)
    });
}

#[test]
fn projections() {
    for (joints, normalize) in [(16, true), (17, false)] {
        projection(joints, true, normalize, [10.0, 1.0]);
        projection(joints, false, normalize, [10.0, 1.0]);
        // About half of the depths are clamped.
        projection(joints, true, normalize, [1.0, 1.0]);
    }
}

#[test]
fn cycle_losses() {
    for (joints, perspective, depth) in [(16, true, 10.0), (17, false, 1.0), (16, true, 1.0)] {
        let mut scene = Scene::new(joints);
        let x = scene.rec.tensor_with("x", &[1, ROWS, 2 * joints], Init::Data(draws(6, ROWS * 2 * joints)));
        let mask = (0..joints).map(|j| if j % 4 == 3 { 0.0 } else { 1.0 }).collect();
        let seen = scene.rec.tensor_with("seen", &[1, 1, joints], Init::Data(mask));
        let losses = scene.rec.tensor("row_losses", &[1, ROWS, 4]);
        let dpose = scene.rec.tensor("dpose", &[1, COPIES, scene.pose_size]);
        let dout = scene.rec.tensor("dout", &[1, ROWS, scene.pose_size]);
        // The losses carry their weights, so that their sum is the objective.
        let values = [
            ("column", 1u32.into()),
            ("first_view", 0u32.into()),
            ("perspective", perspective.into()),
            ("depth", depth.into()),
            ("min_depth", 1.0.into()),
            ("loss_scale_2d", 3.0.into()),
            ("loss_scale_3d", 0.7.into()),
            ("weight_2d", 3.0.into()),
            ("weight_3d", 0.7.into()),
        ];
        let (pose, views) = (scene.pose, scene.views);
        let section = scene.rec.section("cycle");
        let tensors = [
            ("pose", pose),
            ("views", views),
            ("x", x),
            ("seen", seen),
            ("row_losses", losses),
            ("dout", dout),
            ("dpose", dpose),
        ];
        scene.record(&CYCLE_LOSS, &tensors, &values);
        scene.record(&SUM_VIEWS_BACKWARD, &[("dpose", dpose), ("dout", dout)], &values);
        let mut executor = CpuExecutor::new(scene.rec.finish(), 1).unwrap();
        executor.replay(section).unwrap();
        let (at, gradient) = (executor.read(pose).unwrap(), executor.read(dout).unwrap());
        check(&format!("cycle, perspective {perspective}, depth {depth}"), &at, &gradient, |words| {
            executor.write(pose, 0, words);
            executor.replay(section).unwrap();
            executor.read(losses).unwrap().iter().map(|&v| f64::from(v)).sum()
        });
    }
}

#[test]
fn supervised_losses() {
    for joints in [16, 17] {
        let mut scene = Scene::new(joints);
        let size = scene.pose_size;
        let truth = scene.rec.tensor_with("truth", &[1, ROWS, size], Init::Data(draws(7, ROWS * size)));
        let losses = scene.rec.tensor("row_losses", &[1, ROWS, 2]);
        let dout = scene.rec.tensor("dout", &[1, ROWS, size]);
        let values = [
            ("column", 1u32.into()),
            ("position_scale", 0.8.into()),
            ("bone_scale", 0.3.into()),
            ("weight_position", 0.8.into()),
            ("weight_bone", 0.3.into()),
        ];
        let (pose, skeleton) = (scene.pose, scene.skeleton);
        let section = scene.rec.section("supervised");
        let tensors =
            [("pose", pose), ("truth", truth), ("skeleton", skeleton), ("row_losses", losses), ("dout", dout)];
        scene.record(&SUPERVISED_LOSS, &tensors, &values);
        let mut executor = CpuExecutor::new(scene.rec.finish(), 1).unwrap();
        executor.replay(section).unwrap();
        let (at, gradient) = (executor.read(pose).unwrap(), executor.read(dout).unwrap());
        check(&format!("supervised, J = {joints}"), &at, &gradient, |words| {
            executor.write(pose, 0, words);
            executor.replay(section).unwrap();
            executor.read(losses).unwrap().iter().map(|&v| f64::from(v)).sum()
        });
    }
}

#[test]
fn row_factors_of_the_adversary() {
    for saturating in [true, false] {
        let mut rec = Recorder::new();
        let logits: Vec<f32> = draws(8, ROWS).iter().flat_map(|v| [4.0 * v, 0.0, 0.0, 0.0]).collect();
        let input = rec.tensor_with("logits", &[1, ROWS, 4], Init::Data(logits.clone()));
        let losses = rec.tensor("row_losses", &[1, ROWS, 5]);
        let [scale, factor] = ["row_scale", "generator_factor"].map(|name| rec.tensor(name, &[1, ROWS]));
        let section = rec.section("adversary");
        let weight = 0.6f32;
        let values = [
            ("column", 2u32.into()),
            ("lifted", LIFTED.into()),
            ("copies", COPIES.into()),
            ("saturating", saturating.into()),
            ("weight", weight.into()),
        ];
        let tensors = [("logits", input), ("row_losses", losses), ("row_scale", scale), ("generator_factor", factor)];
        rec.dispatch(&DISCRIMINATOR_LOSS, "adversary", &tensors, &values).unwrap();
        let mut executor = CpuExecutor::new(rec.finish(), 1).unwrap();
        executor.replay(section).unwrap();
        let wide = |rows: Vec<f32>| rows.iter().flat_map(|&v| [v, 0.0, 0.0, 0.0]).collect::<Vec<f32>>();
        let (of_d, of_g) = (wide(executor.read(scale).unwrap()), wide(executor.read(factor).unwrap()));
        let mut terms = |words: &[f32]| {
            executor.write(input, 0, words);
            executor.replay(section).unwrap();
            let rows = executor.read(losses).unwrap();
            let mean = |term: usize, count: usize| {
                rows.chunks_exact(5).map(|row| f64::from(row[2 + term])).sum::<f64>() / count as f64 * f64::from(weight)
            };
            (-mean(0, LIFTED) - mean(1, COPIES), mean(2, COPIES))
        };
        check("the discriminator's rows", &logits, &of_d, |words| terms(words).0);
        check(&format!("the generator's rows, saturating {saturating}"), &logits, &of_g, |words| terms(words).1);
    }
}
