//! The SSL head's lift seen from random views: what the adversary judges and the cycle lifts again.

use super::{Batch, Gradients, Place, Shared, Step};
use crate::config::{ModelConfig, Normalize, Projection};
use crate::error::{Error, Result};
use crate::kernel::Value;
use crate::kernels;
use crate::nn::{Block, Head, keypoint_size, pose_size};
use crate::plan::{Recorder, TensorId};

/// Views of the lifted poses in a plan: rows [lifted, lifted + copies) of the keypoints.
#[derive(Clone, Debug)]
pub(super) struct RandomViews {
    model: ModelConfig,
    shared: Shared,
    batch: Batch,
    /// (instances, view rows, 2): azimuth and elevation.
    pub(super) angles: TensorId,
    /// The cycle's gradient at the views.
    pub(super) dy_lift: TensorId,
    /// Gradient at the lifted pose of each view.
    pub(super) dpose: TensorId,
}

/// Allocates the angles of random views, azimuth and elevation (instances, view rows, 2).
pub(super) fn angles(rec: &mut Recorder, instances: usize, view_rows: usize) -> TensorId {
    rec.tensor("views", &[instances, view_rows, 2])
}

/// Draws all angles, keyed by the sample or by the step.
pub(super) fn record_draw(rec: &mut Recorder, state: TensorId, angles: TensorId, by_sample: bool) -> Result<()> {
    let tensors = [("state", state), ("views", angles)];
    rec.dispatch(&kernels::RANDOM_VIEWS, "views.draw", &tensors, &[("by_sample", by_sample.into())])
}

/// Uniforms of a kernel that sees views.
pub(super) fn view_values(model: &ModelConfig, batch: Batch, step: Step) -> [(&'static str, Value); 5] {
    [
        ("lifted", batch.lifted.into()),
        ("first_view", (step.iteration * batch.copies).into()),
        ("perspective", (model.projection == Projection::Perspective).into()),
        ("depth", model.depth.into()),
        ("min_depth", model.min_depth.into()),
    ]
}

/// Whether projections are normalised.
pub(super) fn normalize(model: &ModelConfig) -> (&'static str, Value) {
    ("normalize", (model.normalize == Normalize::Bone).into())
}

impl RandomViews {
    /// Allocates them; `view_rows` angles are kept.
    pub(super) fn new(rec: &mut Recorder, of: Place<'_>, view_rows: usize) -> Self {
        let (instances, rows) = (of.extent.instances, of.extent.rows);
        Self {
            model: of.model.clone(),
            shared: of.shared,
            batch: of.batch,
            angles: angles(rec, instances, view_rows),
            dy_lift: rec.tensor("dy_lift", &[instances, rows, keypoint_size(of.model)]),
            dpose: rec.tensor("dpose", &[instances, of.batch.copies, pose_size(of.model)]),
        }
    }

    /// Uniforms of the kernels that see views.
    pub(super) fn values(&self, step: Step) -> Vec<(&'static str, Value)> {
        view_values(&self.model, self.batch, step).to_vec()
    }

    /// From the lifted poses to their views.
    pub(super) fn record_forward<B: Block>(&self, rec: &mut Recorder, head: &Head<B>, step: Step) -> Result<()> {
        let Shared { x, skeleton, bones, .. } = self.shared;
        let mut values = self.values(step);
        values.extend([("copies", self.batch.copies.into()), normalize(&self.model)]);
        let tensors = [("pose", head.pose), ("views", self.angles), ("skeleton", skeleton), ("bones", bones), ("y", x)];
        rec.dispatch(&kernels::PROJECT_VIEWS_FORWARD, "views.forward", &tensors, &values)
    }

    /// From the gradients at the views to that at the head's output.
    pub(super) fn record_backward<B: Block>(
        &self,
        rec: &mut Recorder,
        head: &Head<B>,
        step: Step,
        gradients: &Gradients,
    ) -> Result<()> {
        let judged = gradients.judged.ok_or_else(|| Error::Plan("no task has judged the random views".to_owned()))?;
        let mut values = self.values(step);
        values.extend([normalize(&self.model), ("cycle", gradients.relifted.is_some().into())]);
        let tensors = [
            ("pose", head.pose),
            ("views", self.angles),
            ("skeleton", self.shared.skeleton),
            ("bones", self.shared.bones),
            ("dy_disc", judged.dy),
            ("dy_lift", gradients.relifted.unwrap_or(self.dy_lift)),
            ("generator_factor", judged.generator_factor),
            ("dpose", self.dpose),
        ];
        rec.dispatch(&kernels::PROJECT_VIEWS_BACKWARD, "views.backward", &tensors, &values)?;
        let tensors = [("dpose", self.dpose), ("dout", head.dpose)];
        let values = [("joints", self.model.joints.into()), ("lifted", self.batch.lifted.into())];
        rec.dispatch(&kernels::SUM_VIEWS_BACKWARD, "views.sum", &tensors, &values)
    }
}
