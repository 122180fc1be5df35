//! The GPU program of adaptation and prediction.

use super::AdaptConfig;
use super::Mode;
use crate::config::ModelConfig;
use crate::cpu::loss::LOSS_TERMS;
use crate::error::{Error, Result};
use crate::kernels;
use crate::nn::{
    Extent, FrozenBlock, Head, Pass, Rows, SelfSupervision, Shared, Stack, Storage, Store, Update, Weights,
    keypoint_size, pose_size,
};
use crate::plan::{Plan, Recorder, SectionId, TensorId};
use crate::pose::Skeleton;

/// A recorded adaptation and the tensors that its host touches.
#[derive(Clone, Debug)]
pub struct AdaptPlan {
    /// The program.
    pub plan: Plan,
    /// Its parameters.
    pub store: Store,
    /// The resident chunk of inputs (capacity, 2J), normalised.
    pub samples: TensorId,
    /// The chunk's masks (capacity, J): 1 for a joint that a sample has, 0 for a missing one; where samples are masked
    /// and the mode adapts.
    pub masks: Option<TensorId>,
    /// The chunk's predictions (capacity, pose_size), root-centred, metres.
    pub predictions: TensorId,
    /// The program's state.
    pub state: TensorId,
    /// Random views (instances, T B, 2), where the mode adapts.
    pub views: Option<TensorId>,
    /// The loss ring (slots, instances, 6), where the mode adapts.
    pub losses: Option<TensorId>,
    /// Adapts to the next sample(s) and predicts.
    pub adapt: Option<SectionId>,
    /// Predicts the next sample(s) as adapted so far.
    pub predict: SectionId,
}

/// What recording a sample needs.
struct Lifter {
    config: AdaptConfig,
    shared: Shared,
    extractor: Stack<FrozenBlock>,
    fsl: Head<FrozenBlock>,
    ssl: Option<SelfSupervision<FrozenBlock>>,
    samples: TensorId,
    masks: Option<TensorId>,
    pairs: TensorId,
    predictions: TensorId,
    losses: Option<TensorId>,
}

/// Records the program of `config` for `model`.
///
/// # Errors
/// [`Error::Usage`] for a joint count without a skeleton.
pub fn adapt_plan(model: &ModelConfig, config: &AdaptConfig) -> Result<AdaptPlan> {
    let skeleton = Skeleton::of(model.joints)
        .ok_or_else(|| Error::Usage(format!("there is no skeleton of {} joints; use 16 or 17", model.joints)))?;
    let mut rec = Recorder::new();
    let mut store = Store::default();
    let adapts = config.mode != Mode::Baseline;
    let instances = if adapts { config.instances } else { 1 };
    let per_replay = config.samples_per_replay();
    let capacity = config.capacity.next_multiple_of(per_replay);
    let pair_rows = 2 * per_replay / instances;
    let rows = if adapts { pair_rows.max(1 + config.copies) } else { pair_rows };
    let extent = Extent { instances, rows, width: model.width, slope: model.slope };
    let shared = Shared::new(&mut rec, model, skeleton, &extent, config.seed);
    let [of_extractor, of_ssl] = storages(config);
    let keypoints = keypoint_size(model);
    let extractor =
        <Stack<FrozenBlock>>::new(&mut rec, &mut store, ("extractor", keypoints), extent, (&of_extractor, true));
    let fsl = Head::new(&mut rec, &mut store, ("fsl", 3 * model.joints), extent, &Storage::Frozen);
    let ssl = adapts.then(|| {
        let sizes = [1, config.copies, config.iterations * config.copies];
        let ssl = SelfSupervision::new(&mut rec, &mut store, (model, shared), extent, sizes, (1.0, &of_ssl));
        if config.masked { ssl.masked(&mut rec) } else { ssl }
    });
    let masked = adapts && config.masked;
    let slots = config.iterations.max(64);
    let lifter = Lifter {
        shared,
        extractor,
        fsl,
        ssl,
        samples: rec.tensor("samples", &[capacity, keypoints]),
        masks: masked.then(|| rec.tensor("masks", &[capacity, model.joints])),
        pairs: rec.tensor("pairs", &[instances, pair_rows, keypoints]),
        predictions: rec.tensor("predictions", &[capacity, pose_size(model)]),
        losses: adapts.then(|| rec.tensor("losses", &[slots, instances, LOSS_TERMS])),
        config: config.clone(),
    };
    let adapt = match &lifter.ssl {
        None => None,
        Some(ssl) => {
            let section = rec.section("adapt");
            lifter.record_adapt(&mut rec, ssl)?;
            lifter.record_predict(&mut rec)?;
            Some(section)
        }
    };
    let predict = rec.section("predict");
    lifter.record_predict(&mut rec)?;
    Ok(AdaptPlan {
        plan: rec.finish(),
        store,
        samples: lifter.samples,
        masks: lifter.masks,
        predictions: lifter.predictions,
        state: shared.state,
        views: lifter.ssl.as_ref().map(|ssl| ssl.views),
        losses: lifter.losses,
        adapt,
        predict,
    })
}

/// How the extractor's parameters are kept, and those of SSL head and discriminator.
fn storages(config: &AdaptConfig) -> [Storage; 2] {
    let fresh = |steps: usize| match (steps, config.discard) {
        (0, _) => Storage::Frozen,
        (1, true) => Storage::Fresh { moments: false },
        _ => Storage::Fresh { moments: true },
    };
    match config.mode {
        Mode::Baseline => [Storage::Frozen; 2],
        Mode::Online | Mode::OnlineSkip => [Storage::InPlace; 2],
        Mode::Vanilla | Mode::VanillaLr => [fresh(config.iterations), fresh(ssl_steps(config))],
    }
}

/// Steps that SSL head and discriminator take on a sample: vanilla discards them, so their last step is not taken.
fn ssl_steps(config: &AdaptConfig) -> usize {
    config.iterations - usize::from(config.mode.is_vanilla() && config.discard)
}

impl Lifter {
    /// The update of step `step` of `steps`.
    fn update(&self, step: usize, steps: usize) -> Update {
        match (self.config.mode.is_vanilla(), self.config.discard) {
            (false, _) => Update::InPlace,
            (true, true) => Update::of_step(step, steps),
            (true, false) if step == 0 => Update::First,
            (true, false) => Update::InPlace,
        }
    }

    fn record_adapt(&self, rec: &mut Recorder, ssl: &SelfSupervision<FrozenBlock>) -> Result<()> {
        if self.config.draw_views {
            ssl.record_views(rec, true)?;
        }
        let tensors = [("samples", self.samples), ("state", self.shared.state), ("x", self.shared.x)];
        rec.dispatch(&kernels::GATHER_SAMPLE, "sample", &tensors, &[])?;
        if let Some(masks) = self.masks {
            let tensors = [("samples", masks), ("state", self.shared.state), ("x", self.shared.seen)];
            rec.dispatch(&kernels::GATHER_SAMPLE, "seen", &tensors, &[])?;
        }
        (0..self.config.iterations)
            .try_for_each(|step| rec.scoped(format!("{step}"), |rec| self.record_iteration(rec, ssl, step)))
    }

    /// One step of Algorithm 1's inner loop.
    fn record_iteration(&self, rec: &mut Recorder, ssl: &SelfSupervision<FrozenBlock>, step: usize) -> Result<()> {
        let Shared { x, row_losses, ones, state, .. } = self.shared;
        let vanilla = self.config.mode.is_vanilla();
        let weights = if vanilla && step == 0 { Weights::Source } else { Weights::Working };
        let lift = Pass { rows: Rows { first: 0, count: 1 }, weights, group: 0 };
        let first_view = step * self.config.copies;
        let values =
            [("lr", self.config.alpha.into()), ("log2_decay", 0.0.into()), ("restart", (vanilla && step == 0).into())];
        rec.dispatch(&kernels::ADVANCE_STEP, "advance_step", &[("state", state)], &values)?;
        self.extractor.record_forward(rec, x, lift)?;
        ssl.record_forward(rec, &self.extractor, weights, first_view)?;
        if let Some(ring) = self.losses {
            let tensors = [("row_losses", row_losses), ("state", state), ("ring", ring)];
            let values = [("lifted", 1u32.into()), ("copies", self.config.copies.into())];
            rec.dispatch(&kernels::REDUCE_LOSSES, "losses", &tensors, &values)?;
        }
        let dfeatures = ssl.record_backward(rec, &self.extractor, weights, first_view)?;
        self.extractor.record_backward(rec, dfeatures, lift)?;
        let update = self.update(step, self.config.iterations);
        self.extractor.record_update(rec, update, [x, ones, state], ssl.learnt_rows())?;
        let steps = ssl_steps(&self.config);
        if step < steps {
            ssl.record_update(rec, &self.extractor, self.update(step, steps))?;
        }
        Ok(())
    }

    /// Lifts the next sample(s) with the adapted extractor and the FSL head (Fig. 2c).
    fn record_predict(&self, rec: &mut Recorder) -> Result<()> {
        let Shared { skeleton, state, .. } = self.shared;
        let poses = if self.config.mode == Mode::Baseline { self.config.batch } else { 1 };
        let count = if self.config.flip { 2 * poses } else { poses };
        let pass = Pass { rows: Rows { first: 0, count }, weights: Weights::Working, group: 0 };
        rec.scoped("predict", |rec| {
            let tensors = [("samples", self.samples), ("skeleton", skeleton), ("state", state), ("x", self.pairs)];
            rec.dispatch(&kernels::GATHER_FLIP_PAIRS, "pairs", &tensors, &[("poses", poses.into())])?;
            self.extractor.record_forward(rec, self.pairs, pass)?;
            self.fsl.record_forward(rec, self.extractor.features(), pass)?;
            let tensors =
                [("pose", self.fsl.pose), ("skeleton", skeleton), ("state", state), ("predictions", self.predictions)];
            let values = [("poses", poses.into()), ("flip", self.config.flip.into())];
            rec.dispatch(&kernels::AVERAGE_FLIP_PAIRS, "average", &tensors, &values)?;
            let samples = [("samples", self.config.samples_per_replay().into())];
            rec.dispatch(&kernels::ADVANCE_SAMPLE, "advance_sample", &[("state", state)], &samples)
        })
    }
}
