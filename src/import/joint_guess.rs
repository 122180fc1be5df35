//! A first joint map for a skeleton of unknown names: what the nearest convention finds, and guesses for the rest.

use super::{
    joint_names::{plain, slot_names},
    kinematics::Tree,
};

/// For each of the 17 joints, in their order: the side, and what its name may contain, the likeliest first.
#[rustfmt::skip] // Lines of joints, not a joint a line.
static HINTS: [(Option<char>, &[&str]); 17] = [
    (None, &["hips", "pelvis", "hip", "root"]),
    (Some('r'), &["upleg", "upperleg", "thigh", "hip", "femur"]),
    (Some('r'), &["knee", "lowleg", "lowerleg", "calf", "shin", "leg"]),
    (Some('r'), &["ankle", "foot"]),
    (Some('l'), &["upleg", "upperleg", "thigh", "hip", "femur"]),
    (Some('l'), &["knee", "lowleg", "lowerleg", "calf", "shin", "leg"]),
    (Some('l'), &["ankle", "foot"]),
    (None, &["spine1", "spine01", "spine2", "spine", "chest", "abdomen", "torso"]),
    (None, &["neck"]),
    (None, &["head", "skull"]),
    (None, &["headtopend", "headend", "skullend", "headnub", "headtop", "skulltopend", "headsite", "head", "skull"]),
    (Some('l'), &["uparm", "upperarm", "arm", "shoulder", "shldr"]),
    (Some('l'), &["elbow", "lowarm", "lowerarm", "forearm"]),
    (Some('l'), &["wrist", "hand"]),
    (Some('r'), &["uparm", "upperarm", "arm", "shoulder", "shldr"]),
    (Some('r'), &["elbow", "lowarm", "lowerarm", "forearm"]),
    (Some('r'), &["wrist", "hand"]),
];

/// The lines of a joint map, each in backticks; where there is no guess, for the user to fill in.
#[must_use]
pub(super) fn lines(tree: &Tree, slots: &[Option<[usize; 2]>; 17]) -> String {
    let common = common_prefix(tree);
    let known: Vec<(Option<char>, String)> =
        tree.joints.iter().map(|joint| told(joint.name.strip_prefix(common).unwrap_or(&joint.name))).collect();
    // A joint is one of the limbs' only once; the head may end where it begins.
    let mut used: Vec<usize> = slots.iter().flatten().flatten().copied().collect();
    let mut guessed = *slots;
    for slot in 0..guessed.len() {
        if guessed[slot].is_none() {
            let is_limb = HINTS[slot].0.is_some();
            guessed[slot] = guess(&known, slot, if is_limb { &used } else { &[] });
            used.extend(guessed[slot].iter().flatten());
        }
    }
    let name = |joint: usize| format!("{:?}", tree.joints[joint].name);
    // Where there is a joint between it and the elbow, what is called a shoulder is the collar bone.
    for (shoulder, elbow) in [(11, 12), (14, 15)] {
        if let (None, Some([joint, _]), Some([elbow, _])) = (slots[shoulder], guessed[shoulder], guessed[elbow])
            && let Some(between) = tree.joints[elbow].parent.filter(|parent| *parent != joint)
            && tree.joints[between].parent == Some(joint)
            && known[joint].1.ends_with("shoulder")
        {
            guessed[shoulder] = Some([between; 2]);
        }
    }
    let line = |(slot, key): (usize, &&str)| {
        let key = if key.contains('/') { format!("\"{key}\"") } else { (*key).to_owned() };
        let value = match guessed[slot] {
            Some([a, b]) if a == b => name(a),
            Some([a, b]) => format!("[{}, {}]", name(a), name(b)),
            None => "\"...\"".to_owned(),
        };
        format!("`{key} = {value}`")
    };
    slot_names().iter().enumerate().map(line).collect::<Vec<_>>().join(", ")
}

/// The joint that a hint names wholly, else the first whose name ends with one; fingers and twists do not count.
fn guess(known: &[(Option<char>, String)], slot: usize, used: &[usize]) -> Option<[usize; 2]> {
    let (side, hints) = HINTS.get(slot)?;
    let find = |fits: &dyn Fn(&str) -> bool| {
        (0..known.len()).find(|joint| known[*joint].0 == *side && fits(&known[*joint].1) && !used.contains(joint))
    };
    let whole = hints.iter().find_map(|hint| find(&|rest| rest == *hint));
    whole.or_else(|| hints.iter().find_map(|hint| find(&|rest| rest.ends_with(hint)))).map(|joint| [joint; 2])
}

/// What all names begin with, up to a sign that is no letter: `mixamorig_`, `Bip01 `.
fn common_prefix(tree: &Tree) -> &str {
    let Some(first) = tree.joints.first() else { return "" };
    let mut ends = first.name.char_indices().filter(|(_, c)| !c.is_alphanumeric()).map(|(at, c)| at + c.len_utf8());
    let is_common = |end: &usize| tree.joints.iter().all(|joint| joint.name.starts_with(&first.name[..*end]));
    let end = ends.rfind(is_common).filter(|_| tree.joints.len() > 1);
    &first.name[..end.unwrap_or(0)]
}

/// The side that a name says, `LeftArm`, `arm.L`, `l_arm`, `lArm` and `Bip01 L Arm`, and the rest in small letters.
fn told(name: &str) -> (Option<char>, String) {
    let name = plain(name);
    let mut words: Vec<String> = Vec::new();
    let mut before = ' ';
    for letter in name.chars() {
        let starts = before.is_lowercase() && letter.is_uppercase() || !before.is_alphanumeric();
        if letter.is_alphanumeric() {
            if starts || words.is_empty() {
                words.push(String::new());
            }
            if let Some(word) = words.last_mut() {
                word.extend(letter.to_lowercase());
            }
        }
        before = letter;
    }
    let mut side = None;
    words.retain(|word| {
        let found = match word.as_str() {
            "left" | "l" => 'l',
            "right" | "r" => 'r',
            _ => return true,
        };
        side = side.or(Some(found));
        false
    });
    let mut rest = words.concat();
    // In one case only: `leftarm`, `RIGHTARM`.
    for (word, letter) in [("left", 'l'), ("right", 'r')] {
        if side.is_none()
            && let Some(other) = rest.strip_prefix(word).or_else(|| rest.strip_suffix(word))
        {
            (side, rest) = (Some(letter), other.to_owned());
        }
    }
    (side, rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::kinematics::Joint;

    fn lines_of(names: &str) -> String {
        let joints = names.split(", ").map(|name| Joint::new(name, None)).collect();
        lines(&Tree { joints }, &[None; 17])
    }

    #[test]
    fn sides_are_told_in_every_spelling() {
        for (names, side, rest) in [
            ("LeftUpLeg left_up_leg upLeg.L L_UpLeg lUpLeg LEFTUPLEG leftupleg upleg_left", Some('l'), "upleg"),
            ("RightHand r_hand hand.R mixamorig:RightHand", Some('r'), "hand"),
            ("Hips hips", None, "hips"),
        ] {
            for name in names.split(' ') {
                assert_eq!(told(name), (side, rest.to_owned()), "{name}");
            }
        }
        assert_eq!(told("Bip01 L Thigh"), (Some('l'), "bip01thigh".to_owned()));
    }

    #[test]
    fn unknown_skeletons_get_a_whole_map() {
        let rigify = "hips, spine, chest, neck, head, head_End, upper_arm.L, forearm.L, hand.L, upper_arm.R, forearm.R, \
            hand.R, thigh.L, shin.L, foot.L, thigh.R, shin.R, foot.R";
        let smpl = "Pelvis, L_Hip, L_Knee, L_Ankle, R_Hip, R_Knee, R_Ankle, Spine1, Spine2, Spine3, Neck, Head, \
            L_Collar, L_Shoulder, L_Elbow, L_Wrist, L_Hand, R_Collar, R_Shoulder, R_Elbow, R_Wrist, R_Hand";
        let bip = "Bip01 Pelvis, Bip01 L Thigh, Bip01 L Calf, Bip01 L Foot, Bip01 R Thigh, Bip01 R Calf, Bip01 R Foot, \
            Bip01 Spine, Bip01 Spine1, Bip01 Neck, Bip01 Head, Bip01 HeadNub, Bip01 L UpperArm, Bip01 L Forearm, \
            Bip01 L Hand, Bip01 R UpperArm, Bip01 R Forearm, Bip01 R Hand";
        for (names, expected) in [
            (
                rigify,
                "hips thigh.R shin.R foot.R thigh.L shin.L foot.L spine neck head head_End upper_arm.L forearm.L \
                hand.L upper_arm.R forearm.R hand.R",
            ),
            (
                smpl,
                "Pelvis R_Hip R_Knee R_Ankle L_Hip L_Knee L_Ankle Spine1 Neck Head Head L_Shoulder L_Elbow L_Wrist \
                R_Shoulder R_Elbow R_Wrist",
            ),
        ] {
            let slots = slot_names().iter().zip(expected.split_whitespace());
            let text = slots.map(|(slot, name)| match *slot {
                "Neck/Nose" => format!("`\"Neck/Nose\" = \"{name}\"`"),
                slot => format!("`{slot} = \"{name}\"`"),
            });
            assert_eq!(lines_of(names), text.collect::<Vec<_>>().join(", "));
        }
        let text = lines_of(bip);
        for line in ["`RKnee = \"Bip01 R Calf\"`", "`Head = \"Bip01 HeadNub\"`", "`LShoulder = \"Bip01 L UpperArm\"`"] {
            assert!(text.contains(line), "{text}");
        }
        let mixamo = "Hips, Spine, Spine1, Neck, Head, HeadTop_End, LeftShoulder, LeftArm, LeftForeArm, LeftHand, \
            RightShoulder, RightArm, RightForeArm, RightHand, LeftUpLeg, LeftLeg, LeftFoot, RightUpLeg, RightLeg, RightFoot";
        for prefix in ["mixamorig_", "Bip01 ", ""] {
            for lower in [false, true] {
                let names = mixamo.split(", ").map(|name| format!("{prefix}{name}")).collect::<Vec<_>>().join(", ");
                let told = |name: &str| if lower { name.to_lowercase() } else { name.to_owned() };
                let text = lines_of(&told(&names));
                for (slot, name) in [("RKnee", "RightLeg"), ("LHip", "LeftUpLeg"), ("LShoulder", "LeftArm")] {
                    let line = format!("`{slot} = {:?}`", told(&format!("{prefix}{name}")));
                    assert!(text.contains(&line), "{line}: {text}");
                }
            }
        }
        let mut tree =
            Tree { joints: ["LeftShoulder", "L_Oberarm", "LeftForeArm"].map(|n| Joint::new(n, None)).to_vec() };
        (tree.joints[1].parent, tree.joints[2].parent) = (Some(0), Some(1));
        assert!(lines(&tree, &[None; 17]).contains("`LShoulder = \"L_Oberarm\"`"));
        assert!(lines_of("a, b").contains("`Hip = \"...\"`"));
    }
}
