//! What makes a drawn batch reach further than its data: limbs of other poses, other views, noise.

use super::TrainIds;
use crate::config::{ModelConfig, Normalize, Projection, TrainConfig};
use crate::error::Result;
use crate::kernel::Value;
use crate::kernels;
use crate::plan::{Init, Recorder, TensorId};
use crate::pose::Skeleton;
use crate::task::Shared;

/// How far from the camera people are seen, metres: as far as rooms go.
const DISTANCES: [f32; 2] = [2.5, 6.0];
/// Smallest depth of a joint of theirs, metres.
const MIN_DEPTH: f32 = 0.5;

/// The augmentation of a batch; it is there where a setting asks for it.
#[derive(Clone, Debug)]
pub(super) struct Augmentation {
    limbs: TensorId,
    values: Vec<(&'static str, Value)>,
}

impl Augmentation {
    /// Allocates it, `None` where no setting asks for any.
    pub(super) fn new(
        rec: &mut Recorder,
        (model, config): (&ModelConfig, &TrainConfig),
        skeleton: &Skeleton,
    ) -> Option<Self> {
        let turned = config.turned();
        if turned == 0 && model.noise == 0.0 {
            return None;
        }
        // Inputs that are not normalised are in the plane of the model's own camera.
        let (normalize, model_depth) = (model.normalize == Normalize::Bone, [model.depth; 2]);
        let [nearest, farthest] = if normalize { DISTANCES } else { model_depth };
        let words = skeleton.limbs.as_flattened().iter().map(|&joint| joint as u32).collect();
        let values = vec![
            ("turned", turned.into()),
            ("free", config.freely_turned().into()),
            ("flip", config.flip.into()),
            ("normalize", normalize.into()),
            ("perspective", (normalize || model.projection == Projection::Perspective).into()),
            ("limb_mixing", config.limb_mixing.into()),
            ("nearest", nearest.into()),
            ("farthest", farthest.into()),
            ("min_depth", if normalize { MIN_DEPTH } else { model.min_depth }.into()),
            ("noise", model.noise.into()),
        ];
        Some(Self { limbs: rec.tensor_with("limbs", &[4, 3], Init::Words(words)), values })
    }

    /// Changes the drawn batch in place.
    pub(super) fn record(&self, rec: &mut Recorder, shared: Shared, ids: &TrainIds) -> Result<()> {
        let tensors = [
            ("positions", ids.positions),
            ("skeleton", shared.skeleton),
            ("limbs", self.limbs),
            ("bones", shared.bones),
            ("state", shared.state),
            ("x", shared.x),
            ("truth", ids.truth),
        ];
        rec.dispatch(&kernels::AUGMENT_BATCH, "batch.augment", &tensors, &self.values)
    }
}
