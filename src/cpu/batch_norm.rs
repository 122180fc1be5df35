//! Twins of batch norm over batch statistics, fused with leaky ReLU and dropout.

use super::activation::{Dropout, rows, rows_mut};
use super::{for_each_row, leaky_relu, leaky_relu_derivative};
use crate::kernel::{Inputs, Outputs, Uniforms};

pub(crate) fn batch_norm_statistics(u: &Uniforms, inputs: &Inputs<'_>, outputs: &mut Outputs<'_>) {
    let features = u.size("features");
    let count = u.size("rows") as f32;
    let (eps, momentum) = (u.f32("eps"), u.f32("momentum"));
    let z = rows(u, inputs.get("z"));
    let group = u.size("group") * 2 * features;
    let (mean, rstd) = outputs.take("statistics")[group..group + 2 * features].split_at_mut(features);
    mean.fill(0.0);
    z.chunks_exact(features).for_each(|row| mean.iter_mut().zip(row).for_each(|(m, z)| *m += z));
    mean.iter_mut().for_each(|m| *m /= count);
    let squares = &mut *rstd;
    squares.fill(0.0);
    for row in z.chunks_exact(features) {
        squares.iter_mut().zip(row).zip(&*mean).for_each(|((s, z), m)| *s += (z - m) * (z - m));
    }
    let (running_mean, running_var) = outputs.take("running").split_at_mut(features);
    for (((m, s), running_mean), running_var) in mean.iter().zip(rstd).zip(running_mean).zip(running_var) {
        let squares = *s;
        *s = 1.0 / (squares / count + eps).sqrt();
        *running_mean += momentum * (m - *running_mean);
        *running_var += momentum * (squares / (count - 1.0) - *running_var);
    }
}

/// What every pass of a batch norm layer knows of one element.
struct Norm<'a> {
    mean: &'a [f32],
    rstd: &'a [f32],
    weight: &'a [f32],
    bias: &'a [f32],
}

impl<'a> Norm<'a> {
    fn new(u: &Uniforms, inputs: &Inputs<'a>) -> Self {
        let features = u.size("features");
        let group = u.size("group") * 2 * features;
        let (mean, rstd) = inputs.get("statistics")[group..group + 2 * features].split_at(features);
        let (weight, bias) = inputs.get("weight_bias").split_at(features);
        Self { mean, rstd, weight, bias }
    }

    /// The normalised value and the scaled one.
    fn normalised(&self, z: f32, j: usize) -> (f32, f32) {
        let xhat = (z - self.mean[j]) * self.rstd[j];
        (xhat, xhat * self.weight[j] + self.bias[j])
    }
}

pub(crate) fn batch_norm_leaky_relu_dropout_forward(u: &Uniforms, inputs: &Inputs<'_>, outputs: &mut Outputs<'_>) {
    let (features, slope, first) = (u.size("features"), u.f32("slope"), u.size("row"));
    let (norm, dropout) = (Norm::new(u, inputs), Dropout::new(u, inputs));
    let z = rows(u, inputs.get("z"));
    let residual = u.flag("add_residual").then(|| rows(u, inputs.get("residual")));
    for_each_row(rows_mut(u, outputs.take("y")), features, |r, y| {
        for (column, y) in y.chunks_exact_mut(4).enumerate() {
            let factors = dropout.factors(r, first + r, column);
            for (lane, y) in y.iter_mut().enumerate() {
                let j = 4 * column + lane;
                let (_, n) = norm.normalised(z[r * features + j], j);
                *y = leaky_relu(n, slope) * factors[lane] + residual.map_or(0.0, |x| x[r * features + j]);
            }
        }
    });
}

/// Calls `each(row, feature, xhat, dn)` for every element of the rows, row by row.
fn for_each_dn(u: &Uniforms, inputs: &Inputs<'_>, mut each: impl FnMut(usize, usize, f32, f32)) {
    let (features, slope, first) = (u.size("features"), u.f32("slope"), u.size("row"));
    let (norm, dropout) = (Norm::new(u, inputs), Dropout::new(u, inputs));
    let (dy, z) = (rows(u, inputs.get("dy")), rows(u, inputs.get("z")));
    for r in 0..u.size("rows") {
        for column in 0..features / 4 {
            let factors = dropout.factors(r, first + r, column);
            for (lane, factor) in factors.iter().enumerate() {
                let j = 4 * column + lane;
                let (xhat, n) = norm.normalised(z[r * features + j], j);
                each(r, j, xhat, dy[r * features + j] * factor * leaky_relu_derivative(n, slope));
            }
        }
    }
}

pub(crate) fn batch_norm_leaky_relu_dropout_backward_reduce(
    u: &Uniforms,
    inputs: &Inputs<'_>,
    outputs: &mut Outputs<'_>,
) {
    let features = u.size("features");
    let group = u.size("group") * 2 * features;
    let sums = &mut outputs.take("dweight_bias")[group..group + 2 * features];
    sums.fill(0.0);
    let (dweight, dbias) = sums.split_at_mut(features);
    for_each_dn(u, inputs, |_, j, xhat, dn| {
        dweight[j] += dn * xhat;
        dbias[j] += dn;
    });
}

pub(crate) fn batch_norm_leaky_relu_dropout_backward_input(
    u: &Uniforms,
    inputs: &Inputs<'_>,
    outputs: &mut Outputs<'_>,
) {
    let features = u.size("features");
    let norm = Norm::new(u, inputs);
    let group = u.size("group") * 2 * features;
    let (dweight, dbias) = inputs.get("dweight_bias")[group..group + 2 * features].split_at(features);
    let inverse = 1.0 / u.size("rows") as f32;
    let dz = rows_mut(u, outputs.take("dz"));
    for_each_dn(u, inputs, |r, j, xhat, dn| {
        let centred = dn - dbias[j] * inverse - xhat * dweight[j] * inverse;
        dz[r * features + j] = norm.weight[j] * norm.rstd[j] * centred;
    });
}
