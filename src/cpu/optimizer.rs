//! Adam, and its twin for small parameters whose gradient was kept.

use super::State;
use crate::kernel::{Inputs, Outputs, Uniforms};

pub(super) const BETA1: f32 = 0.9;
pub(super) const ONE_MINUS_BETA1: f32 = 0.1;
pub(super) const BETA2: f32 = 0.999;
pub(super) const ONE_MINUS_BETA2: f32 = 0.001;
pub(super) const EPS: f32 = 1e-8;

/// The moments after gradient `g`.
pub(super) fn moments(m: f32, v: f32, g: f32) -> (f32, f32) {
    (BETA1 * m + ONE_MINUS_BETA1 * g, BETA2 * v + ONE_MINUS_BETA2 * g * g)
}

/// The move of a parameter whose moments are `m` and `v`.
pub(super) fn adam_move(state: &State, m: f32, v: f32) -> f32 {
    -state.step_size * m / (v.sqrt() * state.inverse_sqrt2 + EPS)
}

pub(crate) fn adam(u: &Uniforms, inputs: &Inputs<'_>, outputs: &mut Outputs<'_>) {
    let state = State::of(inputs.get("state"));
    let gradient = inputs.get("gradient");
    let [p, m, v] = ["parameters", "exp_avg", "exp_avg_sq"].map(|name| outputs.take(name));
    let size = 2 * u.size("features");
    for (index, ((p, m), v)) in p.iter_mut().zip(m).zip(v).enumerate() {
        let g = gradient.iter().skip(index).step_by(size).sum();
        (*m, *v) = moments(*m, *v, g);
        *p += adam_move(&state, *m, *v);
    }
}
