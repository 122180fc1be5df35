//! How far from float64 a float32 engine may end: a count of roundings, times the magnitude of what is summed. The
//! derivation is in `docs/numerics.md`.

use crate::config::ModelConfig;

/// Half a unit in the last place of 1: the largest relative error of one float32 rounding.
const ROUNDING: f64 = 1.0 / (1u32 << 24) as f64;
/// Roundings between two products: bias, batch norm, leaky ReLU, dropout, residual.
const BETWEEN: usize = 8;
/// Roundings of turning, projecting and normalising a pose.
const VIEW: usize = 64;

/// Parameters: the share that is off by more than 0.05 learning rates. Adam's first step is nearly a sign, so that a
/// gradient within rounding of 0 may take either. Gradients that lie as a Gaussian do are within 1e-4 of their spread of
/// 0, the largest gradient limit here, with a probability of 1e-4; ten times that is allowed.
pub(super) const PARAMETERS: f64 = 1e-3;

/// The limits of one state, from its sizes.
pub(super) struct Limits {
    /// Losses of the training step, relative to the magnitudes of their terms.
    pub(super) training_losses: f64,
    /// Losses on recorded parameters, relative to the magnitudes of their terms.
    pub(super) losses: f64,
    /// Losses after steps of our own. A depth within rounding of the clamp, or a leaky ReLU's input within rounding of
    /// 0, takes the other slope: float32 PyTorch reaches 7.0e-6 on clamp_sum_f64, and so do we on lavapipe.
    pub(super) later_losses: f64,
    /// Gradients of adaptation, relative L2 of each layer.
    pub(super) gradients: f64,
    /// Gradients of the training step.
    pub(super) training_gradients: f64,
    /// Running statistics, relative to the magnitudes of what is averaged.
    pub(super) statistics: f64,
    /// Predictions on recorded parameters, relative to the largest coordinate.
    pub(super) prediction: f64,
    /// Predictions after steps of our own.
    pub(super) later_predictions: f64,
    /// Scores, relative to the largest coordinate: poses are rounded to float32 before they are scored.
    pub(super) metrics: f64,
}

impl Limits {
    /// For a training step of `batch` poses.
    pub(super) fn new(model: &ModelConfig, batch: usize) -> Self {
        let lift = lift_roundings(model);
        let forward = 2 * lift + VIEW;
        let loss = sum_error(forward + 3 * model.joints + batch);
        let gradient = sum_error(2 * forward + batch);
        Self {
            training_losses: loss * small_spreads(batch),
            losses: loss,
            later_losses: 5.0 * loss,
            gradients: 4.0 * gradient,
            training_gradients: 8.0 * gradient * surviving(batch).recip(),
            statistics: 2.0 * sum_error(forward + batch) * small_spreads(batch),
            prediction: sum_error(lift),
            later_predictions: 5.0 * sum_error(lift),
            metrics: 2.0 * ROUNDING,
        }
    }
}

/// The longest chain of roundings from a 2D pose to its lifted one: stem, four blocks of two products, head.
fn lift_roundings(model: &ModelConfig) -> usize {
    let product = |terms: usize| terms + BETWEEN;
    product(2 * model.joints) + 9 * product(model.width)
}

/// The relative error that `roundings` in a row leave: they are as good as independent, so that their sum grows with the
/// square root of their number.
fn sum_error(roundings: usize) -> f64 {
    ROUNDING * (roundings as f64).sqrt()
}

/// The share of a gradient that batch norms leave of it: each takes away what lies along the mean and along the values,
/// 2 of `batch` dimensions, while the roundings stay. A lift passes eight, and the re-lift the same again.
fn surviving(batch: usize) -> f64 {
    let batch = batch as f64;
    ((batch - 2.0) / batch).sqrt().powi(16)
}

/// Batch norm divides roundings by the spread of `batch` rows, which may happen to be small: the mean of the reciprocal
/// of their variance is so many times that of many rows. Each of a block's two norms gives its square root; other blocks'
/// errors pass by in the residual.
fn small_spreads(batch: usize) -> f64 {
    let batch = batch as f64;
    (batch - 1.0) / (batch - 3.0)
}

/// The longest way that Adam goes in `steps`, in learning rates: `|m̂| <= √v̂ · √Σ w²/u`, by Cauchy and Schwarz, where m̂
/// weighs the gradients by w and v̂ their squares by u.
pub(super) fn reach_of_adam(steps: usize) -> f64 {
    let weight = |beta: f64, age: usize, t: usize| (1.0 - beta) * beta.powi(age as i32) / (1.0 - beta.powi(t as i32));
    let step = |t: usize| (0..t).map(|age| weight(0.9, age, t).powi(2) / weight(0.999, age, t)).sum::<f64>().sqrt();
    (1..=steps).map(step).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_what_the_documentation_says() {
        // Width 8, 16 joints, a batch of 8: the own state.
        let model = ModelConfig { width: 8, ..ModelConfig::default() };
        let limits = Limits::new(&model, 8);
        let forward = 2.0 * (32.0 + 8.0 + 9.0 * 16.0) + 64.0;
        let u = 2f64.powi(-24);
        assert_eq!(limits.losses, u * (forward + 48.0 + 8.0f64).sqrt());
        assert!((limits.training_gradients / limits.gradients / 2.0 - (4.0 / 3f64).powi(8)).abs() < 1e-9);
        // Wider networks round more often, and larger batches divide by surer spreads.
        assert!(Limits::new(&model, 64).training_losses < limits.training_losses);
        let wide = Limits::new(&ModelConfig::default(), 8);
        assert!(wide.losses > 2.0 * limits.losses && wide.statistics > 2.0 * limits.statistics);
        // A mistake is far beyond: a variance not made unbiased, at momentum 0.1 and a batch of 64, is off by 1e-3.
        assert!(Limits::new(&ModelConfig::default(), 64).statistics < 1e-4);
    }

    #[test]
    fn adam_goes_one_learning_rate_at_first() {
        assert!((reach_of_adam(1) - 1.0).abs() < 1e-12);
        assert!((10.0..10.5).contains(&reach_of_adam(10)), "{}", reach_of_adam(10));
        assert!(reach_of_adam(1000) < 7300.0);
    }
}
