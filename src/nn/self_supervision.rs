//! The self-supervised task over any kind of residual block (Sec. 3.2.1, Eq. 3 and 4): lift, random views, the
//! adversary, the re-lift, the cycle. Training and adaptation record the same passes.
//!
//! Rows [0, lifted) of every tensor belong to the lift of the inputs, rows [lifted, lifted + copies) to the random
//! views of the lifted poses, so that one weight gradient covers both.

use super::{Block, Discriminator, Extent, Head, Pass, Rows, Stack, Store, Update, Weights, keypoint_size, pose_size};
use crate::config::{Generator, ModelConfig, Normalize, Projection, Reduction, Ssl};
use crate::cpu::loss::LOSS_TERMS;
use crate::error::Result;
use crate::kernel::Value;
use crate::kernels;
use crate::plan::{Init, Recorder, TensorId};
use crate::pose::Skeleton;

/// Tensors that the supervised and the self-supervised task share.
#[derive(Clone, Copy, Debug)]
pub struct Shared {
    /// Keypoints (instances, rows, 2J): the inputs, then the random views.
    pub x: TensorId,
    /// Parents and mirror joints (2, J).
    pub skeleton: TensorId,
    /// Expected bone lengths in the plane (J), 0 for the root.
    pub bones: TensorId,
    /// The loss terms of each row (instances, rows, 6).
    pub row_losses: TensorId,
    /// 1 for each row (instances, rows).
    pub ones: TensorId,
    /// 1 for each joint that an instance's sample has, 0 for a missing one (instances, 1, J).
    pub seen: TensorId,
    /// The program's state.
    pub state: TensorId,
}

impl Shared {
    /// Allocates them.
    pub fn new(rec: &mut Recorder, model: &ModelConfig, skeleton: &Skeleton, extent: &Extent, seed: u32) -> Self {
        let (instances, rows, joints) = (extent.instances, extent.rows, model.joints);
        let words = skeleton.parents.iter().chain(skeleton.swap).map(|&j| j as u32).collect();
        let mut bones = vec![0.0; joints];
        bones[1..].iter_mut().zip(&model.bone_lengths).for_each(|(b, length)| *b = length / model.depth);
        let state = crate::cpu::State { seed, ..Default::default() };
        Self {
            x: rec.tensor("x", &[instances, rows, keypoint_size(model)]),
            skeleton: rec.tensor_with("skeleton", &[2, joints], Init::Words(words)),
            bones: rec.tensor_with("bones", &[joints], Init::Data(bones)),
            row_losses: rec.tensor("row_losses", &[instances, rows, LOSS_TERMS]),
            ones: rec.tensor_with("ones", &[instances, rows], Init::Fill(1.0)),
            seen: rec.tensor_with("seen", &[instances, 1, joints], Init::Fill(1.0)),
            state: rec.tensor_with("state", &[crate::cpu::State::WORDS], Init::Data(state.words().to_vec())),
        }
    }
}

/// SSL head, discriminator and what lies between them.
#[derive(Clone, Debug)]
pub struct SelfSupervision<B> {
    model: ModelConfig,
    shared: Shared,
    lifted: usize,
    copies: usize,
    /// Weight of the whole task: λ in training, 1 in adaptation.
    weight: f32,
    head: Head<B>,
    disc: Discriminator<B>,
    /// Random views (instances, view rows, 2): azimuth and elevation.
    pub views: TensorId,
    row_scale: TensorId,
    generator_factor: TensorId,
    dy_disc: TensorId,
    dy_lift: TensorId,
    dpose: TensorId,
    masked: Option<Masked>,
}

/// What the discriminator sees and gives back where samples lack joints.
#[derive(Clone, Copy, Debug)]
struct Masked {
    x: TensorId,
    dy: TensorId,
}

impl<B: Block> SelfSupervision<B> {
    /// Allocates the task for `lifted` inputs and `copies` views of them all together; `view_rows` views are kept.
    pub fn new(
        rec: &mut Recorder,
        store: &mut Store,
        (model, shared): (&ModelConfig, Shared),
        extent: Extent,
        [lifted, copies, view_rows]: [usize; 3],
        (weight, options): (f32, &B::Options),
    ) -> Self {
        let (instances, rows, keypoints) = (extent.instances, extent.rows, keypoint_size(model));
        let head = Head::new(rec, store, ("ssl", 3 * model.joints), extent, options);
        let disc = Discriminator::new(rec, store, keypoints, extent, options);
        Self {
            model: model.clone(),
            shared,
            lifted,
            copies,
            weight,
            head,
            disc,
            views: rec.tensor("views", &[instances, view_rows, 2]),
            row_scale: rec.tensor("row_scale", &[instances, rows]),
            generator_factor: rec.tensor("generator_factor", &[instances, rows]),
            dy_disc: rec.tensor("dy_disc", &[instances, rows, keypoints]),
            dy_lift: rec.tensor("dy_lift", &[instances, rows, keypoints]),
            dpose: rec.tensor("dpose", &[instances, copies, pose_size(model)]),
            masked: None,
        }
    }

    /// The same task for samples that may lack joints: the discriminator sees neither them nor their counterparts in
    /// the random views. The cycle's losses always leave them out.
    #[must_use]
    pub fn masked(self, rec: &mut Recorder) -> Self {
        let shape = rec.shape(self.shared.x).to_vec();
        let [x, dy] = ["masked.x", "masked.dy_disc"].map(|name| rec.tensor(name, &shape));
        Self { masked: Some(Masked { x, dy }), ..self }
    }

    /// What the discriminator is given.
    fn judged(&self) -> TensorId {
        self.masked.map_or(self.shared.x, |masked| masked.x)
    }

    fn record_mask(&self, rec: &mut Recorder, label: &'static str, (x, y): (TensorId, TensorId)) -> Result<()> {
        let rows = self.both(Weights::Working).rows.count;
        let tensors = [("x", x), ("seen", self.shared.seen), ("y", y)];
        rec.dispatch(&kernels::MASK_JOINTS, label, &tensors, &[("rows", rows.into())])
    }

    fn cycle(&self) -> bool {
        self.model.ssl == Ssl::Cycle
    }

    fn pass(&self, weights: Weights, group: usize) -> Pass {
        let rows = match group {
            0 => Rows { first: 0, count: self.lifted },
            _ => Rows { first: self.lifted, count: self.copies },
        };
        Pass { rows, weights, group }
    }

    /// Lift and views in one: D has no batch norm.
    fn both(&self, weights: Weights) -> Pass {
        Pass { rows: Rows { first: 0, count: self.lifted + self.copies }, weights, group: 0 }
    }

    /// The rows that the extractor and the SSL head learn from.
    #[must_use]
    pub fn learnt_rows(&self) -> Rows {
        Rows { first: 0, count: self.lifted + if self.cycle() { self.copies } else { 0 } }
    }

    /// Uniforms of the kernels that see views.
    fn view_values(&self, first_view: usize) -> Vec<(&'static str, Value)> {
        vec![
            ("lifted", self.lifted.into()),
            ("first_view", first_view.into()),
            ("perspective", (self.model.projection == Projection::Perspective).into()),
            ("depth", self.model.depth.into()),
            ("min_depth", self.model.min_depth.into()),
        ]
    }

    /// From the extractor's features of the lift to every loss term and the gradients that start the backward pass.
    ///
    /// # Errors
    /// [`crate::Error::Plan`] when shapes do not unify; so do all recording functions here.
    pub fn record_forward(
        &self,
        rec: &mut Recorder,
        extractor: &Stack<B>,
        weights: Weights,
        first_view: usize,
    ) -> Result<()> {
        let Shared { x, skeleton, bones, row_losses, .. } = self.shared;
        let (lift, relift) = (self.pass(weights, 0), self.pass(weights, 1));
        self.head.record_forward(rec, extractor.features(), lift)?;
        let mut values = self.view_values(first_view);
        values
            .extend([("copies", self.copies.into()), ("normalize", (self.model.normalize == Normalize::Bone).into())]);
        let pose = ("pose", self.head.pose);
        let tensors = [pose, ("views", self.views), ("skeleton", skeleton), ("bones", bones), ("y", x)];
        rec.dispatch(&kernels::PROJECT_VIEWS_FORWARD, "views.forward", &tensors, &values)?;
        if let Some(masked) = self.masked {
            self.record_mask(rec, "mask", (x, masked.x))?;
        }
        self.disc.record_forward(rec, self.judged(), self.both(weights))?;
        rec.dispatch(
            &kernels::DISCRIMINATOR_LOSS,
            "discriminator_loss",
            &[
                ("logits", self.disc.logits),
                ("row_losses", row_losses),
                ("row_scale", self.row_scale),
                ("generator_factor", self.generator_factor),
            ],
            &[
                ("lifted", self.lifted.into()),
                ("copies", self.copies.into()),
                ("saturating", (self.model.generator == Generator::Saturating).into()),
                ("weight", self.weight.into()),
            ],
        )?;
        if !self.cycle() {
            return Ok(());
        }
        rec.scoped("relift", |rec| {
            extractor.record_forward(rec, x, relift)?;
            self.head.record_forward(rec, extractor.features(), relift)
        })?;
        let joints = self.model.joints;
        let scale = |coordinates: usize| match self.model.reduction {
            Reduction::Sum => 1.0,
            Reduction::Mean => 1.0 / (coordinates * joints) as f32,
        };
        let each = self.weight / self.copies as f32;
        let mut values = self.view_values(first_view);
        values.extend([
            ("loss_scale_2d", scale(2).into()),
            ("loss_scale_3d", scale(3).into()),
            ("weight_2d", (self.model.lambda_2d * each * scale(2)).into()),
            ("weight_3d", (self.model.lambda_3d * each * scale(3)).into()),
        ]);
        let tensors = [
            pose,
            ("views", self.views),
            ("x", x),
            ("seen", self.shared.seen),
            ("row_losses", row_losses),
            ("dout", self.head.dpose),
            ("dpose", self.dpose),
        ];
        rec.dispatch(&kernels::CYCLE_LOSS, "cycle_loss", &tensors, &values)
    }

    /// From there to the gradient at the features of the lift, which it returns. One pass through D serves both
    /// players: its own rows are weighed in the update, the generator's here.
    ///
    /// # Errors
    /// As [`Self::record_forward`].
    pub fn record_backward(
        &self,
        rec: &mut Recorder,
        extractor: &Stack<B>,
        weights: Weights,
        first_view: usize,
    ) -> Result<TensorId> {
        let (lift, relift) = (self.pass(weights, 0), self.pass(weights, 1));
        if self.cycle() {
            rec.scoped("relift", |rec| {
                let dfeatures = self.head.record_backward(rec, relift)?;
                extractor.record_backward(rec, dfeatures, relift)?;
                extractor.record_backward_input(rec, self.dy_lift, relift)
            })?;
        }
        let both = self.both(weights);
        self.disc.record_backward(rec, both)?;
        self.disc.record_backward_input(rec, self.dy_disc, Pass { rows: relift.rows, ..both })?;
        if let Some(masked) = self.masked {
            self.record_mask(rec, "mask.backward", (self.dy_disc, masked.dy))?;
        }
        let mut values = self.view_values(first_view);
        values
            .extend([("normalize", (self.model.normalize == Normalize::Bone).into()), ("cycle", self.cycle().into())]);
        let tensors = [
            ("pose", self.head.pose),
            ("views", self.views),
            ("skeleton", self.shared.skeleton),
            ("bones", self.shared.bones),
            ("dy_disc", self.masked.map_or(self.dy_disc, |masked| masked.dy)),
            ("dy_lift", self.dy_lift),
            ("generator_factor", self.generator_factor),
            ("dpose", self.dpose),
        ];
        rec.dispatch(&kernels::PROJECT_VIEWS_BACKWARD, "views.backward", &tensors, &values)?;
        let tensors = [("dpose", self.dpose), ("dout", self.head.dpose)];
        let values = [("joints", self.model.joints.into()), ("lifted", self.lifted.into())];
        rec.dispatch(&kernels::SUM_VIEWS_BACKWARD, "views.sum", &tensors, &values)?;
        self.head.record_backward(rec, lift)
    }

    /// One Adam step on the SSL head (descent) and the discriminator (ascent).
    ///
    /// # Errors
    /// As [`Self::record_forward`].
    pub fn record_update(&self, rec: &mut Recorder, extractor: &Stack<B>, update: Update) -> Result<()> {
        let Shared { ones, state, .. } = self.shared;
        self.head.record_update(rec, update, [extractor.features(), ones, state], self.learnt_rows())?;
        let all = self.both(Weights::Working).rows;
        self.disc.record_update(rec, update, [self.judged(), self.row_scale, state], all)
    }

    /// Draws every random view, keyed by the sample or by the step.
    ///
    /// # Errors
    /// As [`Self::record_forward`].
    pub fn record_views(&self, rec: &mut Recorder, by_sample: bool) -> Result<()> {
        let tensors = [("state", self.shared.state), ("views", self.views)];
        rec.dispatch(&kernels::RANDOM_VIEWS, "views.draw", &tensors, &[("by_sample", by_sample.into())])
    }
}
