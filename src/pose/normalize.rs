//! The bone scale: pixels to the plane of the projection (root at depth c, unit focal length) without knowing depth.

use super::Skeleton;

/// Exponent of the power mean. Foreshortening only shrinks bones, so a high power picks those parallel to the image.
const POWER: f64 = 6.0;
/// A pose whose joints all coincide is divided by this instead of by zero.
const MIN_SCALE: f64 = 1e-9;

/// Mean length of each bone over a set of poses, in the unit of `positions` (metres).
///
/// `positions` is (N, J, 3), flat; the result has J-1 lengths in the order of [`Skeleton::bones`], zeros where N is 0.
#[must_use]
pub fn mean_bone_lengths(positions: &[f32], skeleton: &Skeleton) -> Vec<f32> {
    let poses = positions.chunks_exact(skeleton.joints * 3);
    let count = poses.len().max(1) as f64;
    let mut sums = vec![0.0; skeleton.joints - 1];
    for pose in poses {
        for (sum, (joint, parent)) in sums.iter_mut().zip(skeleton.bones()) {
            *sum += bone_length(pose, joint, parent, 3);
        }
    }
    sums.iter().map(|sum| (sum / count) as f32).collect()
}

/// Poses (N, J, 3), flat, less the position of each one's root.
#[must_use]
pub fn root_centred(positions: &[f32], joints: usize) -> Vec<f32> {
    let mut centred = positions.to_vec();
    for pose in centred.chunks_exact_mut(3 * joints) {
        let root = [pose[0], pose[1], pose[2]];
        pose.chunks_exact_mut(3).for_each(|joint| joint.iter_mut().zip(root).for_each(|(v, r)| *v -= r));
    }
    centred
}

/// Root-centres one 2D pose and divides it by its bone scale s = max(mean_b((l_b / (L_b / c))^6)^(1/6), 1e-9), with
/// l_b its bone lengths; returns s. In f64, as `normalise` of the PyTorch reference.
///
/// `x` is (J, 2), flat, in pixels or any unit; `bone_lengths` are the J-1 mean 3D lengths L_b of the training set in
/// metres, see [`mean_bone_lengths`]; `depth` is c. A bone of zero length in `bone_lengths` is left out of the mean, and
/// so is one with a missing end: `seen` (J) is 0 for a joint that was filled in, empty where none was. Where no bone has
/// both ends, all count.
pub fn bone_normalize(x: &mut [f32], seen: &[f32], skeleton: &Skeleton, bone_lengths: &[f32], depth: f32) -> f32 {
    let (mut sum, mut bones) = (0.0, 0u32);
    let is_seen = |joint: usize| seen.get(joint).is_none_or(|&seen| seen > 0.0);
    let whole = |&(joint, parent): &(usize, usize)| is_seen(joint) && is_seen(parent);
    let any = skeleton.bones().any(|bone| whole(&bone));
    for ((joint, parent), &length) in skeleton.bones().zip(bone_lengths) {
        if length > 0.0 && (whole(&(joint, parent)) || !any) {
            let ratio = bone_length(x, joint, parent, 2).max(1e-7) / (f64::from(length) / f64::from(depth));
            sum += ratio.powf(POWER);
            bones += 1;
        }
    }
    let scale = (sum / f64::from(bones.max(1))).powf(1.0 / POWER).max(MIN_SCALE);
    let root = [f64::from(x[0]), f64::from(x[1])];
    for (i, value) in x.iter_mut().enumerate() {
        *value = ((f64::from(*value) - root[i % 2]) / scale) as f32;
    }
    scale as f32
}

fn bone_length(pose: &[f32], joint: usize, parent: usize, dims: usize) -> f64 {
    let (a, b) = (&pose[joint * dims..][..dims], &pose[parent * dims..][..dims]);
    a.iter().zip(b).map(|(&a, &b)| (f64::from(a) - f64::from(b)).powi(2)).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A fixed pose without symmetry: joint j, coordinate k.
    fn pose(joints: usize, dims: usize) -> Vec<f32> {
        (0..joints * dims).map(|i| 500.0 + (37 * i % 101) as f32 - 3.25 * (i % 7) as f32).collect()
    }

    #[test]
    fn agrees_with_the_pytorch_reference() {
        // iso_torch.py's `normalise` in float64 on the same pose with its BONES[16] and c = 10.
        let lengths = [0.13, 0.44, 0.44, 0.13, 0.44, 0.44, 0.23, 0.25, 0.23, 0.15, 0.28, 0.25, 0.15, 0.28, 0.25];
        let mut x = pose(16, 2);
        let scale = bone_normalize(&mut x, &[], Skeleton::of(16).unwrap(), &lengths, 10.0);
        let expected: [f64; 5] = [
            4_925.553_431_608_26,
            0.013704043806902797,
            -0.0068012661856480545,
            0.01898263845845054,
            -0.0015226715341003108,
        ];
        let got = [scale, x[2], x[3], x[30], x[31]];
        for (got, expected) in got.iter().zip(expected) {
            assert!((f64::from(*got) / expected - 1.0).abs() < 1e-6, "{got} {expected}");
        }
    }

    #[test]
    fn removes_position_and_scale() {
        let skeleton = Skeleton::of(17).unwrap();
        let lengths: Vec<f32> = (0..16).map(|i| 0.1 + 0.02 * i as f32).collect();
        let mut x = pose(17, 2);
        let mut moved: Vec<f32> = x.iter().enumerate().map(|(i, v)| 0.5 * v + [40.0, -8.0][i % 2]).collect();
        let s = bone_normalize(&mut x, &[], skeleton, &lengths, 10.0);
        let half = bone_normalize(&mut moved, &[], skeleton, &lengths, 10.0);
        assert!((2.0 * half / s - 1.0).abs() < 1e-6);
        assert!(x.iter().zip(&moved).all(|(a, b)| (a - b).abs() < 1e-6));
        // A pose parallel to the image whose bones have the mean lengths keeps its size at depth c.
        let again = bone_normalize(&mut x, &[], skeleton, &lengths, 10.0);
        assert!((again - 1.0).abs() < 1e-6);
    }

    #[test]
    fn missing_joints_do_not_change_the_scale() {
        let (skeleton, lengths) = (Skeleton::of(16).unwrap(), [0.2; 15]);
        let (mut x, mut seen) = (pose(16, 2), vec![1.0; 16]);
        seen[3] = 0.0;
        let scale = bone_normalize(&mut x.clone(), &seen, skeleton, &lengths, 10.0);
        x[6] += 1e4;
        assert_eq!(bone_normalize(&mut x.clone(), &seen, skeleton, &lengths, 10.0), scale);
        assert!(bone_normalize(&mut x.clone(), &[], skeleton, &lengths, 10.0) > 2.0 * scale);
        assert!(bone_normalize(&mut x, &[0.0; 16], skeleton, &lengths, 10.0) > 2.0 * scale);
    }

    #[test]
    fn coinciding_joints_stay_finite() {
        let mut x = vec![5.0; 32];
        let scale = bone_normalize(&mut x, &[], Skeleton::of(16).unwrap(), &[0.2; 15], 10.0);
        assert!(scale > 0.0 && x.iter().all(|&v| v == 0.0));
        let mut x = vec![5.0; 32];
        bone_normalize(&mut x, &[], Skeleton::of(16).unwrap(), &[0.0; 15], 10.0);
        assert!(x.iter().all(|&v| v == 0.0));
    }

    #[test]
    fn mean_lengths_average_over_poses() {
        let skeleton = Skeleton::of(16).unwrap();
        let mut positions = vec![0.0f32; 2 * 48];
        positions[3] = 0.3; // RHip of pose 0: its bone and the next are 0.3 long
        assert_eq!(mean_bone_lengths(&positions, skeleton)[..3], [0.15, 0.15, 0.0]);
        assert_eq!(mean_bone_lengths(&[], skeleton), vec![0.0; 15]);
    }
}
