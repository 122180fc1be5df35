//! Twins of the activations, and the dropout that they share with batch norm's.

use super::random::pcg4d;
use super::{State, for_each_block, leaky_relu, leaky_relu_derivative};
use crate::kernel::{Inputs, Outputs, Uniforms};

/// `shaders/shared/dropout.wgsl`: recomputed wherever it is needed, never stored.
pub(super) struct Dropout<'a> {
    seed: u32,
    step: u32,
    stream: u32,
    threshold: u32,
    scale: f32,
    recorded: Option<&'a [u32]>,
    features: usize,
}

impl<'a> Dropout<'a> {
    pub(super) fn new(u: &Uniforms, inputs: &Inputs<'a>) -> Self {
        let state = State::of(inputs.get("state"));
        Self {
            seed: state.seed,
            step: state.step,
            stream: u.u32("stream"),
            threshold: u.u32("keep_threshold"),
            scale: u.f32("keep_scale"),
            recorded: u.flag("recorded").then(|| inputs.get_u32("mask")),
            features: u.size("features"),
        }
    }

    /// The factors, 0 or `1 / (1 - p)`, of the elements from feature `at` on in row `local` of the call, which is `row`
    /// of the tensor; `at` and their number are multiples of 4.
    #[inline(always)]
    pub(super) fn fill(&self, local: usize, row: usize, at: usize, factors: &mut [f32]) {
        if let Some(mask) = self.recorded {
            let mask = &mask[row * self.features + at..][..factors.len()];
            factors.iter_mut().zip(mask).for_each(|(factor, &keep)| *factor = if keep == 0 { 0.0 } else { self.scale });
            return;
        }
        let first = ((local * self.features + at) / 4) as u32;
        for (four, index) in factors.as_chunks_mut::<4>().0.iter_mut().zip(first..) {
            let bits = pcg4d([self.seed, self.step, self.stream, index]);
            *four = bits.map(|bits| if bits >= self.threshold { self.scale } else { 0.0 });
        }
    }
}

/// The rows `[row, row + rows)` of a tensor (.., features).
pub(super) fn rows<'a>(u: &Uniforms, words: &'a [f32]) -> &'a [f32] {
    let features = u.size("features");
    &words[u.size("row") * features..(u.size("row") + u.size("rows")) * features]
}

/// As [`rows`], to write.
pub(super) fn rows_mut<'a>(u: &Uniforms, words: &'a mut [f32]) -> &'a mut [f32] {
    let features = u.size("features");
    &mut words[u.size("row") * features..(u.size("row") + u.size("rows")) * features]
}

pub(crate) fn add(u: &Uniforms, inputs: &Inputs<'_>, outputs: &mut Outputs<'_>) {
    let (x, y) = (inputs.get("x"), outputs.take("y"));
    let size = u.size("all_rows") * u.size("features");
    for instance in 0..u.size("instances") {
        let all = instance * size..(instance + 1) * size;
        let x = rows(u, &x[all.clone()]);
        rows_mut(u, &mut y[all]).iter_mut().zip(x).for_each(|(y, x)| *y += x);
    }
}

pub(crate) fn leaky_relu_dropout_forward(u: &Uniforms, inputs: &Inputs<'_>, outputs: &mut Outputs<'_>) {
    let (features, slope, first) = (u.size("features"), u.f32("slope"), u.size("row"));
    let dropout = Dropout::new(u, inputs);
    let z = rows(u, inputs.get("z"));
    let residual = u.flag("add_residual").then(|| rows(u, inputs.get("residual")));
    for_each_block(rows_mut(u, outputs.take("y")), features, |r, at, y| {
        dropout.fill(r, first + r, at, y);
        let at = r * features + at;
        y.iter_mut().zip(&z[at..]).for_each(|(y, &z)| *y *= leaky_relu(z, slope));
        if let Some(residual) = residual {
            y.iter_mut().zip(&residual[at..]).for_each(|(y, r)| *y += r);
        }
    });
}

pub(crate) fn leaky_relu_dropout_backward(u: &Uniforms, inputs: &Inputs<'_>, outputs: &mut Outputs<'_>) {
    let (features, slope, first) = (u.size("features"), u.f32("slope"), u.size("row"));
    let dropout = Dropout::new(u, inputs);
    let (dy, z) = (rows(u, inputs.get("dy")), rows(u, inputs.get("z")));
    for_each_block(rows_mut(u, outputs.take("dz")), features, |r, at, dz| {
        dropout.fill(r, first + r, at, dz);
        let at = r * features + at;
        let known = dy[at..].iter().zip(&z[at..]);
        dz.iter_mut().zip(known).for_each(|(dz, (dy, &z))| *dz = dy * *dz * leaky_relu_derivative(z, slope));
    });
}
