//! Runs what a recorded state recorded, with its views and dropout masks: one joint training step, then vanilla, online and
//! skip adaptation. What comes out is compared in `compare.rs`; the calls of the engine are all here.

use std::collections::BTreeMap;

use super::Check;
use super::compare::compare;
use super::layout::mask_calls;
use super::recorded::RecordedState;
use crate::adapt::{AdaptConfig, Adapter, Lifter, Policy};
use crate::checkpoint::{Moments, Tensors};
use crate::config::{Decay, Generator, ModelConfig, Ssl, TrainConfig};
use crate::error::{Error, Result};
use crate::gpu::Device;
use crate::nn::{Program, pose_size};
use crate::task::{self, Stage, columns};
use crate::train::{TrainPlan, train_plan};

/// The numbers that each recorded loss term is a sum of.
pub(super) type Losses = BTreeMap<&'static str, Vec<f64>>;

/// What this engine makes of a state.
pub(super) struct Found {
    /// The training step.
    pub(super) training: Step,
    /// Predictions without adaptation.
    pub(super) baseline: Vec<f32>,
    /// Vanilla adaptation; its predictions without flips skip what is discarded with the sample.
    pub(super) vanilla: Run,
    /// Online adaptation.
    pub(super) online: Run,
    /// Predictions of online adaptation to every `skip`-th sample.
    pub(super) skip: Vec<f32>,
}

/// What one step leaves.
pub(super) struct Step {
    /// Its losses.
    pub(super) losses: Losses,
    /// Adam's moments.
    pub(super) moments: Moments,
    /// The parameters.
    pub(super) parameters: Tensors,
}

/// A run of adaptation.
pub(super) struct Run {
    /// The first step on the first sample.
    pub(super) first: Step,
    /// Of each step on each sample.
    pub(super) losses: Vec<Losses>,
    /// After the last step of the first sample; online: after the last sample.
    pub(super) last: Tensors,
    /// With flip averaging.
    pub(super) predictions: Vec<f32>,
    /// Without.
    pub(super) no_flip: Vec<f32>,
}

/// Replays `state` on `device`; `name` stands for it in the checks.
///
/// # Errors
/// A device that is too small or was lost.
pub fn replay(name: &str, state: &RecordedState, device: &Device) -> Result<Vec<Check>> {
    compare(name, state, &run(state, device)?)
}

/// Runs all that was recorded.
pub(super) fn run(state: &RecordedState, device: &Device) -> Result<Found> {
    let lifter = Lifter::new(state.model.clone(), state.with_prefix("param/"), device)?;
    let baseline = adapter(&lifter, Policy::BASELINE, |_| {})?;
    let skip = adapter(&lifter, Policy { every: state.skip, ..online_policy(state) }, |_| {})?;
    Ok(Found {
        training: train(state, device)?,
        baseline: baseline.run(&floats(state, "iso/xs")?, None)?,
        vanilla: vanilla(state, &lifter)?,
        online: online(state, &lifter)?,
        skip: stream(state, &skip, 1, |_, _| Ok(()))?,
    })
}

fn floats(state: &RecordedState, key: &str) -> Result<Vec<f32>> {
    Ok(state.tensor(key)?.1.iter().map(|&v| v as f32).collect())
}

/// Azimuths and elevations under `prefix`, interleaved.
fn views(state: &RecordedState, prefix: &str) -> Result<Vec<f32>> {
    let (az, el) = (floats(state, &format!("{prefix}/az"))?, floats(state, &format!("{prefix}/el"))?);
    Ok(az.into_iter().zip(el).flat_map(|(a, e)| [a, e]).collect())
}

fn train(state: &RecordedState, device: &Device) -> Result<Step> {
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
        ..TrainConfig::default()
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
    for (call, mask) in mask_calls(model, config.batch).into_iter().enumerate() {
        // Without dropout none is recorded, and everything is kept.
        let keep = match state.dropout {
            0.0 => vec![f32::from_bits(1); mask.rows * model.width],
            _ => floats(state, &format!("train/mask/{call:02}"))?.iter().map(|&v| f32::from_bits(v as u32)).collect(),
        };
        let Some(tensor) = program.mask(&mask.tensor) else {
            return Err(Error::Plan(format!("there is no dropout mask {}", mask.tensor)));
        };
        program.write(tensor, mask.row * model.width, &keep);
    }
    program.replay(ids.step)?;
    let slot = program.read(ids.losses)?[..columns(model, Stage::Training).count()].to_vec();
    Ok(Step {
        losses: losses(model, &task::Losses::of_ring(&slot, model, Stage::Training)),
        moments: program.moments()?,
        parameters: program.parameters()?,
    })
}

/// The policy of a state's vanilla adaptation.
fn vanilla_policy(state: &RecordedState) -> Policy {
    let &RecordedState { iterations, alpha, copies, replayed, .. } = state;
    Policy { iterations, alpha, copies, replay: replayed, ..Policy::VANILLA }
}

/// The policy of its online adaptation.
fn online_policy(state: &RecordedState) -> Policy {
    Policy { start: Policy::ONLINE.start, iterations: 1, ..vanilla_policy(state) }
}

/// An adapter with the recorded views, that keeps every parameter.
fn adapter(lifter: &Lifter, policy: Policy, change: impl Fn(&mut AdaptConfig)) -> Result<Adapter> {
    let mut config = AdaptConfig { draw_views: false, discard: false, masked: false, capacity: 1, ..policy.into() };
    change(&mut config);
    lifter.adapter(config)
}

/// Steps through the recorded samples: `after(adapter, i)` looks at what sample `i` left.
fn stream(
    state: &RecordedState,
    adapter: &Adapter,
    steps: usize,
    mut after: impl FnMut(&Adapter, usize) -> Result<()>,
) -> Result<Vec<f32>> {
    let (xs, given) = (floats(state, "iso/xs")?, Given::new(state)?);
    let mut poses = Vec::new();
    for (i, x) in xs.chunks_exact(2 * state.model.joints).enumerate() {
        given.give(adapter, i, steps)?;
        poses.extend(adapter.run(x, None)?);
        after(adapter, i)?;
    }
    Ok(poses)
}

/// What was random.
struct Given {
    views: Vec<f32>,
    keypoints: Vec<f32>,
    positions: Vec<f32>,
    iterations: usize,
    /// Numbers of one step.
    sizes: [usize; 3],
}

impl Given {
    fn new(state: &RecordedState) -> Result<Self> {
        let rows = |key| if state.replayed > 0 { floats(state, key) } else { Ok(Vec::new()) };
        let joints = state.replayed * state.model.joints;
        Ok(Self {
            views: views(state, "iso")?,
            keypoints: rows("iso/rx")?,
            positions: rows("iso/rX")?,
            iterations: state.iterations,
            sizes: [2 * state.copies, 2 * joints, 3 * joints],
        })
    }

    /// Gives what sample `i` is to see in its first `steps` steps.
    fn give(&self, adapter: &Adapter, i: usize, steps: usize) -> Result<()> {
        let all = [&self.views, &self.keypoints, &self.positions];
        let part = |k: usize| &all[k][i * self.iterations * self.sizes[k]..][..steps * self.sizes[k]];
        adapter.give_views(part(0))?;
        adapter.give_replay(part(1), part(2))
    }
}

fn vanilla(state: &RecordedState, lifter: &Lifter) -> Result<Run> {
    // One step for the gradients, then T.
    let one = adapter(lifter, Policy { iterations: 1, ..vanilla_policy(state) }, |_| {})?;
    Given::new(state)?.give(&one, 0, 1)?;
    one.run(&floats(state, "iso/xs")?[..2 * state.model.joints], None)?;
    let first = step(state, &one)?;
    let (mut all, mut last) = (Vec::new(), Tensors::new());
    let adapted = adapter(lifter, vanilla_policy(state), |_| {})?;
    let predictions = stream(state, &adapted, state.iterations, |adapter, i| {
        all.extend(adapter.losses()?.iter().map(|terms| losses(&state.model, terms)));
        if i == 0 {
            last = parameters(state, adapter)?;
        }
        Ok(())
    })?;
    let lean = adapter(lifter, vanilla_policy(state), |c| (c.discard, c.flip) = (true, false))?;
    let no_flip = stream(state, &lean, state.iterations, |_, _| Ok(()))?;
    Ok(Run { first, losses: all, last, predictions, no_flip })
}

fn online(state: &RecordedState, lifter: &Lifter) -> Result<Run> {
    let open = |flip| adapter(lifter, online_policy(state), move |c| c.flip = flip);
    let (mut all, mut first) = (Vec::new(), None);
    let session = open(true)?;
    let predictions = stream(state, &session, 1, |adapter, i| {
        all.extend(adapter.losses()?.iter().map(|terms| losses(&state.model, terms)));
        if i == 0 {
            first = Some(step(state, adapter)?);
        }
        Ok(())
    })?;
    let first = first.ok_or_else(|| Error::Plan("a state without samples was replayed".to_owned()))?;
    let no_flip = stream(state, &open(false)?, 1, |_, _| Ok(()))?;
    Ok(Run { first, losses: all, last: parameters(state, &session)?, predictions, no_flip })
}

fn step(state: &RecordedState, adapter: &Adapter) -> Result<Step> {
    let terms = adapter.losses()?.iter().map(|terms| losses(&state.model, terms)).next_back();
    Ok(Step { losses: terms.unwrap_or_default(), moments: adapter.moments()?, parameters: parameters(state, adapter)? })
}

/// All parameters as they are now. Frozen norms are folded on the device: they are as at the start.
fn parameters(state: &RecordedState, adapter: &Adapter) -> Result<Tensors> {
    let mut tensors = state.with_prefix("param/");
    tensors.extend(adapter.parameters()?);
    Ok(tensors)
}

/// The terms by their recorded names; derived ones are summed in float64, by whoever compares them.
fn losses(model: &ModelConfig, terms: &task::Losses) -> Losses {
    // A term that no task of the model has is 0, and none is recorded.
    let names = ["fsl", "log_d_real", "log_1md_fake", "g_adv", "cyc2d", "cyc3d"];
    let [fsl, real, fake, g_adv, cyc2d, cyc3d] = names.map(|name| f64::from(terms.get(name).unwrap_or(0.0)));
    let cycle = [f64::from(model.lambda_2d) * cyc2d, f64::from(model.lambda_3d) * cyc3d];
    let real_in_g = if model.generator == Generator::Saturating { real } else { 0.0 };
    let g_ssl = [cycle[0], cycle[1], g_adv - real_in_g, real_in_g];
    // Those of the geometry task, with what they weigh at this step.
    let geometry = ["plane", "bone", "view", "replay"].map(|name| {
        let term = terms.terms().iter().find(|term| term.name == name);
        term.map_or((name, 0.0, 0.0), |term| (name, f64::from(term.value), f64::from(term.weight)))
    });
    let total = match model.ssl {
        Ssl::Geometry => geometry.iter().map(|(_, value, weight)| value * weight).collect(),
        _ => g_ssl.iter().map(|term| f64::from(model.lambda) * term).chain([fsl]).collect(),
    };
    let all = [
        ("fsl", vec![fsl]),
        ("log_d_real", vec![real]),
        ("log_1md_fake", vec![fake]),
        ("adv", vec![real, fake]),
        ("g_adv", vec![g_adv - real_in_g, real_in_g]),
        ("cyc2d", vec![cyc2d]),
        ("cyc3d", vec![cyc3d]),
        ("g_ssl", g_ssl.to_vec()),
        ("d_ssl", vec![cycle[0], cycle[1], real, fake]),
        ("total", total),
    ];
    all.into_iter().chain(geometry.map(|(name, value, _)| (name, vec![value]))).collect()
}
