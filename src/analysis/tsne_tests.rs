use super::*;

/// `count` points of two groups by turns in 20 dimensions, each coordinate within 1 of its group's, `apart` from the
/// other's.
fn two_groups(count: usize, apart: f32) -> Vec<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(9);
    (0..20 * count).map(|i| apart * (i / 20 % 2) as f32 + rng.random_range(-1.0..1.0)).collect()
}

fn distance(a: [f64; 2], b: [f64; 2]) -> f64 {
    (a[0] - b[0]).hypot(a[1] - b[1])
}

/// The share of points whose nearest other point is of the same group.
fn agreement(places: &[[f64; 2]]) -> f64 {
    let same = |&point: &usize| {
        let others = (0..places.len()).filter(|&other| other != point);
        let to = |other: &usize| distance(places[point], places[*other]);
        others.min_by(|a, b| to(a).total_cmp(&to(b))).is_some_and(|nearest| nearest % 2 == point % 2)
    };
    (0..places.len()).filter(same).count() as f64 / places.len() as f64
}

#[test]
fn groups_that_lie_apart_stay_apart() {
    let places = embed(&two_groups(200, 1.5), 20, 1).unwrap();
    assert!(agreement(&places) > 0.99, "{}", agreement(&places));
    let centre = |group: usize| {
        let sum = |axis: usize| places.iter().skip(group).step_by(2).map(|place| place[axis]).sum::<f64>();
        [sum(0) / 100.0, sum(1) / 100.0]
    };
    let centres = [centre(0), centre(1)];
    let spread = places.iter().enumerate().map(|(i, &place)| distance(place, centres[i % 2])).fold(0.0, f64::max);
    assert!(distance(centres[0], centres[1]) > 2.0 * spread, "{centres:?} {spread}");
    // One group alone is mixed: a point's neighbour is of its half as often as not, give or take 3.5 % (200 points).
    let mixed = agreement(&embed(&two_groups(200, 0.0), 20, 1).unwrap());
    assert!((mixed - 0.5).abs() < 0.18, "{mixed}");
}

#[test]
fn a_seed_gives_the_same_bits_with_any_number_of_threads() {
    let mut features = two_groups(300, 1.5);
    // Equal points and equal distances, where a search could choose.
    features.copy_within(0..2000, 4000);
    let run = |threads: usize, seed| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| embed(&features, 20, seed)).unwrap()
    };
    let first = run(1, 1);
    for threads in [1, 2, 5] {
        assert_eq!(run(threads, 1), first, "{threads} threads");
    }
    assert_ne!(run(1, 2), first);
}

#[test]
fn few_points_and_equal_points_have_finite_places() {
    for count in [0, 1, 2, 3, 4, 5, 17, 91] {
        for features in [two_groups(count, 1.5), vec![0.25; 20 * count]] {
            let places = embed(&features, 20, 1).unwrap();
            assert_eq!(places.len(), count);
            assert!(places.as_flattened().iter().all(|value| value.is_finite()), "{count}");
        }
    }
    // 17 points, of which each can have 15 neighbours at most: the groups still part.
    assert!(agreement(&embed(&two_groups(17, 4.0), 20, 1).unwrap()) > 0.99);
}

#[test]
fn large_and_small_numbers_are_only_another_unit() {
    for unit in [1e-12, 1e12] {
        let features: Vec<f32> = two_groups(120, 1.5).iter().map(|value| unit * value).collect();
        assert!(agreement(&embed(&features, 20, 1).unwrap()) > 0.99, "{unit}");
    }
}

#[test]
fn bad_features_are_refused() {
    for (features, width) in [(vec![0.0, f32::NAN], 1), (vec![f32::INFINITY; 4], 2), (vec![0.0; 7], 2)] {
        assert!(embed(&features, width, 0).unwrap_err().to_string().contains("finite"));
    }
    assert!(embed(&[], 0, 0).unwrap().is_empty());
}

#[test]
fn neighbours_are_sorted_and_ties_go_to_the_first() {
    let features = [0.0, 3.0, -1.0, 1.0, 0.0f32];
    let rows: Vec<&[f32]> = features.chunks(1).collect();
    let found: Vec<_> = nearest(&rows, 0, 3).iter().map(|near| (near.index, near.distance)).collect();
    assert_eq!(found, [(4, 0.0), (2, 1.0), (3, 1.0)]);
}
