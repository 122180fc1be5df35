//! A skeleton at rest, and the rotations that turn it into a pose.
//!
//! Poses are points: of a bone's turn about itself nothing is known. A joint with one child turns by the least rotation,
//! seen from its parent; one with several by that which fits them all best.

use nalgebra::{Matrix3, Rotation3, Unit, Vector3};

use super::Up;
use crate::pose::Skeleton;

/// A person who stands upright with the arms stretched to the sides, facing the camera.
pub(super) struct Rig {
    /// The joints, and which hangs on which.
    pub skeleton: &'static Skeleton,
    /// Of each joint, in joint order.
    pub children: Vec<Vec<usize>>,
    /// Where each joint lies from its parent, of length 1; 0 for the root.
    pub rest: Vec<Vector3<f64>>,
    /// In which order the axes of each joint's rotation are multiplied, left to right.
    pub orders: Vec<[usize; 3]>,
}

/// Below this, a second direction says nothing of a rotation (1 is as good as the first).
const FLAT: f64 = 1e-3;

/// The cosine of 45 degrees: beyond, a person at rest would not stand as people do.
const NEAR: f64 = std::f64::consts::FRAC_1_SQRT_2;

impl Rig {
    /// In the axes `up`.
    pub(super) fn new(skeleton: &'static Skeleton, up: Up) -> Self {
        let [right_leg, left_leg, right_arm, left_arm] = skeleton.limbs;
        let (right, left, down) = ([-1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, -1.0, 0.0]);
        let mut rest = vec![[0.0, 1.0, 0.0]; skeleton.joints];
        // Middle angles stay away from 90 degrees, where the other two are one: legs swing about x and z, arms and
        // trunk about y and z more than about x.
        let mut orders = vec![[2, 0, 1]; skeleton.joints];
        rest[0] = [0.0; 3];
        for (hip, limb) in [(right, right_leg), (left, left_leg)] {
            for joint in limb {
                (rest[joint], orders[joint]) = (down, [2, 1, 0]);
            }
            rest[limb[0]] = hip;
        }
        for (side, limb) in [(right, right_arm), (left, left_arm)] {
            for joint in limb {
                rest[joint] = side;
            }
        }
        let mut children = vec![Vec::new(); skeleton.joints];
        for (joint, parent) in skeleton.bones() {
            children[parent].push(joint);
        }
        // A half turn about x, which is its own inverse, leads to the camera's axes.
        let turn = |[x, y, z]: [f64; 3]| match up {
            Up::World => Vector3::new(x, y, z),
            Up::Camera => Vector3::new(x, -y, -z),
        };
        Self { skeleton, children, rest: rest.into_iter().map(turn).collect(), orders }
    }

    /// The rig whose hips, shoulders and neck lie at rest as they do in the middle of these poses (J), seen from the joint
    /// that they hang on: shoulders somewhat below the top of the chest. A direction that is far from this rig's stays.
    pub(super) fn fitted(mut self, poses: impl IntoIterator<Item = Vec<Vector3<f64>>>) -> Self {
        let mut sums = vec![Vector3::zeros(); self.rest.len()];
        for joints in poses {
            let turns = self.turns(&joints);
            for (joint, parent) in self.skeleton.bones() {
                let bone = (joints[joint] - joints[parent]).try_normalize(1e-9);
                sums[joint] += bone.map_or(Vector3::zeros(), |bone| turns[parent].inverse() * bone);
            }
        }
        for &child in self.children.iter().filter(|children| children.len() > 1).flatten() {
            let middle = sums[child].try_normalize(1e-9).filter(|middle| middle.dot(&self.rest[child]) > NEAR);
            self.rest[child] = middle.unwrap_or(self.rest[child]);
        }
        self
    }

    /// The rotation of each joint's axes from rest, in the world, that turn the rig to the joints (J).
    pub(super) fn turns(&self, joints: &[Vector3<f64>]) -> Vec<Rotation3<f64>> {
        let mut turns: Vec<Rotation3<f64>> = Vec::with_capacity(joints.len());
        for (joint, children) in self.children.iter().enumerate() {
            let parent = if joint == 0 { Rotation3::identity() } else { turns[self.skeleton.parents[joint]] };
            let bones: Vec<[Vector3<f64>; 2]> = children
                .iter()
                .filter_map(|&child| Some([self.rest[child], (joints[child] - joints[joint]).try_normalize(1e-9)?]))
                .collect();
            turns.push(fit(&bones).unwrap_or_else(|| match bones.first() {
                Some([rest, bone]) => swing(parent, *rest, *bone),
                None => parent,
            }));
        }
        turns
    }
}

/// The rotation that turns the first of each pair, of length 1, best to the second; `None` where they are about one
/// line. Kabsch 1976.
fn fit(bones: &[[Vector3<f64>; 2]]) -> Option<Rotation3<f64>> {
    if bones.len() < 2 {
        return None;
    }
    let sum = bones.iter().fold(Matrix3::zeros(), |sum, [rest, bone]| sum + bone * rest.transpose());
    let svd = sum.try_svd(true, true, f64::EPSILON, 100)?;
    let (u, v) = (svd.u?, svd.v_t?);
    if svd.singular_values[1] < FLAT * svd.singular_values[0] {
        return None;
    }
    let is_mirrored = (u * v).determinant() < 0.0;
    let kept = Matrix3::from_diagonal(&Vector3::new(1.0, 1.0, if is_mirrored { -1.0 } else { 1.0 }));
    Some(Rotation3::from_matrix_unchecked(u * kept * v))
}

/// The least rotation after `parent` that turns a direction at rest to the bone's; both are of length 1.
fn swing(parent: Rotation3<f64>, rest: Vector3<f64>, bone: Vector3<f64>) -> Rotation3<f64> {
    let from = parent * rest;
    let (cross, dot) = (from.cross(&bone), from.dot(&bone));
    let axis = Unit::try_new(cross, 1e-12).or_else(|| {
        // Along one line, any axis across will do, so long as it is always the same.
        let across = parent * if rest.x.abs() < 0.5 { Vector3::x() } else { Vector3::z() };
        Unit::try_new(across - from * from.dot(&across), 1e-12)
    });
    // Not by the arc cosine, which has half the digits, and none beyond 1.
    axis.map_or(parent, |axis| Rotation3::from_axis_angle(&axis, cross.norm().atan2(dot)) * parent)
}

/// The angles of R = R(first axis) R(second) R(third), radians: of all that there are, those nearest to `before`.
pub(super) fn angles(turn: &Rotation3<f64>, [i, j, k]: [usize; 3], before: [f64; 3]) -> [f64; 3] {
    use std::f64::consts::{PI, TAU};
    let sign = if (i + 1) % 3 == j { 1.0 } else { -1.0 };
    let (a, b) = (-sign * turn[(j, k)], turn[(k, k)]);
    // Where the middle angle is a right one, only the sum of the others counts.
    let first = if a.hypot(b) < 1e-9 { before[0] } else { a.atan2(b) };
    let axis = [Vector3::x_axis(), Vector3::y_axis(), Vector3::z_axis()][i];
    let rest = Rotation3::from_axis_angle(&axis, -first) * turn;
    let second = (sign * rest[(i, k)]).atan2(rest[(k, k)]);
    let third = (sign * rest[(j, i)]).atan2(rest[(j, j)]);
    let near =
        |angles: [f64; 3]| [0, 1, 2].map(|axis| angles[axis] + TAU * ((before[axis] - angles[axis]) / TAU).round());
    let far = |angles: &[f64; 3]| angles.iter().zip(before).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
    let (one, other) = (near([first, second, third]), near([first + PI, PI - second, third + PI]));
    if far(&other) < far(&one) { other } else { one }
}

#[cfg(test)]
#[path = "rig_tests.rs"]
mod tests;
