//! Replay: Eq. 2 on a few labelled poses of the source, so that what was learnt there stays.

use super::random_views::normalize;
use super::supervised::loss_values;
use super::{About, Batch, Column, Networks, Place, Shared, Step, Task, Term};
use crate::config::{Network, Projection};
use crate::error::Result;
use crate::kernel::Value;
use crate::kernels;
use crate::nn::{Block, pose_size};
use crate::plan::{Recorder, TensorId};

pub(super) static ABOUT: About = About {
    name: "replay",
    columns: &[Column { name: "replay", rows: Batch::replayed }],
    terms: |model, columns| vec![Term { name: "replay", value: columns[0], weight: model.lambda_replay }],
    moves: &[Network::Extractor],
    learns: Batch::lift,
    passes: 1,
    views: false,
};

/// Where replayed poses come from.
#[derive(Clone, Copy, Debug)]
pub struct ReplaySource {
    /// The reservoir's keypoints (poses, 2J), as they enter the network.
    pub keypoints: TensorId,
    /// Its poses (poses, pose_size), root-centred, metres.
    pub positions: TensorId,
    /// Whether poses, mirroring and views are drawn on the device. Else each instance has a part of the reservoir, whose
    /// rows it takes in their order, as they are.
    pub drawn: bool,
}

/// Rows [2, lifted) of the lift.
pub(super) struct Replay {
    shared: Shared,
    batch: Batch,
    source: ReplaySource,
    truth: TensorId,
    gather: [(&'static str, Value); 7],
    loss: [(&'static str, Value); 5],
}

impl Replay {
    /// The task on poses of `source`.
    pub(super) fn new(rec: &mut Recorder, of: Place<'_>, source: ReplaySource) -> Self {
        let (model, rows) = (of.model, of.batch.replayed());
        let gather = [
            ("turned", (rows.count / 2).into()),
            ("drawn", source.drawn.into()),
            normalize(model),
            ("perspective", (model.projection == Projection::Perspective).into()),
            ("depth", model.depth.into()),
            ("min_depth", model.min_depth.into()),
            ("noise", model.noise.into()),
        ];
        let loss = loss_values(of, of.column(&ABOUT), of.weight * model.lambda_replay, rows.count);
        let truth = rec.tensor("replay.truth", &[of.extent.instances, rows.count, pose_size(model)]);
        Self { shared: of.shared, batch: of.batch, source, truth, gather, loss }
    }

    fn row(&self) -> (&'static str, Value) {
        ("row", self.batch.replayed().first.into())
    }
}

impl<B: Block> Task<B> for Replay {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn record_inputs(&self, rec: &mut Recorder, step: Step) -> Result<()> {
        let Shared { x, skeleton, bones, state, .. } = self.shared;
        let tensors = [
            ("keypoints", self.source.keypoints),
            ("pose", self.source.positions),
            ("skeleton", skeleton),
            ("bones", bones),
            ("state", state),
            ("x", x),
            ("truth", self.truth),
        ];
        let first = step.iteration * self.batch.replayed().count;
        let values = [&self.gather[..], &[self.row(), ("first", first.into())]].concat();
        rec.dispatch(&kernels::GATHER_REPLAY, "replay", &tensors, &values)
    }

    fn record_forward(&self, rec: &mut Recorder, of: Networks<'_, B>, _: Step) -> Result<()> {
        let tensors = [
            ("pose", of.head.pose),
            ("truth", self.truth),
            ("skeleton", self.shared.skeleton),
            ("row_losses", self.shared.row_losses),
            ("dout", of.head.dpose),
        ];
        let values = [&self.loss[..], &[self.row()]].concat();
        rec.dispatch(&kernels::REPLAY_LOSS, "replay_loss", &tensors, &values)
    }
}
