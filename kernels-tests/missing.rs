//! Samples that lack joints: what stands in for them reaches neither the discriminator nor the cycle's losses.

use isopose::adapt::{AdaptConfig, AdaptPlan, Mode, Policy, adapt_plan};
use isopose::config::ModelConfig;
use isopose::data::{Prepared, Scenario, synthetic};
use isopose::evaluate::{Stream, predict};
use isopose::gpu::Device;
use isopose::plan::{CpuExecutor, Executor};
use isopose::pose::Fill;

use crate::device::devices;
use crate::models::{adaptation, adapter, checkpoint, geometry, keypoints, lifter, mode, model};

const JOINTS: usize = 16;
const MISSING: [usize; 3] = [3, 9, 12];

fn mask() -> Vec<f32> {
    (0..JOINTS).map(|joint| if MISSING.contains(&joint) { 0.0 } else { 1.0 }).collect()
}

/// The modes of these names, each with a model of either preset.
fn every_adaptation(modes: &[&str]) -> Vec<(ModelConfig, Mode)> {
    let models = [model(JOINTS, 20), geometry(JOINTS, 20)];
    models.iter().flat_map(|model| modes.iter().map(|name| (model.clone(), mode(name)))).collect()
}

/// What the image and the bones say does not depend on what was filled in for joints that a sample lacks, but for what the
/// network makes of it: here nothing, since its stem does not look at its input.
#[test]
fn the_geometry_task_does_not_see_missing_joints() {
    let model = ModelConfig { lambda_replay: 0.0, ..geometry(JOINTS, 20) };
    let config = AdaptConfig { masked: true, ..adaptation(Mode::ONLINE.policy(&model)) };
    let AdaptPlan { recording, ids } = adapt_plan(&model, &config).unwrap();
    let bound = || recording.plan.sections.iter().flat_map(|s| &s.dispatches).flat_map(|dispatch| &dispatch.tensors);
    let seen = *bound().find(|id| recording.plan.tensor(**id).name == "seen").unwrap();
    let mut parameters = checkpoint(&model).parameters;
    parameters.get_mut("extractor.stem.weight").unwrap().data.fill(0.0);
    let losses = |filled: f32| {
        let mut executor = CpuExecutor::new(recording.plan.clone(), 1).unwrap();
        recording.store.load(&mut executor, &model, &parameters, &[]).unwrap();
        let mut xs = keypoints(1, JOINTS);
        MISSING.iter().for_each(|joint| xs[2 * joint..][..2].fill(filled));
        executor.write(ids.samples, 0, &xs);
        executor.write(ids.masks.unwrap(), 0, &mask());
        executor.replay(ids.adapt.unwrap()).unwrap();
        assert_eq!(executor.read(seen).unwrap(), mask());
        // Plane, bone, view, replay.
        executor.read(ids.losses.unwrap()).unwrap()[..4].to_vec()
    };
    let (one, other) = (losses(0.01), losses(0.05));
    assert!(one.iter().all(|v| v.is_finite() && *v > 0.0), "{one:?}");
    assert_eq!(one[..2], other[..2]);
    // A view is scaled as a whole, by all of its bones.
    assert_ne!(one[2], other[2]);
}

#[test]
fn a_mask_of_ones_changes_nothing() {
    let xs = keypoints(5, JOINTS);
    for device in devices() {
        for (model, mode) in every_adaptation(&["vanilla", "online"]) {
            let run = |masked: bool| {
                let config = AdaptConfig { masked, ..adaptation(mode.policy(&model)) };
                let adapter = adapter(&model, &config, &device);
                let mut seen = vec![1.0; xs.len() / 2];
                let with_mask = adapter.run(&xs, Some(&seen)).unwrap();
                adapter.reset().unwrap();
                let without = adapter.run(&xs, None).unwrap();
                assert_eq!(without, with_mask, "{mode} on {}, masked: {masked}", device.name());
                assert!(adapter.run(&xs, Some(&seen[1..])).is_err(), "a short mask");
                assert!(adapter.run(&xs[1..], None).is_err(), "half a joint");
                seen[3] = 0.0;
                assert_eq!(adapter.run(&xs, Some(&seen)).is_ok(), masked, "a mask is not ignored");
                with_mask
            };
            assert_eq!(run(true), run(false), "{mode} on {}", device.name());
        }
    }
}

#[test]
fn the_discriminator_and_the_cycle_do_not_see_missing_joints() {
    let model = model(JOINTS, 20);
    let config = AdaptConfig { masked: true, ..adaptation(Policy::ONLINE) };
    let AdaptPlan { recording, ids } = adapt_plan(&model, &config).unwrap();
    let bound = || recording.plan.sections.iter().flat_map(|s| &s.dispatches).flat_map(|dispatch| &dispatch.tensors);
    let find = |name: &str| *bound().find(|id| recording.plan.tensor(**id).name == name).unwrap();
    let [judged, gradient, dpose, x] = ["masked.x", "masked.dy_disc", "dpose", "x"].map(find);
    let mut executor = CpuExecutor::new(recording.plan.clone(), 1).unwrap();
    recording.store.load(&mut executor, &model, &checkpoint(&model).parameters, &[]).unwrap();
    executor.write(ids.samples, 0, &keypoints(1, JOINTS));
    executor.write(ids.masks.unwrap(), 0, &mask());
    executor.replay(ids.adapt.unwrap()).unwrap();
    // Row 0 is the sample, the others are its random views. The sample itself keeps what was filled in.
    let mut read = |tensor| executor.read(tensor).unwrap();
    let rows = 1 + config.policy.copies;
    let (judged, gradient, x) = (read(judged), read(gradient), read(x));
    let joint = |row: usize, joint: usize| 2 * (row * JOINTS + joint)..2 * (row * JOINTS + joint) + 2;
    for row in 0..rows {
        for (j, seen) in mask().into_iter().enumerate() {
            if seen > 0.0 {
                assert_eq!(judged[joint(row, j)], x[joint(row, j)], "row {row}, joint {j}");
            } else {
                assert_eq!(judged[joint(row, j)], [0.0; 2], "row {row}, joint {j}");
                assert_eq!(gradient[joint(row, j)], [0.0; 2], "row {row}, joint {j}");
                assert_ne!(x[joint(row, j)], [0.0; 2], "row {row}, joint {j}: the lift needs a number");
            }
        }
    }
    // dpose ends as the whole gradient; what the cycle's direct term gave it is covered by finite differences.
    assert!(read(dpose).iter().all(|v| v.is_finite()));
}

#[test]
fn sets_with_missing_joints_are_filled_adapted_to_and_predicted() {
    let mut poses = synthetic(Scenario::Target, 40, 3, JOINTS).unwrap();
    let model = model(JOINTS, 20);
    let complete = Prepared::new(&poses, &model, Fill::LastFrame).unwrap();
    assert!(complete.seen.is_empty());
    let mut confidence = vec![1.0; poses.len() * JOINTS];
    for pose in (0..poses.len()).step_by(2) {
        for joint in MISSING {
            confidence[pose * JOINTS + joint] = 0.0;
            // What a detector writes there must not matter.
            poses.keypoints[2 * (pose * JOINTS + joint)..][..2].fill(-1e6);
        }
    }
    poses.confidence = Some(confidence);
    let device = Device::Cpu(1);
    let mut filled = Vec::new();
    for fill in [Fill::Neighbours, Fill::LastFrame] {
        let set = Prepared::new(&poses, &model, fill).unwrap();
        // Complete poses are as they were; filled ones are of a person's size, and their seen joints keep their shape.
        for (pose, (x, expected)) in set.keypoints.chunks(32).zip(complete.keypoints.chunks(32)).enumerate() {
            if pose % 2 == 1 {
                assert_eq!(x, expected, "{fill:?}, pose {pose}");
            }
            assert!(x.iter().all(|v| v.abs() < 1.0), "{fill:?}, pose {pose}: {x:?}");
        }
        for (model, mode) in every_adaptation(&["baseline", "vanilla-lr", "online"]) {
            let (config, stream) = (adaptation(mode.policy(&model)), Stream { fill, ..Stream::default() });
            let result = predict(&lifter(&model, &device), &config, &poses, &stream, |_| Ok(())).unwrap();
            assert!(result.poses.iter().all(|v| v.is_finite()), "{fill:?} {mode}");
        }
        filled.push(set.keypoints);
    }
    assert_ne!(filled[0], filled[1], "two ways of filling");
}
