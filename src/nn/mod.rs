//! Layers that record their forward pass and, right below it, their backward pass; and the store of their parameters.

mod frozen_block;
mod linear;
mod program;
mod stack;
mod store;
mod training_block;

pub use frozen_block::FrozenBlock;
pub use linear::{ActivatedForward, Backward, Forward, Linear, ResidualForward, Storage, Through, Update};
pub use program::{HostTime, Program, Recording, SourceWeights};
pub use stack::{Discriminator, Head, Lifted, Stack};
pub(crate) use store::parameter_bytes;
pub use store::{Norm, Store, draw_tensors, initial_tensors};
pub use training_block::{TrainingBlock, TrainingOptions};

use crate::config::ModelConfig;
use crate::error::Result;
use crate::kernel::Value;
use crate::plan::{Recorder, TensorId};

/// Rows `[first, first + count)` of tensors whose rows correspond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rows {
    /// The first row.
    pub first: usize,
    /// How many.
    pub count: usize,
}

impl Rows {
    /// The uniforms `row` and `rows`.
    pub(crate) fn values(self) -> [(&'static str, Value); 2] {
        [("row", self.first.into()), ("rows", self.count.into())]
    }
}

/// Which parameters a pass reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weights {
    /// As trained.
    Source,
    /// As adapted; the same where parameters are updated in place.
    Working,
}

/// One pass through a network, forward or backward.
#[derive(Clone, Copy, Debug)]
pub struct Pass {
    /// The rows it covers.
    pub rows: Rows,
    /// The parameters it reads.
    pub weights: Weights,
    /// Which of batch norm's passes over the data it is in training: 0 the lift, 1 the re-lift.
    pub group: usize,
}

/// What an Adam step learns from: the input of a layer or network, and what each of its rows counts.
#[derive(Clone, Copy, Debug)]
pub struct UpdateFrom {
    /// The input.
    pub x: TensorId,
    /// The weight of each row's gradient (instances, rows).
    pub row_scale: TensorId,
    /// The program's state.
    pub state: TensorId,
    /// The rows that count.
    pub rows: Rows,
}

/// A residual block, Sec. 3.3: [linear, norm, leaky ReLU, dropout] twice, plus the input.
pub trait Block: Sized {
    /// How its parameters are kept, and what training needs besides.
    type Options;

    /// Allocates block `name`, with batch norms if `norm`.
    fn new(rec: &mut Recorder, store: &mut Store, name: &str, extent: Extent, how: (&Self::Options, bool)) -> Self;

    /// How a network of such blocks keeps its other layers' parameters.
    fn storage(options: &Self::Options) -> Storage;

    /// The output (instances, rows, width).
    fn y(&self) -> TensorId;

    /// The gradient at the input.
    fn dx(&self) -> TensorId;

    /// From `x` to [`Self::y`].
    ///
    /// # Errors
    /// [`crate::Error::Plan`] when shapes do not unify; so do all recording functions here.
    fn record_forward(&self, rec: &mut Recorder, x: TensorId, pass: Pass) -> Result<()>;

    /// The frozen epilogue that a gradient at the output goes through first, if there is one: who writes that gradient
    /// takes it through.
    fn through(&self) -> Option<Through>;

    /// From `dy` at the output to [`Self::dx`], and on through what made the input, if that asks for it.
    ///
    /// # Errors
    /// As [`Self::record_forward`].
    fn record_backward(&self, rec: &mut Recorder, dy: TensorId, pass: Pass, on: Option<Through>) -> Result<()>;

    /// One Adam step on every parameter, from the block's input.
    ///
    /// # Errors
    /// As [`Self::record_forward`].
    fn record_update(&self, rec: &mut Recorder, update: Update, from: UpdateFrom) -> Result<()>;
}

/// The extents that every layer of a network shares.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    /// Independent copies of the network's working parameters.
    pub instances: usize,
    /// Rows of its activations.
    pub rows: usize,
    /// Features of a hidden layer.
    pub width: usize,
    /// Negative slope of the leaky ReLU.
    pub slope: f32,
}

impl Extent {
    /// Allocates activations (instances, rows, features).
    fn activations(&self, rec: &mut Recorder, name: String, features: usize) -> TensorId {
        rec.tensor(name, &[self.instances, self.rows, features])
    }
}

/// Numbers in a row of a head's output: 3 a joint, padded to a multiple of 4.
#[must_use]
pub fn pose_size(model: &ModelConfig) -> usize {
    (3 * model.joints).next_multiple_of(4)
}

/// Numbers in a row of keypoints: 2 a joint.
#[must_use]
pub fn keypoint_size(model: &ModelConfig) -> usize {
    2 * model.joints
}
