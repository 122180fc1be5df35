//! Twins of the linear layer's weight gradient fused with Adam. The gradient of a tile of parameters is made in a
//! buffer that stays in cache, then Adam walks the tile: it never goes to memory.

use std::cell::RefCell;

use rayon::prelude::*;

use super::State;
use super::optimizer::{adam_move, moments};
use super::product::{Matrix, multiply};
use crate::kernel::{Inputs, Outputs, Uniforms};

/// Rows of parameters in a tile: 32 rows of 1024 features are 128 KB, well inside a core's second-level cache.
const TILE: usize = 32;

thread_local! {
    /// A tile's gradient; grows to the largest once and is then reused.
    static GRADIENT: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
    /// `dy * row_scale` where that is not `dy` itself.
    static SCALED: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// One tile: its first element among all parameters, and the number of its elements.
type Tile = (usize, usize);

/// Calls `step(tile, gradient, elements of the tile)` for each tile of `parameters` (instances, in + 1, out), `elements`
/// being what `split` cut out of the written tensors.
fn for_each_tile<T: Send>(
    u: &Uniforms,
    inputs: &Inputs<'_>,
    tiles: impl IndexedParallelIterator<Item = T>,
    step: impl Fn(Tile, &[f32], T) + Sync,
) {
    let (features, outputs) = (u.size("in_features"), u.size("out_features"));
    let (x_rows, y_rows) = (u.size("x_rows"), u.size("y_rows"));
    let (row, rows) = (u.size("row"), u.size("rows"));
    let (x, dy, row_scale) = (inputs.get("x"), inputs.get("dy"), inputs.get("row_scale"));
    let unscaled = row_scale.iter().all(|&s| s == 1.0);
    SCALED.with_borrow_mut(|scaled| {
        if !unscaled {
            scaled.clear();
            scaled.extend(dy.chunks_exact(outputs).zip(row_scale).flat_map(|(row, s)| row.iter().map(move |d| d * s)));
        }
        let dy = if unscaled { dy } else { &scaled[..] };
        let per_instance = (features + 1).div_ceil(TILE);
        tiles.enumerate().for_each(|(tile, elements)| {
            let (instance, first) = (tile / per_instance, tile % per_instance * TILE);
            let count = TILE.min(features + 1 - first);
            let x = &x[(instance * x_rows + row) * features..];
            let y0 = (instance * y_rows + row) * outputs;
            let dy = &dy[y0..y0 + rows * outputs];
            GRADIENT.with_borrow_mut(|gradient| {
                if gradient.len() < TILE * outputs {
                    gradient.resize(TILE * outputs, 0.0);
                }
                let gradient = &mut gradient[..count * outputs];
                let weights = count.min(features - first);
                if weights > 0 {
                    let x = Matrix {
                        data: &x[first..],
                        rows: weights,
                        columns: rows,
                        row_stride: 1,
                        column_stride: features,
                    };
                    let dy = Matrix::new(dy, rows, outputs);
                    multiply(&mut gradient[..weights * outputs], x, dy, false, false);
                }
                if weights < count {
                    // The last row is the bias.
                    let bias = &mut gradient[weights * outputs..];
                    bias.fill(0.0);
                    let input = u.f32("bias_input");
                    dy.chunks_exact(outputs)
                        .for_each(|row| bias.iter_mut().zip(row).for_each(|(b, d)| *b += input * d));
                }
                step((instance * (features + 1) * outputs + first * outputs, count * outputs), gradient, elements);
            });
        });
    });
}

/// Cuts a written tensor (instances, in + 1, out) into the tiles of [`for_each_tile`].
fn tiles<'a>(u: &Uniforms, words: &'a mut [f32]) -> Vec<&'a mut [f32]> {
    let (features, outputs) = (u.size("in_features"), u.size("out_features"));
    words.chunks_exact_mut((features + 1) * outputs).flat_map(|instance| instance.chunks_mut(TILE * outputs)).collect()
}

pub(crate) fn linear_backward_weight_adam(u: &Uniforms, inputs: &Inputs<'_>, outputs: &mut Outputs<'_>) {
    let state = State::of(inputs.get("state"));
    let [p, m, v] = ["parameters", "exp_avg", "exp_avg_sq"].map(|name| tiles(u, outputs.take(name)));
    let all = p.into_par_iter().zip(m).zip(v);
    for_each_tile(u, inputs, all, |_, gradient, ((p, m), v)| {
        for (((p, m), v), &g) in p.iter_mut().zip(m).zip(v).zip(gradient) {
            (*m, *v) = moments(*m, *v, g);
            *p += adam_move(&state, *m, *v);
        }
    });
}

pub(crate) fn linear_backward_weight_adam_first(u: &Uniforms, inputs: &Inputs<'_>, outputs: &mut Outputs<'_>) {
    let state = State::of(inputs.get("state"));
    let source = inputs.get("source");
    let [p, m, v] = ["parameters", "exp_avg", "exp_avg_sq"].map(|name| tiles(u, outputs.take(name)));
    let all = p.into_par_iter().zip(m).zip(v);
    for_each_tile(u, inputs, all, |(first, count), gradient, ((p, m), v)| {
        let first = first % source.len();
        let source = &source[first..first + count];
        for ((((p, m), v), &g), from) in p.iter_mut().zip(m).zip(v).zip(gradient).zip(source) {
            (*m, *v) = moments(0.0, 0.0, g);
            *p = from + adam_move(&state, *m, *v);
        }
    });
}

pub(crate) fn linear_backward_weight_adam_last(u: &Uniforms, inputs: &Inputs<'_>, outputs: &mut Outputs<'_>) {
    let state = State::of(inputs.get("state"));
    let (m, v) = (inputs.get("exp_avg"), inputs.get("exp_avg_sq"));
    let all = tiles(u, outputs.take("parameters")).into_par_iter();
    for_each_tile(u, inputs, all, |(first, count), gradient, p| {
        let (m, v) = (&m[first..first + count], &v[first..first + count]);
        for (((p, &m), &v), &g) in p.iter_mut().zip(m).zip(v).zip(gradient) {
            let (m, v) = moments(m, v, g);
            *p += adam_move(&state, m, v);
        }
    });
}

pub(crate) fn linear_backward_weight_adam_only(u: &Uniforms, inputs: &Inputs<'_>, outputs: &mut Outputs<'_>) {
    let state = State::of(inputs.get("state"));
    let source = inputs.get("source");
    let all = tiles(u, outputs.take("parameters")).into_par_iter();
    for_each_tile(u, inputs, all, |(first, count), gradient, p| {
        let first = first % source.len();
        for ((p, &g), from) in p.iter_mut().zip(gradient).zip(&source[first..first + count]) {
            let (m, v) = moments(0.0, 0.0, g);
            *p = from + adam_move(&state, m, v);
        }
    });
}
