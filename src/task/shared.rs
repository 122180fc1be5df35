//! What all tasks of a plan share: the batch's tensors and the ring of losses.

use super::{Batch, Stage, columns};
use crate::config::ModelConfig;
use crate::cpu::State;
use crate::error::{Error, Result};
use crate::kernels;
use crate::nn::{Extent, keypoint_size};
use crate::plan::{Init, Recorder, TensorId};
use crate::pose::Skeleton;

/// Tensors that every task reads or writes.
#[derive(Clone, Copy, Debug)]
pub struct Shared {
    /// Keypoints (instances, rows, 2J): the inputs, then the random views.
    pub x: TensorId,
    /// Parents and mirror joints (2, J).
    pub skeleton: TensorId,
    /// Expected bone lengths in the plane (J), 0 for the root.
    pub bones: TensorId,
    /// The losses of each row (instances, rows, columns).
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
    pub fn new(
        rec: &mut Recorder,
        (model, stage): (&ModelConfig, Stage),
        skeleton: &Skeleton,
        extent: &Extent,
        seed: u32,
    ) -> Self {
        let (instances, rows, joints) = (extent.instances, extent.rows, model.joints);
        let words = skeleton.parents.iter().chain(skeleton.swap).map(|&j| j as u32).collect();
        let mut bones = vec![0.0; joints];
        // γ x / s(L) = x / s(γ L).
        let in_plane = |length: &f32| length * model.plane_scale / model.depth;
        bones[1..].iter_mut().zip(&model.bone_lengths).for_each(|(b, length)| *b = in_plane(length));
        let state = State { seed, ..Default::default() };
        Self {
            x: rec.tensor("x", &[instances, rows, keypoint_size(model)]),
            skeleton: rec.tensor_with("skeleton", &[2, joints], Init::Words(words)),
            bones: rec.tensor_with("bones", &[joints], Init::Data(bones)),
            row_losses: rec.tensor("row_losses", &[instances, rows, columns(model, stage).count()]),
            ones: rec.tensor_with("ones", &[instances, rows], Init::Fill(1.0)),
            seen: rec.tensor_with("seen", &[instances, 1, joints], Init::Fill(1.0)),
            state: rec.tensor_with("state", &[State::WORDS], Init::Data(state.words().to_vec())),
        }
    }
}

/// The losses of the last steps, each averaged over its rows, which the host reads when it likes.
#[derive(Clone, Copy, Debug)]
pub struct LossRing {
    /// (slots, instances, columns).
    pub tensor: TensorId,
    /// The rows of each column (columns, 2).
    rows: TensorId,
}

impl LossRing {
    /// Allocates a ring of `slots` steps.
    ///
    /// # Errors
    /// [`Error::Plan`] when a column has rows that the batch lacks.
    pub fn new(
        rec: &mut Recorder,
        (model, stage): (&ModelConfig, Stage),
        batch: Batch,
        [slots, instances]: [usize; 2],
    ) -> Result<Self> {
        let rows: Vec<_> = columns(model, stage).map(|column| (column.rows)(&batch)).collect();
        if rows.iter().any(|rows| rows.first + rows.count > batch.all().count) {
            return Err(Error::Plan("a column of losses has rows beyond the batch".to_owned()));
        }
        let words = rows.iter().flat_map(|rows| [rows.first as u32, rows.count as u32]).collect();
        Ok(Self {
            tensor: rec.tensor("losses", &[slots, instances, rows.len()]),
            rows: rec.tensor_with("losses.rows", &[rows.len(), 2], Init::Words(words)),
        })
    }

    /// The step's losses to the ring.
    ///
    /// # Errors
    /// [`Error::Plan`] when shapes do not unify.
    pub fn record(&self, rec: &mut Recorder, shared: Shared) -> Result<()> {
        let tensors =
            [("row_losses", shared.row_losses), ("columns", self.rows), ("state", shared.state), ("ring", self.tensor)];
        rec.dispatch(&kernels::REDUCE_LOSSES, "losses", &tensors, &[])
    }
}
