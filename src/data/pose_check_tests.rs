//! What is told of sets that are right, and of those that are not.

use super::*;
use crate::data::{Scenario, synthetic};

/// A scenario of people before cameras.
fn set() -> PoseSet {
    synthetic(Scenario::Source, 60, 3, 17).unwrap()
}

fn odd(set: &PoseSet) -> Vec<String> {
    let Findings { wrong, odd } = PoseCheck::of(set).findings();
    assert_eq!(wrong, None);
    odd
}

/// The problem of what cannot be, which has all of `words`.
fn wrong(set: &PoseSet, words: &[&str]) {
    let Some(Wrong { problem, .. }) = PoseCheck::of(set).findings().wrong else {
        panic!("nothing is wrong: {words:?}")
    };
    assert!(words.iter().all(|word| problem.contains(word)), "{problem} lacks one of {words:?}");
}

#[test]
fn people_are_plausible() {
    assert!(odd(&set()).is_empty(), "{:?}", odd(&set()));
    let nobody = PoseSet { joints: 17, ..PoseSet::default() };
    assert_eq!(PoseCheck::of(&nobody).findings(), Findings::default());
}

#[test]
fn what_is_no_pixel_is_named() {
    let scaled = |x: f32, y: f32, shift: f32| {
        let mut set = set();
        let size = set.image_size.as_ref().unwrap()[0].map(|side| side as f32);
        for point in set.keypoints.as_chunks_mut::<2>().0 {
            *point = [point[0] / size[0] * x + shift, point[1] / size[1] * y + shift];
        }
        set
    };
    wrong(&scaled(1.0, 1.0, 0.0), &["60 of 60 poses", "shares of the image (0 to 1)"]);
    wrong(&scaled(1.3, 1.3, 0.0), &["shares of the image"]);
    wrong(&scaled(2.0, 2.0, -1.0), &["normalised (-1 to 1), or metres"]);
    // A grid of a heat map that lies in the middle of something.
    wrong(&scaled(9.0, 9.0, 50.0), &["60 of 60 people are smaller than 10 pixels"]);
}

#[test]
fn keypoints_about_the_hips_are_outside_of_images() {
    let mut set = set();
    for pose in set.keypoints.chunks_exact_mut(34) {
        let hip = [pose[0], pose[1]];
        pose.chunks_exact_mut(2).for_each(|point| point.iter_mut().zip(hip).for_each(|(v, hip)| *v -= hip));
    }
    wrong(&set, &["% of the keypoints lie outside", "about the hips"]);
    // What a detector is not sure of may be anywhere.
    set.confidence = Some(vec![0.4; 17 * 60]);
    assert_eq!(PoseCheck::of(&set).findings().wrong, None);
}

#[test]
fn another_unit_is_named() {
    for (per_metre, words) in [
        (1000.0, "they are millimetres"),
        (100.0, "they are centimetres"),
        (1.2 * 39.37, "they are inches, taken for metres"),
        (10.0 * 1.3, "they are millimetres, taken for centimetres"),
        (1.3 / 25.4, "they are inches, taken for millimetres"),
        (0.1, "they are centimetres, taken for millimetres"),
        (0.001, "they are metres, taken for millimetres"),
    ] {
        let mut set = set();
        set.positions.as_mut().unwrap().iter_mut().for_each(|v| *v *= per_metre);
        wrong(&set, &["a person's bones add up to", words]);
    }
    let mut set = set();
    set.positions.as_mut().unwrap().chunks_exact_mut(51).for_each(|pose| {
        let hip = [pose[0], pose[1], pose[2]];
        pose.chunks_exact_mut(3).for_each(|joint| joint.copy_from_slice(&hip));
    });
    wrong(&set, &["16 of 16 bones have no length"]);
}

#[test]
fn what_is_odd_is_counted() {
    let mut set = set();
    // The first two people are elsewhere, one very small; twenty poses stand on their heads.
    set.keypoints[..34].iter_mut().for_each(|v| *v += 1e5);
    let hip = [set.keypoints[34], set.keypoints[35]];
    set.keypoints[34..68].iter_mut().enumerate().for_each(|(i, v)| *v = hip[i % 2] + (*v - hip[i % 2]) / 1000.0);
    set.positions.as_mut().unwrap().iter_mut().for_each(|v| *v *= 3.0);
    let odd = odd(&set).join("\n");
    assert!(odd.contains("1 of 60 poses lie wholly outside of their images"), "{odd}");
    assert!(odd.contains("1 of 60 poses are smaller than 10 pixels"), "{odd}");
    assert!(odd.contains("the bones add up to 1"), "{odd}");
    let mut nowhere = self::set();
    nowhere.positions.as_mut().unwrap()[..3 * 51].fill(0.0);
    assert_eq!(
        self::odd(&nowhere),
        ["in 3 of 60 poses all positions are 0: they are nobody's, and count all the same"]
    );
    let mut upside = self::set();
    upside.positions.as_mut().unwrap().iter_mut().skip(1).step_by(3).for_each(|v| *v = -*v);
    let odd = self::odd(&upside).join(" ");
    assert!(odd.contains("in 60 of 60 poses the head is below the hips"), "{odd}");
}

#[test]
fn people_beyond_the_horizon_are_counted() {
    let mut far = set();
    let positions = far.positions.as_mut().unwrap();
    // Two whole poses; their bones are as long as before.
    positions.as_chunks_mut::<3>().0[..2 * 17].iter_mut().for_each(|joint| joint[2] += 4096.0);
    assert_eq!(odd(&far), ["2 of 60 poses are over 1000 m from the camera; check unit and translation"]);
}
