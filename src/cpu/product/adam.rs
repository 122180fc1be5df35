//! The gradient of a linear layer's parameters, `[x, bias_input]ᵀ (dy ⊙ row_scale)`, and Adam on it while it is in
//! registers: it never goes to memory.

use std::cell::RefCell;
use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};

use super::panels::PANEL;
use super::split::for_each_part;
use super::tile::{Matrix, outer_products};
use super::{Layer, Panels};
use crate::cpu::State;
use crate::cpu::optimizer::{BETA1, BETA2, EPS, ONE_MINUS_BETA1, ONE_MINUS_BETA2};

/// Rows of parameters in a part of the work: a multiple of the tile's.
const CHUNK: usize = 192;
/// Rows of parameters in a tile.
const TILE_INPUTS: usize = 6;

thread_local! {
    /// `dy * row_scale` of one panel, packed; [`reserve`] makes it large enough.
    static PACKED: RefCell<Vec<[f32; 16]>> = const { RefCell::new(Vec::new()) };
}

/// What the gradient is made of.
#[derive(Clone, Copy)]
pub(crate) struct Gradient<'a> {
    pub(crate) x: &'a [f32],
    pub(crate) dy: &'a [f32],
    pub(crate) row_scale: &'a [f32],
    pub(crate) bias_input: f32,
}

/// A part of the parameters in an optimisation step.
pub(crate) struct Part<'a> {
    pub(crate) parameters: &'a mut [f32],
    /// The parameters before the step, where they are not in `parameters`.
    pub(crate) source: Option<&'a [f32]>,
    pub(crate) moments: Moments<'a>,
}

impl Part<'_> {
    /// The elements from `first` on of what a step reads or writes.
    #[inline(always)]
    fn from(&self, first: usize) -> [Option<&[f32]>; 4] {
        let [m, v] = match &self.moments {
            Moments::Carried(m, v) | Moments::Started(m, v) => [m.get(first..), v.get(first..)],
            Moments::Ended(m, v) => [m.get(first..), v.get(first..)],
            Moments::Unused => [None; 2],
        };
        [self.parameters.get(first..), self.source.and_then(|source| source.get(first..)), m, v]
    }
}

/// What becomes of Adam's moments in a step.
pub(crate) enum Moments<'a> {
    /// Read and written.
    Carried(&'a mut [f32], &'a mut [f32]),
    /// Written: the step is the first.
    Started(&'a mut [f32], &'a mut [f32]),
    /// Read: the step is the last.
    Ended(&'a [f32], &'a [f32]),
    /// The step is the only one.
    Unused,
}

/// One step of the parameters. `written` are the tensors that change; `part_of(range, parts)` sorts the parts of them
/// that lie at `range`.
pub(crate) fn weight_adam<'a, const N: usize>(
    layer: &Layer,
    gradient: Gradient<'_>,
    state: &State,
    written: [&'a mut [f32]; N],
    part_of: impl Fn(Range<usize>, [&'a mut [f32]; N]) -> Part<'a> + Sync,
) {
    let Layer { instances, row, rows, y_rows, panels, .. } = *layer;
    let chunks = panels.rows.div_ceil(CHUNK);
    let per_instance = panels.count() * chunks;
    let place = |part: usize| {
        let (instance, panel, chunk) = (part / per_instance, part % per_instance / chunks, part % chunks);
        (instance, panel, chunk * CHUNK..panels.rows.min((chunk + 1) * CHUNK))
    };
    let range_of = |part: usize| {
        let (instance, panel, inputs) = place(part);
        let range = panels.range(panel, inputs);
        instance * panels.size() + range.start..instance * panels.size() + range.end
    };
    for_each_part(written, instances * per_instance, layer.is_large(), range_of, |part, parts| {
        let (instance, panel, inputs) = place(part);
        let first = instance * y_rows + row;
        let row_scale = &gradient.row_scale[first..first + rows];
        with_packed(layer.y(gradient.dy, instance), row_scale, (&panels, panel), |dy| {
            Arch::new().dispatch(Chunk {
                part: part_of(range_of(part), parts),
                inputs: inputs.clone(),
                bias: (layer.inputs, gradient.bias_input),
                x: layer.x(gradient.x, instance),
                dy: Matrix { data: dy, stride: panels.width(panel) },
                rows,
                state,
            });
        });
    });
}

/// Makes this thread ready for gradients over `rows` rows, so that none of its later work allocates.
pub(crate) fn reserve(rows: usize) {
    PACKED.with_borrow_mut(|packed| {
        let lines = rows * PANEL / 16;
        packed.resize(lines.max(packed.len()), [0.0; 16]);
    });
}

/// Calls `work` with `dy * row_scale` of one panel, padded to the panel's width.
fn with_packed<T>(
    dy: Matrix<'_>,
    row_scale: &[f32],
    (panels, panel): (&Panels, usize),
    work: impl FnOnce(&[f32]) -> T,
) -> T {
    let (width, first) = (panels.width(panel), panel * PANEL);
    let columns = PANEL.min(panels.columns - first);
    reserve(row_scale.len());
    PACKED.with_borrow_mut(|packed| {
        let lines = row_scale.len() * width / 16;
        let packed = packed[..lines].as_flattened_mut();
        for ((r, to), scale) in packed.chunks_exact_mut(width).enumerate().zip(row_scale) {
            let (to, padding) = to.split_at_mut(columns);
            to.iter_mut().zip(&dy.row(r)[first..]).for_each(|(to, d)| *to = d * scale);
            padding.fill(0.0);
        }
        work(packed)
    })
}

/// Some rows of one panel of parameters.
struct Chunk<'a> {
    part: Part<'a>,
    inputs: Range<usize>,
    /// The row that is the bias, and its input.
    bias: (usize, f32),
    x: Matrix<'a>,
    dy: Matrix<'a>,
    rows: usize,
    state: &'a State,
}

impl WithSimd for Chunk<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { mut part, inputs, bias: (bias, bias_input), x, dy, rows, state } = self;
        let adam = Adam::new(simd, state);
        let weights = inputs.start..inputs.end.min(bias);
        let mut input = weights.start;
        while input < weights.end {
            let (at, x) = ((input - inputs.start) * dy.stride, x.from(0, input));
            if weights.end - input >= TILE_INPUTS {
                step::<S, TILE_INPUTS>(&adam, &mut part, at, x, dy, rows);
                input += TILE_INPUTS;
            } else {
                step::<S, 1>(&adam, &mut part, at, x, dy, rows);
                input += 1;
            }
        }
        if inputs.contains(&bias) {
            let x = Matrix { data: &[bias_input], stride: 0 };
            step::<S, 1>(&adam, &mut part, (bias - inputs.start) * dy.stride, x, dy, rows);
        }
    }
}

/// `I` rows of parameters of a panel, the first at element `at` of the part.
#[inline(always)]
fn step<S: Simd, const I: usize>(
    adam: &Adam<S>,
    part: &mut Part<'_>,
    at: usize,
    x: Matrix<'_>,
    dy: Matrix<'_>,
    rows: usize,
) {
    let mut column = 0;
    while column < dy.stride {
        let vectors = (dy.stride - column) / S::F32_LANES;
        let (at, dy) = (at + column, dy.from(0, column));
        if vectors >= 4 && S::REGISTER_COUNT >= 32 {
            adam.step(
                part,
                at,
                dy.stride,
                outer_products::<S, I, 4>(adam.simd, x, dy, rows, part.from(at + I * dy.stride)),
            );
            column += 4 * S::F32_LANES;
        } else if vectors >= 2 {
            adam.step(
                part,
                at,
                dy.stride,
                outer_products::<S, I, 2>(adam.simd, x, dy, rows, part.from(at + I * dy.stride)),
            );
            column += 2 * S::F32_LANES;
        } else {
            adam.step(
                part,
                at,
                dy.stride,
                outer_products::<S, I, 1>(adam.simd, x, dy, rows, part.from(at + I * dy.stride)),
            );
            column += S::F32_LANES;
        }
    }
}

/// Adam on vectors.
struct Adam<S: Simd> {
    simd: S,
    beta1: S::f32s,
    one_minus_beta1: S::f32s,
    beta2: S::f32s,
    one_minus_beta2: S::f32s,
    inverse_sqrt2: S::f32s,
    eps: S::f32s,
    step_size: S::f32s,
}

impl<S: Simd> Adam<S> {
    #[inline(always)]
    fn new(simd: S, state: &State) -> Self {
        Self {
            simd,
            beta1: simd.splat_f32s(BETA1),
            one_minus_beta1: simd.splat_f32s(ONE_MINUS_BETA1),
            beta2: simd.splat_f32s(BETA2),
            one_minus_beta2: simd.splat_f32s(ONE_MINUS_BETA2),
            inverse_sqrt2: simd.splat_f32s(state.inverse_sqrt2),
            eps: simd.splat_f32s(EPS),
            step_size: simd.splat_f32s(-state.step_size),
        }
    }

    /// Steps a tile with its gradient; its rows begin at element `at` of the part, `stride` apart.
    #[inline(always)]
    fn step<const I: usize, const V: usize>(
        &self,
        part: &mut Part<'_>,
        at: usize,
        stride: usize,
        gradient: [[S::f32s; V]; I],
    ) {
        for (i, g) in gradient.into_iter().enumerate() {
            let row = at + i * stride..at + i * stride + V * S::F32_LANES;
            let zero = [self.simd.splat_f32s(0.0); V];
            // All reads come before all writes: the three tensors often lie alike in their pages, and a read right
            // behind a write of the same address bits waits for it.
            let from = load::<S, V>(part.source.unwrap_or(part.parameters), &row);
            let (m, v) = match &part.moments {
                Moments::Carried(m, v) => (load::<S, V>(m, &row), load::<S, V>(v, &row)),
                Moments::Ended(m, v) => (load::<S, V>(m, &row), load::<S, V>(v, &row)),
                Moments::Started(..) | Moments::Unused => (zero, zero),
            };
            let (p, m, v) = self.moved(from, m, v, g);
            store::<S, V>(part.parameters, &row, p);
            if let Moments::Carried(exp_avg, exp_avg_sq) | Moments::Started(exp_avg, exp_avg_sq) = &mut part.moments {
                store::<S, V>(exp_avg, &row, m);
                store::<S, V>(exp_avg_sq, &row, v);
            }
        }
    }

    /// Parameters and moments after gradient `g`.
    #[inline(always)]
    #[expect(clippy::type_complexity, reason = "three rows of vectors")]
    fn moved<const V: usize>(
        &self,
        mut p: [S::f32s; V],
        mut m: [S::f32s; V],
        mut v: [S::f32s; V],
        g: [S::f32s; V],
    ) -> ([S::f32s; V], [S::f32s; V], [S::f32s; V]) {
        let simd = self.simd;
        for k in 0..V {
            m[k] = simd.mul_add_f32s(self.beta1, m[k], simd.mul_f32s(self.one_minus_beta1, g[k]));
            let square = simd.mul_f32s(simd.mul_f32s(self.one_minus_beta2, g[k]), g[k]);
            v[k] = simd.mul_add_f32s(self.beta2, v[k], square);
            let root = simd.mul_add_f32s(simd.sqrt_f32s(v[k]), self.inverse_sqrt2, self.eps);
            p[k] = simd.add_f32s(p[k], simd.div_f32s(simd.mul_f32s(self.step_size, m[k]), root));
        }
        (p, m, v)
    }
}

#[inline(always)]
fn load<S: Simd, const V: usize>(words: &[f32], range: &Range<usize>) -> [S::f32s; V] {
    let (vectors, _) = S::as_simd_f32s(&words[range.clone()]);
    std::array::from_fn(|v| vectors[v])
}

#[inline(always)]
fn store<S: Simd, const V: usize>(words: &mut [f32], range: &Range<usize>, values: [S::f32s; V]) {
    let (vectors, _) = S::as_mut_simd_f32s(&mut words[range.clone()]);
    vectors.copy_from_slice(&values);
}
