//! Which joints of a skeleton are the 17 of Human3.6M, by their names.
//!
//! Hip is the middle of the hips' joints, Neck/Nose the joint on which the head turns, Head the tip of the head.

use std::path::Path;

use nalgebra::Vector3;

use super::{joint_guess, kinematics::Tree};
use crate::error::{Error, Result};
use crate::format::{HAND_WRITTEN, read_text_limited};
use crate::pose::Skeleton;

/// How a slot is named.
#[derive(Debug, Clone, Copy)]
enum Pick {
    One(&'static str),
    Middle(&'static str, &'static str),
    /// The first of these that the skeleton has.
    First(&'static [&'static str]),
}

use Pick::{First, Middle, One};

/// A convention of names.
#[derive(Debug)]
struct Naming {
    /// Whose it is, for messages.
    name: &'static str,
    /// In the order of [`Skeleton::names`].
    joints: [Pick; 17],
    /// Joints that the convention's converter put onto their parent, each with the share of the parent's offset at
    /// which it belongs.
    lost: &'static [(&'static str, f64)],
}

#[rustfmt::skip] // Lines of joints, not a joint a line.
static NAMINGS: [Naming; 5] = [
    // ASF of CMU and HDM05: a joint is the end of the bone of this name. The radius is two thirds of the fore arm.
    Naming {
        name: "CMU's ASF",
        joints: [
            Middle("lhipjoint", "rhipjoint"), One("rhipjoint"), One("rfemur"), One("rtibia"), One("lhipjoint"),
            One("lfemur"), One("ltibia"), One("lowerback"), Middle("thorax", "lowerneck"), One("upperneck"),
            One("head"), One("lclavicle"), One("lhumerus"), One("lwrist"), One("rclavicle"), One("rhumerus"),
            One("rwrist"),
        ],
        lost: &[],
    },
    // B. Hahne's BVH conversion of CMU for MotionBuilder (cgspeed; una-dinosauria/cmu-mocap). It dropped the bones
    // `thorax` and `lwrist`: what hangs on them hangs on the bone before. In CMU's skeletons the thorax is as long as
    // the upper back (2.10 and 2.09 units in 14.asf), and `lwrist` is half of `lradius`: on 14_07 what is put right is
    // 5 mm off the AMC file, against 120 mm and a third of the fore arm.
    Naming {
        name: "cgspeed's",
        joints: [
            Middle("LeftUpLeg", "RightUpLeg"), One("RightUpLeg"), One("RightLeg"), One("RightFoot"), One("LeftUpLeg"),
            One("LeftLeg"), One("LeftFoot"), One("Spine"), Middle("Neck", "Neck1"), One("Head"), One("Head_End"),
            One("LeftArm"), One("LeftForeArm"), One("LeftFingerBase"), One("RightArm"), One("RightForeArm"),
            One("RightFingerBase"),
        ],
        lost: &[
            ("Neck", 1.0), ("LeftShoulder", 1.0), ("RightShoulder", 1.0), ("LeftFingerBase", 0.5), ("LThumb", 0.5),
            ("RightFingerBase", 0.5), ("RThumb", 0.5),
        ],
    },
    // Mixamo, and MotionBuilder without its prefix.
    Naming {
        name: "Mixamo's",
        joints: [
            Middle("LeftUpLeg", "RightUpLeg"), One("RightUpLeg"), One("RightLeg"), One("RightFoot"), One("LeftUpLeg"),
            One("LeftLeg"), One("LeftFoot"), First(&["Spine1", "Spine"]), One("Neck"), One("Head"),
            First(&["HeadTop_End", "Head_End", "Head"]), One("LeftArm"), One("LeftForeArm"), One("LeftHand"),
            One("RightArm"), One("RightForeArm"), One("RightHand"),
        ],
        lost: &[],
    },
    // Biovision, and Xsens with four chest joints.
    Naming {
        name: "Biovision's",
        joints: [
            Middle("LeftHip", "RightHip"), One("RightHip"), One("RightKnee"), One("RightAnkle"), One("LeftHip"),
            One("LeftKnee"), One("LeftAnkle"), First(&["Chest2", "Chest"]), One("Neck"), One("Head"), One("Head_End"),
            One("LeftShoulder"), One("LeftElbow"), One("LeftWrist"), One("RightShoulder"), One("RightElbow"),
            One("RightWrist"),
        ],
        lost: &[],
    },
    // Biovision's older names (Example1.bvh of the University of Wisconsin).
    Naming {
        name: "Biovision's older",
        joints: [
            Middle("LeftUpLeg", "RightUpLeg"), One("RightUpLeg"), One("RightLowLeg"), One("RightFoot"),
            One("LeftUpLeg"), One("LeftLowLeg"), One("LeftFoot"), One("Chest"), One("Neck"), One("Head"),
            One("Head_End"), One("LeftUpArm"), One("LeftLowArm"), One("LeftHand"), One("RightUpArm"),
            One("RightLowArm"), One("RightHand"),
        ],
        lost: &[],
    },
];

const THORAX: usize = 8;
const NECK_NOSE: usize = 9;
const HEAD: usize = 10;

type Slots = [Option<[usize; 2]>; 17];

/// For each of the 17 joints the two of the skeleton between which it lies, which may be the same.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct JointMap {
    /// `None` for Neck/Nose only: half way from Thorax to Head.
    slots: Slots,
    /// Of the naming.
    lost: &'static [(&'static str, f64)],
}

impl JointMap {
    /// Finds the 17 joints by the names that are known; a prefix such as `mixamorig:` does not count.
    ///
    /// # Errors
    /// If no convention fits: which joints the nearest one lacks, which names there are, and lines for a joint map.
    pub(super) fn by_names(tree: &Tree, path: &Path) -> Result<Self> {
        let find = |name: &str| tree.joints.iter().position(|joint| plain(&joint.name) == name);
        let mut nearest: Option<(&Naming, Slots)> = None;
        let missing = |slots: &Slots| slots.iter().filter(|slot| slot.is_none()).count();
        for naming in &NAMINGS {
            let slots = naming.joints.map(|pick| match pick {
                One(name) => find(name).map(|joint| [joint; 2]),
                Middle(a, b) => find(a).zip(find(b)).map(Into::into),
                First(names) => names.iter().find_map(|name| find(name)).map(|joint| [joint; 2]),
            });
            if missing(&slots) == 0 {
                return Ok(Self { slots, lost: naming.lost });
            }
            if nearest.is_none_or(|(_, nearest)| missing(&slots) < missing(&nearest)) {
                nearest = Some((naming, slots));
            }
        }
        let (naming, slots) = nearest.map_or(("known", [None; 17]), |(naming, slots)| (naming.name, slots));
        Err(not_found(tree, path, naming, &slots))
    }

    /// Puts right in the tree what the convention is known to misplace, and finds the place of Neck/Nose, by the
    /// tree's offsets. `is_cut`: the file has no lengths of what ends a limb.
    #[must_use]
    pub(super) fn completed(self, tree: &mut Tree, is_cut: bool) -> Self {
        restore(tree, self.lost);
        self.with_neck(tree, is_cut)
    }

    /// Reads a map from a TOML file: `Hip = "Hips"`, or `Spine = ["Spine", "Spine1"]` for the middle of two. Without
    /// Neck/Nose (`"Neck/Nose"`, in quotes) that joint is half way from Thorax to Head. A prefix such as `mixamorig:`
    /// does not count.
    ///
    /// # Errors
    /// If the file is no such table, a key is none of the 17 joints or is missing, or the skeleton (of the file
    /// `skeleton`) has no joint of a name.
    pub(super) fn from_toml(map: &Path, tree: &Tree, skeleton: &Path) -> Result<Self> {
        let text = read_text_limited(map, HAND_WRITTEN)?;
        let table: toml::Table = text
            .parse()
            .map_err(|error: toml::de::Error| Error::file(map, "TOML", error.message(), "mend the syntax"))?;
        let names = slot_names();
        if let Some(unknown) = table.keys().find(|key| !names.contains(&key.as_str())) {
            let fix = format!("use {}", names.join(", "));
            return Err(Error::file(map, unknown, "this is none of the 17 joints", fix));
        }
        let find = |wanted: &str| {
            let same = tree.joints.iter().position(|joint| joint.name == wanted);
            same.or_else(|| tree.joints.iter().position(|joint| plain(&joint.name) == plain(wanted)))
        };
        let wrong = |slot: &str, problem: String| {
            let fix = format!("choose among those of {}: {}", skeleton.display(), joints_of(tree));
            Error::file(map, slot, problem, fix)
        };
        let mut slots = [None; 17];
        for (slot, name) in names.iter().enumerate() {
            let Some(value) = table.get(*name) else {
                if slot == NECK_NOSE {
                    continue;
                }
                return Err(wrong(name, "the map does not say which joint it is".to_owned()));
            };
            let parts: Option<Vec<&str>> = match value {
                toml::Value::String(one) => Some(vec![one, one]),
                toml::Value::Array(two) => two.iter().map(toml::Value::as_str).collect(),
                _ => None,
            };
            let Some(&[a, b]) = parts.as_deref() else {
                let problem = "neither one name nor two";
                return Err(Error::file(map, *name, problem, "give \"NAME\" or [\"NAME\", \"NAME\"]"));
            };
            let joint = |wanted| {
                find(wanted).ok_or_else(|| wrong(name, format!("the skeleton has no joint of the name '{wanted}'")))
            };
            slots[slot] = Some([joint(a)?, joint(b)?]);
        }
        Ok(Self { slots, lost: &[] })
    }

    /// A head without length leaves Neck/Nose where Head is; then it goes half way from Thorax. Where the length is
    /// only not in the file, the head still turns about Neck/Nose.
    fn with_neck(mut self, tree: &Tree, is_cut: bool) -> Self {
        if let (Some([neck, other]), Some([head, _])) = (self.slots[NECK_NOSE], self.slots[HEAD])
            && neck == other
            && (neck == head || !is_cut && tree.path_length(neck, head) == 0.0)
        {
            self.slots[NECK_NOSE] = None;
        }
        self
    }

    /// The joints of the skeleton between which one of the 17 lies.
    #[must_use]
    pub(super) fn sources(&self, slot: usize) -> Vec<usize> {
        match self.slots[slot] {
            Some([a, b]) if a == b => vec![a],
            Some(two) => two.to_vec(),
            None => [self.sources(THORAX), self.sources(HEAD)].concat(),
        }
    }

    /// The 17 joints of a pose.
    #[must_use]
    pub(super) fn apply(&self, position: impl Fn(usize) -> Vector3<f64>) -> [Vector3<f64>; 17] {
        let mut joints = self.slots.map(|slot| {
            let [a, b] = slot.unwrap_or_default();
            if a == b { position(a) } else { (position(a) + position(b)) / 2.0 }
        });
        if self.slots[NECK_NOSE].is_none() {
            joints[NECK_NOSE] = (joints[THORAX] + joints[HEAD]) / 2.0;
        }
        joints
    }
}

pub(super) fn slot_names() -> &'static [&'static str] {
    Skeleton::of(17).map_or(&[], |skeleton| skeleton.names)
}

/// A name without the prefix of its namespace.
pub(super) fn plain(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or(name)
}

fn restore(tree: &mut Tree, lost: &[(&str, f64)]) {
    for joint in 0..tree.joints.len() {
        let share = lost.iter().find(|(name, _)| *name == plain(&tree.joints[joint].name));
        if let (Some(&(_, share)), Some(parent)) = (share, tree.joints[joint].parent)
            && tree.joints[joint].offset == Vector3::zeros()
        {
            tree.joints[joint].offset = tree.joints[parent].offset * share;
            tree.joints[joint].is_fixed = true;
        }
    }
}

fn not_found(tree: &Tree, path: &Path, naming: &str, slots: &Slots) -> Error {
    let missing: Vec<&str> =
        slot_names().iter().zip(slots).filter(|(_, slot)| slot.is_none()).map(|(name, _)| *name).collect();
    let missing = missing.join(", ");
    let problem =
        format!("of {naming} names, the nearest known, it lacks those of {missing}; it has {}", joints_of(tree));
    let fix =
        format!("say which joint is which with `joint_map` FILE.toml; its lines: {}", joint_guess::lines(tree, slots));
    Error::file(path, "joint names", problem, fix)
}

/// The names of a skeleton's joints, for messages.
fn joints_of(tree: &Tree) -> String {
    const SHOWN: usize = 80;
    let names: Vec<&str> = tree.joints.iter().map(|joint| joint.name.as_str()).take(SHOWN).collect();
    let more = tree.joints.len().saturating_sub(SHOWN);
    if more > 0 { format!("{} and {more} more", names.join(", ")) } else { names.join(", ") }
}

#[cfg(test)]
#[path = "joint_names_tests.rs"]
mod tests;
