//! Mean and standard deviation over seeds.

use serde::{Deserialize, Serialize};

/// What runs with different seeds gave.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Spread {
    /// The mean.
    pub mean: f64,
    /// The sample standard deviation (n - 1); `None` for one value.
    pub deviation: Option<f64>,
}

impl Spread {
    /// Of one value a seed; `None` where there is none.
    #[must_use]
    pub(crate) fn of(values: &[f64]) -> Option<Self> {
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let deviation = (values.len() > 1).then(|| (squares / (count - 1.0)).sqrt());
        (!values.is_empty()).then_some(Self { mean, deviation })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_numpy() {
        // v = [83.6, 82.9, 84.25]; np.mean(v), np.std(v, ddof=1)
        let spread = Spread::of(&[83.6, 82.9, 84.25]).unwrap();
        assert!((spread.mean - 83.58333333333333).abs() < 1e-13);
        // Differences of numbers near 84 are rounded to some 1e-14.
        assert!((spread.deviation.unwrap() - 0.6751543033509668).abs() < 1e-13);
    }

    #[test]
    fn one_value_has_no_deviation() {
        assert_eq!(Spread::of(&[2.5]), Some(Spread { mean: 2.5, deviation: None }));
        assert_eq!(Spread::of(&[2.5; 4]), Some(Spread { mean: 2.5, deviation: Some(0.0) }));
        assert_eq!(Spread::of(&[]), None);
    }
}
