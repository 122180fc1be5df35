//! Twins of the linear layer: forward, with its frozen-norm epilogues, and the input's gradient.

use super::product::{Matrix, multiply};
use super::{for_each_row, leaky_relu, leaky_relu_derivative};
use crate::kernel::{Inputs, Outputs, Uniforms};

/// Where one instance's rows and parameters lie.
struct Block {
    rows: usize,
    inputs: usize,
    outputs: usize,
    x: std::ops::Range<usize>,
    y: std::ops::Range<usize>,
    parameters: std::ops::Range<usize>,
}

fn blocks(u: &Uniforms) -> impl Iterator<Item = Block> {
    let (rows, row) = (u.size("rows"), u.size("row"));
    let (inputs, outputs) = (u.size("in_features"), u.size("out_features"));
    let (x_rows, y_rows, shared) = (u.size("x_rows"), u.size("y_rows"), u.size("weight_instances"));
    let size = (inputs + 1) * outputs;
    (0..u.size("instances")).map(move |instance| {
        let (x, y) = ((instance * x_rows + row) * inputs, (instance * y_rows + row) * outputs);
        let weights = (instance % shared) * size;
        Block {
            rows,
            inputs,
            outputs,
            x: x..x + rows * inputs,
            y: y..y + rows * outputs,
            parameters: weights..weights + size,
        }
    })
}

/// `out = x W + b` for one instance.
fn affine(out: &mut [f32], x: &[f32], parameters: &[f32], block: &Block) {
    let (weight, bias) = parameters.split_at(block.inputs * block.outputs);
    out.chunks_exact_mut(block.outputs).for_each(|row| row.copy_from_slice(bias));
    let x = Matrix::new(x, block.rows, block.inputs);
    multiply(out, x, Matrix::new(weight, block.inputs, block.outputs), true, true);
}

pub(crate) fn linear_forward(u: &Uniforms, inputs: &Inputs<'_>, outputs: &mut Outputs<'_>) {
    let (x, parameters) = (inputs.get("x"), inputs.get("parameters"));
    let y = outputs.take("y");
    for block in blocks(u) {
        affine(&mut y[block.y.clone()], &x[block.x.clone()], &parameters[block.parameters.clone()], &block);
    }
}

pub(crate) fn linear_batch_norm_leaky_relu_forward(u: &Uniforms, inputs: &Inputs<'_>, outputs: &mut Outputs<'_>) {
    let (x, parameters) = (inputs.get("x"), inputs.get("parameters"));
    let y = outputs.take("y");
    for block in blocks(u) {
        let y = &mut y[block.y.clone()];
        affine(y, &x[block.x.clone()], &parameters[block.parameters.clone()], &block);
        activate(y, inputs.get("scale_shift"), block.outputs, u.f32("slope"));
    }
}

pub(crate) fn linear_batch_norm_leaky_relu_residual_forward(
    u: &Uniforms,
    inputs: &Inputs<'_>,
    outputs: &mut Outputs<'_>,
) {
    let (x, parameters, residual) = (inputs.get("x"), inputs.get("parameters"), inputs.get("residual"));
    let (a, y) = (outputs.take("a"), outputs.take("y"));
    for block in blocks(u) {
        let a = &mut a[block.y.clone()];
        affine(a, &x[block.x.clone()], &parameters[block.parameters.clone()], &block);
        activate(a, inputs.get("scale_shift"), block.outputs, u.f32("slope"));
        let sums = a.iter().zip(&residual[block.y.clone()]);
        y[block.y].iter_mut().zip(sums).for_each(|(y, (a, r))| *y = r + a);
    }
}

/// `v = leaky_relu(v * scale + shift)` on rows of `features`.
fn activate(values: &mut [f32], scale_shift: &[f32], features: usize, slope: f32) {
    let (scale, shift) = scale_shift.split_at(features);
    for_each_row(values, features, |_, row| {
        for ((v, scale), shift) in row.iter_mut().zip(scale).zip(shift) {
            *v = leaky_relu(*v * scale + shift, slope);
        }
    });
}

pub(crate) fn linear_backward_input(u: &Uniforms, inputs: &Inputs<'_>, outputs: &mut Outputs<'_>) {
    backward_input(u, inputs, outputs.take("dx"), false);
}

pub(crate) fn linear_backward_input_residual(u: &Uniforms, inputs: &Inputs<'_>, outputs: &mut Outputs<'_>) {
    let (dx, dresidual) = (outputs.take("dx"), inputs.get("dresidual"));
    blocks(u).for_each(|block| dx[block.x.clone()].copy_from_slice(&dresidual[block.x]));
    backward_input(u, inputs, dx, true);
}

pub(crate) fn linear_backward_input_scale_shift_leaky_relu(
    u: &Uniforms,
    inputs: &Inputs<'_>,
    outputs: &mut Outputs<'_>,
) {
    let dz = outputs.take("dz");
    backward_input(u, inputs, dz, false);
    let (a, slope) = (inputs.get("a"), u.f32("slope"));
    for block in blocks(u) {
        let a = &a[block.x.clone()];
        for_each_row(&mut dz[block.x], block.inputs, |row, dz| {
            let known = a[row * block.inputs..].iter().zip(inputs.get("scale_shift"));
            dz.iter_mut().zip(known).for_each(|(dz, (&a, s))| *dz = *dz * leaky_relu_derivative(a, slope) * s);
        });
    }
}

fn backward_input(u: &Uniforms, inputs: &Inputs<'_>, dx: &mut [f32], accumulate: bool) {
    let (dy, parameters) = (inputs.get("dy"), inputs.get("parameters"));
    for block in blocks(u) {
        let weight = &parameters[block.parameters.start..block.parameters.end - block.outputs];
        let weight = Matrix::new(weight, block.inputs, block.outputs);
        let dy = Matrix::new(&dy[block.y], block.rows, block.outputs);
        multiply(&mut dx[block.x], dy, weight.transposed(), accumulate, true);
    }
}
