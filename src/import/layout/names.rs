//! Joint orders by the names that files give.

use super::{
    BODY_25, COCO_17, H36M_16, H36M_17, HALPE_26, LSP_14, Layout, MEDIAPIPE_33, MPII_16, OPENPOSE_18, POSETRACK_17,
    Slot,
};
use crate::pose::words;
use std::sync::LazyLock;

/// The orders that 2D files come in. Of those whose joints a list of names has, the one with the most counts, and of
/// equals the first.
static KNOWN: [&Layout; 10] =
    [&COCO_17, &BODY_25, &OPENPOSE_18, &HALPE_26, &MEDIAPIPE_33, &POSETRACK_17, &H36M_17, &MPII_16, &LSP_14, &H36M_16];

/// [`words`] of the joints of each of [`KNOWN`]: files may name every keypoint of every person.
static KNOWN_WORDS: LazyLock<Vec<Vec<String>>> =
    LazyLock::new(|| KNOWN.iter().map(|layout| words(layout.joints)).collect());

/// So many names are enough to tell a person by; fewer may be a hand's.
const LEAST: usize = 6;

/// How the 17 joints are made of keypoints that have these names, in this order, whichever it is. Of a list that has some
/// of the joints of a known layout and no others, those that it lacks are absent. `None` if no layout fits, or two names
/// are of one joint.
pub(crate) fn by_names<S: AsRef<str>>(names: &[S]) -> Option<[Slot; 17]> {
    let given = words(names);
    let best = |is_part: bool| {
        let found = KNOWN.iter().zip(&*KNOWN_WORDS).filter_map(|(layout, own)| {
            variants(layout, &given).iter().find_map(|list| among(layout, own, list, is_part))
        });
        found.rev().max_by_key(|(shared, _)| *shared).map(|(_, slots)| slots)
    };
    if again(&given).is_some() {
        return None;
    }
    best(false).or_else(|| best(true).filter(|_| given.len() >= LEAST))
}

/// The first of the names that another has, too, in whatever words, where it is of a joint that is used.
pub(crate) fn twice<S: AsRef<str>>(names: &[S]) -> Option<&str> {
    names.get(again(&words(names))?).map(AsRef::as_ref)
}

/// The place of the first word that stands before it, too, and is of a joint that is used.
fn again(given: &[String]) -> Option<usize> {
    let used = |word: &String| KNOWN_WORDS.iter().any(|own| own.contains(word));
    (0..given.len()).find(|&i| given[..i].contains(&given[i]) && used(&given[i]))
}

/// A list with what others call a layout's joints: Human3.6M's between thorax and head, and the top of the head.
fn variants(layout: &Layout, given: &[String]) -> Vec<Vec<String>> {
    let called = |name: &str, meant: &str| -> Vec<String> {
        given.iter().map(|word| if word == name { meant.to_owned() } else { word.clone() }).collect()
    };
    let others: &[(&str, &str)] = match layout.name {
        "H36M-17" => &[("neck", "neck_nose"), ("nose", "neck_nose"), ("jaw", "neck_nose")],
        // CrowdPose's own files.
        "LSP-14" => &[("head", "head_top")],
        _ => &[],
    };
    let others = others.iter().filter(|(name, _)| given.iter().any(|word| word == name));
    std::iter::once(given.to_vec()).chain(others.map(|(name, meant)| called(name, meant))).collect()
}

/// How many of a layout's joints are in a list, and how its slots are made of the list's: of all of them, or, if the list
/// `is_part` of the layout's joints, of those that are there.
fn among(layout: &Layout, own: &[String], list: &[String], is_part: bool) -> Option<(usize, [Slot; 17])> {
    if is_part && !list.iter().all(|word| own.contains(word)) {
        return None;
    }
    let place = |joint: usize| list.iter().position(|word| *word == own[joint]);
    let mut slots = layout.slots;
    for slot in &mut slots {
        *slot = match slot.renumbered(place) {
            Some(slot) => slot,
            None if is_part => Slot::Absent,
            None => return None,
        };
    }
    Some((own.iter().filter(|word| list.contains(word)).count(), slots))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_order_is_known_by_its_names_and_shuffled() {
        for layout in KNOWN {
            assert_eq!(by_names(layout.joints), Some(layout.slots), "{}", layout.name);
            let count = layout.joints.len();
            let (mut shuffled, mut xy) = (vec![""; count], vec![[0.0; 2]; count]);
            for (joint, name) in layout.joints.iter().enumerate() {
                let to = count - 1 - joint;
                shuffled[to] = name;
                xy[to] = [joint as f32 + 1.0, 2.0];
            }
            let straight: Vec<[f32; 2]> = (0..count).map(|joint| [joint as f32 + 1.0, 2.0]).collect();
            let sure = vec![1.0; count];
            let found = Layout { slots: by_names(&shuffled).unwrap(), ..*layout };
            assert_eq!(found.keypoints(&xy, &sure), layout.keypoints(&straight, &sure), "{}", layout.name);
        }
    }

    #[test]
    fn lists_of_others_are_known() {
        // MMPose's names of Human3.6M's joints, and CrowdPose's.
        let h36m = "root right_hip right_knee right_foot left_hip left_knee left_foot spine thorax neck_base head \
                    left_shoulder left_elbow left_wrist right_shoulder right_elbow right_wrist";
        assert_eq!(by_names(&h36m.split(' ').collect::<Vec<_>>()), Some(H36M_17.slots));
        let crowd = "left_shoulder right_shoulder left_elbow right_elbow left_wrist right_wrist left_hip right_hip \
                     left_knee right_knee left_ankle right_ankle top_head neck";
        let slots = by_names(&crowd.split_whitespace().collect::<Vec<_>>()).unwrap();
        assert_eq!((slots[8], slots[10], slots[0]), (Slot::Joint(13), Slot::Joint(12), Slot::Middle(7, 6)));
    }

    #[test]
    fn what_is_no_person_is_not_known() {
        let ap10k = "L_Eye R_Eye Nose Neck Root_of_tail L_Shoulder L_Elbow L_F_Paw R_Shoulder R_Elbow R_F_Paw L_Hip \
                     L_Knee L_B_Paw R_Hip R_Knee R_B_Paw";
        assert_eq!(by_names(&ap10k.split_whitespace().collect::<Vec<_>>()), None);
        let twice_nose: Vec<&str> =
            COCO_17.joints.iter().map(|name| if *name == "LEye" { "Nose" } else { name }).collect();
        assert_eq!((by_names(&twice_nose), twice(&twice_nose)), (None, Some("Nose")));
        assert_eq!(by_names::<&str>(&[]), None);
    }

    #[test]
    fn a_list_may_lack_joints_but_have_no_others() {
        // No legs.
        let upper = by_names(&COCO_17.joints[..11]).unwrap();
        assert_eq!((upper[13], upper[1], upper[0]), (Slot::Joint(9), Slot::Absent, Slot::Absent));
        let others = [&COCO_17.joints[..11], &["tail"]].concat();
        assert_eq!(by_names(&others), None);
        assert_eq!(by_names(&["wrist", "thumb", "index"]), None);
        // CrowdPose's own names.
        let crowd = "left_shoulder right_shoulder left_elbow right_elbow left_wrist right_wrist left_hip right_hip \
                     left_knee right_knee left_ankle right_ankle head neck";
        assert_eq!(by_names(&crowd.split_whitespace().collect::<Vec<_>>()).unwrap()[10], Slot::Joint(12));
    }
}
