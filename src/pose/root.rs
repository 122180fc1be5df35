//! Where a lifted person stands before a camera of known intrinsics.

use nalgebra::{Matrix3, Vector3};

use super::Intrinsics;

/// Fewer joints say little: one person's arm may be another's leg further away.
const MIN_JOINTS: i32 = 6;

/// So small a variance of directions, of a ten-thousandth of the focal length, is rounding.
const MIN_SPREAD: f64 = 1e-8;

/// The root's place in the camera's axes, metres, for which `joints` (J), metres from the root, are seen at `keypoints` (J),
/// pixels, as nearly as can be. `seen` (J) says which joints count.
///
/// Least squares, linear in the place t: X + t_x = u (Z + t_z) and Y + t_y = v (Z + t_z) for each joint (X, Y, Z) seen in the
/// direction (u, v, 1); the residual is that in the image times the depth. The scale is the pose's: a person of twice the
/// size stands twice as far away.
///
/// `None` where too few joints are seen or they do not say, or the person would stand behind the camera or in it.
#[must_use]
pub fn locate_root(
    joints: &[[f32; 3]],
    keypoints: &[[f32; 2]],
    seen: &[bool],
    camera: &Intrinsics,
) -> Option<[f32; 3]> {
    let (mut left, mut right, mut count) = (Matrix3::zeros(), Vector3::zeros(), 0);
    let mut nearest = 0f64;
    for ((joint, point), _) in joints.iter().zip(keypoints).zip(seen).filter(|(_, seen)| **seen) {
        let [x, y, z] = joint.map(f64::from);
        let [u, v] = [0, 1].map(|axis| (f64::from(point[axis]) - camera.center[axis]) / camera.focal[axis]);
        for (row, residual) in [(Vector3::new(1.0, 0.0, -u), u * z - x), (Vector3::new(0.0, 1.0, -v), v * z - y)] {
            left += row * row.transpose();
            right += row * residual;
        }
        nearest = nearest.min(z);
        count += 1;
    }
    // The variance of u and of v: what is seen as one point may be at any depth.
    let (across, down) = (left[(0, 2)], left[(1, 2)]);
    let spread = (left[(2, 2)] - (across * across + down * down) / f64::from(count)) / f64::from(count);
    let place = left.cholesky().filter(|_| count >= MIN_JOINTS && spread > MIN_SPREAD)?.solve(&right);
    let is_before = place.z + nearest > 0.0 && place.iter().all(|v| v.is_finite());
    is_before.then(|| [place.x, place.y, place.z].map(|v| v as f32))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAMERA: Intrinsics = Intrinsics { focal: [1145.0, 1140.0], center: [512.0, 515.0] };

    fn pose() -> Vec<[f32; 3]> {
        (0..16)
            .map(|j| [0.1 * (j % 5) as f32 - 0.2, 0.12 * (j % 7) as f32 - 0.4, 0.07 * (j % 4) as f32 - 0.1])
            .collect()
    }

    fn seen_at(pose: &[[f32; 3]], root: [f32; 3]) -> Vec<[f32; 2]> {
        let project = |joint: &[f32; 3]| {
            let [x, y, z] = [0, 1, 2].map(|axis| f64::from(joint[axis] + root[axis]));
            [(CAMERA.focal[0] * x / z + CAMERA.center[0]) as f32, (CAMERA.focal[1] * y / z + CAMERA.center[1]) as f32]
        };
        pose.iter().map(project).collect()
    }

    #[test]
    fn a_person_is_where_it_was_projected_from() {
        let pose = pose();
        for root in [[0.0, 0.0, 4.0], [-1.5, 0.3, 6.0], [0.9, -0.4, 2.0]] {
            let mut keypoints = seen_at(&pose, root);
            // What is not seen has no say.
            keypoints[3] = [0.0; 2];
            let seen: Vec<bool> = (0..16).map(|joint| joint != 3).collect();
            let found = locate_root(&pose, &keypoints, &seen, &CAMERA).unwrap();
            for axis in 0..3 {
                // Pixels are f32, 6e-5 of them at 1000: at 6 m, over a focal length of 1145, 3e-7 m across, and along the
                // ray 6 m / 0.4 m, the person's half height, times as much.
                assert!((found[axis] - root[axis]).abs() < 1e-5, "{found:?} {root:?}");
            }
        }
    }

    #[test]
    fn what_says_nothing_has_no_place() {
        let pose = pose();
        let keypoints = seen_at(&pose, [0.0, 0.0, 4.0]);
        let few: Vec<bool> = (0..16).map(|joint| joint + 1 < MIN_JOINTS).collect();
        assert_eq!(locate_root(&pose, &keypoints, &few, &CAMERA), None);
        assert_eq!(locate_root(&pose, &[[3.0, 4.0]; 16], &[true; 16], &CAMERA), None);
        // Upside down, it would stand behind the camera.
        let turned: Vec<[f32; 2]> = keypoints.iter().map(|[x, y]| [1024.0 - x, 1030.0 - y]).collect();
        assert_eq!(locate_root(&pose, &turned, &[true; 16], &CAMERA), None);
        let mut broken = keypoints;
        broken[0][0] = f32::NAN;
        assert_eq!(locate_root(&pose, &broken, &[true; 16], &CAMERA), None);
    }
}
