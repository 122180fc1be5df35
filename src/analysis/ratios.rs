//! Limb length ratios and the symmetry of left and right (Sec. 4.3, Fig. 5).

use super::distribution::Bins;
use crate::named::named_enum;
use crate::pose::Skeleton;

named_enum! {
    /// A limb of Fig. 5: an upper and a lower bone that share a joint.
    #[derive(Hash)]
    pub enum Limb {
        /// Shoulder to elbow over elbow to wrist.
        LeftArm = "left-arm",
        /// As the left arm.
        RightArm = "right-arm",
        /// Hip to knee over knee to ankle.
        LeftLeg = "left-leg",
        /// As the left leg.
        RightLeg = "right-leg",
        /// Thorax to spine over spine to pelvis.
        Torso = "torso",
    }
}

/// The bins of a histogram of ratios: the axis of Fig. 5, in steps of 0.05 (the paper does not give its own).
pub(crate) const RATIO_BINS: Bins = Bins { low: 0.0, high: 2.0, count: 40 };

impl Limb {
    /// The names of its joints from top to bottom: the upper bone joins the first two, the lower bone the last two.
    #[must_use]
    pub fn joints(self) -> [&'static str; 3] {
        match self {
            Self::LeftArm => ["LShoulder", "LElbow", "LWrist"],
            Self::RightArm => ["RShoulder", "RElbow", "RWrist"],
            Self::LeftLeg => ["LHip", "LKnee", "LFoot"],
            Self::RightLeg => ["RHip", "RKnee", "RFoot"],
            Self::Torso => ["Thorax", "Spine", "Hip"],
        }
    }
}

/// Upper over lower bone length of `limb` in each pose of (N, `joints`, 3) positions, flat, in any unit.
///
/// A pose where one of the bones has no length, or one that is not finite, is left out. Empty unless J is 16 or 17.
#[must_use]
pub(crate) fn ratios(poses: &[f32], joints: usize, limb: Limb) -> Vec<f64> {
    let lengths = bone_lengths(poses, joints, limb).into_iter();
    lengths.filter(|pair| pair.iter().copied().all(is_length)).map(|[upper, lower]| upper / lower).collect()
}

/// How much the bones of two limbs differ, percent: the mean of 100 |a - b| / ((a + b) / 2) over the upper bones and
/// the lower bones of every pose, with a and b the lengths in `left` and `right`. 0 for a symmetric body, at most 200.
///
/// `poses` is (N, `joints`, 3), flat. A pair with a bone of no length, or not a finite one, is left out. `None` where
/// no pair is left, or J is neither 16 nor 17.
#[must_use]
pub(crate) fn asymmetry(poses: &[f32], joints: usize, left: Limb, right: Limb) -> Option<f64> {
    let [left, right] = [left, right].map(|limb| bone_lengths(poses, joints, limb));
    let pairs = left.as_flattened().iter().zip(right.as_flattened());
    let (mut sum, mut count) = (0.0, 0u32);
    for (&a, &b) in pairs.filter(|(a, b)| is_length(**a) && is_length(**b)) {
        sum += 100.0 * (a - b).abs() / f64::midpoint(a, b);
        count += 1;
    }
    (count > 0).then(|| sum / f64::from(count))
}

fn is_length(length: f64) -> bool {
    length.is_finite() && length > 0.0
}

/// The lengths of the upper and the lower bone in each pose.
fn bone_lengths(poses: &[f32], joints: usize, limb: Limb) -> Vec<[f64; 2]> {
    let Some(skeleton) = Skeleton::of(joints) else { return Vec::new() };
    let [top, middle, bottom] =
        limb.joints().map(|name| skeleton.names.iter().position(|joint| *joint == name).unwrap_or_default());
    let length = |pose: &[f32], a: usize, b: usize| {
        let square = |axis| (f64::from(pose[3 * a + axis]) - f64::from(pose[3 * b + axis])).powi(2);
        (0..3).map(square).sum::<f64>().sqrt()
    };
    let lengths = |pose: &[f32]| [length(pose, top, middle), length(pose, middle, bottom)];
    poses.chunks_exact(3 * joints).map(lengths).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::named::Named;

    /// Two poses without symmetry, the same as the NumPy script's.
    fn poses(joints: usize) -> Vec<f32> {
        (0..6 * joints as u32).map(|i| (0.9 * (1.7 * f64::from(i) + 0.3 * f64::from(i % 5)).sin()) as f32).collect()
    }

    #[test]
    fn agrees_with_numpy() {
        // p (2, J, 3) in float64: np.linalg.norm(p[:, a] - p[:, b], axis=1) / np.linalg.norm(p[:, b] - p[:, c], axis=1)
        // for the joints a, b, c of Limb::ALL by name.
        let expected = [
            (
                16,
                [
                    [0.8621465024420455, 1.0209128993147922],
                    [0.663423473837254, 2.1836750388652955],
                    [1.2012518602502456, 0.19357345228582032],
                    [1.0163972788765243, 2.0338182315208857],
                    [0.6935167235407275, 0.1957026506200344],
                ],
            ),
            (
                17,
                [
                    [0.9240782902956799, 0.19589292640006367],
                    [2.3540751789540204, 1.058362553990409],
                    [1.2012518602502456, 0.9826580558437242],
                    [1.0163972788765243, 0.43743938972959395],
                    [0.6935167235407275, 1.1437562606111795],
                ],
            ),
        ];
        // The coordinates are the same float32 numbers up to the last bit of a sine, 6e-8, and bones are 0.1 or longer.
        let close = |got: f64, expected: f64| (got / expected - 1.0).abs() < 1e-5;
        for (joints, limbs) in expected {
            for (&limb, expected) in Limb::ALL.iter().zip(limbs) {
                let got = ratios(&poses(joints), joints, limb);
                assert!(got.len() == 2 && got.iter().zip(expected).all(|(g, e)| close(*g, e)), "{limb:?} {got:?}");
            }
        }
        // l, r (2, 2) the lengths of the upper and lower bones: (100 * abs(l - r) / ((l + r) / 2)).mean()
        let asymmetries = [(16, [26.323898884073692, 66.4065097238414]), (17, [59.1404405521086, 34.67874374996472])];
        for (joints, [arms, legs]) in asymmetries {
            assert!(close(asymmetry(&poses(joints), joints, Limb::LeftArm, Limb::RightArm).unwrap(), arms));
            assert!(close(asymmetry(&poses(joints), joints, Limb::LeftLeg, Limb::RightLeg).unwrap(), legs));
        }
    }

    #[test]
    fn joints_are_chains_of_bones_and_sides_mirror_each_other() {
        for joints in [16, 17] {
            let skeleton = Skeleton::of(joints).unwrap();
            let number = |name: &str| skeleton.names.iter().position(|joint| *joint == name).unwrap();
            for &limb in Limb::ALL {
                for bone in limb.joints().map(number).windows(2) {
                    let (child, parent) = (bone[0].max(bone[1]), bone[0].min(bone[1]));
                    assert_eq!(skeleton.parents[child], parent, "{limb:?}");
                }
            }
            for (left, right) in [(Limb::LeftArm, Limb::RightArm), (Limb::LeftLeg, Limb::RightLeg)] {
                let mirrored = left.joints().map(|name| skeleton.names[skeleton.swap[number(name)]]);
                assert_eq!(mirrored, right.joints());
            }
        }
    }

    #[test]
    fn mirroring_exchanges_the_sides_and_keeps_the_asymmetry() {
        let skeleton = Skeleton::of(17).unwrap();
        let original = poses(17);
        let mut mirrored = original.clone();
        skeleton.flip(&mut mirrored, 3);
        for (left, right) in [(Limb::LeftArm, Limb::RightArm), (Limb::LeftLeg, Limb::RightLeg)] {
            assert_eq!(ratios(&original, 17, left), ratios(&mirrored, 17, right));
            assert_ne!(ratios(&original, 17, left), ratios(&original, 17, right));
            assert_eq!(asymmetry(&original, 17, left, right), asymmetry(&mirrored, 17, left, right));
        }
        assert_eq!(asymmetry(&original, 17, Limb::LeftArm, Limb::LeftArm), Some(0.0));
    }

    #[test]
    fn degenerate_bones_are_left_out() {
        let good = poses(16);
        let expected = ratios(&good, 16, Limb::LeftLeg);
        assert_eq!(expected.len(), 2);
        let mut poses = good.clone();
        // The knee on the foot of one pose, and no number in another.
        let mut flat = good[..48].to_vec();
        flat.copy_within(18..21, 15);
        let mut diverged = good[..48].to_vec();
        diverged[18] = f32::NAN;
        poses.extend([flat, diverged].concat());
        assert_eq!(ratios(&poses, 16, Limb::LeftLeg), expected);
        assert_eq!(ratios(&poses, 16, Limb::LeftArm).len(), 4);
        // Without its foot a leg still has an upper bone: two poses have three pairs, one of them twice.
        let of_legs = |poses: &[f32]| asymmetry(poses, 16, Limb::LeftLeg, Limb::RightLeg).unwrap();
        let two_poses = [&good[..48], &poses[144..]].concat();
        let mean = (2.0 * of_legs(&good[..48]) + of_legs(&poses[144..])) / 3.0;
        assert!((of_legs(&two_poses) - mean).abs() < 1e-12 && of_legs(&good[..48]) != of_legs(&poses[144..]));
        assert_eq!(asymmetry(&[f32::NAN; 48], 16, Limb::LeftLeg, Limb::RightLeg), None);
        assert!(ratios(&good, 14, Limb::Torso).is_empty() && ratios(&[], 16, Limb::Torso).is_empty());
        assert_eq!(asymmetry(&good, 0, Limb::LeftArm, Limb::RightArm), None);
    }
}
