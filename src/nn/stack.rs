//! The networks of Sec. 3.3 over any kind of residual block.

use super::{Backward, Block, Extent, Forward, Linear, Pass, Store, Through, Update, UpdateFrom};
use crate::config::{Lift, ModelConfig, Network, Projection};
use crate::error::Result;
use crate::kernel::Value;
use crate::kernels;
use crate::plan::{Recorder, TensorId};

/// Linear(2J, W) and three blocks: the extractor, and the body of the discriminator.
#[derive(Clone, Debug)]
pub struct Stack<B> {
    stem: Linear,
    h: TensorId,
    blocks: [B; 3],
}

impl<B: Block> Stack<B> {
    /// Allocates stack `name` on `keypoint_size` inputs, with batch norms if `norm`.
    pub fn new(
        rec: &mut Recorder,
        store: &mut Store,
        (name, keypoint_size): (&str, usize),
        extent: Extent,
        (options, norm): (&B::Options, bool),
    ) -> Self {
        let size = [keypoint_size, extent.width];
        let stem = Linear::new(rec, store, format!("{name}.stem"), size, B::storage(options), extent.instances);
        let h = stem.output(rec, &extent, "y");
        let block = |i| B::new(rec, store, &format!("{name}.rb{i}"), extent, (options, norm));
        Self { stem, h, blocks: [0, 1, 2].map(block) }
    }

    /// The features (instances, rows, width).
    #[must_use]
    pub fn features(&self) -> TensorId {
        self.blocks[2].y()
    }

    /// Each block with its input.
    fn blocks(&self) -> impl Iterator<Item = (&B, TensorId)> {
        self.blocks.iter().zip([self.h, self.blocks[0].y(), self.blocks[1].y()])
    }

    /// From `x` to [`Self::features`].
    ///
    /// # Errors
    /// [`crate::Error::Plan`] when shapes do not unify; so do all recording functions here.
    pub fn record_forward(&self, rec: &mut Recorder, x: TensorId, pass: Pass) -> Result<()> {
        self.stem.record_forward(rec, pass, Forward { x, y: self.h })?;
        self.blocks().try_for_each(|(block, input)| block.record_forward(rec, input, pass))
    }

    /// What a gradient at the features goes through first, see [`Block::through`].
    #[must_use]
    pub fn through(&self) -> Option<Through> {
        self.blocks[2].through()
    }

    /// From `dfeatures` to the stem's output.
    ///
    /// # Errors
    /// As [`Self::record_forward`].
    pub fn record_backward(&self, rec: &mut Recorder, dfeatures: TensorId, pass: Pass) -> Result<()> {
        let [first, second, third] = &self.blocks;
        third.record_backward(rec, dfeatures, pass, second.through())?;
        second.record_backward(rec, third.dx(), pass, first.through())?;
        first.record_backward(rec, second.dx(), pass, None)
    }

    /// After [`Self::record_backward`]: on to the input, `dx`.
    ///
    /// # Errors
    /// As [`Self::record_forward`].
    pub fn record_backward_input(&self, rec: &mut Recorder, dx: TensorId, pass: Pass) -> Result<()> {
        self.stem.record_backward_input(
            rec,
            pass,
            Backward { dy: self.blocks[0].dx(), residual: None, dx, through: None },
        )
    }

    /// One Adam step on every parameter, from the stack's input.
    ///
    /// # Errors
    /// As [`Self::record_forward`].
    pub fn record_update(&self, rec: &mut Recorder, update: Update, from: UpdateFrom) -> Result<()> {
        self.stem.record_update(rec, update, self.blocks[0].dx(), from)?;
        self.blocks().try_for_each(|(block, x)| block.record_update(rec, update, UpdateFrom { x, ..from }))
    }
}

/// One block, Linear(W, 3J) and the lift: the FSL head and the SSL head.
#[derive(Clone, Debug)]
pub struct Head<B> {
    block: B,
    out: Linear,
    dblock: TensorId,
    /// Where the lift is corrected: J, whether in perspective, and the root's depth.
    corrected: Option<[(&'static str, Value); 3]>,
    /// Poses (instances, rows, pose_size), each less its root: raw output, or lifted in place.
    pub pose: TensorId,
    /// Gradient at them; after [`Self::record_backward`] at the raw output.
    pub dpose: TensorId,
}

/// What a head lifts.
#[derive(Clone, Copy, Debug)]
pub struct Lifted {
    /// The features of ...
    pub features: TensorId,
    /// ... these keypoints (instances, rows, 2J).
    pub keypoints: TensorId,
}

impl<B: Block> Head<B> {
    /// Allocates the head `network` of `model`.
    pub fn new(
        rec: &mut Recorder,
        store: &mut Store,
        (network, model): (Network, &ModelConfig),
        extent: Extent,
        options: &B::Options,
    ) -> Self {
        let (name, size) = (network.prefix(), 3 * model.joints);
        let perspective = model.projection == Projection::Perspective;
        let correction =
            [("joints", model.joints.into()), ("perspective", perspective.into()), ("depth", model.depth.into())];
        let block = B::new(rec, store, &format!("{name}.rb"), extent, (options, true));
        let shape = [extent.width, size];
        let out = Linear::new(rec, store, format!("{name}.out"), shape, B::storage(options), extent.instances);
        let dblock = extent.activations(rec, format!("{name}.rb.dy"), extent.width);
        let pose = out.output(rec, &extent, "y");
        let dpose = out.output(rec, &extent, "dy");
        let corrected = (model.lift == Lift::Corrected).then_some(correction);
        Self { block, out, dblock, corrected, pose, dpose }
    }

    /// From features to the raw output, at [`Self::pose`].
    ///
    /// # Errors
    /// [`crate::Error::Plan`] when shapes do not unify; so do all recording functions here.
    pub fn record_raw_forward(&self, rec: &mut Recorder, features: TensorId, pass: Pass) -> Result<()> {
        self.block.record_forward(rec, features, pass)?;
        self.out.record_forward(rec, pass, Forward { x: self.block.y(), y: self.pose })
    }

    /// Uniforms of a kernel that lifts the raw output itself: whether it is corrected, in perspective, the root's depth.
    pub(crate) fn lift_values(&self) -> [(&'static str, Value); 3] {
        match self.corrected {
            Some([_, perspective, depth]) => [("corrected", true.into()), perspective, depth],
            None => [("corrected", false.into()), ("perspective", false.into()), ("depth", 0.0.into())],
        }
    }

    /// From features and keypoints to [`Self::pose`].
    ///
    /// # Errors
    /// As [`Self::record_raw_forward`].
    pub fn record_forward(&self, rec: &mut Recorder, of: Lifted, pass: Pass) -> Result<()> {
        self.record_raw_forward(rec, of.features, pass)?;
        let Some([joints, perspective, depth]) = self.corrected else { return Ok(()) };
        let [row, rows] = pass.rows.values();
        let tensors = [("x", of.keypoints), ("pose", self.pose)];
        let label = format!("{}.lift", self.out.name);
        rec.dispatch(&kernels::LIFT_CORRECTED_FORWARD, &label, &tensors, &[row, rows, joints, perspective, depth])
    }

    /// From [`Self::dpose`] to the gradient at the features of `keypoints`, which it returns, and on through what made the
    /// features, if that asks for it.
    ///
    /// # Errors
    /// As [`Self::record_forward`].
    pub fn record_backward(
        &self,
        rec: &mut Recorder,
        keypoints: TensorId,
        pass: Pass,
        on: Option<Through>,
    ) -> Result<TensorId> {
        if let Some([joints, perspective, _]) = self.corrected {
            let [row, rows] = pass.rows.values();
            let tensors = [("x", keypoints), ("dpose", self.dpose)];
            let label = format!("{}.lift.backward", self.out.name);
            rec.dispatch(&kernels::LIFT_CORRECTED_BACKWARD, &label, &tensors, &[row, rows, joints, perspective])?;
        }
        let through = self.block.through();
        let out = Backward { dy: self.dpose, residual: None, dx: self.dblock, through };
        self.out.record_backward_input(rec, pass, out)?;
        self.block.record_backward(rec, self.dblock, pass, on)?;
        Ok(self.block.dx())
    }

    /// One Adam step on every parameter, from the features.
    ///
    /// # Errors
    /// As [`Self::record_forward`].
    pub fn record_update(&self, rec: &mut Recorder, update: Update, from: UpdateFrom) -> Result<()> {
        self.block.record_update(rec, update, from)?;
        self.out.record_update(rec, update, self.dpose, UpdateFrom { x: self.block.y(), ..from })
    }
}

/// The pose discriminator: a stack without batch norm and Linear(W, 1), padded to 4 outputs.
#[derive(Clone, Debug)]
pub struct Discriminator<B> {
    stack: Stack<B>,
    out: Linear,
    dfeatures: TensorId,
    /// Logits (instances, rows, 4): column 0.
    pub logits: TensorId,
    /// The unit seed of the backward pass: 1 in column 0.
    seed: TensorId,
}

impl<B: Block> Discriminator<B> {
    /// Allocates the discriminator on `inputs` numbers a row: 2J keypoints, or 3J positions for the domain classifier.
    pub fn new(rec: &mut Recorder, store: &mut Store, inputs: usize, extent: Extent, options: &B::Options) -> Self {
        let stack = Stack::new(rec, store, ("disc", inputs), extent, (options, false));
        let shape = [extent.width, 1];
        let out = Linear::new(rec, store, "disc.out".to_owned(), shape, B::storage(options), extent.instances);
        let dfeatures = extent.activations(rec, "disc.features.dy".to_owned(), extent.width);
        let logits = out.output(rec, &extent, "y");
        let unit = [1.0, 0.0, 0.0, 0.0].repeat(extent.instances * extent.rows);
        let shape = [extent.instances, extent.rows, 4];
        let seed = rec.tensor_with("disc.out.dy", &shape, crate::plan::Init::Data(unit));
        Self { stack, out, dfeatures, logits, seed }
    }

    /// The last features (instances, rows, width).
    #[must_use]
    pub fn features(&self) -> TensorId {
        self.stack.features()
    }

    /// From the inputs to [`Self::logits`].
    ///
    /// # Errors
    /// [`crate::Error::Plan`] when shapes do not unify; so do all recording functions here.
    pub fn record_forward(&self, rec: &mut Recorder, x: TensorId, pass: Pass) -> Result<()> {
        self.stack.record_forward(rec, x, pass)?;
        self.out.record_forward(rec, pass, Forward { x: self.stack.features(), y: self.logits })
    }

    /// From the unit seed to the stem's output.
    ///
    /// # Errors
    /// As [`Self::record_forward`].
    pub fn record_backward(&self, rec: &mut Recorder, pass: Pass) -> Result<()> {
        let through = self.stack.through();
        let out = Backward { dy: self.seed, residual: None, dx: self.dfeatures, through };
        self.out.record_backward_input(rec, pass, out)?;
        self.stack.record_backward(rec, self.dfeatures, pass)
    }

    /// After [`Self::record_backward`]: on to the inputs, `dx`, for some of its rows.
    ///
    /// # Errors
    /// As [`Self::record_forward`].
    pub fn record_backward_input(&self, rec: &mut Recorder, dx: TensorId, pass: Pass) -> Result<()> {
        self.stack.record_backward_input(rec, dx, pass)
    }

    /// One Adam step on every parameter, from the inputs.
    ///
    /// # Errors
    /// As [`Self::record_forward`].
    pub fn record_update(&self, rec: &mut Recorder, update: Update, from: UpdateFrom) -> Result<()> {
        self.stack.record_update(rec, update, from)?;
        self.out.record_update(rec, update, self.seed, UpdateFrom { x: self.stack.features(), ..from })
    }
}
