//! Twins of the linear layer: forward, with its frozen-norm epilogues, and the input's gradient.

use std::ops::Range;

use super::product::{Layer, backward_input, forward};
use super::{leaky_relu, leaky_relu_derivative};
use crate::kernel::{Inputs, Outputs, Uniforms};

pub(crate) fn linear_forward(u: &Uniforms, inputs: &Inputs<'_>, outputs: &mut Outputs<'_>) {
    let operands = (inputs.get("x"), inputs.get("parameters"));
    forward(&Layer::of(u), operands, [outputs.take("y")], |_, _, sums, [y]| y.copy_from_slice(sums));
}

pub(crate) fn linear_batch_norm_leaky_relu_forward(u: &Uniforms, inputs: &Inputs<'_>, outputs: &mut Outputs<'_>) {
    let operands = (inputs.get("x"), inputs.get("parameters"));
    let activation = Activation::new(u, inputs);
    forward(&Layer::of(u), operands, [outputs.take("y")], |_, columns, sums, [y]| activation.apply(columns, sums, y));
}

pub(crate) fn linear_batch_norm_leaky_relu_residual_forward(
    u: &Uniforms,
    inputs: &Inputs<'_>,
    outputs: &mut Outputs<'_>,
) {
    let operands = (inputs.get("x"), inputs.get("parameters"));
    let (activation, residual) = (Activation::new(u, inputs), inputs.get("residual"));
    let features = u.size("out_features");
    let written = [outputs.take("a"), outputs.take("y")];
    forward(&Layer::of(u), operands, written, |row, columns, sums, [a, y]| {
        let residual = &residual[row * features..][columns.clone()];
        activation.apply(columns, sums, a);
        y.iter_mut().zip(residual).zip(a).for_each(|((y, r), a)| *y = r + *a);
    });
}

/// `leaky_relu(z * scale + shift)`.
struct Activation<'a> {
    scale: &'a [f32],
    shift: &'a [f32],
    slope: f32,
}

impl<'a> Activation<'a> {
    fn new(u: &Uniforms, inputs: &Inputs<'a>) -> Self {
        let (scale, shift) = inputs.get("scale_shift").split_at(u.size("out_features"));
        Self { scale, shift, slope: u.f32("slope") }
    }

    fn apply(&self, columns: Range<usize>, z: &[f32], y: &mut [f32]) {
        let scale_shift = self.scale[columns.clone()].iter().zip(&self.shift[columns]);
        for ((y, z), (scale, shift)) in y.iter_mut().zip(z).zip(scale_shift) {
            *y = leaky_relu(z * scale + shift, self.slope);
        }
    }
}

pub(crate) fn linear_backward_input(u: &Uniforms, inputs: &Inputs<'_>, outputs: &mut Outputs<'_>) {
    let operands = (inputs.get("dy"), inputs.get("parameters"));
    backward_input(&Layer::of(u), operands, [outputs.take("dx")], |_, _, sums, [dx]| dx.copy_from_slice(sums));
}

pub(crate) fn linear_backward_input_residual(u: &Uniforms, inputs: &Inputs<'_>, outputs: &mut Outputs<'_>) {
    let operands = (inputs.get("dy"), inputs.get("parameters"));
    let (dresidual, features) = (inputs.get("dresidual"), u.size("in_features"));
    backward_input(&Layer::of(u), operands, [outputs.take("dx")], |row, columns, sums, [dx]| {
        let dresidual = &dresidual[row * features..][columns];
        dx.iter_mut().zip(sums).zip(dresidual).for_each(|((dx, sum), dr)| *dx = sum + dr);
    });
}

/// Back through the frozen epilogue of the layer before: `leaky_relu'(a) * scale`.
struct ActivationBackward<'a> {
    a: &'a [f32],
    scale: &'a [f32],
    slope: f32,
    features: usize,
}

impl<'a> ActivationBackward<'a> {
    fn new(u: &Uniforms, inputs: &Inputs<'a>) -> Self {
        let (a, scale) = (inputs.get("a"), inputs.get("scale_shift"));
        Self { a, scale, slope: u.f32("slope"), features: u.size("in_features") }
    }

    fn apply(&self, row: usize, columns: Range<usize>, dx: &[f32], dz: &mut [f32]) {
        let known = self.a[row * self.features..][columns.clone()].iter().zip(&self.scale[columns]);
        for ((dz, dx), (&a, scale)) in dz.iter_mut().zip(dx).zip(known) {
            *dz = dx * leaky_relu_derivative(a, self.slope) * scale;
        }
    }
}

pub(crate) fn linear_backward_input_scale_shift_leaky_relu(
    u: &Uniforms,
    inputs: &Inputs<'_>,
    outputs: &mut Outputs<'_>,
) {
    let operands = (inputs.get("dy"), inputs.get("parameters"));
    let activation = ActivationBackward::new(u, inputs);
    backward_input(&Layer::of(u), operands, [outputs.take("dz")], |row, columns, sums, [dz]| {
        activation.apply(row, columns, sums, dz);
    });
}

pub(crate) fn linear_backward_input_and_scale_shift_leaky_relu(
    u: &Uniforms,
    inputs: &Inputs<'_>,
    outputs: &mut Outputs<'_>,
) {
    let operands = (inputs.get("dy"), inputs.get("parameters"));
    let activation = ActivationBackward::new(u, inputs);
    let written = [outputs.take("dx"), outputs.take("dz")];
    backward_input(&Layer::of(u), operands, written, |row, columns, sums, [dx, dz]| {
        dx.copy_from_slice(sums);
        activation.apply(row, columns, dx, dz);
    });
}

pub(crate) fn linear_backward_input_residual_and_scale_shift_leaky_relu(
    u: &Uniforms,
    inputs: &Inputs<'_>,
    outputs: &mut Outputs<'_>,
) {
    let operands = (inputs.get("dy"), inputs.get("parameters"));
    let activation = ActivationBackward::new(u, inputs);
    let (dresidual, features) = (inputs.get("dresidual"), u.size("in_features"));
    let written = [outputs.take("dx"), outputs.take("dz")];
    backward_input(&Layer::of(u), operands, written, |row, columns, sums, [dx, dz]| {
        let dresidual = &dresidual[row * features..][columns.clone()];
        dx.iter_mut().zip(sums).zip(dresidual).for_each(|((dx, sum), dr)| *dx = sum + dr);
        activation.apply(row, columns, dx, dz);
    });
}
