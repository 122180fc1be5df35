//! The two Human3.6M joint orders, and what follows from them: bones, the left-right flip, the 17-to-16 map.

/// A joint order with its kinematic tree. Joint 0 (Hip) is the root.
#[derive(Debug, PartialEq, Eq)]
pub struct Skeleton {
    /// Number of joints J.
    pub joints: usize,
    /// Parent of each joint; always smaller than the joint, and `parents[0] == 0` stands for "none".
    pub parents: &'static [usize],
    /// The joint on the other side of the body, itself for the joints of the middle line.
    pub swap: &'static [usize],
    /// Joint names, as in VideoPose3D's `h36m_dataset.py`.
    pub names: &'static [&'static str],
    /// The limbs, each from the trunk out: right leg, left leg, right arm, left arm. The legs begin at the hips.
    pub limbs: [[usize; 3]; 4],
}

/// The joint that [`to_16`] drops: Neck/Nose.
const NECK_NOSE: usize = 9;

static H36M_16: Skeleton = Skeleton {
    joints: 16,
    parents: &[0, 0, 1, 2, 0, 4, 5, 0, 7, 8, 8, 10, 11, 8, 13, 14],
    swap: &[0, 4, 5, 6, 1, 2, 3, 7, 8, 9, 13, 14, 15, 10, 11, 12],
    names: &[
        "Hip",
        "RHip",
        "RKnee",
        "RFoot",
        "LHip",
        "LKnee",
        "LFoot",
        "Spine",
        "Thorax",
        "Head",
        "LShoulder",
        "LElbow",
        "LWrist",
        "RShoulder",
        "RElbow",
        "RWrist",
    ],
    limbs: [[1, 2, 3], [4, 5, 6], [13, 14, 15], [10, 11, 12]],
};

static H36M_17: Skeleton = Skeleton {
    joints: 17,
    parents: &[0, 0, 1, 2, 0, 4, 5, 0, 7, 8, 9, 8, 11, 12, 8, 14, 15],
    swap: &[0, 4, 5, 6, 1, 2, 3, 7, 8, 9, 10, 14, 15, 16, 11, 12, 13],
    names: &[
        "Hip",
        "RHip",
        "RKnee",
        "RFoot",
        "LHip",
        "LKnee",
        "LFoot",
        "Spine",
        "Thorax",
        "Neck/Nose",
        "Head",
        "LShoulder",
        "LElbow",
        "LWrist",
        "RShoulder",
        "RElbow",
        "RWrist",
    ],
    limbs: [[1, 2, 3], [4, 5, 6], [14, 15, 16], [11, 12, 13]],
};

impl Skeleton {
    /// The Human3.6M skeleton of 17 joints (VideoPose3D) or 16 (SemGCN, PoseAug: no Neck/Nose); `None` for any other J.
    #[must_use]
    pub fn of(joints: usize) -> Option<&'static Self> {
        match joints {
            16 => Some(&H36M_16),
            17 => Some(&H36M_17),
            _ => None,
        }
    }

    /// Keypoints (N, J, 2), each pose mirrored: left and right change places, x changes sign.
    #[must_use]
    pub fn mirrored(&self, keypoints: &[f32]) -> Vec<f32> {
        let mirror = |x: &[f32]| self.swap.iter().flat_map(|&j| [-x[2 * j], x[2 * j + 1]]).collect::<Vec<_>>();
        keypoints.chunks_exact(2 * self.joints).flat_map(mirror).collect()
    }

    /// The J-1 bones as (joint, parent), in joint order.
    pub fn bones(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        self.parents.iter().copied().enumerate().skip(1)
    }

    /// Mirrors poses in place: x changes sign, left and right joints change places. Its own inverse, exactly.
    ///
    /// `poses` is (N, J, `dims`), flat; x is each joint's first coordinate and 0 its mirror plane, so pixels must be
    /// root-centred or normalised first. A trailing part that is not a whole pose stays as it is.
    pub fn flip(&self, poses: &mut [f32], dims: usize) {
        for pose in poses.chunks_exact_mut(self.joints * dims) {
            for (joint, &other) in self.swap.iter().enumerate() {
                if joint < other {
                    let (head, tail) = pose.split_at_mut(other * dims);
                    head[joint * dims..(joint + 1) * dims].swap_with_slice(&mut tail[..dims]);
                }
            }
            for x in pose.iter_mut().step_by(dims) {
                *x = -*x;
            }
        }
    }
}

/// Drops Neck/Nose: (N, 17, `dims`) values, flat, to (N, 16, `dims`).
#[must_use]
pub fn to_16(values: &[f32], dims: usize) -> Vec<f32> {
    let dropped = NECK_NOSE * dims..(NECK_NOSE + 1) * dims;
    values
        .chunks_exact(17 * dims)
        .flat_map(|pose| pose[..dropped.start].iter().chain(&pose[dropped.end..]))
        .copied()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn swap_exchanges_left_and_right_names() {
        for skeleton in [&H36M_16, &H36M_17] {
            assert_eq!(
                (skeleton.parents.len(), skeleton.swap.len(), skeleton.names.len()),
                (skeleton.joints, skeleton.joints, skeleton.joints)
            );
            for (joint, name) in skeleton.names.iter().enumerate() {
                let other = skeleton.names[skeleton.swap[joint]];
                match name.split_at(1) {
                    ("R", rest) => assert_eq!(other, format!("L{rest}")),
                    ("L", rest) => assert_eq!(other, format!("R{rest}")),
                    _ => assert_eq!(&other, name),
                }
                // The tree is symmetric too.
                assert_eq!(skeleton.parents[skeleton.swap[joint]], skeleton.swap[skeleton.parents[joint]]);
            }
            assert!(skeleton.bones().all(|(joint, parent)| parent < joint));
            assert_eq!(skeleton.bones().count(), skeleton.joints - 1);
            for ([first, middle, last], name) in skeleton.limbs.into_iter().zip([
                "RHip RKnee RFoot",
                "LHip LKnee LFoot",
                "RShoulder RElbow RWrist",
                "LShoulder LElbow LWrist",
            ]) {
                assert_eq!([first, middle, last].map(|joint| skeleton.names[joint]).join(" "), name);
                assert_eq!([skeleton.parents[middle], skeleton.parents[last]], [first, middle]);
            }
        }
        assert!(Skeleton::of(18).is_none());
    }

    #[test]
    fn flip_is_an_involution_and_moves_the_right_values() {
        for (joints, dims) in [(16, 2), (16, 3), (17, 2), (17, 3)] {
            let skeleton = Skeleton::of(joints).unwrap();
            let original: Vec<f32> = (0..2 * joints * dims).map(|i| i as f32 + 0.5).collect();
            let mut poses = original.clone();
            skeleton.flip(&mut poses, dims);
            // RHip of the second pose is the mirrored LHip.
            let (rhip, lhip) = ((joints + 1) * dims, (joints + 4) * dims);
            assert_eq!(poses[rhip], -original[lhip]);
            assert_eq!(poses[rhip + 1..rhip + dims], original[lhip + 1..lhip + dims]);
            assert_ne!(poses, original);
            skeleton.flip(&mut poses, dims);
            assert_eq!(poses, original);
        }
    }

    #[test]
    fn to_16_keeps_every_name_but_neck_nose() {
        let names: Vec<f32> = (0..34).map(|i| i as f32).collect();
        let kept = to_16(&names, 1);
        assert_eq!(kept.len(), 32);
        for (i, &joint) in kept[..16].iter().enumerate() {
            assert_eq!(H36M_17.names[joint as usize], H36M_16.names[i]);
        }
        assert_eq!(kept[16], 17.0);
        assert_eq!(to_16(&names, 2)[16..20], [16.0, 17.0, 20.0, 21.0]);
    }
}
