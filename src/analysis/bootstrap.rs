//! The paired bootstrap interval of a gain.

use std::collections::BTreeMap;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// The number of resamples that the study takes.
pub(crate) const RESAMPLES: usize = 2000;
/// The ends of a 95 % interval among the sorted resamples.
const QUANTILES: [f64; 2] = [0.025, 0.975];

/// A difference of means and its 95 % percentile interval (Efron and Tibshirani 1993, Sec. 13.3).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Interval {
    /// The difference over the poses themselves.
    pub mean: f64,
    /// The 2.5th percentile of the resamples.
    pub low: f64,
    /// The 97.5th percentile.
    pub high: f64,
}

/// The mean over poses of `values` - `reference`, both (N), paired, and how far chance could move it.
///
/// Poses of one sequence are not independent, so a resample draws as many whole sequences as there are, with
/// replacement, and takes the mean over all their poses. `sequences` (N) holds the sequence of each pose; without it
/// each pose is its own. Of unequal lengths the shorter counts. The same seed gives the same bits.
///
/// `None` where nothing can be told: fewer than two sequences, no resamples, or a difference that is not finite.
#[must_use]
pub(crate) fn paired_bootstrap(
    values: &[f64],
    reference: &[f64],
    sequences: Option<&[i32]>,
    resamples: usize,
    seed: u64,
) -> Option<Interval> {
    let differences: Vec<f64> = values.iter().zip(reference).map(|(value, reference)| value - reference).collect();
    // The mean of a resample needs no more of a sequence than its sum and its number of poses.
    let sequences: Vec<(f64, f64)> = match sequences {
        None => differences.iter().map(|&difference| (difference, 1.0)).collect(),
        Some(ids) => {
            let mut sums: BTreeMap<i32, (f64, f64)> = BTreeMap::new();
            for (difference, &id) in differences.iter().zip(ids) {
                let (sum, count) = sums.entry(id).or_default();
                (*sum, *count) = (*sum + difference, *count + 1.0);
            }
            sums.into_values().collect()
        }
    };
    let mean = pooled(&sequences, 0..sequences.len());
    if sequences.len() < 2 || resamples == 0 || !mean.is_finite() {
        return None;
    }
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut means = Vec::with_capacity(resamples);
    for _ in 0..resamples {
        means.push(pooled(&sequences, (0..sequences.len()).map(|_| rng.random_range(0..sequences.len()))));
    }
    means.sort_by(f64::total_cmp);
    let [low, high] = QUANTILES.map(|q| quantile(&means, q));
    Some(Interval { mean, low, high })
}

/// The mean over all poses of the sequences `drawn`, each given as (sum, number of poses).
fn pooled(sequences: &[(f64, f64)], drawn: impl Iterator<Item = usize>) -> f64 {
    let (mut sum, mut count) = (0.0, 0.0);
    for sequence in drawn {
        sum += sequences[sequence].0;
        count += sequences[sequence].1;
    }
    sum / count
}

/// The quantile of sorted numbers, linear between neighbours (NumPy's default).
fn quantile(sorted: &[f64], q: f64) -> f64 {
    let position = q * (sorted.len() - 1) as f64;
    let (below, above) = (sorted[position.floor() as usize], sorted[position.ceil() as usize]);
    below + (above - below) * position.fract()
}

#[cfg(test)]
#[path = "bootstrap_tests.rs"]
mod tests;
