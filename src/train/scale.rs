//! γ, measured: what bone-normalised keypoints are multiplied by to be as large as the pose in the projection's plane.

use crate::config::{ModelConfig, Normalize};
use crate::data::{PoseSet, Prepared};
use crate::error::{Error, Result};
use crate::pose::Fill;

/// γ = 1 / median over poses of <c x, X_xy> / <X_xy, X_xy>: x the keypoints under γ = 1, X the pose, c the model's
/// depth. 1 where keypoints are not normalised.
///
/// # Errors
/// [`Error::Setting`] when the joint counts differ, or no pose has a scale.
pub(super) fn plane_scale(set: &PoseSet, model: &ModelConfig) -> Result<f32> {
    if model.normalize == Normalize::Plane {
        return Ok(1.0);
    }
    let model = ModelConfig { plane_scale: 1.0, ..model.clone() };
    let Prepared { joints, keypoints, positions, .. } = Prepared::new(set, &model, Fill::Neighbours)?;
    let poses = keypoints.chunks_exact(2 * joints).zip(positions.chunks_exact(3 * joints));
    let mut ratios: Vec<f64> = poses.filter_map(|(x, pose)| ratio(x, pose, f64::from(model.depth))).collect();
    if ratios.is_empty() {
        let problem = "`plane_scale` cannot be measured: the keypoints of no pose lie as its `positions` do; check \
                       joints and axes, or set `plane_scale` to 1";
        return Err(Error::setting("data", problem));
    }
    ratios.sort_unstable_by(f64::total_cmp);
    let middle = ratios.len() / 2;
    let median = if ratios.len() % 2 == 1 { ratios[middle] } else { 0.5 * (ratios[middle - 1] + ratios[middle]) };
    Ok((1.0 / median) as f32)
}

/// The least-squares scale of a pose's keypoints over the pose; none where it is not positive.
fn ratio(x: &[f32], pose: &[f32], depth: f64) -> Option<f64> {
    let (mut along, mut square) = (0.0, 0.0);
    for (x, p) in x.chunks_exact(2).zip(pose.chunks_exact(3)) {
        for (&x, &p) in x.iter().zip(p) {
            along += depth * f64::from(x) * f64::from(p);
            square += f64::from(p) * f64::from(p);
        }
    }
    // γ divides by the one, the ratio by the other.
    let positive = |v: f64| v.is_finite() && v > 0.0;
    (positive(along) && positive(square)).then(|| along / square)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::TrainConfig;
    use crate::data::{Scenario, synthetic};
    use crate::train::Trainer;

    #[test]
    fn it_undoes_the_scale_of_the_keypoints() {
        let set = synthetic(Scenario::Source, 40, 1, 16).unwrap();
        let model = ModelConfig { bone_lengths: vec![0.25; 15], plane_scale: 0.0, ..ModelConfig::default() };
        let scale = plane_scale(&set, &model).unwrap();
        assert!(scale > 0.5 && scale < 2.0, "{scale}");
        // Lengths count once in the normalised keypoints: x is as large as they say.
        let long = ModelConfig { bone_lengths: vec![0.5; 15], ..model.clone() };
        assert!((2.0 * plane_scale(&set, &long).unwrap() / scale - 1.0).abs() < 1e-5);
        let plane = ModelConfig { normalize: Normalize::Plane, ..model.clone() };
        assert_eq!(plane_scale(&set, &plane).unwrap(), 1.0);
    }

    #[test]
    fn a_run_measures_it_where_it_is_0() {
        let set = synthetic(Scenario::Source, 40, 1, 16).unwrap();
        let check = |plane_scale| {
            let model = ModelConfig { plane_scale, ..ModelConfig::default() };
            Trainer::check(&set, &model, &TrainConfig::default())
        };
        let model = check(0.0).unwrap();
        model.check().unwrap();
        assert_eq!(plane_scale(&set, &model).unwrap(), model.plane_scale);
        assert_eq!(check(1.5).unwrap().plane_scale, 1.5);
        assert!(check(-1.0).unwrap_err().to_string().starts_with("plane_scale: "));
    }

    #[test]
    fn it_is_exact_for_poses_parallel_to_the_image() {
        let mut set = synthetic(Scenario::Source, 40, 1, 16).unwrap();
        let positions = set.positions.as_mut().unwrap();
        let flat = positions.chunks_exact_mut(3).flat_map(|p| {
            p[2] = 4.0;
            [700.0 * p[0], 700.0 * p[1]]
        });
        set.keypoints = flat.collect();
        let model = ModelConfig { bone_lengths: vec![0.25; 15], ..ModelConfig::default() };
        let scale = plane_scale(&set, &model).unwrap();
        let prepared = Prepared::new(&set, &model, Fill::Neighbours).unwrap();
        // All of a pose's ratios are one number: c x = r X_xy. γ is 1 / median of them.
        let mut ratios: Vec<f32> = (0..set.len())
            .map(|n| {
                let (x, p) = (&prepared.keypoints[32 * n..][..32], &prepared.positions[48 * n..][..48]);
                let farthest = (0..32).max_by(|a, b| x[*a].abs().total_cmp(&x[*b].abs())).unwrap();
                10.0 * x[farthest] / p[3 * (farthest / 2) + farthest % 2]
            })
            .collect();
        ratios.sort_unstable_by(f32::total_cmp);
        assert!((0.5 * scale * (ratios[19] + ratios[20]) - 1.0).abs() < 1e-5, "{scale}: {ratios:?}");
    }

    #[test]
    fn poses_that_are_elsewhere_have_none() {
        let mut set = synthetic(Scenario::Source, 40, 1, 16).unwrap();
        set.keypoints.iter_mut().for_each(|v| *v = -*v);
        let model = ModelConfig { bone_lengths: vec![0.25; 15], ..ModelConfig::default() };
        let error = plane_scale(&set, &model).unwrap_err().to_string();
        assert!(error.contains("`plane_scale` cannot be measured"), "{error}");
    }
}
