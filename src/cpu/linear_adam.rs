//! Twins of the linear layer's weight gradient fused with Adam.

use super::State;
use super::product::{Gradient, Layer, Moments, Part, weight_adam};
use crate::kernel::{Inputs, Outputs, Uniforms};

impl<'a> Gradient<'a> {
    fn of(u: &Uniforms, inputs: &Inputs<'a>) -> Self {
        let (x, dy, row_scale) = (inputs.get("x"), inputs.get("dy"), inputs.get("row_scale"));
        Self { x, dy, row_scale, bias_input: u.f32("bias_input") }
    }
}

pub(crate) fn linear_backward_weight_adam(u: &Uniforms, inputs: &Inputs<'_>, outputs: &mut Outputs<'_>) {
    let state = State::of(inputs.get("state"));
    let written = ["parameters", "exp_avg", "exp_avg_sq"].map(|name| outputs.take(name));
    weight_adam(&Layer::of(u), Gradient::of(u, inputs), &state, written, |_, [parameters, m, v]| Part {
        parameters,
        source: None,
        moments: Moments::Carried(m, v),
    });
}

pub(crate) fn linear_backward_weight_adam_first(u: &Uniforms, inputs: &Inputs<'_>, outputs: &mut Outputs<'_>) {
    let state = State::of(inputs.get("state"));
    let source = inputs.get("source");
    let written = ["parameters", "exp_avg", "exp_avg_sq"].map(|name| outputs.take(name));
    weight_adam(&Layer::of(u), Gradient::of(u, inputs), &state, written, |range, [parameters, m, v]| Part {
        source: Some(&source[range.start % source.len()..][..parameters.len()]),
        parameters,
        moments: Moments::Started(m, v),
    });
}

pub(crate) fn linear_backward_weight_adam_last(u: &Uniforms, inputs: &Inputs<'_>, outputs: &mut Outputs<'_>) {
    let state = State::of(inputs.get("state"));
    let (m, v) = (inputs.get("exp_avg"), inputs.get("exp_avg_sq"));
    let written = [outputs.take("parameters")];
    weight_adam(&Layer::of(u), Gradient::of(u, inputs), &state, written, |range, [parameters]| Part {
        parameters,
        source: None,
        moments: Moments::Ended(&m[range.clone()], &v[range]),
    });
}

pub(crate) fn linear_backward_weight_adam_only(u: &Uniforms, inputs: &Inputs<'_>, outputs: &mut Outputs<'_>) {
    let state = State::of(inputs.get("state"));
    let source = inputs.get("source");
    let written = [outputs.take("parameters")];
    weight_adam(&Layer::of(u), Gradient::of(u, inputs), &state, written, |range, [parameters]| Part {
        source: Some(&source[range.start % source.len()..][..parameters.len()]),
        parameters,
        moments: Moments::Unused,
    });
}
