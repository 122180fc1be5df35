//! Geometric cycle consistency (Sec. 3.2.1, Eq. 4): a random view that is lifted again and turned back gives the first
//! lift, and its image the input.

use super::random_views::RandomViews;
use super::{About, Batch, Column, Gradients, Networks, Place, Shared, Step, Task, Term};
use crate::config::{ModelConfig, Network, Reduction};
use crate::error::Result;
use crate::kernel::Value;
use crate::kernels;
use crate::nn::{Block, Pass};
use crate::plan::Recorder;

pub(super) static ABOUT: About = About {
    name: "cycle",
    columns: &[Column { name: "cyc2d", rows: Batch::views }, Column { name: "cyc3d", rows: Batch::views }],
    terms,
    moves: &[Network::Extractor, Network::SslHead],
    learns: Batch::all,
    passes: 2,
    views: true,
};

/// `E |x~ - x|²` and `E |X~ - X|²`.
fn terms(model: &ModelConfig, columns: &[f32]) -> Vec<Term> {
    vec![
        Term { name: "cyc2d", value: columns[0], weight: model.lambda_2d },
        Term { name: "cyc3d", value: columns[1], weight: model.lambda_3d },
    ]
}

/// The re-lift, and its losses.
pub(super) struct Cycle {
    shared: Shared,
    batch: Batch,
    views: RandomViews,
    values: [(&'static str, Value); 5],
}

impl Cycle {
    /// The task on the random views of a branch.
    pub(super) fn new(of: Place<'_>, views: &RandomViews) -> Self {
        let model = of.model;
        let scale = |coordinates: usize| match model.reduction {
            Reduction::Sum => 1.0,
            Reduction::Mean => 1.0 / (coordinates * model.joints) as f32,
        };
        let each = of.weight / of.batch.copies as f32;
        let values = [
            ("column", of.column(&ABOUT).into()),
            ("loss_scale_2d", scale(2).into()),
            ("loss_scale_3d", scale(3).into()),
            ("weight_2d", (model.lambda_2d * each * scale(2)).into()),
            ("weight_3d", (model.lambda_3d * each * scale(3)).into()),
        ];
        Self { shared: of.shared, batch: of.batch, views: views.clone(), values }
    }

    fn relift(&self, step: Step) -> Pass {
        Pass { rows: self.batch.views(), weights: step.weights, group: 1 }
    }
}

impl<B: Block> Task<B> for Cycle {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn record_forward(&self, rec: &mut Recorder, of: Networks<'_, B>, step: Step) -> Result<()> {
        rec.scoped("relift", |rec| {
            of.extractor.record_forward(rec, self.shared.x, self.relift(step))?;
            of.head.record_forward(rec, of.lifted(self.shared.x), self.relift(step))
        })?;
        let values = [&self.views.values(step)[..], &self.values].concat();
        let tensors = [
            ("pose", of.head.pose),
            ("views", self.views.angles),
            ("x", self.shared.x),
            ("seen", self.shared.seen),
            ("row_losses", self.shared.row_losses),
            ("dout", of.head.dpose),
            ("dpose", self.views.dpose),
        ];
        rec.dispatch(&kernels::CYCLE_LOSS, "cycle_loss", &tensors, &values)
    }

    /// The loss has begun the gradient at the lifted poses; this goes back through the re-lift to the views.
    fn record_backward(
        &self,
        rec: &mut Recorder,
        of: Networks<'_, B>,
        step: Step,
        gradients: &mut Gradients,
    ) -> Result<()> {
        let relift = self.relift(step);
        rec.scoped("relift", |rec| {
            let dfeatures = of.head.record_backward(rec, self.shared.x, relift, of.extractor.through())?;
            of.extractor.record_backward(rec, dfeatures, relift)?;
            of.extractor.record_backward_input(rec, self.views.dy_lift, relift)
        })?;
        gradients.relifted = Some(self.views.dy_lift);
        Ok(())
    }
}
