//! Whole plans on both executors, tensor by tensor, and their golden listings.

use isopose::adapt::{AdaptConfig, AdaptPlan, MODES, Mode, Policy, adapt_plan};
use isopose::config::{Generator, Lift, ModelConfig, Normalize, Preset, Projection, Reduction, Ssl, TrainConfig};
use isopose::gpu::{Device, Gpu, ShaderChecks};
use isopose::nn::{Recording, pose_size};
use isopose::plan::{CpuExecutor, Executor, GpuExecutor, Plan, SectionId, lockstep};
use isopose::train::{TrainPlan, train_plan};
use isopose::verify::KERNEL_LIMIT;

use crate::device::gpu;
use crate::models::{adaptation, checkpoint, draws, geometry, keypoints, model, reaching, training};

/// Runs `sections` in lockstep; each kernel starts from the twins' numbers, so that [`KERNEL_LIMIT`] holds for each.
fn compare(
    gpu: &Gpu,
    what: &str,
    model: &ModelConfig,
    (recording, sections): (Recording, &[SectionId]),
    write: impl Fn(&mut dyn Executor),
) -> Vec<String> {
    let Recording { plan, store, .. } = recording;
    let mut twins = CpuExecutor::new(plan.clone(), 1).unwrap();
    let mut shaders = GpuExecutor::new(plan, gpu).unwrap();
    let parameters = checkpoint(model).parameters;
    for executor in [&mut twins as &mut dyn Executor, &mut shaders] {
        store.load(executor, model, &parameters, &[]).unwrap();
        write(executor);
    }
    let mut failed = Vec::new();
    for &section in sections {
        let differences = lockstep(&mut twins, &mut shaders, section).unwrap();
        assert!(!differences.is_empty(), "{what}: nothing was compared");
        let far = differences.iter().filter(|d| d.error.is_nan() || d.error > KERNEL_LIMIT);
        failed.extend(far.map(|d| format!("{what}: {} ({}) {}: {:e}", d.label, d.kernel, d.tensor, d.error)));
    }
    if !shaders.guards_intact().unwrap() {
        failed.push(format!("{what}: a kernel wrote past its end"));
    }
    failed
}

fn adapting(gpu: &Gpu, what: &str, model: &ModelConfig, config: &AdaptConfig) -> Vec<String> {
    let AdaptPlan { recording, ids } = adapt_plan(model, config).unwrap();
    let sections: Vec<SectionId> = ids.adapt.into_iter().chain([ids.predict]).collect();
    let xs = keypoints(recording.plan.tensor(ids.samples).shape[0], model.joints);
    // Every third joint is missing.
    let masks: Vec<f32> = (0..xs.len() / 2).map(|k| if k % 3 == 1 { 0.0 } else { 1.0 }).collect();
    compare(gpu, what, model, (recording, &sections), |executor| {
        executor.write(ids.samples, 0, &xs);
        ids.masks.into_iter().for_each(|tensor| executor.write(tensor, 0, &masks));
    })
}

#[test]
fn adaptation_agrees_on_both_executors() {
    let Some(Device::Gpu(gpu)) = gpu(ShaderChecks::On) else { return };
    adaptation_agrees(&gpu);
}

pub(crate) fn adaptation_agrees(gpu: &Gpu) {
    let vanilla = adaptation(Policy::VANILLA);
    let mut failed = Vec::new();
    for mode in MODES {
        failed.extend(adapting(gpu, mode.name, &model(16, 20), &adaptation(mode.paper)));
    }
    let whole = AdaptConfig { discard: false, ..vanilla.clone() };
    failed.extend(adapting(gpu, "vanilla, nothing discarded", &model(17, 20), &whole));
    failed.extend(adapting(gpu, "vanilla, masked", &model(16, 20), &AdaptConfig { masked: true, ..vanilla.clone() }));
    let three = AdaptConfig { instances: 3, capacity: 6, ..vanilla.clone() };
    failed.extend(adapting(gpu, "vanilla, three instances, width 64", &model(17, 64), &three));
    let other = ModelConfig {
        generator: Generator::Saturating,
        projection: Projection::WeakPerspective,
        reduction: Reduction::Mean,
        ssl: Ssl::Adversary,
        ..model(16, 64)
    };
    failed.extend(adapting(gpu, "vanilla, adversary alone", &other, &AdaptConfig { flip: false, ..vanilla }));
    for mode in MODES {
        let what = format!("geometry, {mode}");
        failed.extend(adapting(
            gpu,
            &what,
            &geometry(16, 20),
            &AdaptConfig { masked: true, ..adaptation(mode.geometry) },
        ));
    }
    let free = ModelConfig { lift: Lift::Free, projection: Projection::WeakPerspective, ..geometry(17, 64) };
    let three = AdaptConfig { instances: 3, capacity: 6, ..adaptation(Mode::VANILLA.geometry) };
    failed.extend(adapting(gpu, "geometry, free lift, three instances", &free, &three));
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn training_agrees_on_both_executors() {
    let Some(Device::Gpu(gpu)) = gpu(ShaderChecks::On) else { return };
    training_agrees(&gpu);
}

pub(crate) fn training_agrees(gpu: &Gpu) {
    let mut failed = Vec::new();
    let plain = [(Ssl::None, 16, 20), (Ssl::Adversary, 17, 20), (Ssl::Cycle, 16, 64)]
        .map(|(ssl, joints, width)| (ModelConfig { ssl, ..model(joints, width) }, training()));
    let plane = ModelConfig { normalize: Normalize::Plane, ssl: Ssl::None, ..model(16, 20) };
    let reaching = [model(17, 20), plane, geometry(17, 20)].map(reaching);
    for (model, config) in plain.into_iter().chain(reaching) {
        let (ssl, joints) = (model.ssl, model.joints);
        let TrainPlan { recording, ids } = train_plan(&model, &config, 10, false).unwrap();
        let (xs, poses) = (keypoints(10, joints), draws(8, 10 * pose_size(&model)));
        let what = format!("training with {ssl:?}, noise {}", model.noise);
        failed.extend(compare(gpu, &what, &model, (recording, &[ids.step, ids.step]), |executor| {
            executor.write(ids.keypoints, 0, &xs);
            executor.write(ids.positions, 0, &poses);
        }));
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// Compares a text with the one that is kept in `docs/plans/`, or keeps it.
pub(crate) fn golden(name: &str, found: &str) {
    let path = format!("{}/docs/plans/{name}.txt", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("ISOPOSE_BLESS").is_some_and(|v| v == "1") {
        std::fs::create_dir_all(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/plans")).unwrap();
        std::fs::write(&path, found).unwrap();
        return;
    }
    let bless = "if that is right, run the tests once with ISOPOSE_BLESS=1 and review the change";
    let kept = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}; {bless}"));
    let differs = kept.lines().zip(found.lines()).position(|(a, b)| a != b);
    let line = differs.unwrap_or(kept.lines().count().min(found.lines().count()));
    let at = |text: &str| text.lines().nth(line).unwrap_or("(the end)").to_owned();
    assert!(kept == found, "{path}:{}: was\n{}\nis\n{}\n{bless}", line + 1, at(&kept), at(found));
}

#[test]
fn listings_are_the_golden_ones() {
    let model = ModelConfig { bone_lengths: vec![0.25; 15], ..ModelConfig::default() };
    let golden = |name: &str, plan: &Plan| golden(name, &plan.to_string());
    golden("train", &train_plan(&model, &TrainConfig::default(), 1000, false).unwrap().recording.plan);
    let (reaching, config) = reaching(ModelConfig { ssl: Ssl::None, width: 64, ..model.clone() });
    golden("train_augmented", &train_plan(&reaching, &config, 1000, false).unwrap().recording.plan);
    let adapt = |policy: Policy| {
        let config = AdaptConfig { masked: false, ..policy.into() };
        adapt_plan(&model, &config).unwrap().recording.plan
    };
    golden("adapt", &adapt(Policy { iterations: 2, ..Policy::VANILLA }));
    golden("predict", &adapt(Policy::BASELINE));
    let model = ModelConfig { bone_lengths: vec![0.25; 15], plane_scale: 1.0, width: 1024, ..Preset::Geometry.model() };
    let config = AdaptConfig { masked: false, ..Mode::ONLINE.policy(&model).into() };
    golden("adapt_geometry", &adapt_plan(&model, &config).unwrap().recording.plan);
    golden("train_geometry", &train_plan(&model, &Preset::Geometry.training(), 1000, false).unwrap().recording.plan);
}
