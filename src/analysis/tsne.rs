//! t-SNE to the plane (van der Maaten 2014), for the features of Fig. 6.

use bhtsne::{Neighbor, tSNE};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::error::{Error, Result};

/// Effective number of neighbours of a point. The paper does not give its own.
const PERPLEXITY: usize = 30;
/// A point has this many neighbours for each unit of perplexity.
const NEIGHBOURS: usize = 3;
/// Accuracy of the Barnes-Hut forces: the published trade-off.
const THETA: f64 = 0.5;
/// The points start within this distance of the origin on each axis.
const START: f64 = 1e-4;

/// Places (N, `width`) features, flat, in the plane so that near ones stay near. Euclidean distances, 1000 steps.
///
/// The same features and seed give the same bits, however many threads there are. Perplexity is 30, or (N - 1) / 3
/// where that is less. Under four points have no neighbourhoods to keep and stay where the seed puts them.
///
/// # Errors
/// [`Error::Usage`] for a feature that is not finite or rows that are not whole; [`Error::Device`] when no thread can
/// be started.
pub(crate) fn embed(features: &[f32], width: usize, seed: u64) -> Result<Vec<[f64; 2]>> {
    if !features.len().is_multiple_of(width.max(1)) || features.iter().any(|feature| !feature.is_finite()) {
        let problem = format!("t-SNE needs finite features in whole rows of {width}; was the training stable?");
        return Err(Error::Usage(problem));
    }
    let rows: Vec<&[f32]> = features.chunks_exact(width.max(1)).collect();
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let start: Vec<f64> = (0..2 * rows.len()).map(|_| rng.random_range(-START..START)).collect();
    let perplexity = PERPLEXITY.min(rows.len().saturating_sub(1) / NEIGHBOURS);
    if perplexity == 0 {
        return Ok(start.as_chunks().0.to_vec());
    }
    // The library's own search breaks ties at random.
    let neighbours: Vec<_> =
        (0..rows.len()).into_par_iter().map(|row| nearest(&rows, row, NEIGHBOURS * perplexity)).collect();
    // Its parallel sums depend on the number of threads.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    let pool = pool.map_err(|e| Error::Device(format!("cannot start a thread for t-SNE: {e}; stop other programs")))?;
    let places = pool.install(|| {
        let mut tsne = tSNE::<f64, &[f32], 2>::new(&rows);
        tsne.perplexity(perplexity as f64).initial_embedding(start);
        tsne.barnes_hut_with_neighbors(THETA, &neighbours).embedding()
    });
    Ok(places.as_chunks().0.to_vec())
}

/// The `count` rows nearest to `row`, nearest first, of equally near ones the first.
fn nearest(rows: &[&[f32]], row: usize, count: usize) -> Vec<Neighbor<f64>> {
    let square = |(a, b): (&f32, &f32)| (f64::from(*a) - f64::from(*b)).powi(2);
    let distance = |other: usize| rows[row].iter().zip(rows[other]).map(square).sum::<f64>().sqrt();
    let others = (0..rows.len()).filter(|&other| other != row);
    let mut all: Vec<_> = others.map(|index| Neighbor { index, distance: distance(index) }).collect();
    // The sort keeps equal ones in order.
    all.sort_by(|a, b| a.distance.total_cmp(&b.distance));
    all.truncate(count);
    all
}

#[cfg(test)]
#[path = "tsne_tests.rs"]
mod tests;
