//! What joints of keypoints are called: one vocabulary. Skeletons of motion have conventions of their own
//! (`import/joint_names.rs`).

/// The words of a list of names, in its order: `l_shoulder`, `nose`. Names of joints that no reader uses stay. The side may
/// stand first or last, as a word, a letter or grown together with the joint: `left_shoulder`, `LShoulder`, `l_sho`,
/// `shoulder.L`. A foot is the ankle and a hand the wrist where the list has no other.
pub(crate) fn words<S: AsRef<str>>(names: &[S]) -> Vec<String> {
    let mut words: Vec<String> = names.iter().map(|name| word(name.as_ref())).collect();
    for (as_named, meant) in [("foot", "ankle"), ("hand", "wrist"), ("chest", "thorax")] {
        for side in ["", "l_", "r_"] {
            let (as_named, meant) = (format!("{side}{as_named}"), format!("{side}{meant}"));
            if !words.contains(&meant) {
                words.iter_mut().filter(|word| **word == as_named).for_each(|word| word.clone_from(&meant));
            }
        }
    }
    words
}

/// Joints and what else they are called, written together.
const SYNONYMS: [(&str, &[&str]); 17] = [
    ("nose", &["nose"]),
    ("eye", &["eye"]),
    ("ear", &["ear"]),
    ("shoulder", &["shoulder", "sho", "shldr", "uparm", "upperarm"]),
    ("elbow", &["elbow", "elb", "lowarm", "forearm"]),
    ("wrist", &["wrist", "wri", "wr"]),
    ("hand", &["hand"]),
    ("hip", &["hip", "upleg", "thigh"]),
    ("knee", &["knee", "kne", "lowleg"]),
    ("ankle", &["ankle", "ank"]),
    ("foot", &["foot"]),
    ("pelvis", &["pelvis", "hips", "midhip", "hipcenter", "centerhip", "hipcentre", "root", "mhip"]),
    ("spine", &["spine", "torso"]),
    ("thorax", &["thorax"]),
    ("neck", &["neck", "headbottom", "bottomhead", "upperneck", "neckbase"]),
    ("neck_nose", &["necknose"]),
    ("head_top", &["headtop", "tophead", "topofhead", "headend"]),
];

fn word(name: &str) -> String {
    let parts = parts(name);
    let joined = |parts: &[String]| parts.concat();
    let known = |text: &str| SYNONYMS.iter().find(|(_, names)| names.contains(&text)).map(|(joint, _)| *joint);
    let side = |part: &str| match part {
        "l" | "left" => Some("l_"),
        "r" | "right" => Some("r_"),
        _ => None,
    };
    if let Some(at) = parts.iter().position(|part| side(part).is_some()) {
        let rest: Vec<String> = parts.iter().enumerate().filter(|(i, _)| *i != at).map(|(_, p)| p.clone()).collect();
        let (rest, side) = (joined(&rest), side(&parts[at]).unwrap_or_default());
        return format!("{side}{}", known(&rest).unwrap_or(&rest));
    }
    let whole = joined(&parts);
    if let Some(joint) = known(&whole) {
        // A hip without a side is the middle one.
        return if joint == "hip" { "pelvis".to_owned() } else { joint.to_owned() };
    }
    for (letters, side) in [("left", "l_"), ("right", "r_"), ("l", "l_"), ("r", "r_")] {
        if let Some(joint) = whole.strip_prefix(letters).and_then(known) {
            return format!("{side}{joint}");
        }
    }
    whole
}

/// The words of a name in lower case: parted by what is no letter or digit, and before a capital after a small letter or
/// before a capitalised word (`LShoulder`).
fn parts(name: &str) -> Vec<String> {
    let letters: Vec<char> = name.chars().take(200).collect();
    let mut parts = vec![String::new()];
    for (i, &letter) in letters.iter().enumerate() {
        let before = i.checked_sub(1).map(|i| letters[i]);
        let after = letters.get(i + 1);
        let starts = letter.is_uppercase()
            && before.is_some_and(|before| {
                before.is_lowercase() || before.is_uppercase() && after.is_some_and(|after| after.is_lowercase())
            });
        if starts || !letter.is_alphanumeric() {
            parts.push(String::new());
        }
        if letter.is_alphanumeric() {
            parts.last_mut().map(|part| part.extend(letter.to_lowercase())).unwrap_or_default();
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_joint_has_many_names() {
        let cases: [(&str, &[&str]); 9] = [
            (
                "l_shoulder",
                &["left_shoulder", "LShoulder", "l_sho", "L-Sho", "shoulder.L", "leftShoulder", "lshoulder"],
            ),
            ("r_eye", &["right_eye", "REye", "reye", "R_Eye", "right eye", "RightEye"]),
            ("r_wrist", &["RWrist", "R-Wr", "right_wrist", "rwri"]),
            ("pelvis", &["Hip", "hips", "pelvis", "MidHip", "mid_hip", "root", "Hip Center"]),
            ("l_hip", &["LHip", "left_hip", "lhip", "LeftUpLeg"]),
            ("neck", &["Neck", "head_bottom", "UpperNeck", "upper_neck", "neck_base"]),
            ("head_top", &["HeadTop", "head_top", "top_head"]),
            ("neck_nose", &["Neck/Nose", "NeckNose"]),
            ("r_eyeinner", &["right_eye_inner", "REyeInner"]),
        ];
        for (expected, names) in cases {
            for name in names {
                assert_eq!(word(name), expected, "{name}");
            }
        }
    }

    #[test]
    fn what_is_no_known_joint_keeps_its_name() {
        for (name, expected) in
            [("Root of tail", "rootoftail"), ("L_F_Paw", "l_fpaw"), ("", ""), ("lip", "lip"), ("レ", "レ")]
        {
            assert_eq!(word(name), expected);
        }
    }

    #[test]
    fn a_foot_is_the_ankle_where_there_is_no_other() {
        assert_eq!(words(&["RKnee", "RFoot", "LFoot"]), ["r_knee", "r_ankle", "l_ankle"]);
        assert_eq!(words(&["RFoot", "RAnkle", "LHand"]), ["r_foot", "r_ankle", "l_wrist"]);
    }
}
