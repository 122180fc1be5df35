//! A skeleton of joints with rotations and bones, and its forward kinematics in float64.

use nalgebra::{Rotation3, Vector3};

/// What one number of a frame does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Channel {
    /// The coordinate along this axis (0 to 2), in place of the joint's offset.
    Position(usize),
    /// A rotation about this axis, degrees.
    Rotation(usize),
}

/// A joint.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Joint {
    /// Its name.
    pub name: String,
    /// The joint that it hangs on, always an earlier one; `None` for the root.
    pub parent: Option<usize>,
    /// From the parent, in the parent's axes: BVH's OFFSET.
    pub offset: Vector3<f64>,
    /// Added in the joint's own axes: an ASF bone's direction times length, at whose end the joint lies.
    pub bone: Vector3<f64>,
    /// C, the axes in which the rotation M is given: the joint turns by C M C^-1.
    pub axes: Rotation3<f64>,
    /// What its numbers do; rotations are multiplied left to right, so the last is applied first.
    pub channels: Vec<Channel>,
    /// Its position channels do nothing: the offset counts.
    pub is_fixed: bool,
}

/// Joints, each after its parent; the first is the root.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Tree {
    /// The joints.
    pub joints: Vec<Joint>,
}

/// The most joints that a file may have: what a skeleton of a body with fingers has, many times.
pub(super) const MAX_JOINTS: usize = 10_000;

/// Orientation and position of a joint in the world.
pub(super) type Placed = (Rotation3<f64>, Vector3<f64>);

impl Joint {
    /// A joint without offset, bone and channels.
    #[must_use]
    pub(super) fn new(name: &str, parent: Option<usize>) -> Self {
        Self {
            name: name.to_owned(),
            parent,
            offset: Vector3::zeros(),
            bone: Vector3::zeros(),
            axes: Rotation3::identity(),
            channels: Vec::new(),
            is_fixed: false,
        }
    }
}

/// The rotation by an angle in degrees about axis 0, 1 or 2.
#[must_use]
pub(super) fn rotation(axis: usize, degrees: f64) -> Rotation3<f64> {
    let axis = [Vector3::x_axis(), Vector3::y_axis(), Vector3::z_axis()][axis % 3];
    Rotation3::from_axis_angle(&axis, degrees.to_radians())
}

impl Tree {
    /// Numbers in a frame.
    #[must_use]
    pub(super) fn channels(&self) -> usize {
        self.joints.iter().map(|joint| joint.channels.len()).sum()
    }

    /// Forward kinematics: places every joint, in the file's unit and axes. `frame` has [`Self::channels`] numbers,
    /// joint by joint; a number that is missing counts as 0.
    pub(super) fn place(&self, frame: &[f64], placed: &mut Vec<Placed>) {
        placed.clear();
        let mut numbers = frame.iter().copied();
        for joint in &self.joints {
            let (mut offset, mut turn) = (joint.offset, Rotation3::identity());
            for &channel in &joint.channels {
                let number = numbers.next().unwrap_or(0.0);
                match channel {
                    Channel::Position(_) if joint.is_fixed => {}
                    Channel::Position(axis) => offset[axis % 3] = number,
                    Channel::Rotation(axis) => turn *= rotation(axis, number),
                }
            }
            let (parent_turn, parent) = joint.parent.map_or((Rotation3::identity(), Vector3::zeros()), |p| placed[p]);
            let turned = parent_turn * (joint.axes * turn * joint.axes.inverse());
            placed.push((turned, parent + parent_turn * offset + turned * joint.bone));
        }
    }

    /// The length of the bones from one joint to another by their offsets, which no pose changes.
    #[must_use]
    pub(super) fn path_length(&self, from: usize, to: usize) -> f64 {
        let chain = |joint| std::iter::successors(Some(joint), |&joint: &usize| self.joints[joint].parent);
        let (up, down): (Vec<usize>, Vec<usize>) = (chain(from).collect(), chain(to).collect());
        let common = up.iter().rev().zip(down.iter().rev()).take_while(|(a, b)| a == b).count();
        let bones = up[..up.len() - common].iter().chain(&down[..down.len() - common]);
        bones.map(|&joint| self.joints[joint].offset.norm() + self.joints[joint].bone.norm()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A root, an upper arm along x, a fore arm along x; the elbow is given as a BVH joint or as an ASF bone's end.
    fn arm(asf: bool) -> Tree {
        let mut joints = vec![Joint::new("root", None), Joint::new("elbow", Some(0)), Joint::new("wrist", Some(1))];
        joints[0].channels =
            vec![Channel::Position(0), Channel::Position(1), Channel::Position(2), Channel::Rotation(2)];
        joints[1].channels = vec![Channel::Rotation(1), Channel::Rotation(2)];
        joints[2].channels = Vec::new();
        for joint in &mut joints[1..] {
            *(if asf { &mut joint.bone } else { &mut joint.offset }) = Vector3::new(2.0, 0.0, 0.0);
        }
        Tree { joints }
    }

    fn positions(tree: &Tree, frame: &[f64]) -> Vec<[f64; 3]> {
        let mut placed = Vec::new();
        tree.place(frame, &mut placed);
        placed.iter().map(|(_, position)| (*position).into()).collect()
    }

    fn close(got: &[[f64; 3]], expected: &[[f64; 3]]) -> bool {
        got.as_flattened().iter().zip(expected.as_flattened()).all(|(a, b)| (a - b).abs() < 1e-12)
    }

    #[test]
    fn turns_what_hangs_below() {
        // The root turned by 90 degrees about z: the elbow lies along y. Then Ry(90) Rz(90) sends x to y first.
        let frame = [1.0, 1.0, 1.0, 90.0, 90.0, 90.0];
        let got = positions(&arm(false), &frame);
        assert!(close(&got, &[[1.0, 1.0, 1.0], [1.0, 3.0, 1.0], [-1.0, 3.0, 1.0]]), "{got:?}");
        // An ASF bone turns itself: its end lies where the BVH child would.
        let got = positions(&arm(true), &frame);
        assert!(close(&got, &[[1.0, 1.0, 1.0], [-1.0, 1.0, 1.0], [-3.0, 1.0, 1.0]]), "{got:?}");
    }

    #[test]
    fn axes_conjugate_the_rotation() {
        let mut tree = arm(true);
        // In axes turned by 90 degrees about x, the axis y is the world's z: Ry(90) sends x to y.
        tree.joints[1].axes = rotation(0, 90.0);
        let got = positions(&tree, &[0.0, 0.0, 0.0, 0.0, 90.0, 0.0]);
        assert!(close(&got, &[[0.0; 3], [0.0, 2.0, 0.0], [0.0, 4.0, 0.0]]), "{got:?}");
    }

    #[test]
    fn paths_are_measured_through_the_common_joint() {
        let mut tree = arm(false);
        let mut head = Joint::new("head", Some(0));
        head.offset = Vector3::new(0.0, 3.0, 4.0);
        tree.joints.push(head);
        assert_eq!((tree.path_length(2, 3), tree.path_length(1, 2), tree.path_length(2, 2)), (9.0, 2.0, 0.0));
    }
}
