//! Histograms, and the distance between two samples.

/// Equal bins from `low` to `high`. Each holds its lower edge, the last one its upper edge too, as in NumPy.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Bins {
    /// The lower edge of the first bin.
    pub low: f64,
    /// The upper edge of the last bin.
    pub high: f64,
    /// How many there are.
    pub count: usize,
}

impl Bins {
    /// The `count` + 1 edges.
    #[must_use]
    pub(crate) fn edges(&self) -> Vec<f64> {
        let width = (self.high - self.low) / self.count as f64;
        (0..self.count).map(|bin| self.low + width * bin as f64).chain([self.high]).collect()
    }
}

/// How much of a sample falls into each bin, percent of the whole sample. What lies outside the bins is in none of
/// them, so they need not add up to 100. All zero for an empty sample.
#[must_use]
pub(crate) fn histogram(sample: &[f64], bins: &Bins) -> Vec<f64> {
    let edges = bins.edges();
    let mut counts = vec![0u32; bins.count];
    for value in sample {
        let bin = if *value == bins.high { bins.count } else { edges.partition_point(|edge| edge <= value) };
        if let Some(count) = bin.checked_sub(1).and_then(|bin| counts.get_mut(bin)) {
            *count += 1;
        }
    }
    counts.iter().map(|&count| 100.0 * f64::from(count) / sample.len().max(1) as f64).collect()
}

/// The 1-Wasserstein (earth mover's) distance between two samples of finite numbers, of equal or different sizes, in
/// their unit: the area between the two empirical distribution functions. `None` where a sample is empty.
#[must_use]
pub(crate) fn wasserstein(a: &[f64], b: &[f64]) -> Option<f64> {
    if a.is_empty() || b.is_empty() {
        return None;
    }
    // Each value with the step that it makes in F_a - F_b.
    let step = |sample: &[f64], sign: f64| {
        let height = sign / sample.len() as f64;
        sample.iter().map(|&value| (value, height)).collect::<Vec<_>>()
    };
    let mut steps = [step(a, 1.0), step(b, -1.0)].concat();
    steps.sort_by(|(x, _), (y, _)| x.total_cmp(y));
    let (mut area, mut gap) = (0.0, 0.0f64);
    for pair in steps.windows(2) {
        gap += pair[0].1;
        area += gap.abs() * (pair[1].0 - pair[0].0);
    }
    Some(area)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same numbers as in the Python expressions.
    fn sample(count: u32, frequency: f64, offset: f64) -> Vec<f64> {
        (0..count).map(|i| (frequency * f64::from(i)).sin() + offset).collect()
    }

    #[test]
    fn histogram_agrees_with_numpy() {
        // s = np.sin(1.3 * np.arange(300)) + 0.9; np.histogram(s, 8, (low, high))[0] * 100 / 300, here as counts.
        let sample = sample(300, 1.3, 0.9);
        for (low, high, counts) in
            [(0.0, 2.0, [44, 30, 20, 22, 31, 21, 40, 52]), (0.2, 1.7, [31, 13, 17, 21, 21, 18, 24, 20])]
        {
            let expected = counts.map(|count| 100.0 * f64::from(count) / 300.0);
            assert_eq!(histogram(&sample, &Bins { low, high, count: 8 }), expected);
        }
    }

    #[test]
    fn edges_belong_to_the_upper_bin_and_the_last_one_is_closed() {
        let bins = Bins { low: 0.0, high: 1.0, count: 2 };
        assert_eq!(bins.edges(), [0.0, 0.5, 1.0]);
        assert_eq!(histogram(&[0.0, 0.5, 1.0, 1.0], &bins), [25.0, 75.0]);
        assert_eq!(histogram(&[-0.1, 1.1, f64::NAN, f64::INFINITY, 0.2], &bins), [20.0, 0.0]);
        assert_eq!(histogram(&[], &bins), [0.0, 0.0]);
        assert!(histogram(&[1.0], &Bins { count: 0, ..bins }).is_empty());
    }

    #[test]
    fn wasserstein_agrees_with_scipy() {
        // s = lambda n, f, o: np.sin(f * np.arange(n)) + o; scipy.stats.wasserstein_distance(s(...), s(...))
        for (a, b, expected) in [
            (sample(300, 1.3, 0.0), sample(300, 0.7, 0.2), 0.20832448824345268),
            (sample(300, 1.3, 0.0), sample(47, 0.7, 0.2), 0.21652367611465037),
            (sample(3, 1.0, 0.0), sample(1000, 2.1, -5.0), 5.58384088003031),
            // Ties within and across the samples.
            (vec![2.0, 1.0, 0.0, 2.0, 1.0, 2.0], vec![5.0, 1.0, 2.0, 1.0], 0.9166666666666666),
        ] {
            // A thousand steps, each rounded to 1e-16, over a range of some 6.
            let got = wasserstein(&a, &b).unwrap();
            assert!((got - expected).abs() < 1e-12, "{got} {expected}");
        }
    }

    #[test]
    fn wasserstein_is_a_distance() {
        let (a, b) = (sample(50, 1.3, 0.0), sample(70, 0.7, 0.2));
        assert_eq!(wasserstein(&a, &a), Some(0.0));
        // A shift moves everything by as much; the sums of 50 steps of 1/50 are exact to some 1e-15.
        let shifted: Vec<f64> = a.iter().map(|v| v + 3.0).collect();
        assert!((wasserstein(&a, &shifted).unwrap() - 3.0).abs() < 1e-12);
        assert!((wasserstein(&a, &b).unwrap() - wasserstein(&b, &a).unwrap()).abs() < 1e-15);
        // Each value twice is the same distribution.
        assert!(wasserstein(&a, &[a.clone(), a.clone()].concat()).unwrap() < 1e-14);
        assert_eq!(wasserstein(&a, &[]), None);
        assert_eq!(wasserstein(&[1.0], &[3.5]), Some(2.5));
    }
}
