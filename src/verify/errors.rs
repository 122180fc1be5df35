//! How far numbers are from recorded ones. Whatever is not a number, or not as many, is NaN or infinite: it passes nothing.

use std::collections::BTreeMap;

use crate::checkpoint::Tensors;

/// The largest of some errors. A NaN is the worst of all; `f64::max` would drop it.
pub(crate) fn worst(errors: impl IntoIterator<Item = f64>) -> f64 {
    errors.into_iter().fold(0.0, |worst: f64, error| if worst.is_nan() || error <= worst { worst } else { error })
}

/// L2 distance over the L2 norm of `scale`.
pub(super) fn distance_over(found: &[f64], recorded: &[f64], scale: &[f64]) -> f64 {
    if found.len() != recorded.len() || found.len() != scale.len() || found.is_empty() {
        return f64::NAN;
    }
    let distance: f64 = found.iter().zip(recorded).map(|(a, b)| (a - b).powi(2)).sum();
    let norm: f64 = scale.iter().map(|s| s.powi(2)).sum();
    // A gradient below this is zero: the biases that batch norm cancels, which float64 leaves at 1e-17.
    if norm.is_finite() { distance.sqrt() / norm.sqrt().max(1e-9) } else { f64::NAN }
}

/// The worst coordinate, mm.
pub(super) fn millimetres(found: &[f32], recorded: &[f64]) -> f64 {
    if found.len() != recorded.len() || found.is_empty() {
        return f64::NAN;
    }
    worst(found.iter().zip(recorded).map(|(a, b)| 1e3 * (f64::from(*a) - b).abs()))
}

/// A sum of `terms` against what was recorded. A sum whose terms cancel is judged by their magnitudes, and none as if
/// below `floor`.
pub(super) fn sum_error(terms: &[f64], recorded: f64, floor: f64) -> f64 {
    let scale = terms.iter().map(|term| term.abs()).sum::<f64>();
    if terms.is_empty() || !scale.is_finite() {
        return f64::NAN;
    }
    (terms.iter().sum::<f64>() - recorded).abs() / scale.max(floor)
}

/// The share of `recorded` numbers that `found` is off by more than 0.05 learning rates. Infinite where one is off by more
/// than `reach` learning rates: no two paths of Adam from one start lie so far apart.
pub(super) fn parameter_error(
    found: &Tensors,
    recorded: &BTreeMap<String, Vec<f64>>,
    learning_rate: f32,
    reach: f64,
) -> f64 {
    let rate = f64::from(learning_rate);
    let (mut off, mut all) = (0usize, 0usize);
    for (name, recorded) in recorded {
        let Some(found) = found.get(name).filter(|found| found.data.len() == recorded.len()) else { return f64::NAN };
        for (&found, &recorded) in found.data.iter().zip(recorded) {
            // What float32 cannot tell apart there.
            let rounding = recorded.abs() * f64::from(f32::EPSILON);
            let distance = (f64::from(found) - recorded).abs();
            if !distance.is_finite() || distance > reach * rate + rounding {
                return f64::INFINITY;
            }
            off += usize::from(distance > 0.05 * rate + rounding);
        }
        all += recorded.len();
    }
    if all == 0 { f64::NAN } else { off as f64 / all as f64 }
}

/// What batch norm's running statistics are judged by.
pub(super) struct Running<'a> {
    /// Before and after the step, recorded.
    pub(super) before: [&'a [f64]; 2],
    pub(super) after: [&'a [f64]; 2],
    /// What a pass leaves of the value before: one minus the momentum, to the number of passes.
    pub(super) kept: f64,
}

impl Running<'_> {
    /// The worse of mean and variance, relative to the magnitudes of what they are averages of. A mean of numbers that
    /// cancel is rounded as they are; their mean square is told by the recorded mean and variance.
    pub(super) fn error(&self, found: [&[f32]; 2]) -> f64 {
        let [mean, variance] = [0, 1].map(|part| {
            let pairs = self.before[part].iter().zip(self.after[part]);
            pairs.map(|(before, after)| after - self.kept * before).collect::<Vec<_>>()
        });
        let moved = 1.0 - self.kept;
        let batch = |j: usize| if moved > 0.0 { (mean[j] / moved, (variance[j] / moved).max(0.0)) } else { (0.0, 0.0) };
        let scale = |part: usize| -> Vec<f64> {
            let of = |(j, before): (usize, &f64)| {
                let (mean, variance) = batch(j);
                let square = mean.powi(2) + variance;
                let summed = [square.sqrt(), variance + 2.0 * (variance * square).sqrt()][part];
                self.kept * before.abs() + moved * summed
            };
            self.before[part].iter().enumerate().map(of).collect()
        };
        worst([0, 1].map(|part| {
            let found: Vec<f64> = found[part].iter().map(|&v| f64::from(v)).collect();
            distance_over(&found, self.after[part], &scale(part))
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::Tensor;

    const BAD: [f64; 3] = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY];

    #[test]
    fn a_nan_is_the_worst() {
        assert_eq!(worst([]), 0.0);
        assert_eq!(worst([0.5, 2.0, 1.0]), 2.0);
        assert_eq!(worst([1.0, f64::INFINITY]), f64::INFINITY);
        for errors in [[f64::NAN, 1.0], [1.0, f64::NAN], [f64::NAN, f64::INFINITY], [f64::INFINITY, f64::NAN]] {
            assert!(worst(errors).is_nan(), "{errors:?}");
        }
    }

    #[test]
    fn what_is_no_number_passes_nothing() {
        let passes = |error: f64| error <= 1e300;
        for bad in BAD {
            for (found, recorded) in [([1.0, bad], [1.0, 1.0]), ([1.0, 1.0], [1.0, bad]), ([1.0, bad], [1.0, bad])] {
                assert!(!passes(distance_over(&found, &recorded, &recorded)), "{found:?} {recorded:?}");
                assert!(!passes(millimetres(&found.map(|v| v as f32), &recorded)), "{found:?} {recorded:?}");
                assert!(
                    !passes(sum_error(&found, recorded[1], 0.1)) || recorded[1].is_finite() && found[1].is_finite()
                );
                let tensor = |v: [f64; 2]| Tensor { shape: vec![2], data: v.map(|v| v as f32).to_vec() };
                let found = Tensors::from([("a".to_owned(), tensor(found))]);
                assert!(!passes(parameter_error(&found, &[("a".to_owned(), recorded.to_vec())].into(), 1.0, 2.0)));
            }
        }
        // Nor does what is not there.
        assert!(
            !passes(distance_over(&[], &[], &[]))
                && !passes(millimetres(&[], &[]))
                && !passes(sum_error(&[], 0.0, 1.0))
        );
        assert!(!passes(parameter_error(&Tensors::new(), &BTreeMap::new(), 1.0, 2.0)));
        assert!(!passes(distance_over(&[1.0], &[1.0, 1.0], &[1.0, 1.0])) && !passes(millimetres(&[1.0], &[1.0, 1.0])));
        // Whose squares overflow even in float64: no number is near them.
        assert!(!passes(distance_over(&[1.0], &[1e300], &[1e300])));
    }

    #[test]
    fn no_parameter_is_further_than_adam_goes() {
        let tensor = |v: f32| Tensors::from([("a".to_owned(), Tensor { shape: vec![1000], data: vec![v; 1000] })]);
        let recorded = |last: f64| {
            let mut values = vec![0.5; 1000];
            values[999] = last;
            BTreeMap::from([("a".to_owned(), values)])
        };
        assert_eq!(parameter_error(&tensor(0.5), &recorded(0.5), 0.01, 2.0), 0.0);
        assert_eq!(parameter_error(&tensor(0.5), &recorded(0.515), 0.01, 2.0), 1e-3);
        assert_eq!(parameter_error(&tensor(0.5), &recorded(0.525), 0.01, 2.0), f64::INFINITY);
    }

    #[test]
    fn running_means_are_judged_by_what_they_are_means_of() {
        // The mean cancels to 0, but for a millionth of the spread of what is averaged.
        let running = Running { before: [&[0.0, 0.0], &[1.0, 1.0]], after: [&[0.0, 0.0], &[100.0, 100.0]], kept: 0.0 };
        let error = running.error([&[1e-5, 0.0], &[100.0, 100.0]]);
        assert!((error - 1e-6 / 2f64.sqrt()).abs() < 1e-12, "{error}");
        assert!(running.error([&[1e-5, f32::NAN], &[100.0, 100.0]]).is_nan());
        assert!(running.error([&[0.0], &[100.0, 100.0]]).is_nan());
        assert!(running.error([&[0.0, 0.0], &[101.0, 100.0]]) > 1e-3);
    }
}
