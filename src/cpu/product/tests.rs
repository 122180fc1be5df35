//! Forward and the input's gradient against sums in float64, where tiles, blocks and groups of rows end unevenly.

use super::{Layer, Panels, backward_input, forward};

/// Row of a larger tensor that the product begins at, and rows after its last.
const ROW: usize = 2;
const AFTER: usize = 1;

/// A layer of two instances with numbers between -1 and 1.
struct Sample {
    layer: Layer,
    /// Of each weight instance: (inputs + 1, outputs), row-major.
    weights: Vec<f32>,
    stored: Vec<f32>,
    x: Vec<f32>,
    dy: Vec<f32>,
}

impl Sample {
    fn new([inputs, outputs, rows, weight_instances]: [usize; 4]) -> Self {
        let (instances, all, panels) = (2, ROW + rows + AFTER, Panels::new(inputs + 1, outputs));
        let layer = Layer { instances, row: ROW, rows, x_rows: all, y_rows: all, inputs, outputs, panels };
        let numbers = |count: usize, seed: usize| -> Vec<f32> {
            (0..count).map(|k| ((k + seed) * 7919 % 2003) as f32 / 1001.0 - 1.0).collect()
        };
        let weights = numbers(weight_instances * (inputs + 1) * outputs, 1);
        let mut stored = vec![0.0; weight_instances * panels.size()];
        panels.write(&mut stored, 0, &weights);
        let (x, dy) = (numbers(instances * all * inputs, 500), numbers(instances * all * outputs, 900));
        Self { layer, weights, stored, x, dy }
    }

    fn weight(&self, instance: usize, input: usize, output: usize) -> f32 {
        let Layer { inputs, outputs, .. } = self.layer;
        let own = instance % (self.weights.len() / ((inputs + 1) * outputs));
        self.weights[(own * (inputs + 1) + input) * outputs + output]
    }

    /// Rows outside the product must be NaN, as they were; the others `columns` sums of `terms(instance, row, column)`.
    fn check(&self, what: &str, found: &[f32], columns: usize, terms: impl Fn(usize, usize, usize) -> Vec<f64>) {
        let Layer { rows, x_rows: all, inputs, outputs, .. } = self.layer;
        for (at, found) in found.iter().enumerate() {
            let (row, column) = (at / columns, at % columns);
            let (instance, row_of_it) = (row / all, row % all);
            let place = || format!("{what} {inputs} x {outputs}, {rows} rows: [{instance}, {row_of_it}, {column}]");
            if !(ROW..ROW + rows).contains(&row_of_it) {
                assert!(found.is_nan(), "{}: {found}, must not be written", place());
                continue;
            }
            let terms = terms(instance, row, column);
            let expected: f64 = terms.iter().sum();
            // A float32 sum of n products is off by at most n + 1 roundings of their magnitudes.
            let limit = (terms.len() + 1) as f64 * 0.5f64.powi(24) * terms.iter().map(|t| t.abs()).sum::<f64>();
            assert!((f64::from(*found) - expected).abs() <= limit, "{}: {found}, expected {expected}", place());
        }
    }
}

#[test]
fn forward_and_backward_equal_sums_in_float64() {
    for inputs in [1, 63, 64, 65, 100, 130] {
        for outputs in [4, 48, 60, 64, 68] {
            for rows in [1, 3, 4, 5, 72, 73, 145] {
                for weight_instances in [1, 2] {
                    one_size(&Sample::new([inputs, outputs, rows, weight_instances]));
                }
            }
        }
    }
}

fn one_size(sample: &Sample) {
    let Sample { layer, stored, x, dy, .. } = sample;
    let Layer { inputs, outputs, .. } = *layer;
    let product = |a: f32, b: f32| f64::from(a) * f64::from(b);
    let mut y = vec![f32::NAN; dy.len()];
    forward(layer, (x, stored), [&mut y], |_, _, sums, [y]| y.copy_from_slice(sums));
    sample.check("forward", &y, outputs, |instance, row, output| {
        let of = |input| product(x[row * inputs + input], sample.weight(instance, input, output));
        (0..inputs).map(of).chain([sample.weight(instance, inputs, output).into()]).collect()
    });
    let mut dx = vec![f32::NAN; x.len()];
    backward_input(layer, (dy, stored), [&mut dx], |_, _, sums, [dx]| dx.copy_from_slice(sums));
    sample.check("backward", &dx, inputs, |instance, row, input| {
        (0..outputs).map(|output| product(dy[row * outputs + output], sample.weight(instance, input, output))).collect()
    });
}
