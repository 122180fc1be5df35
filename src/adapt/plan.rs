//! The GPU program of adaptation and prediction.

use super::{AdaptConfig, Start};
use crate::config::{ModelConfig, Network, Ssl};
use crate::error::{Error, Result};
use crate::kernels;
use crate::nn::{
    Extent, FrozenBlock, Head, Pass, Recording, Rows, Stack, Storage, Store, Update, UpdateFrom, Weights,
    keypoint_size, pose_size,
};
use crate::plan::{Recorder, SectionId, TensorId};
use crate::pose::Skeleton;
use crate::task::{Batch, Branch, LossRing, Place, ReplaySource, Seed, SelfSupervision, Shared, Stage, Step};

/// A recorded adaptation.
#[derive(Clone, Debug)]
pub struct AdaptPlan {
    /// The program.
    pub recording: Recording,
    /// What its host touches.
    pub ids: AdaptIds,
}

/// Tensors and sections of an adaptation that its host touches.
#[derive(Clone, Copy, Debug)]
pub struct AdaptIds {
    /// The resident chunk of inputs (capacity, 2J), normalised.
    pub samples: TensorId,
    /// The chunk's masks (capacity, J): 1 for a joint that a sample has, 0 for a missing one; where samples are masked
    /// and adapted to.
    pub masks: Option<TensorId>,
    /// The chunk's predictions (capacity, pose_size), root-centred, metres.
    pub predictions: TensorId,
    /// Random views (instances, T B, 2), where samples are adapted to.
    pub views: Option<TensorId>,
    /// The reservoir, where poses are replayed.
    pub replay: Option<ReplaySource>,
    /// The loss ring (slots, instances, columns), where samples are adapted to.
    pub losses: Option<TensorId>,
    /// Adapts to the next sample(s) and predicts.
    pub adapt: Option<SectionId>,
    /// Predicts the next sample(s) without adaptation: as adapted so far, with a policy that forgets as trained.
    pub predict: SectionId,
}

/// What recording a sample needs.
struct Sample {
    config: AdaptConfig,
    batch: Batch,
    /// Whether the task looks at a sample's mirror image too.
    paired: bool,
    shared: Shared,
    extractor: Stack<FrozenBlock>,
    fsl: Head<FrozenBlock>,
    branch: Option<Branch<FrozenBlock>>,
    ring: Option<LossRing>,
    samples: TensorId,
    masks: Option<TensorId>,
    pairs: TensorId,
    predictions: TensorId,
}

/// Records the program of `config` for `model`.
///
/// # Errors
/// [`Error::Setting`] for a joint count without a skeleton.
pub fn adapt_plan(model: &ModelConfig, config: &AdaptConfig) -> Result<AdaptPlan> {
    let skeleton = Skeleton::of(model.joints)
        .ok_or_else(|| Error::setting("joints", format!("there is no skeleton of {}; use 16 or 17", model.joints)))?;
    let mut rec = Recorder::new();
    let mut store = Store::default();
    let policy = config.policy;
    let instances = if policy.adapts() { config.instances } else { 1 };
    let per_replay = config.samples_per_replay();
    let capacity = config.capacity.next_multiple_of(per_replay);
    let pair_rows = 2 * per_replay / instances;
    let stage = Stage::Adaptation;
    let paired = model.ssl == Ssl::Geometry;
    let batch = Batch { lifted: if paired { 2 + policy.replay } else { 1 }, copies: policy.copies };
    let rows = if policy.adapts() { pair_rows.max(batch.all().count) } else { pair_rows };
    let extent = Extent { instances, rows, width: model.width, slope: model.slope };
    let shared = Shared::new(&mut rec, (model, stage), skeleton, &extent, config.seed);
    let [of_extractor, of_branch] = storages(config);
    let keypoints = keypoint_size(model);
    let name = Network::Extractor.prefix();
    let extractor = Stack::new(&mut rec, &mut store, (name, keypoints), extent, (&of_extractor, true));
    let fsl = Head::new(&mut rec, &mut store, (Network::FslHead, model), extent, &Storage::Frozen);
    let place = Place { model, stage, shared, extent, batch, weight: 1.0 };
    let how = SelfSupervision { view_rows: policy.iterations * policy.copies, masked: config.masked };
    let replays = policy.adapts() && paired && policy.replay > 0;
    let replay = replays.then(|| {
        // Rows that the host gives are those of one sample.
        let poses = if config.draw_views { model.reservoir } else { instances * policy.iterations * policy.replay };
        ReplaySource {
            keypoints: rec.tensor("replay.keypoints", &[poses, keypoints]),
            positions: rec.tensor("replay.positions", &[poses, pose_size(model)]),
            drawn: config.draw_views,
        }
    });
    let branch = match (policy.adapts(), paired) {
        (false, _) => None,
        (true, true) => Some(Branch::geometry(&mut rec, place, how, replay, fsl.clone())),
        (true, false) => Branch::self_supervised(&mut rec, &mut store, place, how, &of_branch),
    };
    let adapts = branch.is_some();
    let slots = policy.iterations.max(64);
    let ring = if adapts { Some(LossRing::new(&mut rec, (model, stage), batch, [slots, instances])?) } else { None };
    let sample = Sample {
        paired,
        shared,
        batch,
        extractor,
        fsl,
        branch,
        ring,
        samples: rec.tensor("samples", &[capacity, keypoints]),
        masks: (adapts && config.masked).then(|| rec.tensor("masks", &[capacity, model.joints])),
        pairs: rec.tensor("pairs", &[instances, pair_rows, keypoints]),
        predictions: rec.tensor("predictions", &[capacity, pose_size(model)]),
        config: config.clone(),
    };
    let adapt = match &sample.branch {
        None => None,
        Some(branch) => {
            let section = rec.section("adapt");
            sample.record_adapt(&mut rec, branch)?;
            sample.record_predict(&mut rec, Weights::Working)?;
            Some(section)
        }
    };
    let predict = rec.section("predict");
    let weights = if policy.forgets() { Weights::Source } else { Weights::Working };
    sample.record_predict(&mut rec, weights)?;
    let ids = AdaptIds {
        samples: sample.samples,
        masks: sample.masks,
        predictions: sample.predictions,
        views: sample.branch.as_ref().and_then(Branch::views),
        replay,
        losses: ring.map(|ring| ring.tensor),
        adapt,
        predict,
    };
    Ok(AdaptPlan { recording: Recording { plan: rec.finish(), store, state: shared.state }, ids })
}

/// How the extractor's parameters are kept, and those of the branch that is adapted with.
fn storages(config: &AdaptConfig) -> [Storage; 2] {
    let fresh = |steps: usize| match (steps, config.discard) {
        (0, _) => Storage::Frozen,
        (1, true) => Storage::Fresh { moments: false },
        _ => Storage::Fresh { moments: true },
    };
    match config.policy.start {
        Start::Never => [Storage::Frozen; 2],
        Start::Carry => [Storage::InPlace; 2],
        Start::Source => [fresh(config.policy.iterations), fresh(branch_steps(config))],
    }
}

/// Steps that the branch takes on a sample: where it is discarded with the sample, its last step is not taken.
fn branch_steps(config: &AdaptConfig) -> usize {
    config.policy.iterations - usize::from(config.policy.forgets() && config.discard)
}

impl Sample {
    /// The update of step `step` of `steps`.
    fn update(&self, step: usize, steps: usize) -> Update {
        match (self.config.policy.forgets(), self.config.discard) {
            (false, _) => Update::InPlace,
            (true, true) => Update::of_step(step, steps),
            (true, false) if step == 0 => Update::First,
            (true, false) => Update::InPlace,
        }
    }

    fn record_adapt(&self, rec: &mut Recorder, branch: &Branch<FrozenBlock>) -> Result<()> {
        if self.config.draw_views {
            branch.record_draw(rec, true)?;
        }
        if self.paired {
            self.record_pairs(rec, self.shared.x, 1)?;
        } else {
            let tensors = [("samples", self.samples), ("state", self.shared.state), ("x", self.shared.x)];
            rec.dispatch(&kernels::GATHER_SAMPLE, "sample", &tensors, &[])?;
        }
        if let Some(masks) = self.masks {
            let tensors = [("samples", masks), ("state", self.shared.state), ("x", self.shared.seen)];
            rec.dispatch(&kernels::GATHER_SAMPLE, "seen", &tensors, &[])?;
        }
        (0..self.config.policy.iterations)
            .try_for_each(|step| rec.scoped(format!("{step}"), |rec| self.record_iteration(rec, branch, step)))
    }

    /// One step of Algorithm 1's inner loop.
    fn record_iteration(&self, rec: &mut Recorder, branch: &Branch<FrozenBlock>, iteration: usize) -> Result<()> {
        let Shared { x, ones, state, .. } = self.shared;
        let policy = self.config.policy;
        let fresh = policy.forgets() && iteration == 0;
        let weights = if fresh { Weights::Source } else { Weights::Working };
        let lift = Pass { rows: self.batch.lift(), weights, group: 0 };
        let step = Step { weights, iteration };
        let values = [("lr", policy.alpha.into()), ("log2_decay", 0.0.into()), ("restart", fresh.into())];
        rec.dispatch(&kernels::ADVANCE_STEP, "advance_step", &[("state", state)], &values)?;
        branch.record_inputs(rec, step)?;
        self.extractor.record_forward(rec, x, lift)?;
        branch.record_forward(rec, &self.extractor, step)?;
        if let Some(ring) = self.ring {
            ring.record(rec, self.shared)?;
        }
        let mut seed = Seed::default();
        branch.record_backward(rec, &self.extractor, step, &mut seed)?;
        if let Some(dfeatures) = seed.sum() {
            self.extractor.record_backward(rec, dfeatures, Pass { rows: branch.backward_rows(), ..lift })?;
        }
        let update = self.update(iteration, policy.iterations);
        let from = UpdateFrom { x, row_scale: ones, state, rows: branch.learnt_rows() };
        self.extractor.record_update(rec, update, from)?;
        let steps = branch_steps(&self.config);
        if iteration < steps {
            branch.record_update(rec, &self.extractor, self.update(iteration, steps))?;
        }
        Ok(())
    }

    /// The next sample(s) and their mirror images to the first rows of `x`.
    fn record_pairs(&self, rec: &mut Recorder, x: TensorId, poses: usize) -> Result<()> {
        let Shared { skeleton, state, .. } = self.shared;
        let tensors = [("samples", self.samples), ("skeleton", skeleton), ("state", state), ("x", x)];
        rec.dispatch(&kernels::GATHER_FLIP_PAIRS, "pairs", &tensors, &[("poses", poses.into())])
    }

    /// Lifts the next sample(s) with the adapted extractor and the FSL head (Fig. 2c).
    fn record_predict(&self, rec: &mut Recorder, weights: Weights) -> Result<()> {
        let Shared { skeleton, state, .. } = self.shared;
        let poses = if self.config.policy.adapts() { 1 } else { self.config.batch };
        let count = if self.config.flip { 2 * poses } else { poses };
        let pass = Pass { rows: Rows { first: 0, count }, weights, group: 0 };
        rec.scoped("predict", |rec| {
            self.record_pairs(rec, self.pairs, poses)?;
            self.extractor.record_forward(rec, self.pairs, pass)?;
            // What averages lifts the head's output too: a dispatch less to wait for.
            self.fsl.record_raw_forward(rec, self.extractor.features(), pass)?;
            let tensors = [
                ("x", self.pairs),
                ("pose", self.fsl.pose),
                ("skeleton", skeleton),
                ("state", state),
                ("predictions", self.predictions),
            ];
            let values =
                [&[("poses", poses.into()), ("flip", self.config.flip.into())], &self.fsl.lift_values()[..]].concat();
            rec.dispatch(&kernels::AVERAGE_FLIP_PAIRS, "average", &tensors, &values)?;
            let samples = [("samples", self.config.samples_per_replay().into())];
            rec.dispatch(&kernels::ADVANCE_SAMPLE, "advance_sample", &[("state", state)], &samples)
        })
    }
}
