//! Twins of batch norm over batch statistics, fused with leaky ReLU and dropout.

use pulp::Arch;
use rayon::prelude::*;

use super::activation::{Dropout, rows, rows_mut};
use super::{BLOCK, for_each_block, leaky_relu, leaky_relu_derivative};
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

    /// Writes the normalised values of some features from `at` on to `xhat`, given `z`.
    #[inline(always)]
    fn normalise(&self, at: usize, z: &[f32], xhat: &mut [f32]) {
        let known = z.iter().zip(&self.mean[at..]).zip(&self.rstd[at..]);
        xhat.iter_mut().zip(known).for_each(|(xhat, ((z, mean), rstd))| *xhat = (z - mean) * rstd);
    }
}

pub(crate) fn batch_norm_leaky_relu_dropout_forward(u: &Uniforms, inputs: &Inputs<'_>, outputs: &mut Outputs<'_>) {
    let (features, slope, first) = (u.size("features"), u.f32("slope"), u.size("row"));
    let (norm, dropout) = (Norm::new(u, inputs), Dropout::new(u, inputs));
    let z = rows(u, inputs.get("z"));
    let residual = u.flag("add_residual").then(|| rows(u, inputs.get("residual")));
    for_each_block(rows_mut(u, outputs.take("y")), features, |r, at, y| {
        let mut xhat = [0.0; BLOCK];
        let element = r * features + at;
        norm.normalise(at, &z[element..][..y.len()], &mut xhat);
        dropout.fill(r, first + r, at, y);
        let known = xhat.iter().zip(&norm.weight[at..]).zip(&norm.bias[at..]);
        y.iter_mut().zip(known).for_each(|(y, ((xhat, w), b))| *y *= leaky_relu(xhat * w + b, slope));
        if let Some(residual) = residual {
            y.iter_mut().zip(&residual[element..]).for_each(|(y, x)| *y += x);
        }
    });
}

/// The gradient at the norm's output, for the rows of a call.
struct NormBackward<'a> {
    norm: Norm<'a>,
    dropout: Dropout<'a>,
    dy: &'a [f32],
    z: &'a [f32],
    features: usize,
    first: usize,
    slope: f32,
}

impl<'a> NormBackward<'a> {
    fn new(u: &Uniforms, inputs: &Inputs<'a>) -> Self {
        Self {
            norm: Norm::new(u, inputs),
            dropout: Dropout::new(u, inputs),
            dy: rows(u, inputs.get("dy")),
            z: rows(u, inputs.get("z")),
            features: u.size("features"),
            first: u.size("row"),
            slope: u.f32("slope"),
        }
    }

    /// Writes the normalised values and the gradients of their scaled ones, of features from `at` on in row `r`.
    #[inline(always)]
    fn block(&self, r: usize, at: usize, xhat: &mut [f32], dn: &mut [f32]) {
        let element = r * self.features + at;
        self.norm.normalise(at, &self.z[element..][..dn.len()], xhat);
        self.dropout.fill(r, self.first + r, at, dn);
        let known = self.dy[element..].iter().zip(&*xhat).zip(&self.norm.weight[at..]).zip(&self.norm.bias[at..]);
        for (dn, (((dy, xhat), w), b)) in dn.iter_mut().zip(known) {
            *dn = dy * *dn * leaky_relu_derivative(xhat * w + b, self.slope);
        }
    }
}

pub(crate) fn batch_norm_leaky_relu_dropout_backward_reduce(
    u: &Uniforms,
    inputs: &Inputs<'_>,
    outputs: &mut Outputs<'_>,
) {
    let (features, count) = (u.size("features"), u.size("rows"));
    let group = u.size("group") * 2 * features;
    let backward = NormBackward::new(u, inputs);
    let (dweight, dbias) = outputs.take("dweight_bias")[group..group + 2 * features].split_at_mut(features);
    let blocks = dweight.par_chunks_mut(BLOCK).zip(dbias.par_chunks_mut(BLOCK));
    blocks.enumerate().for_each(|(block, (dweight, dbias))| {
        Arch::new().dispatch(|| {
            let (mut xhat, mut dn) = ([0.0; BLOCK], [0.0; BLOCK]);
            let dn = &mut dn[..dweight.len()];
            dweight.fill(0.0);
            dbias.fill(0.0);
            for r in 0..count {
                backward.block(r, block * BLOCK, &mut xhat, dn);
                dweight.iter_mut().zip(&*dn).zip(&xhat).for_each(|((dw, dn), xhat)| *dw += dn * xhat);
                dbias.iter_mut().zip(&*dn).for_each(|(db, dn)| *db += dn);
            }
        });
    });
}

pub(crate) fn batch_norm_leaky_relu_dropout_backward_input(
    u: &Uniforms,
    inputs: &Inputs<'_>,
    outputs: &mut Outputs<'_>,
) {
    let features = u.size("features");
    let backward = NormBackward::new(u, inputs);
    let group = u.size("group") * 2 * features;
    let (dweight, dbias) = inputs.get("dweight_bias")[group..group + 2 * features].split_at(features);
    let inverse = 1.0 / u.size("rows") as f32;
    for_each_block(rows_mut(u, outputs.take("dz")), features, |r, at, dz| {
        let mut xhat = [0.0; BLOCK];
        backward.block(r, at, &mut xhat, dz);
        let sums = dweight[at..].iter().zip(&dbias[at..]);
        let known = xhat.iter().zip(sums).zip(&backward.norm.weight[at..]).zip(&backward.norm.rstd[at..]);
        for (dz, (((xhat, (dweight, dbias)), weight), rstd)) in dz.iter_mut().zip(known) {
            *dz = weight * rstd * (*dz - dbias * inverse - xhat * dweight * inverse);
        }
    });
}
