//! The GPU program of one joint training step.

use crate::config::{Decay, ModelConfig, Reduction, Ssl, TrainConfig};
use crate::cpu::loss::LOSS_TERMS;
use crate::error::{Error, Result};
use crate::kernels;
use crate::nn::{
    Extent, Head, Pass, Rows, SelfSupervision, Shared, Stack, Store, TrainingBlock, TrainingOptions, Update, Weights,
    keypoint_size, pose_size,
};
use crate::plan::{Init, Plan, Recorder, SectionId, TensorId};
use crate::pose::Skeleton;

/// Steps whose losses stay on the device.
const RING: usize = 1024;

/// A recorded training step and the tensors that its host touches.
#[derive(Clone, Debug)]
pub struct TrainPlan {
    /// The program.
    pub plan: Plan,
    /// Its parameters and, where they are given, its dropout masks.
    pub store: Store,
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
    /// The program's state.
    pub state: TensorId,
    /// The loss ring (slots, 1, 6).
    pub losses: TensorId,
    /// One optimisation step.
    pub step: SectionId,
}

/// Records the training step of `model` under `config` on a data set of `poses`. With `given`, batch, views and masks
/// come from the host.
///
/// # Errors
/// [`Error::Usage`] for settings that cannot be trained.
pub fn train_plan(model: &ModelConfig, config: &TrainConfig, poses: usize, given: bool) -> Result<TrainPlan> {
    let skeleton = Skeleton::of(model.joints)
        .ok_or_else(|| Error::Usage(format!("there is no skeleton of {} joints; use 16 or 17", model.joints)))?;
    let mut rec = Recorder::new();
    let mut store = Store::default();
    let batch = config.batch;
    let supervised_only = model.ssl == Ssl::None;
    let rows = if supervised_only { batch } else { 2 * batch };
    let extent = Extent { instances: 1, rows, width: model.width, slope: model.slope };
    let shared = Shared::new(&mut rec, model, skeleton, &extent, config.seed);
    let options = TrainingOptions {
        dropout: config.dropout,
        bn_eps: model.bn_eps,
        bn_momentum: config.bn_momentum,
        groups: if model.ssl == Ssl::Cycle { 2 } else { 1 },
        state: shared.state,
        recorded_masks: given,
        no_mask: rec.tensor_with("no_mask", &[1, 1], Init::Words(vec![1])),
    };
    let keypoint_size = keypoint_size(model);
    let extractor =
        <Stack<TrainingBlock>>::new(&mut rec, &mut store, ("extractor", keypoint_size), extent, (&options, true));
    // The FSL head sees the lift only.
    let lift_options = TrainingOptions { groups: 1, ..options.clone() };
    let fsl = Head::new(&mut rec, &mut store, ("fsl", 3 * model.joints), extent, &lift_options);
    let ssl = (!supervised_only).then(|| {
        let sizes = [batch, batch, batch];
        SelfSupervision::new(&mut rec, &mut store, (model, shared), extent, sizes, (model.lambda, &options))
    });
    let recorded = TrainPlan {
        keypoints: rec.tensor("keypoints", &[poses, keypoint_size]),
        positions: rec.tensor("positions", &[poses, pose_size(model)]),
        x: shared.x,
        truth: rec.tensor("truth", &[1, batch, pose_size(model)]),
        views: ssl.as_ref().map(|ssl| ssl.views),
        state: shared.state,
        losses: rec.tensor("losses", &[RING, 1, LOSS_TERMS]),
        step: rec.section("step"),
        plan: Plan::default(),
        store,
    };
    let networks = Networks { extractor, fsl, ssl };
    networks.record_step(&mut rec, (model, config, shared), &recorded, given)?;
    Ok(TrainPlan { plan: rec.finish(), ..recorded })
}

struct Networks {
    extractor: Stack<TrainingBlock>,
    fsl: Head<TrainingBlock>,
    ssl: Option<SelfSupervision<TrainingBlock>>,
}

impl Networks {
    fn record_step(
        &self,
        rec: &mut Recorder,
        (model, config, shared): (&ModelConfig, &TrainConfig, Shared),
        ids: &TrainPlan,
        given: bool,
    ) -> Result<()> {
        let Shared { x, row_losses, ones, state, .. } = shared;
        let batch = config.batch;
        let lift = Pass { rows: Rows { first: 0, count: batch }, weights: Weights::Working, group: 0 };
        let values = [("lr", config.lr.into()), ("log2_decay", log2_decay(config).into()), ("restart", false.into())];
        rec.dispatch(&kernels::ADVANCE_STEP, "advance_step", &[("state", state)], &values)?;
        if !given {
            record_batch(rec, (config, shared), ids)?;
            if let Some(ssl) = &self.ssl {
                ssl.record_views(rec, false)?;
            }
        }
        self.extractor.record_forward(rec, x, lift)?;
        let features = self.extractor.features();
        self.fsl.record_forward(rec, features, lift)?;
        record_supervised_loss(rec, (model, shared), &self.fsl, ids.truth, batch)?;
        if let Some(ssl) = &self.ssl {
            ssl.record_forward(rec, &self.extractor, Weights::Working, 0)?;
        }
        let tensors = [("row_losses", row_losses), ("state", state), ("ring", ids.losses)];
        let copies = if self.ssl.is_some() { batch } else { 0 };
        let values = [("lifted", batch.into()), ("copies", copies.into())];
        rec.dispatch(&kernels::REDUCE_LOSSES, "losses", &tensors, &values)?;

        let dfeatures = self.fsl.record_backward(rec, lift)?;
        if let Some(ssl) = &self.ssl {
            let of_ssl = ssl.record_backward(rec, &self.extractor, Weights::Working, 0)?;
            let [row, rows] = [("row", 0u32.into()), ("rows", batch.into())];
            rec.dispatch(&kernels::ADD, "features.backward", &[("x", of_ssl), ("y", dfeatures)], &[row, rows])?;
        }
        self.extractor.record_backward(rec, dfeatures, lift)?;

        let learnt = self.ssl.as_ref().map_or(lift.rows, SelfSupervision::learnt_rows);
        self.extractor.record_update(rec, Update::InPlace, [x, ones, state], learnt)?;
        self.fsl.record_update(rec, Update::InPlace, [features, ones, state], lift.rows)?;
        self.ssl.iter().try_for_each(|ssl| ssl.record_update(rec, &self.extractor, Update::InPlace))
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

fn record_batch(rec: &mut Recorder, (config, shared): (&TrainConfig, Shared), ids: &TrainPlan) -> Result<()> {
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

/// Eq. 2 at the FSL head.
fn record_supervised_loss(
    rec: &mut Recorder,
    (model, shared): (&ModelConfig, Shared),
    fsl: &Head<TrainingBlock>,
    truth: TensorId,
    batch: usize,
) -> Result<()> {
    let scale = |vectors: usize| match model.reduction {
        Reduction::Sum => 1.0,
        Reduction::Mean => 1.0 / (3 * vectors) as f32,
    };
    let (position, bone) = (scale(model.joints), scale(model.joints - 1));
    let tensors = [
        ("pose", fsl.pose),
        ("truth", truth),
        ("skeleton", shared.skeleton),
        ("row_losses", shared.row_losses),
        ("dout", fsl.dpose),
    ];
    let values = [
        ("position_scale", position.into()),
        ("bone_scale", bone.into()),
        ("weight_position", (position / batch as f32).into()),
        ("weight_bone", (bone / batch as f32).into()),
    ];
    rec.dispatch(&kernels::SUPERVISED_LOSS, "supervised_loss", &tensors, &values)
}
