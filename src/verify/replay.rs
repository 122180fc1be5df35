//! Replays a recorded state: one joint training step, then vanilla, online and skip adaptation, with the recorded views
//! and dropout masks. Limits are those of `docs/numerics.md`.

use std::collections::BTreeMap;

use super::Group;
use super::recorded::RecordedState;
use crate::adapt::{AdaptConfig, Adapter, Lifter, Policy};
use crate::checkpoint::{Moments, Tensors};
use crate::config::{Decay, Generator, Ssl, TrainConfig};
use crate::error::{Error, Result};
use crate::gpu::Device;
use crate::metrics::{Protocol, evaluate};
use crate::nn::{Program, pose_size};
use crate::task::{Losses, columns};
use crate::train::{TrainPlan, train_plan};

/// Losses on recorded parameters, relative.
const LOSS_LIMIT: f64 = 2e-6;
/// Losses after steps of our own, relative. A depth within rounding of the clamp, or a leaky ReLU's input within
/// rounding of 0, takes the other slope: float32 PyTorch reaches 7.0e-6 on clamp_sum_f64, and so do we on lavapipe.
const LATER_LOSS_LIMIT: f64 = 1e-5;
/// Gradients, relative L2 of each layer.
const GRADIENT_LIMIT: f64 = 1e-5;
/// Gradients of the training step. Batch norm over a recorded batch of 8 amplifies float32's rounding: PyTorch's own is
/// at 1.04e-5 on clamp_sum_f64 (and 5.7e-5 on the stem's bias alone, base_f64).
const TRAINING_GRADIENT_LIMIT: f64 = 3e-5;
/// Parameters: the share that is off by more than 0.05 learning rates. Adam's first step is nearly a sign.
const PARAMETER_LIMIT: f64 = 1e-3;
/// Running statistics, relative L2.
const STATISTICS_LIMIT: f64 = 2e-6;
/// Predictions after at most one step on fixed parameters, mm.
const ONE_STEP_LIMIT: f64 = 2e-3;
/// Predictions after many steps, mm.
const MANY_STEPS_LIMIT: f64 = 1e-2;
/// Scores: mm of error, points of percent.
const METRIC_LIMIT: f64 = 1e-4;

/// Replays `state` on `device`; `name` stands for it in the groups.
///
/// # Errors
/// A tensor that the state lacks, a device that is lost.
pub fn replay(name: &str, state: &RecordedState, device: &Device) -> Result<Vec<Group>> {
    let mut groups = Vec::new();
    let mut add = |what: &str, error: f64, limit: f64| groups.push(Group::new(name, what, error, limit));
    replay_training(state, device, &mut add)?;
    replay_adaptation(state, device, &mut add)?;
    for protocol in [Protocol::Us, Protocol::Gs, Protocol::Pa] {
        add(&format!("metrics.{protocol}"), metric_error(state, protocol)?, METRIC_LIMIT);
    }
    Ok(groups)
}

fn floats(state: &RecordedState, key: &str) -> Result<Vec<f32>> {
    Ok(state.tensor(key)?.1.iter().map(|&v| v as f32).collect())
}

/// Azimuths and elevations under `prefix`, interleaved.
fn views(state: &RecordedState, prefix: &str) -> Result<Vec<f32>> {
    let (az, el) = (floats(state, &format!("{prefix}/az"))?, floats(state, &format!("{prefix}/el"))?);
    Ok(az.into_iter().zip(el).flat_map(|(a, e)| [a, e]).collect())
}

fn replay_training(state: &RecordedState, device: &Device, add: &mut impl FnMut(&str, f64, f64)) -> Result<()> {
    let model = &state.model;
    let (shape, _) = state.tensor("train/x")?;
    let config = TrainConfig {
        batch: shape[0],
        steps: 1,
        lr: state.lr,
        // The first step has the initial rate whatever the decay.
        decay: Decay::Exponential { gamma: 1.0, steps: 1.0 },
        dropout: state.dropout,
        bn_momentum: state.bn_momentum,
        flip: false,
        seed: 0,
    };
    let TrainPlan { recording, ids } = train_plan(model, &config, 1, true)?;
    let mut program = Program::new(recording, device, model, &state.with_prefix("param/"))?;
    program.write(ids.x, 0, &floats(state, "train/x")?);
    let poses = floats(state, "train/X")?;
    for (row, pose) in poses.chunks_exact(3 * model.joints).enumerate() {
        program.write(ids.truth, row * pose_size(model), pose);
    }
    if let Some(tensor) = ids.views {
        program.write(tensor, 0, &views(state, "train")?);
    }
    for (key, tensor, row) in mask_rows(state, config.batch) {
        let keep: Vec<f32> = state.tensor(&key)?.1.iter().map(|&v| f32::from_bits(v as u32)).collect();
        let Some(tensor) = program.mask(&tensor) else {
            return Err(Error::Plan(format!("there is no dropout mask {tensor}")));
        };
        program.write(tensor, row * model.width, &keep);
    }
    program.replay(ids.step)?;

    let ring = program.read(ids.losses)?;
    let losses = Losses::of_ring(&ring[..columns(model).count()], model);
    add("train.losses", loss_error(state, "train/loss/", 0, &losses)?, LOSS_LIMIT);
    let moments = program.moments()?;
    add("train.gradients", gradient_error(state, "train/grad/", &moments)?, TRAINING_GRADIENT_LIMIT);
    let parameters = program.parameters()?;
    let recorded = state.with_prefix("train/param_1/");
    add("train.parameters", parameter_error(&parameters, &recorded, state.lr), PARAMETER_LIMIT);
    let running = parameters.iter().filter(|(name, _)| name.contains("running"));
    let worst = running.map(|(name, tensor)| relative(&tensor.data, &state_of(state, "train/param_1/", name)));
    add("train.running_statistics", worst.fold(0.0, f64::max), STATISTICS_LIMIT);
    Ok(())
}

/// The recorded masks in the order of the layers' calls: key, tensor of the plan, its first row.
fn mask_rows(state: &RecordedState, batch: usize) -> Vec<(String, String, usize)> {
    let extractor = ["extractor.rb0", "extractor.rb1", "extractor.rb2"];
    let mut calls: Vec<(&str, usize)> = extractor.map(|block| (block, 0)).to_vec();
    calls.extend([("fsl.rb", 0), ("ssl.rb", 0)]);
    calls.extend(["disc.rb0", "disc.rb1", "disc.rb2"].map(|block| (block, 0)));
    if state.model.ssl == Ssl::Cycle {
        calls.extend(extractor.map(|block| (block, batch)));
        calls.push(("ssl.rb", batch));
    }
    let halves = calls.into_iter().flat_map(|(block, row)| [1, 2].map(|half| (format!("{block}.mask{half}"), row)));
    halves.enumerate().map(|(call, (tensor, row))| (format!("train/mask/{call:02}"), tensor, row)).collect()
}

/// The policy of a state's vanilla adaptation.
fn vanilla(state: &RecordedState) -> Policy {
    Policy { iterations: state.iterations, alpha: state.alpha, copies: state.copies, ..Policy::VANILLA }
}

/// The policy of its online adaptation.
fn online(state: &RecordedState) -> Policy {
    Policy { iterations: 1, alpha: state.alpha, copies: state.copies, ..Policy::ONLINE }
}

/// An adapter with the recorded views, that keeps every parameter.
fn adapter(lifter: &Lifter, policy: Policy, change: impl Fn(&mut AdaptConfig)) -> Result<Adapter> {
    let mut config = AdaptConfig { draw_views: false, discard: false, masked: false, capacity: 1, ..policy.into() };
    change(&mut config);
    lifter.adapter(config)
}

/// Steps through the recorded samples: `before(adapter, i)` gives the views, `after(adapter, i, prediction)` looks.
fn stream(
    state: &RecordedState,
    adapter: &Adapter,
    steps: usize,
    mut after: impl FnMut(&Adapter, usize) -> Result<()>,
) -> Result<Vec<f32>> {
    let (xs, all_views) = (floats(state, "iso/xs")?, views(state, "iso")?);
    let per_sample = 2 * state.iterations * state.copies;
    let mut poses = Vec::new();
    for (i, x) in xs.chunks_exact(2 * state.model.joints).enumerate() {
        adapter.give_views(&all_views[i * per_sample..][..2 * steps * state.copies]);
        poses.extend(adapter.run(x, None)?);
        after(adapter, i)?;
    }
    Ok(poses)
}

fn replay_adaptation(state: &RecordedState, device: &Device, add: &mut impl FnMut(&str, f64, f64)) -> Result<()> {
    let t = state.iterations;
    let lifter = Lifter::new(state.model.clone(), state.with_prefix("param/"), device)?;
    let baseline = adapter(&lifter, Policy::BASELINE, |_| {})?;
    let poses = baseline.run(&floats(state, "iso/xs")?[..], None)?;
    add("baseline.predictions", millimetres(&poses, state, "baseline/pred")?, ONE_STEP_LIMIT);

    // Vanilla: one step for the gradients, then T.
    let one = adapter(&lifter, Policy { iterations: 1, ..vanilla(state) }, |_| {})?;
    one.give_views(&views(state, "iso")?[..2 * state.copies]);
    one.run(&floats(state, "iso/xs")?[..2 * state.model.joints], None)?;
    check_first_step(state, &one, "vanilla", add)?;
    let all = adapter(&lifter, vanilla(state), |_| {})?;
    let (mut losses, mut last) = ([0.0f64; 2], 0.0f64);
    let poses = stream(state, &all, t, |adapter, i| {
        for (step, terms) in adapter.losses()?.iter().enumerate() {
            let worst = &mut losses[usize::from(step > 0)];
            *worst = worst.max(loss_error(state, "vanilla/loss/", i * t + step, terms)?);
        }
        if i == 0 {
            last = parameter_error(&adapter.parameters()?, &state.with_prefix("vanilla/param_T/"), state.alpha);
        }
        Ok(())
    })?;
    add("vanilla.losses_1", losses[0], LOSS_LIMIT);
    add("vanilla.losses_T", losses[1], LATER_LOSS_LIMIT);
    add("vanilla.parameters_T", last, PARAMETER_LIMIT);
    add("vanilla.predictions", millimetres(&poses, state, "vanilla/pred")?, MANY_STEPS_LIMIT);
    let lean = adapter(&lifter, vanilla(state), |c| (c.discard, c.flip) = (true, false))?;
    let poses = stream(state, &lean, t, |_, _| Ok(()))?;
    add("vanilla.predictions_lean_no_flip", millimetres(&poses, state, "vanilla/pred_noflip")?, MANY_STEPS_LIMIT);

    let session = |flip| adapter(&lifter, online(state), move |c| c.flip = flip);
    let mut losses = [0.0f64; 2];
    let mut first = Ok(());
    let flipped = session(true)?;
    let poses = stream(state, &flipped, 1, |adapter, i| {
        let terms = adapter.losses()?;
        let worst = &mut losses[usize::from(i > 0)];
        *worst = worst.max(loss_error(state, "online/loss/", i, &terms[0])?);
        if i == 0 {
            first = check_first_step(state, adapter, "online", add);
        }
        Ok(())
    })?;
    first?;
    add("online.losses_1", losses[0], LOSS_LIMIT);
    add("online.losses_T", losses[1], LATER_LOSS_LIMIT);
    let last = parameter_error(&flipped.parameters()?, &state.with_prefix("online/param_T/"), state.alpha);
    add("online.parameters_T", last, PARAMETER_LIMIT);
    add("online.predictions", millimetres(&poses, state, "online/pred")?, MANY_STEPS_LIMIT);
    let poses = stream(state, &session(false)?, 1, |_, _| Ok(()))?;
    add("online.predictions_no_flip", millimetres(&poses, state, "online/pred_noflip")?, MANY_STEPS_LIMIT);

    let skip = adapter(&lifter, Policy { every: state.skip, ..online(state) }, |_| {})?;
    let poses = stream(state, &skip, 1, |_, _| Ok(()))?;
    add("skip.predictions", millimetres(&poses, state, "skip/pred")?, MANY_STEPS_LIMIT);
    Ok(())
}

fn check_first_step(
    state: &RecordedState,
    adapter: &Adapter,
    mode: &str,
    add: &mut impl FnMut(&str, f64, f64),
) -> Result<()> {
    let gradients = gradient_error(state, &format!("{mode}/grad_1/"), &adapter.moments()?)?;
    add(&format!("{mode}.gradients"), gradients, GRADIENT_LIMIT);
    let recorded = state.with_prefix(&format!("{mode}/param_1/"));
    add(
        &format!("{mode}.parameters_1"),
        parameter_error(&adapter.parameters()?, &recorded, state.alpha),
        PARAMETER_LIMIT,
    );
    Ok(())
}

/// Every recorded term at `index` of its tensor, relative; the derived terms are summed here in float64.
fn loss_error(state: &RecordedState, prefix: &str, index: usize, losses: &Losses) -> Result<f64> {
    let model = &state.model;
    let names = ["fsl", "log_d_real", "log_1md_fake", "g_adv", "cyc2d", "cyc3d"];
    let [fsl, real, fake, g_adv, cyc2d, cyc3d] = names.map(|name| f64::from(losses.get(name).unwrap_or(0.0)));
    let cycle = [f64::from(model.lambda_2d) * cyc2d, f64::from(model.lambda_3d) * cyc3d];
    let real_in_g = if model.generator == Generator::Saturating { real } else { 0.0 };
    let g_ssl = [cycle[0], cycle[1], g_adv - real_in_g, real_in_g];
    let known: BTreeMap<&str, Vec<f64>> = [
        ("fsl", vec![fsl]),
        ("log_d_real", vec![real]),
        ("log_1md_fake", vec![fake]),
        ("adv", vec![real, fake]),
        ("g_adv", vec![g_adv - real_in_g, real_in_g]),
        ("cyc2d", vec![cyc2d]),
        ("cyc3d", vec![cyc3d]),
        ("g_ssl", g_ssl.to_vec()),
        ("d_ssl", vec![cycle[0], cycle[1], real, fake]),
        ("total", g_ssl.iter().map(|term| f64::from(model.lambda) * term).chain([fsl]).collect()),
    ]
    .into();
    let mut worst = 0.0f64;
    for (name, values) in state.keys_under(prefix) {
        let terms = known.get(name).ok_or_else(|| Error::Plan(format!("the loss term {prefix}{name} is not known")))?;
        // A sum whose terms cancel is judged by their magnitudes. Of a saturated log-sigmoid the relative error is the
        // logit's absolute one, so the adversary's terms are judged as if at least 0.1.
        let floor = if name.starts_with("cyc") || name == "fsl" { 1e-6 } else { 0.1 };
        let scale = terms.iter().map(|term| term.abs()).sum::<f64>().max(floor);
        worst = worst.max((terms.iter().sum::<f64>() - values[index]).abs() / scale);
    }
    Ok(worst)
}

/// Gradients out of Adam's first moments: m = (1 - β1) g exactly, and -g for the discriminator, which ascends. A linear
/// layer's weight and bias are one tensor here, as in the engine: a bias's gradient alone may be what batch norm all but
/// cancels of much larger numbers.
fn gradient_error(state: &RecordedState, prefix: &str, moments: &Moments) -> Result<f64> {
    let mut layers: BTreeMap<&str, [Vec<f64>; 2]> = BTreeMap::new();
    for (name, recorded) in state.keys_under(prefix) {
        let moment = moments.exp_avg.get(name);
        let moment = moment.ok_or_else(|| Error::Plan(format!("{name} has no gradient")))?;
        let sign = if name.starts_with("disc.") { -10.0 } else { 10.0 };
        let layer = match name.rsplit_once('.') {
            Some((layer, _)) if !layer.contains(".bn") => layer,
            _ => name,
        };
        let [all_found, all_recorded] = layers.entry(layer).or_default();
        all_found.extend(moment.data.iter().map(|&m| sign * f64::from(m)));
        all_recorded.extend(recorded);
    }
    Ok(layers.values().map(|[found, recorded]| relative64(found, recorded)).fold(0.0, f64::max))
}

/// The share of parameters that are off by more than 0.05 learning rates.
fn parameter_error(found: &Tensors, recorded: &Tensors, lr: f32) -> f64 {
    let (mut off, mut all) = (0usize, 0usize);
    for (name, tensor) in found.iter().filter(|(name, _)| !name.contains("running")) {
        let Some(recorded) = recorded.get(name) else { return f64::NAN };
        // A NaN is not near anything.
        let near = |a: f32, b: f32| (f64::from(a) - f64::from(b)).abs() <= 0.05 * f64::from(lr) + rounding(b);
        off += tensor.data.iter().zip(&recorded.data).filter(|&(&a, &b)| !near(a, b)).count();
        all += tensor.data.len();
    }
    off as f64 / all.max(1) as f64
}

/// What float32 cannot tell apart near `value`.
fn rounding(value: f32) -> f64 {
    f64::from(value.abs()) * f64::from(f32::EPSILON)
}

fn state_of(state: &RecordedState, prefix: &str, name: &str) -> Vec<f64> {
    state.tensor(&format!("{prefix}{name}")).map_or_else(|_| vec![f64::NAN], |(_, values)| values.to_vec())
}

fn relative(found: &[f32], recorded: &[f64]) -> f64 {
    relative64(&found.iter().map(|&v| f64::from(v)).collect::<Vec<_>>(), recorded)
}

fn relative64(found: &[f64], recorded: &[f64]) -> f64 {
    if found.len() != recorded.len() {
        return f64::NAN;
    }
    let distance: f64 = found.iter().zip(recorded).map(|(a, b)| (a - b).powi(2)).sum();
    let norm: f64 = recorded.iter().map(|b| b.powi(2)).sum();
    // A gradient below this is zero: the biases that batch norm cancels, which float64 leaves at 1e-17.
    distance.sqrt() / norm.sqrt().max(1e-9)
}

/// The worst coordinate, mm.
fn millimetres(found: &[f32], state: &RecordedState, key: &str) -> Result<f64> {
    let (_, recorded) = state.tensor(key)?;
    if found.len() != recorded.len() {
        return Ok(f64::NAN);
    }
    Ok(found.iter().zip(recorded).map(|(a, b)| 1e3 * (f64::from(*a) - b).abs()).fold(0.0, f64::max))
}

fn metric_error(state: &RecordedState, protocol: Protocol) -> Result<f64> {
    let (pred, gt) = (floats(state, "metric/pred")?, floats(state, "metric/gt")?);
    let found = evaluate(&pred, &gt, state.model.joints, protocol);
    let mut worst = 0.0f64;
    for (name, value) in [("mpjpe", found.mpjpe_mm), ("pck", found.pck), ("auc", found.auc)] {
        let key = format!("metric/{}/{name}", protocol.to_string().to_uppercase());
        worst = worst.max((state.tensor(&key)?.1[0] - value).abs());
    }
    Ok(worst)
}
