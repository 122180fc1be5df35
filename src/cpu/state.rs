//! Twins that advance the program's own state, and the state itself.

use bytemuck::{Pod, Zeroable};

use super::math;
use super::random::{STREAM_VIEWS, pcg4d, unit_float};
use crate::kernel::{Inputs, Outputs, Uniforms};

/// `State` of `shaders/shared/state.wgsl`, word for word.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Pod, Zeroable)]
pub struct State {
    /// Seed of all random numbers.
    pub seed: u32,
    /// Optimisation steps so far.
    pub step: u32,
    /// Target samples so far.
    pub sample: u32,
    /// Sample that row 0 of the resident chunk holds.
    pub chunk: u32,
    /// `1 - β1^t`.
    pub correction1: f32,
    /// `1 - β2^t`.
    pub correction2: f32,
    /// `lr_t / correction1`.
    pub step_size: f32,
    /// `1 / sqrt(correction2)`.
    pub inverse_sqrt2: f32,
}

impl State {
    /// Words of a state tensor.
    pub const WORDS: usize = size_of::<Self>() / 4;

    /// The word from which on [`Self::sample`] and [`Self::chunk`] stand.
    pub const CURSOR: usize = std::mem::offset_of!(Self, sample) / 4;

    /// The state in a tensor's words.
    #[must_use]
    pub fn of(words: &[f32]) -> Self {
        bytemuck::cast_slice(&words[..Self::WORDS])[0]
    }

    /// The words of a state tensor.
    #[must_use]
    pub fn words(self) -> [f32; Self::WORDS] {
        bytemuck::cast(self)
    }

    /// The integer members.
    #[must_use]
    pub fn counters(&self) -> [u32; 4] {
        [self.seed, self.step, self.sample, self.chunk]
    }

    /// The real members.
    #[must_use]
    pub fn numbers(&self) -> [f32; 4] {
        [self.correction1, self.correction2, self.step_size, self.inverse_sqrt2]
    }

    fn of_mut(words: &mut [f32]) -> &mut Self {
        &mut bytemuck::cast_slice_mut(&mut words[..Self::WORDS])[0]
    }
}

pub(crate) fn advance_step(u: &Uniforms, _: &Inputs<'_>, outputs: &mut Outputs<'_>) {
    let state = State::of_mut(outputs.take("state"));
    let (mut c1, mut c2) = if u.flag("restart") { (0.0, 0.0) } else { (state.correction1, state.correction2) };
    c1 += 0.1 * (1.0 - c1);
    c2 += 0.001 * (1.0 - c2);
    state.correction1 = c1;
    state.correction2 = c2;
    state.step_size = u.f32("lr") * (u.f32("log2_decay") * state.step as f32).exp2() / c1;
    state.inverse_sqrt2 = 1.0 / c2.sqrt();
    state.step = state.step.wrapping_add(1);
}

pub(crate) fn advance_sample(u: &Uniforms, _: &Inputs<'_>, outputs: &mut Outputs<'_>) {
    let state = State::of_mut(outputs.take("state"));
    state.sample = state.sample.wrapping_add(u.u32("samples"));
}

pub(crate) fn random_views(u: &Uniforms, inputs: &Inputs<'_>, outputs: &mut Outputs<'_>) {
    let state = State::of(inputs.get("state"));
    let view_rows = u.u32("view_rows");
    for (at, view) in (0u32..).zip(outputs.take("views").chunks_exact_mut(2)) {
        let (instance, row) = (at / view_rows, at % view_rows);
        let key = if u.flag("by_sample") { state.sample.wrapping_add(instance) } else { state.step };
        let bits = pcg4d([state.seed, key, STREAM_VIEWS, row]);
        view.copy_from_slice(&random_view(bits));
    }
}

/// Azimuth and elevation of a random view.
fn random_view(bits: [u32; 4]) -> [f32; 2] {
    [random_angle(bits[0]), (unit_float(bits[1]) * 2.0 - 1.0) * (std::f32::consts::PI / 9.0)]
}

/// Uniform in [-π, π).
pub(super) fn random_angle(bits: u32) -> f32 {
    (unit_float(bits) * 2.0 - 1.0) * std::f32::consts::PI
}

/// The rotation to a random view.
pub(super) fn view_rotation(bits: [u32; 4]) -> [[f32; 3]; 3] {
    let [azimuth, elevation] = random_view(bits);
    rotation(azimuth, elevation)
}

/// A rotation uniform over all, from a uniform unit quaternion.
pub(super) fn random_rotation(bits: [u32; 4]) -> [[f32; 3]; 3] {
    let (sa, ca) = math::sin_cos(random_angle(bits[0]));
    let (sb, cb) = math::sin_cos(random_angle(bits[1]));
    let share = unit_float(bits[2]);
    let (outer, inner) = ((1.0 - share).sqrt(), share.sqrt());
    let ([x, y, z], w) = ([outer * sa, outer * ca, inner * sb], inner * cb);
    let [x2, y2, z2] = [2.0 * x, 2.0 * y, 2.0 * z];
    [
        [1.0 - y2 * y - z2 * z, x2 * y - z2 * w, x2 * z + y2 * w],
        [x2 * y + z2 * w, 1.0 - x2 * x - z2 * z, y2 * z - x2 * w],
        [x2 * z - y2 * w, y2 * z + x2 * w, 1.0 - x2 * x - y2 * y],
    ]
}

/// `R = Rx(elevation) Ry(azimuth)`, by rows.
pub(crate) fn rotation(azimuth: f32, elevation: f32) -> [[f32; 3]; 3] {
    let (sa, ca) = math::sin_cos(azimuth);
    let (se, ce) = math::sin_cos(elevation);
    [[ca, 0.0, sa], [se * sa, ce, -se * ca], [-ce * sa, se, ce * ca]]
}
