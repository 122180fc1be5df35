//! MPJPE, PCK and AUC under four alignments, in f64.
//!
//! Poses are metres, errors millimetres. PCK and AUC follow the MPI-INF-3DHP evaluation script: an error counts as
//! correct if it is strictly below the threshold.

mod procrustes;
mod sets;

pub use sets::{ProtocolSet, Score};

use serde::{Deserialize, Serialize};

use crate::named::named_enum;

named_enum! {
    /// What is taken out of a prediction, beyond its root position, before it is compared.
    #[derive(Hash, Default)]
    pub enum Protocol {
        /// Unscaled: nothing.
        #[default]
        Us = "us",
        /// Globally scaled: one scale for each pose, least squares, s = <P, G> / <P, P> (VideoPose3D's `n_mpjpe`).
        Gs = "gs",
        /// Globally scaled: one scale for the whole set, least squares over all its poses.
        GsSet = "gs-set",
        /// Procrustes-aligned: the best similarity (scale, rotation, translation) for each pose, never a reflection.
        Pa = "pa",
    }
}

/// The PCK threshold of MPI-INF-3DHP, millimetres.
pub const PCK_THRESHOLD_MM: f64 = 150.0;
/// AUC averages PCK over the 31 thresholds 0, 5, ..., 150 mm.
const AUC_STEPS: usize = 31;
const AUC_STEP_MM: f64 = 5.0;

/// Means over a set of poses and joints.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Metrics {
    /// Mean per-joint position error, millimetres.
    pub mpjpe_mm: f64,
    /// Percentage of joints with an error below 150 mm.
    pub pck: f64,
    /// Mean percentage of joints with an error below 0, 5, ..., 150 mm.
    pub auc: f64,
}

impl Metrics {
    /// The metrics of joint errors in millimetres, as [`joint_errors`] gives them. All zero for an empty set.
    #[must_use]
    pub(crate) fn of_errors(errors_mm: &[f64]) -> Self {
        if errors_mm.is_empty() {
            return Self::default();
        }
        let percent_below = |threshold: f64| {
            100.0 * errors_mm.iter().filter(|&&error| error < threshold).count() as f64 / errors_mm.len() as f64
        };
        Self {
            mpjpe_mm: errors_mm.iter().sum::<f64>() / errors_mm.len() as f64,
            pck: percent_below(PCK_THRESHOLD_MM),
            auc: (0..AUC_STEPS).map(|i| percent_below(AUC_STEP_MM * i as f64)).sum::<f64>() / AUC_STEPS as f64,
        }
    }
}

/// Per-joint errors in millimetres, (N, J) flat, after subtracting joint 0 of both and aligning by `protocol`.
///
/// `pred` and `gt` are (N, J, 3), flat, metres; of unequal lengths the shorter counts, and a trailing part that is not
/// a whole pose is ignored. Never NaN: a prediction whose joints all coincide has nothing to scale or turn (US and GS:
/// it stays at the root; PA: it moves to the mean of `gt`), and a pose with a non-finite number has infinite errors.
#[must_use]
pub fn joint_errors(pred: &[f32], gt: &[f32], joints: usize, protocol: Protocol) -> Vec<f64> {
    aligned_errors(pred, gt, joints, protocol, &(0..joints).collect::<Vec<_>>())
}

/// As [`joint_errors`] for the joints of `set` alone, (N, |set|) flat: centred on joint 0, aligned on the set. Joints of
/// the set that do not exist are ignored.
fn aligned_errors(pred: &[f32], gt: &[f32], joints: usize, protocol: Protocol, set: &[usize]) -> Vec<f64> {
    let Some(width) = joints.checked_mul(3).filter(|&width| width > 0) else { return Vec::new() };
    let set: Vec<usize> = set.iter().copied().filter(|&joint| joint < joints).collect();
    let finite = |pose: &[f32]| pose.iter().all(|value| value.is_finite());
    let pairs = || {
        let poses = pred.chunks_exact(width).zip(gt.chunks_exact(width));
        poses.map(|(p, g)| (finite(p) && finite(g)).then(|| (root_centred(p, &set), root_centred(g, &set))))
    };
    let factor = if protocol == Protocol::GsSet { procrustes::common_scale(pairs().flatten()) } else { 1.0 };
    let mut errors = Vec::with_capacity(pred.len().min(gt.len()) / width * set.len());
    for pair in pairs() {
        let Some((mut pred, gt)) = pair else {
            errors.resize(errors.len() + set.len(), f64::INFINITY);
            continue;
        };
        match protocol {
            Protocol::Us => {}
            Protocol::Gs => procrustes::align_scale(&mut pred, &gt),
            Protocol::GsSet => pred.iter_mut().for_each(|p| *p *= factor),
            Protocol::Pa => procrustes::align_similarity(&mut pred, &gt),
        }
        errors.extend(pred.iter().zip(&gt).map(|(p, g)| 1000.0 * (p - g).norm()));
    }
    errors
}

/// [`Metrics`] of (N, J, 3) poses in metres, over all joints (root included, as in the reference).
#[must_use]
pub fn evaluate(pred: &[f32], gt: &[f32], joints: usize, protocol: Protocol) -> Metrics {
    Metrics::of_errors(&joint_errors(pred, gt, joints, protocol))
}

/// The joints of `set`, from joint 0.
fn root_centred(pose: &[f32], set: &[usize]) -> Vec<nalgebra::Vector3<f64>> {
    let point = |joint: usize| nalgebra::Vector3::from_fn(|axis, _| f64::from(pose[3 * joint + axis]));
    set.iter().map(|&joint| point(joint) - point(0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::named::Named;

    /// Two poses in metres, the same as the NumPy script's.
    pub(super) fn example(joints: usize) -> (Vec<f32>, Vec<f32>) {
        let gt: Vec<f32> = (0..6 * joints as u32)
            .map(|i| (0.9 * (1.7 * f64::from(i) + 0.3 * f64::from(i % 5)).sin()) as f32)
            .collect();
        let pred = gt
            .iter()
            .enumerate()
            .map(|(i, &g)| (f64::from(g * 0.8) + 0.12 * (2.9 * i as f64).cos() + 0.05) as f32)
            .collect();
        (pred, gt)
    }

    #[test]
    fn agrees_with_numpy() {
        // NumPy, float64, Procrustes by SVD: (MPJPE, PCK, AUC) over all joints and over joints 2, 5, 9.
        let expected = [
            (Protocol::Us, [371.1463272, 15.625, 9.7782258], [400.2185133, 33.3333333, 12.9032258]),
            (Protocol::Gs, [233.5988346, 34.375, 15.9274194], [220.2556289, 50.0, 20.4301075]),
            (Protocol::Pa, [162.7975916, 43.75, 16.0282258], [193.1413039, 16.6666667, 10.2150538]),
        ];
        let (pred, gt) = example(16);
        for (protocol, all, subset) in expected {
            let errors = joint_errors(&pred, &gt, 16, protocol);
            let few: Vec<f64> = errors.chunks_exact(16).flat_map(|pose| [pose[2], pose[5], pose[9]]).collect();
            for (m, expected) in [(evaluate(&pred, &gt, 16, protocol), all), (Metrics::of_errors(&few), subset)] {
                for (got, expected) in [m.mpjpe_mm, m.pck, m.auc].into_iter().zip(expected) {
                    assert!((got - expected).abs() < 2e-5, "{protocol}: {got} {expected}");
                }
            }
        }
    }

    #[test]
    fn thresholds_are_strict() {
        let m = Metrics::of_errors(&[150.0, 0.0, 149.999, 5.0]);
        assert_eq!(m.pck, 75.0);
        // 0.0 passes 30 thresholds, 5.0 passes 29, 149.999 one, 150.0 none.
        assert!((m.auc - 100.0 * 60.0 / (31.0 * 4.0)).abs() < 1e-12);
    }

    #[test]
    fn alignment_removes_what_it_should() {
        let (_, gt) = example(16);
        let moved: Vec<f32> = gt.iter().map(|g| 1.7 * g + 3.0).collect();
        assert!(evaluate(&moved, &gt, 16, Protocol::Us).mpjpe_mm > 100.0);
        assert!(evaluate(&moved, &gt, 16, Protocol::Gs).mpjpe_mm < 1e-3);
        assert!(evaluate(&moved, &gt, 16, Protocol::Pa).mpjpe_mm < 1e-3);
    }

    #[test]
    fn degenerate_sets_give_numbers() {
        assert_eq!(evaluate(&[], &[], 16, Protocol::Pa), Metrics::default());
        assert_eq!(evaluate(&[1.0], &[1.0], 0, Protocol::Us), Metrics::default());
        let (pred, gt) = example(16);
        for &protocol in Protocol::ALL {
            for (p, g) in [(&vec![0.0; 96], &gt), (&pred, &vec![0.0; 96]), (&vec![0.0; 96], &vec![0.0; 96])] {
                assert!(joint_errors(p, g, 16, protocol).iter().all(|e| e.is_finite()), "{protocol}");
            }
            let mut diverged = pred.clone();
            diverged[7] = f32::NAN;
            let errors = joint_errors(&diverged, &gt, 16, protocol);
            assert!(errors[..16].iter().all(|e| *e == f64::INFINITY) && errors[16..].iter().all(|e| e.is_finite()));
        }
    }
}
