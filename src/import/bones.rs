//! Where a BVH file has position channels besides OFFSET: which of them are the bones.
//!
//! The first frame tells. Usual files have the same in both, or lengths in one of them; what contradicts is an error.
//! Only joints of the body count, those on the way to the 17 without what carries all of them, as hips under a
//! reference: props, fingers and faces may do as they like.

use nalgebra::Vector3;

use super::{
    joint_names::JointMap,
    kinematics::{Channel, Tree},
};

/// Lengths that differ by less are the same.
const TOLERANCE: f64 = 0.1;
/// Of its bone: so far from 0 is a position that was to be 0.
const NOISE: f64 = 0.01;
/// So few joints that move apart from the others say nothing of the file.
const FEW: usize = 3;

/// What the bones were found to be.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Bones {
    /// Joints whose position channels are 0 and whose OFFSET counts.
    pub fixed: usize,
    /// Lengths are in channels alone, so that the end sites, which have none, lack theirs.
    pub is_cut: bool,
}

/// A contradiction: the field and what is wrong.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Contradiction {
    pub field: String,
    pub problem: String,
}

/// A joint of the body with position channels.
struct Moving {
    joint: usize,
    /// Its OFFSET, and the place in the first frame.
    lengths: [f64; 2],
    place: Vector3<f64>,
    /// All its position channels are 0.
    is_zero: bool,
}

impl Moving {
    fn is_silent(&self) -> bool {
        self.is_zero && self.differs()
    }

    /// From an OFFSET that there is.
    fn differs(&self) -> bool {
        let [offset, place] = self.lengths;
        offset > 0.0 && (place - offset).abs() > TOLERANCE * offset
    }
}

/// Makes the tree's offsets those of the first frame, and has joints fixed whose OFFSET counts. With `trusting`,
/// positions replace OFFSET whatever they are.
pub(super) fn settle(tree: &mut Tree, frame: &[f64], map: &JointMap, trusting: bool) -> Result<Bones, Contradiction> {
    let moving = moving(tree, frame, map);
    let silent = moving.iter().filter(|joint| joint.is_silent()).count();
    let mut bones = Bones::default();
    if !trusting {
        let different: Vec<&Moving> = moving.iter().filter(|joint| joint.differs() && !joint.is_silent()).collect();
        if 2 * silent > moving.len() {
            if let Some(other) = different.first() {
                return Err(against(tree, "first frame", other.joint, other.place, silent));
            }
            bones.fixed = silent;
        } else if different.len() > FEW && 2 * different.len() > moving.len() {
            return Err(differing(tree, &different, moving.len()));
        }
    }
    let lost = moving.iter().filter(|joint| joint.lengths[0] == 0.0 && joint.lengths[1] > 0.0).count();
    let ends = tree.joints.iter().filter(|joint| joint.channels.is_empty());
    bones.is_cut = 2 * lost > moving.len() && ends.into_iter().all(|end| end.offset == Vector3::zeros());
    for joint in moving {
        if bones.fixed > 0 && joint.is_silent() {
            tree.joints[joint.joint].is_fixed = true;
        } else {
            tree.joints[joint.joint].offset = joint.place;
        }
    }
    Ok(bones)
}

/// That the joints whose OFFSET counts have no other position in a later frame.
pub(super) fn check(tree: &Tree, frame: &[f64], number: usize) -> Result<(), Contradiction> {
    for (joint, place) in places(tree, frame) {
        let Some(place) = place.filter(|_| tree.joints[joint].is_fixed) else { continue };
        if place.norm() > NOISE * tree.joints[joint].offset.norm() {
            let fixed = tree.joints.iter().filter(|joint| joint.is_fixed).count();
            return Err(against(tree, &format!("frame {number}"), joint, place, fixed));
        }
    }
    Ok(())
}

/// Each joint's position channels, 0 along axes without one; `None` if it has none.
fn places<'a>(tree: &'a Tree, frame: &'a [f64]) -> impl Iterator<Item = (usize, Option<Vector3<f64>>)> + 'a {
    let mut numbers = frame.iter().copied();
    tree.joints.iter().enumerate().map(move |(joint, of)| {
        let mut place = None;
        for &channel in &of.channels {
            let number = numbers.next().unwrap_or(0.0);
            if let Channel::Position(axis) = channel {
                place.get_or_insert_with(Vector3::zeros)[axis % 3] = number;
            }
        }
        (joint, place)
    })
}

fn moving(tree: &Tree, frame: &[f64], map: &JointMap) -> Vec<Moving> {
    let mapped: Vec<usize> = (0..17).flat_map(|slot| map.sources(slot)).collect();
    // Below how many of the mapped joints each joint lies, itself included.
    let mut below = vec![0; tree.joints.len()];
    for &joint in &mapped {
        let mut at = Some(joint);
        while let Some(joint) = at {
            below[joint] += 1;
            at = tree.joints[joint].parent;
        }
    }
    let mut found = Vec::new();
    for (joint, given) in places(tree, frame) {
        let of = &tree.joints[joint];
        let Some(given) = given.filter(|_| of.parent.is_some() && (1..mapped.len()).contains(&below[joint])) else {
            continue;
        };
        let mut place = of.offset;
        for channel in &of.channels {
            if let Channel::Position(axis) = channel {
                place[axis % 3] = given[axis % 3];
            }
        }
        let lengths = [of.offset.norm(), place.norm()];
        if lengths != [0.0; 2] {
            found.push(Moving { joint, lengths, place, is_zero: given == Vector3::zeros() });
        }
    }
    found
}

fn against(tree: &Tree, frame: &str, joint: usize, place: Vector3<f64>, fixed: usize) -> Contradiction {
    let [x, y, z] = place.map(short).into();
    let problem = format!(
        "'{}' has the position ({x}, {y}, {z}), but those of {fixed} joints are 0 in the first frame, as if OFFSET \
         counted",
        tree.joints[joint].name
    );
    Contradiction { field: frame.to_owned(), problem }
}

fn differing(tree: &Tree, different: &[&Moving], all: usize) -> Contradiction {
    let mut ratios: Vec<f64> = different.iter().map(|joint| joint.lengths[1] / joint.lengths[0]).collect();
    ratios.sort_by(f64::total_cmp);
    let middle = ratios[ratios.len() / 2];
    let same = ratios.iter().filter(|ratio| (*ratio / middle - 1.0).abs() < TOLERANCE).count();
    let reading = if 2 * same > ratios.len() {
        format!("by a factor of about {}, as if in another unit", short(middle))
    } else if middle < 0.5 {
        "and are small, as if they were to be added to it".to_owned()
    } else {
        "by no common factor".to_owned()
    };
    let first = different[0];
    let problem = format!(
        "in the first frame they differ from OFFSET at {} of {all} joints, {reading} ('{}': {} long, OFFSET {})",
        different.len(),
        tree.joints[first.joint].name,
        short(first.lengths[1]),
        short(first.lengths[0]),
    );
    Contradiction { field: "position channels".to_owned(), problem }
}

/// Three digits after the point.
fn short(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

#[cfg(test)]
#[path = "bones_tests.rs"]
mod tests;
