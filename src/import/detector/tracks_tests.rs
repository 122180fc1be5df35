//! Tests of who is who.

use super::*;

/// A person of 40 by 100 pixels whose middle is at `x`.
fn person(frame: i32, x: f32, track: Option<i64>) -> Detection {
    let (keypoints, confidence) = ([[x, 50.0]; 17], [1.0; 17]);
    let mut person =
        Detection { frame, track, keypoints, confidence, image_size: None, unscored: false, image: 0, far: 0 };
    person.keypoints[0] = [x - 20.0, 0.0];
    person.keypoints[1] = [x + 20.0, 100.0];
    // A joint that is not there has no say.
    (person.keypoints[2], person.confidence[2]) = ([0.0; 2], 0.0);
    person
}

/// Frame and middle of everybody, person by person.
fn followed(people: Vec<Detection>) -> Vec<Vec<(i32, f32)>> {
    tracks(people).iter().map(|track| track.iter().map(|p| (p.frame, p.keypoints[3][0])).collect()).collect()
}

#[test]
fn an_area_is_that_of_the_joints_that_are_there() {
    let mut nobody = person(0, 7.0, None);
    assert_eq!(area(&nobody), 4000.0);
    nobody.confidence = [0.0; 17];
    assert_eq!(area(&nobody), 0.0);
}

#[test]
fn the_nearest_pair_is_joined_first() {
    // Both overlap the person of frame 0; the second more.
    let people = vec![person(0, 100.0, None), person(1, 115.0, None), person(1, 105.0, None)];
    assert_eq!(followed(people), [vec![(0, 100.0), (1, 105.0)], vec![(1, 115.0)]]);
    // One person continues one track only, and of equals the first.
    let people = vec![person(0, 100.0, None), person(1, 110.0, None), person(1, 90.0, None)];
    assert_eq!(followed(people), [vec![(0, 100.0), (1, 110.0)], vec![(1, 90.0)]]);
}

#[test]
fn too_little_overlap_or_too_long_a_gap_makes_a_new_person() {
    let two = |frame, x| followed(vec![person(0, 100.0, None), person(frame, x, None)]).len();
    assert_eq!((two(1, 121.0), two(1, 122.0)), (1, 2), "19 of 61 is above 0.3, 18 of 62 below");
    assert_eq!((two(10, 100.0), two(11, 100.0)), (1, 2));
    assert_eq!(two(i32::MAX, 100.0), 2);
    assert_eq!(followed(vec![person(i32::MIN, 1.0, None), person(i32::MAX, 1.0, None)]).len(), 2);
    assert!(followed(Vec::new()).is_empty());
}

#[test]
fn numbers_come_before_overlap() {
    // Two who change places from one frame to the next, and one without a number.
    let people = vec![
        person(1, 300.0, Some(7)),
        person(0, 100.0, Some(7)),
        person(0, 300.0, Some(3)),
        person(1, 100.0, Some(3)),
        person(1, 500.0, None),
        person(2, 505.0, None),
        // A gap, and a number twice in a frame.
        person(90, 100.0, Some(3)),
        person(90, 200.0, Some(3)),
    ];
    let expected =
        [vec![(0, 100.0), (1, 300.0)], vec![(0, 300.0), (1, 100.0), (90, 100.0)], vec![(1, 500.0), (2, 505.0)]];
    assert_eq!(followed(people), expected);
}

#[test]
fn one_number_for_everybody_tells_nobody_apart() {
    let frame = |frame| [person(frame, 100.0, Some(0)), person(frame, 300.0, Some(0))];
    assert_eq!(followed([frame(0), frame(1)].concat()), [[(0, 100.0), (1, 100.0)], [(0, 300.0), (1, 300.0)]]);
    // But it does for one.
    let alone = vec![person(0, 100.0, Some(0)), person(50, 900.0, Some(0))];
    assert_eq!(followed(alone), [[(0, 100.0), (50, 900.0)]]);
}

#[test]
fn the_order_in_the_file_says_nothing() {
    let people: Vec<Detection> =
        (0..6).flat_map(|f| [0.0, 300.0, 330.0].map(|x| person(f, x + f as f32, None))).collect();
    let mut shuffled = people.clone();
    shuffled.sort_by_key(|p| (p.frame * 7) % 6);
    let mut expected = followed(people);
    expected.sort_by(|a, b| a[0].1.total_cmp(&b[0].1));
    assert_eq!(followed(shuffled), expected);
    assert_eq!(expected.len(), 3);
}
