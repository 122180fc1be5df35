//! What the source's own bones deviate by: the scale on which the geometry task judges how foreign a sample is.

use crate::adapt::{AdaptConfig, Lifter, Policy};
use crate::checkpoint::{RESERVOIR, Tensors};
use crate::config::{ModelConfig, Ssl};
use crate::error::Result;
use crate::gpu::Device;
use crate::pose::Skeleton;

/// Poses lifted at once.
const BATCH: usize = 64;

/// The model with its gate: the `quantile` of the bone term over the poses that it keeps, as it lifts them now. The model
/// itself where it keeps none, and a gate of 0 for a quantile of 0.
pub(super) fn with_gate(
    model: ModelConfig,
    parameters: &Tensors,
    quantile: f32,
    device: &Device,
) -> Result<ModelConfig> {
    let kept = parameters.get(RESERVOIR[0]).filter(|_| model.ssl == Ssl::Geometry);
    let (Some(kept), Some(skeleton)) = (kept, Skeleton::of(model.joints)) else { return Ok(model) };
    if quantile == 0.0 {
        return Ok(ModelConfig { gate: 0.0, ..model });
    }
    let mut terms = bone_terms(&model, parameters, &kept.data, skeleton, device)?;
    terms.sort_by(f64::total_cmp);
    Ok(ModelConfig { gate: interpolated(&terms, f64::from(quantile)) as f32, ..model })
}

/// The bone term of each pose: the mean over its lift and that of its mirror image.
fn bone_terms(
    model: &ModelConfig,
    parameters: &Tensors,
    keypoints: &[f32],
    skeleton: &Skeleton,
    device: &Device,
) -> Result<Vec<f64>> {
    let lifter = Lifter::new(model.clone(), parameters.clone(), device)?;
    let config = AdaptConfig { batch: BATCH, flip: false, capacity: 1024, ..Policy::BASELINE.into() };
    let adapter = lifter.adapter(config)?;
    let plain = adapter.run(keypoints, None)?;
    let mirrored = adapter.run(&skeleton.mirrored(keypoints), None)?;
    let size = 3 * model.joints;
    let term = |pose: &[f32]| {
        let joint = |j: usize| [0, 1, 2].map(|k| f64::from(pose[3 * j + k]));
        let excess = |((j, parent), length): ((usize, usize), &f32)| {
            let (end, start) = (joint(j), joint(parent));
            let long = end.iter().zip(start).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
            (long - f64::from(*length)).powi(2)
        };
        skeleton.bones().zip(&model.bone_lengths).map(excess).sum::<f64>()
    };
    Ok(plain.chunks_exact(size).zip(mirrored.chunks_exact(size)).map(|(a, b)| 0.5 * (term(a) + term(b))).collect())
}

/// The quantile of sorted values, between neighbours linear.
fn interpolated(sorted: &[f64], quantile: f64) -> f64 {
    let at = quantile * (sorted.len().max(1) - 1) as f64;
    let value = |index: usize| sorted.get(index.min(sorted.len().saturating_sub(1))).copied().unwrap_or(0.0);
    let (low, high) = (value(at.floor() as usize), value(at.ceil() as usize));
    low + (high - low) * at.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_between_values() {
        // As numpy.quantile.
        assert_eq!(interpolated(&[1.0, 2.0, 4.0], 0.5), 2.0);
        assert_eq!(interpolated(&[1.0, 2.0, 4.0], 0.75), 3.0);
        assert_eq!(interpolated(&[1.0], 0.97), 1.0);
        assert_eq!(interpolated(&[1.0, 2.0], 1.0), 2.0);
    }
}
