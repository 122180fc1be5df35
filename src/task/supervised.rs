//! The supervised task: Eq. 2 at the FSL head.

use super::{About, Batch, Column, Networks, Place, Shared, Step, Task, Term};
use crate::config::{Network, Reduction};
use crate::error::Result;
use crate::kernel::Value;
use crate::kernels;
use crate::nn::Block;
use crate::plan::{Recorder, TensorId};

pub(super) static ABOUT: About = About {
    name: "supervised",
    columns: &[Column { name: "fsl", rows: Batch::lift }],
    terms: |_, columns| vec![Term { name: "fsl", value: columns[0], weight: 1.0 }],
    moves: &[Network::Extractor, Network::FslHead],
    learns: Batch::lift,
    passes: 1,
    views: false,
};

/// Positions and bones against labels.
#[derive(Clone, Debug)]
pub(super) struct Supervised {
    shared: Shared,
    truth: TensorId,
    values: [(&'static str, Value); 5],
}

impl Supervised {
    /// The task on a batch whose poses are `truth` (1, batch, pose_size).
    pub(super) fn new(of: Place<'_>, truth: TensorId) -> Self {
        let values = loss_values(of, of.column(&ABOUT), of.weight, of.batch.lifted);
        Self { shared: of.shared, truth, values }
    }
}

/// Uniforms of a kernel of Eq. 2 on `rows` rows that count `weight` together.
pub(super) fn loss_values(of: Place<'_>, column: usize, weight: f32, rows: usize) -> [(&'static str, Value); 5] {
    let scale = |vectors: usize| match of.model.reduction {
        Reduction::Sum => 1.0,
        Reduction::Mean => 1.0 / (3 * vectors) as f32,
    };
    let (position, bone) = (scale(of.model.joints), scale(of.model.joints - 1));
    [
        ("column", column.into()),
        ("position_scale", position.into()),
        ("bone_scale", bone.into()),
        ("weight_position", (weight * position / rows as f32).into()),
        ("weight_bone", (weight * bone / rows as f32).into()),
    ]
}

impl<B: Block> Task<B> for Supervised {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn record_forward(&self, rec: &mut Recorder, of: Networks<'_, B>, _: Step) -> Result<()> {
        let tensors = [
            ("pose", of.head.pose),
            ("truth", self.truth),
            ("skeleton", self.shared.skeleton),
            ("row_losses", self.shared.row_losses),
            ("dout", of.head.dpose),
        ];
        rec.dispatch(&kernels::SUPERVISED_LOSS, "supervised_loss", &tensors, &self.values)
    }
}
