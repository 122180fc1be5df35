//! What came out of a replay against what was recorded. Limits are those of `docs/numerics.md`.

use std::collections::{BTreeMap, BTreeSet};

use super::Check;
use super::errors::{Running, distance_over, millimetres, parameter_error, sum_error, worst};
use super::layout::is_running;
use super::limits::{Limits, PARAMETERS, reach_of_adam};
use super::recorded::RecordedState;
use super::replay::{Found, Losses, Run, Step};
use crate::checkpoint::Moments;
use crate::config::Ssl;
use crate::error::{Error, Result};
use crate::metrics::{Protocol, evaluate};

/// Every group of `state`, which `name` stands for.
pub(super) fn compare(name: &str, state: &RecordedState, found: &Found) -> Result<Vec<Check>> {
    let batch = state.tensor("train/x")?.0[0];
    let limits = Limits::new(&state.model, batch);
    let mut checks = Vec::new();
    let mut add = |what: &str, error: f64, limit: f64| checks.push(Check::new(name, what, error, limit));

    let training = &found.training;
    add("train.losses", loss_error(state, "train/loss/", 0, &training.losses)?, limits.training_losses);
    let gradients = gradient_error(state, "train/grad/", &training.moments)?;
    add("train.gradients", gradients, limits.training_gradients);
    let learnt = recorded(state, "train/param_1/", |name| !is_running(name));
    // Two paths may end on opposite sides of the start.
    let reach = |steps: usize| 2.0 * reach_of_adam(steps);
    add("train.parameters", parameter_error(&training.parameters, &learnt, state.lr, reach(1)), PARAMETERS);
    add("train.running_statistics", running_error(state, training)?, limits.statistics);

    let (prediction, later) = (limits.prediction, limits.later_predictions);
    let add_poses = |checks: &mut Vec<Check>, what: &str, found: &[f32], key: &str, limit: f64| -> Result<()> {
        let (_, poses) = state.tensor(key)?;
        checks.push(Check::new(name, what, millimetres(found, poses), limit * 1e3 * largest(poses)));
        Ok(())
    };
    add_poses(&mut checks, "baseline.predictions", &found.baseline, "baseline/pred", prediction)?;
    let samples = state.tensor("iso/xs")?.0[0];
    for (mode, run, per_sample, steps) in
        [("vanilla", &found.vanilla, state.iterations, state.iterations), ("online", &found.online, 1, samples)]
    {
        add_run(&mut checks, (name, state, &limits), mode, run, (per_sample, reach(steps)))?;
        add_poses(&mut checks, &format!("{mode}.predictions"), &run.predictions, &format!("{mode}/pred"), later)?;
        let what = if mode == "vanilla" { "predictions_lean_no_flip" } else { "predictions_no_flip" };
        add_poses(&mut checks, &format!("{mode}.{what}"), &run.no_flip, &format!("{mode}/pred_noflip"), later)?;
    }
    add_poses(&mut checks, "skip.predictions", &found.skip, "skip/pred", later)?;
    let scored = state.keys_under("metric/").next().is_some();
    for protocol in [Protocol::Us, Protocol::Gs, Protocol::Pa].into_iter().filter(|_| scored) {
        let largest = largest(state.tensor("metric/pred")?.1).max(largest(state.tensor("metric/gt")?.1));
        let error = metric_error(state, protocol)?;
        checks.push(Check::new(name, &format!("metrics.{protocol}"), error, limits.metrics * 1e3 * largest));
    }
    Ok(checks)
}

fn add_run(
    checks: &mut Vec<Check>,
    (name, state, limits): (&str, &RecordedState, &Limits),
    mode: &str,
    run: &Run,
    (per_sample, reach): (usize, f64),
) -> Result<()> {
    let mut add = |what: &str, error: f64, limit: f64| {
        checks.push(Check::new(name, &format!("{mode}.{what}"), error, limit));
    };
    add("gradients", gradient_error(state, &format!("{mode}/grad_1/"), &run.first.moments)?, limits.gradients);
    let all = |key: &str| recorded(state, &format!("{mode}/{key}/"), |_| true);
    let first = parameter_error(&run.first.parameters, &all("param_1"), state.alpha, 2.0 * reach_of_adam(1));
    add("parameters_1", first, PARAMETERS);
    // The first step of a path stands on recorded parameters.
    let prefix = format!("{mode}/loss/");
    let on_recorded = |step: usize| if mode == "online" { step == 0 } else { step.is_multiple_of(per_sample) };
    let mut errors = [Vec::new(), Vec::new()];
    for (step, losses) in run.losses.iter().enumerate() {
        errors[usize::from(!on_recorded(step))].push(loss_error(state, &prefix, step, losses)?);
    }
    let samples = state.tensor("iso/xs")?.0[0];
    let whole = run.losses.len() == samples * per_sample;
    let [first, later] = errors.map(|errors| if whole { worst(errors) } else { f64::NAN });
    add("losses_1", first, limits.losses);
    add("losses_T", later, limits.later_losses);
    add("parameters_T", parameter_error(&run.last, &all("param_T"), state.alpha, reach), PARAMETERS);
    Ok(())
}

/// Recorded tensors under `prefix`.
fn recorded(state: &RecordedState, prefix: &str, choose: fn(&str) -> bool) -> BTreeMap<String, Vec<f64>> {
    let chosen = state.keys_under(prefix).filter(|(name, _)| choose(name));
    chosen.map(|(name, values)| (name.to_owned(), values.to_vec())).collect()
}

fn largest(values: &[f64]) -> f64 {
    worst(values.iter().map(|value| value.abs()))
}

/// Every recorded term at `index` of its tensor, relative.
fn loss_error(state: &RecordedState, prefix: &str, index: usize, losses: &Losses) -> Result<f64> {
    let mut errors = Vec::new();
    for (name, values) in state.keys_under(prefix) {
        let unknown = || Error::Plan(format!("the loss term {prefix}{name} is not known"));
        let terms = losses.get(name).ok_or_else(unknown)?;
        // Of a saturated log-sigmoid the relative error is the logit's absolute one, so the adversary's terms are judged
        // as if at least 0.1.
        let saturates = ["log_d_real", "log_1md_fake", "adv", "g_adv", "g_ssl", "d_ssl"].contains(&name)
            || (name == "total" && state.model.ssl != Ssl::Geometry);
        let floor = if saturates { 0.1 } else { 1e-6 };
        errors.push(values.get(index).map_or(f64::NAN, |&recorded| sum_error(terms, recorded, floor)));
    }
    Ok(if errors.is_empty() { f64::NAN } else { worst(errors) })
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
    let errors = layers.values().map(|[found, recorded]| distance_over(found, recorded, recorded));
    Ok(if layers.is_empty() { f64::NAN } else { worst(errors) })
}

fn running_error(state: &RecordedState, step: &Step) -> Result<f64> {
    let layers = state.keys_under("param/").filter_map(|(name, _)| name.strip_suffix(".running_mean"));
    let mut errors = Vec::new();
    for layer in layers.collect::<BTreeSet<_>>() {
        let parts = ["running_mean", "running_var"].map(|part| format!("{layer}.{part}"));
        let [mean, var] = parts.each_ref().map(|part| -> Result<_> {
            let found = step.parameters.get(part).ok_or_else(|| Error::Plan(format!("there is no {part}")))?;
            let before = state.tensor(&format!("param/{part}"))?.1;
            Ok((before, state.tensor(&format!("train/param_1/{part}"))?.1, found.data.as_slice()))
        });
        let (mean, var) = (mean?, var?);
        // The re-lift passes the extractor and the SSL head again.
        let passes = if state.model.ssl == Ssl::Cycle && !layer.starts_with("fsl.") { 2 } else { 1 };
        let kept = (1.0 - f64::from(state.bn_momentum)).powi(passes);
        let running = Running { before: [mean.0, var.0], after: [mean.1, var.1], kept };
        errors.push(running.error([mean.2, var.2]));
    }
    Ok(if errors.is_empty() { f64::NAN } else { worst(errors) })
}

fn metric_error(state: &RecordedState, protocol: Protocol) -> Result<f64> {
    let poses = |key: &str| Ok(state.tensor(key)?.1.iter().map(|&v| v as f32).collect::<Vec<_>>());
    let poses: Result<[Vec<f32>; 2]> = Ok([poses("metric/pred")?, poses("metric/gt")?]);
    let [pred, gt] = poses?;
    let found = evaluate(&pred, &gt, state.model.joints, protocol);
    let mut errors = Vec::new();
    for (name, value) in [("mpjpe", found.mpjpe_mm), ("pck", found.pck), ("auc", found.auc)] {
        let key = format!("metric/{}/{name}", protocol.to_string().to_uppercase());
        errors.push(state.tensor(&key)?.1.first().map_or(f64::NAN, |recorded| (recorded - value).abs()));
    }
    Ok(worst(errors))
}
