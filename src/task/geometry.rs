//! What geometry asks of any correct lift, without labels: it shows the image that it was lifted from (plane), has the
//! bones of a person (bone), and is the same seen from elsewhere (view). No network of its own; it moves the extractor.

use super::random_views::{normalize, view_values};
use super::{About, Batch, Column, Networks, Place, Shared, Step, Task, Term};
use crate::config::{ModelConfig, Network, Reduction};
use crate::error::Result;
use crate::kernel::Value;
use crate::kernels;
use crate::nn::{Block, Pass};
use crate::plan::{Recorder, TensorId};

pub(super) static ABOUT: About = About {
    name: "geometry",
    columns: &[
        Column { name: "plane", rows: Batch::pair },
        Column { name: "bone", rows: Batch::pair },
        Column { name: "view", rows: Batch::views },
    ],
    terms,
    moves: &[Network::Extractor],
    learns: Batch::all,
    passes: 2,
    views: true,
};

/// The terms, weighed down together where the bones look like the source's (`gate`).
fn terms(model: &ModelConfig, columns: &[f32]) -> Vec<Term> {
    let [plane, bone, view] = [0, 1, 2].map(|k| columns[k]);
    let gate = if model.gate > 0.0 { (bone / model.gate).min(1.0) } else { 1.0 };
    vec![
        Term { name: "plane", value: plane, weight: gate * model.lambda_plane },
        Term { name: "bone", value: bone, weight: gate * model.lambda_bone },
        Term { name: "view", value: view, weight: gate * model.lambda_view },
    ]
}

/// Rows 0 and 1 lift a sample and its mirror image; the views of their average are lifted again.
pub(super) struct Geometry {
    model: ModelConfig,
    shared: Shared,
    batch: Batch,
    angles: TensorId,
    values: [(&'static str, Value); 7],
}

impl Geometry {
    /// The task, with the random views `angles`.
    pub(super) fn new(of: Place<'_>, angles: TensorId) -> Self {
        let model = of.model;
        let view_scale = match model.reduction {
            Reduction::Sum => 1.0,
            Reduction::Mean => 1.0 / (3 * model.joints) as f32,
        };
        let values = [
            ("column", of.column(&ABOUT).into()),
            ("bone_scale", (model.depth / model.plane_scale).into()),
            ("gate", model.gate.into()),
            ("view_scale", view_scale.into()),
            ("weight_plane", (of.weight * model.lambda_plane / 2.0).into()),
            ("weight_bone", (of.weight * model.lambda_bone / 2.0).into()),
            ("weight_view", (of.weight * model.lambda_view * view_scale / of.batch.copies as f32).into()),
        ];
        Self { model: model.clone(), shared: of.shared, batch: of.batch, angles, values }
    }
}

impl<B: Block> Task<B> for Geometry {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    /// The losses write the gradients of inputs and views alike: both go back in one pass.
    fn record_forward(&self, rec: &mut Recorder, of: Networks<'_, B>, step: Step) -> Result<()> {
        let Shared { x, skeleton, bones, seen, row_losses, .. } = self.shared;
        let pose = of.head.pose;
        let mut values = view_values(&self.model, self.batch, step).to_vec();
        values.extend([("copies", self.batch.copies.into()), normalize(&self.model)]);
        let tensors = [("pose", pose), ("views", self.angles), ("skeleton", skeleton), ("bones", bones), ("y", x)];
        rec.dispatch(&kernels::PROJECT_AVERAGE_VIEWS_FORWARD, "views.forward", &tensors, &values)?;
        let relift = Pass { rows: self.batch.views(), weights: step.weights, group: 1 };
        rec.scoped("relift", |rec| {
            of.extractor.record_forward(rec, x, relift)?;
            of.head.record_forward(rec, of.lifted(x), relift)
        })?;
        values.pop();
        values.extend(self.values);
        let tensors = [
            ("pose", pose),
            ("x", x),
            ("views", self.angles),
            ("skeleton", skeleton),
            ("bones", bones),
            ("seen", seen),
            ("row_losses", row_losses),
            ("dout", of.head.dpose),
        ];
        rec.dispatch(&kernels::GEOMETRY_LOSS, "geometry_loss", &tensors, &values)
    }
}
