//! The GPU program of one joint training step.

use super::augment::Augmentation;
use crate::config::{Decay, ModelConfig, Network, TrainConfig};
use crate::error::{Error, Result};
use crate::kernels;
use crate::nn::{
    Extent, Pass, Recording, Stack, Store, TrainingBlock, TrainingOptions, Update, UpdateFrom, Weights, keypoint_size,
    pose_size,
};
use crate::plan::{Init, Recorder, SectionId, TensorId};
use crate::pose::Skeleton;
use crate::task::{Batch, Branch, LossRing, Place, Seed, SelfSupervision, Shared, Stage, Step, tasks};

/// Steps whose losses stay on the device.
const RING: usize = 1024;

/// A recorded training step.
#[derive(Clone, Debug)]
pub struct TrainPlan {
    /// The program.
    pub recording: Recording,
    /// What its host touches.
    pub ids: TrainIds,
}

/// Tensors and sections of a training step that its host touches.
#[derive(Clone, Copy, Debug)]
pub struct TrainIds {
    /// The resident data set's keypoints (poses, 2J), normalised.
    pub keypoints: TensorId,
    /// The resident data set's poses (poses, pose_size), root-centred, metres.
    pub positions: TensorId,
    /// The batch's keypoints (1, rows, 2J).
    pub x: TensorId,
    /// The batch's poses (1, batch, pose_size).
    pub truth: TensorId,
    /// The batch's random views (1, batch, 2), where there is a self-supervised task.
    pub views: Option<TensorId>,
    /// The loss ring (slots, 1, columns).
    pub losses: TensorId,
    /// One optimisation step.
    pub step: SectionId,
}

/// Records the training step of `model` under `config` on a data set of `poses`. With `given`, batch, views and masks
/// come from the host.
///
/// # Errors
/// [`Error::Setting`] for a joint count without a skeleton.
pub fn train_plan(model: &ModelConfig, config: &TrainConfig, poses: usize, given: bool) -> Result<TrainPlan> {
    let skeleton = Skeleton::of(model.joints)
        .ok_or_else(|| Error::setting("joints", format!("there is no skeleton of {}; use 16 or 17", model.joints)))?;
    let mut rec = Recorder::new();
    let mut store = Store::default();
    let stage = Stage::Training;
    let views = tasks(model, stage).iter().any(|task| task.views);
    let batch = Batch { lifted: config.batch, copies: if views { config.batch } else { 0 } };
    let extent = Extent { instances: 1, rows: batch.all().count, width: model.width, slope: model.slope };
    let shared = Shared::new(&mut rec, (model, stage), skeleton, &extent, config.seed);
    let options = TrainingOptions {
        dropout: config.dropout,
        bn_eps: model.bn_eps,
        bn_momentum: config.bn_momentum,
        groups: tasks(model, stage).iter().map(|task| task.passes).max().unwrap_or(1),
        state: shared.state,
        recorded_masks: given,
        no_mask: rec.tensor_with("no_mask", &[1, 1], Init::Words(vec![1])),
    };
    let stem = (Network::Extractor.prefix(), keypoint_size(model));
    let extractor = Stack::new(&mut rec, &mut store, stem, extent, (&options, true));
    let truth = rec.tensor("truth", &[1, batch.lifted, pose_size(model)]);
    let place = Place { model, stage, shared, extent, batch, weight: 1.0 };
    // The FSL head sees the lift only.
    let lift_options = TrainingOptions { groups: 1, ..options.clone() };
    let supervised = Branch::supervised(&mut rec, &mut store, place, truth, &lift_options);
    let how = SelfSupervision { view_rows: batch.copies, masked: false };
    let place = Place { weight: model.lambda, ..place };
    let self_supervised = Branch::self_supervised(&mut rec, &mut store, place, how, &options);
    let ring = LossRing::new(&mut rec, (model, stage), batch, [RING, 1])?;
    let ids = TrainIds {
        keypoints: rec.tensor("keypoints", &[poses, keypoint_size(model)]),
        positions: rec.tensor("positions", &[poses, pose_size(model)]),
        x: shared.x,
        truth,
        views: self_supervised.as_ref().and_then(Branch::views),
        losses: ring.tensor,
        step: rec.section("step"),
    };
    let branches = std::iter::once(supervised).chain(self_supervised).collect();
    let networks = Networks { extractor, branches, ring };
    let drawn =
        (!given).then(|| Drawn { ids: &ids, augmentation: Augmentation::new(&mut rec, (model, config), skeleton) });
    networks.record_step(&mut rec, (config, shared, batch), drawn)?;
    Ok(TrainPlan { recording: Recording { plan: rec.finish(), store, state: shared.state }, ids })
}

/// A batch out of the resident data set.
struct Drawn<'a> {
    ids: &'a TrainIds,
    augmentation: Option<Augmentation>,
}

struct Networks {
    extractor: Stack<TrainingBlock>,
    branches: Vec<Branch<TrainingBlock>>,
    ring: LossRing,
}

impl Networks {
    /// One step; the batch is `drawn`, or given.
    fn record_step(
        &self,
        rec: &mut Recorder,
        (config, shared, batch): (&TrainConfig, Shared, Batch),
        drawn: Option<Drawn<'_>>,
    ) -> Result<()> {
        let Shared { x, ones, state, .. } = shared;
        let step = Step { weights: Weights::Working, iteration: 0 };
        let lift = Pass { rows: batch.lift(), weights: step.weights, group: 0 };
        let values = [("lr", config.lr.into()), ("log2_decay", log2_decay(config).into()), ("restart", false.into())];
        rec.dispatch(&kernels::ADVANCE_STEP, "advance_step", &[("state", state)], &values)?;
        if let Some(Drawn { ids, augmentation }) = drawn {
            record_batch(rec, (config, shared), ids)?;
            augmentation.map_or(Ok(()), |augmentation| augmentation.record(rec, shared, ids))?;
            self.branches.iter().try_for_each(|branch| branch.record_draw(rec, false))?;
        }
        self.extractor.record_forward(rec, x, lift)?;
        self.branches.iter().try_for_each(|branch| branch.record_forward(rec, &self.extractor, step))?;
        self.ring.record(rec, shared)?;

        let mut seed = Seed::default();
        self.branches.iter().try_for_each(|branch| branch.record_backward(rec, &self.extractor, step, &mut seed))?;
        if let Some(dfeatures) = seed.sum() {
            self.extractor.record_backward(rec, dfeatures, lift)?;
        }

        let learnt = self.branches.iter().map(Branch::learnt_rows).max_by_key(|rows| rows.count);
        let from = UpdateFrom { x, row_scale: ones, state, rows: learnt.unwrap_or(lift.rows) };
        self.extractor.record_update(rec, Update::InPlace, from)?;
        self.branches.iter().try_for_each(|branch| branch.record_update(rec, &self.extractor, Update::InPlace))
    }
}

/// log2 of the learning rate's factor per step.
fn log2_decay(config: &TrainConfig) -> f32 {
    match config.decay {
        Decay::Exponential { gamma, steps } => gamma.log2() / steps,
        // The last step is number `steps - 1`.
        Decay::ToFactor { factor } => factor.log2() / config.steps.saturating_sub(1).max(1) as f32,
    }
}

fn record_batch(rec: &mut Recorder, (config, shared): (&TrainConfig, Shared), ids: &TrainIds) -> Result<()> {
    let poses = rec.shape(ids.keypoints)[0];
    let bits = usize::BITS - poses.saturating_sub(1).leading_zeros();
    let tensors = [
        ("keypoints", ids.keypoints),
        ("positions", ids.positions),
        ("skeleton", shared.skeleton),
        ("state", shared.state),
        ("x", shared.x),
        ("truth", ids.truth),
    ];
    let values = [("flip", config.flip.into()), ("half_bits", bits.div_ceil(2).max(1).into())];
    rec.dispatch(&kernels::GATHER_BATCH, "batch", &tensors, &values)
}
