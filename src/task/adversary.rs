//! The random projection adversary (Sec. 3.2.1, Eq. 3): a discriminator tells the inputs from random views of the lifted
//! poses; both players learn in one step.

use super::{About, Batch, Column, Gradients, Judged, Networks, Place, Shared, Step, Task, Term};
use crate::config::{Generator, ModelConfig, Network};
use crate::error::Result;
use crate::kernel::Value;
use crate::kernels;
use crate::nn::{Block, Discriminator, Forward, Pass, Store, Update, UpdateFrom, Weights, keypoint_size};
use crate::plan::{Recorder, TensorId};

pub(super) static ABOUT: About = About {
    name: "adversary",
    columns: &[
        Column { name: "log_d_real", rows: Batch::lift },
        Column { name: "log_1md_fake", rows: Batch::views },
        Column { name: "generator", rows: Batch::views },
    ],
    terms,
    moves: &[Network::Extractor, Network::SslHead, Network::Discriminator],
    learns: Batch::lift,
    passes: 1,
    views: true,
};

/// `E log D(r)`, `E log(1 - D(y))`, and what the generator minimises.
fn terms(model: &ModelConfig, columns: &[f32]) -> Vec<Term> {
    let [log_d_real, log_1md_fake, generator] = [0, 1, 2].map(|k| columns[k]);
    // The literal Eq. 3 counts the real term too, though it moves only D.
    let real = if model.generator == Generator::Saturating { log_d_real } else { 0.0 };
    vec![
        Term { name: "log_d_real", value: log_d_real, weight: 0.0 },
        Term { name: "log_1md_fake", value: log_1md_fake, weight: 0.0 },
        Term { name: "g_adv", value: generator + real, weight: 1.0 },
    ]
}

/// The discriminator, and what it leaves behind.
pub(super) struct Adversary<B> {
    shared: Shared,
    batch: Batch,
    values: [(&'static str, Value); 5],
    discriminator: Discriminator<B>,
    row_scale: TensorId,
    generator_factor: TensorId,
    dy: TensorId,
    masked: Option<Masked>,
}

/// What the discriminator sees and gives back where samples lack joints.
#[derive(Clone, Copy, Debug)]
struct Masked {
    x: TensorId,
    dy: TensorId,
}

impl<B: Block> Adversary<B> {
    /// Allocates the discriminator. Where samples may lack joints (`masked`), it sees neither them nor their counterparts
    /// in the random views.
    pub(super) fn new(
        rec: &mut Recorder,
        store: &mut Store,
        of: Place<'_>,
        (options, masked): (&B::Options, bool),
    ) -> Self {
        let extent = of.extent;
        let (shape, keypoints) = ([extent.instances, extent.rows], keypoint_size(of.model));
        let seen = [extent.instances, extent.rows, keypoints];
        let values = [
            ("column", of.column(&ABOUT).into()),
            ("lifted", of.batch.lifted.into()),
            ("copies", of.batch.copies.into()),
            ("saturating", (of.model.generator == Generator::Saturating).into()),
            ("weight", of.weight.into()),
        ];
        Self {
            shared: of.shared,
            batch: of.batch,
            values,
            discriminator: Discriminator::new(rec, store, keypoints, extent, options),
            row_scale: rec.tensor("row_scale", &shape),
            generator_factor: rec.tensor("generator_factor", &shape),
            dy: rec.tensor("dy_disc", &seen),
            masked: masked.then(|| {
                let [x, dy] = ["masked.x", "masked.dy_disc"].map(|name| rec.tensor(name, &seen));
                Masked { x, dy }
            }),
        }
    }

    /// Inputs and views in one: D has no batch norm.
    fn all(&self, weights: Weights) -> Pass {
        Pass { rows: self.batch.all(), weights, group: 0 }
    }

    /// What the discriminator is given.
    fn judged(&self) -> TensorId {
        self.masked.map_or(self.shared.x, |masked| masked.x)
    }

    fn record_mask(&self, rec: &mut Recorder, label: &str, Forward { x, y }: Forward) -> Result<()> {
        let tensors = [("x", x), ("seen", self.shared.seen), ("y", y)];
        rec.dispatch(&kernels::MASK_JOINTS, label, &tensors, &[("rows", self.batch.all().count.into())])
    }
}

impl<B: Block> Task<B> for Adversary<B> {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn record_forward(&self, rec: &mut Recorder, _: Networks<'_, B>, step: Step) -> Result<()> {
        if let Some(masked) = self.masked {
            self.record_mask(rec, "mask", Forward { x: self.shared.x, y: masked.x })?;
        }
        self.discriminator.record_forward(rec, self.judged(), self.all(step.weights))?;
        let tensors = [
            ("logits", self.discriminator.logits),
            ("row_losses", self.shared.row_losses),
            ("row_scale", self.row_scale),
            ("generator_factor", self.generator_factor),
        ];
        rec.dispatch(&kernels::DISCRIMINATOR_LOSS, "discriminator_loss", &tensors, &self.values)
    }

    /// One pass through D serves both players: its own rows are weighed in the update, the generator's in the views.
    fn record_backward(
        &self,
        rec: &mut Recorder,
        _: Networks<'_, B>,
        step: Step,
        gradients: &mut Gradients,
    ) -> Result<()> {
        let all = self.all(step.weights);
        self.discriminator.record_backward(rec, all)?;
        self.discriminator.record_backward_input(rec, self.dy, Pass { rows: self.batch.views(), ..all })?;
        if let Some(masked) = self.masked {
            self.record_mask(rec, "mask.backward", Forward { x: self.dy, y: masked.dy })?;
        }
        let dy = self.masked.map_or(self.dy, |masked| masked.dy);
        gradients.judged = Some(Judged { dy, generator_factor: self.generator_factor });
        Ok(())
    }

    /// The discriminator's ascent.
    fn record_update(&self, rec: &mut Recorder, update: Update) -> Result<()> {
        let from = UpdateFrom {
            x: self.judged(),
            row_scale: self.row_scale,
            state: self.shared.state,
            rows: self.batch.all(),
        };
        self.discriminator.record_update(rec, update, from)
    }
}
