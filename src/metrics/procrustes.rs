//! Alignments of one pose to another.

use nalgebra::{Matrix3, Matrix4, Quaternion, SymmetricEigen, UnitQuaternion, Vector3};

/// Multiplies `pred` by the least-squares scale <P, G> / <P, P>; leaves it if it is all zero.
pub(super) fn align_scale(pred: &mut [Vector3<f64>], gt: &[Vector3<f64>]) {
    let dot: f64 = pred.iter().zip(gt).map(|(p, g)| p.dot(g)).sum();
    let norm: f64 = pred.iter().map(Vector3::norm_squared).sum();
    if norm > 0.0 {
        pred.iter_mut().for_each(|p| *p *= dot / norm);
    }
}

/// The least-squares scale of a whole set, sum <P, G> / sum <P, P>; 1 if every prediction is zero.
pub(super) fn common_scale(poses: impl Iterator<Item = (Vec<Vector3<f64>>, Vec<Vector3<f64>>)>) -> f64 {
    let (mut dot, mut norm) = (0.0, 0.0);
    for (pred, gt) in poses {
        dot += pred.iter().zip(&gt).map(|(p, g)| p.dot(g)).sum::<f64>();
        norm += pred.iter().map(Vector3::norm_squared).sum::<f64>();
    }
    if norm > 0.0 { dot / norm } else { 1.0 }
}

/// Replaces `pred` by its image under the similarity that brings it nearest to `gt` (least squares; Umeyama 1991).
///
/// The rotation is Horn's (1987, closed form with unit quaternions): the largest eigenvalue of a symmetric 4x4 matrix
/// is the trace that SVD would give after its sign fix, so reflections need no case of their own.
pub(super) fn align_similarity(pred: &mut [Vector3<f64>], gt: &[Vector3<f64>]) {
    let count = pred.len() as f64;
    let mean_pred = pred.iter().sum::<Vector3<f64>>() / count;
    let mean_gt = gt.iter().sum::<Vector3<f64>>() / count;
    let mut covariance = Matrix3::zeros();
    let mut norm = 0.0;
    for (p, g) in pred.iter().zip(gt) {
        covariance += (p - mean_pred) * (g - mean_gt).transpose();
        norm += (p - mean_pred).norm_squared();
    }
    let (rotation, trace) = best_rotation(&covariance);
    let scale = if norm > 0.0 { trace / norm } else { 0.0 };
    for p in pred {
        *p = scale * (rotation * (*p - mean_pred)) + mean_gt;
    }
}

/// The rotation R that maximises sum <R p, g> for S = sum p g^T, and that maximum.
fn best_rotation(s: &Matrix3<f64>) -> (UnitQuaternion<f64>, f64) {
    let (dx, dy, dz) = (s.m23 - s.m32, s.m31 - s.m13, s.m12 - s.m21);
    #[rustfmt::skip]
    let horn = Matrix4::new(
        s.m11 + s.m22 + s.m33, dx,                    dy,                     dz,
        dx,                    s.m11 - s.m22 - s.m33, s.m12 + s.m21,          s.m13 + s.m31,
        dy,                    s.m12 + s.m21,         -s.m11 + s.m22 - s.m33, s.m23 + s.m32,
        dz,                    s.m13 + s.m31,         s.m23 + s.m32,          -s.m11 - s.m22 + s.m33,
    );
    // A bound on the iterations, because this must return whatever the numbers.
    let Some(eigen) = SymmetricEigen::try_new(horn, f64::EPSILON, 1000) else {
        return (UnitQuaternion::identity(), s.trace());
    };
    let (largest, value) = eigen.eigenvalues.argmax();
    let q = eigen.eigenvectors.column(largest);
    (UnitQuaternion::from_quaternion(Quaternion::new(q[0], q[1], q[2], q[3])), value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cloud(flat: bool) -> Vec<Vector3<f64>> {
        (0..9)
            .map(f64::from)
            .map(|t| Vector3::new((1.3 * t).sin(), 0.2 * t, if flat { 0.0 } else { (0.7 * t).cos() }))
            .collect()
    }

    fn distance(a: &[Vector3<f64>], b: &[Vector3<f64>]) -> f64 {
        a.iter().zip(b).map(|(a, b)| (a - b).norm()).fold(0.0, f64::max)
    }

    #[test]
    fn a_similarity_is_removed_exactly_even_for_flat_poses() {
        let rotation = UnitQuaternion::from_euler_angles(2.1, -0.6, 3.0);
        for flat in [false, true] {
            let gt = cloud(flat);
            let mut pred: Vec<_> = gt.iter().map(|g| 0.4 * (rotation * g) + Vector3::new(5.0, -1.0, 2.0)).collect();
            align_similarity(&mut pred, &gt);
            assert!(distance(&pred, &gt) < 1e-12);
        }
    }

    #[test]
    fn a_mirror_image_stays_different() {
        let gt = cloud(false);
        let mut pred: Vec<_> = gt.iter().map(|g| Vector3::new(-g.x, g.y, g.z)).collect();
        align_similarity(&mut pred, &gt);
        assert!(distance(&pred, &gt) > 0.1);
    }

    #[test]
    fn no_other_similarity_is_nearer() {
        let gt = cloud(false);
        let mut pred: Vec<_> = gt.iter().enumerate().map(|(i, g)| g.yzx() + Vector3::x() * (0.3 * i as f64)).collect();
        align_similarity(&mut pred, &gt);
        let cost = |pose: &[Vector3<f64>]| pose.iter().zip(&gt).map(|(p, g)| (p - g).norm_squared()).sum::<f64>();
        let best = cost(&pred);
        for (i, step) in [1e-3, -1e-3].into_iter().enumerate() {
            for axis in [Vector3::x_axis(), Vector3::y_axis(), Vector3::z_axis()] {
                let turn = UnitQuaternion::from_axis_angle(&axis, step);
                assert!(cost(&pred.iter().map(|p| turn * p).collect::<Vec<_>>()) > best);
            }
            let scaled: Vec<_> = pred.iter().map(|p| p * (1.0 + step)).collect();
            assert!(cost(&scaled) > best, "{i}");
        }
    }

    #[test]
    fn a_point_moves_to_the_mean() {
        let gt = cloud(false);
        let mut pred = vec![Vector3::zeros(); gt.len()];
        align_similarity(&mut pred, &gt);
        let mean = gt.iter().sum::<Vector3<f64>>() / gt.len() as f64;
        assert!(pred.iter().all(|p| (p - mean).norm() < 1e-12));
        align_scale(&mut vec![Vector3::zeros(); 9], &gt);
    }
}
