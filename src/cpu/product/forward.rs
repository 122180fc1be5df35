//! `y = x W + b`, with what follows it on each row.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};

use super::panels::PANEL;
use super::split::{Grid, for_each_block};
use super::tile::{LINE, Matrix, Prefetch, add_product};
use super::{Layer, row_groups, with_rows};

/// Rows whose sums are held at once: 18 KB on the stack.
const GROUP: usize = 72;
/// Rows of a tile: with four vectors of columns, 24 of AVX-512's 32 registers; with two, 12 of AVX2's 16.
const TILE_ROWS: usize = 6;
/// Values of k between two visits of the sums: the panel's part is 32 KB and stays in the first-level cache while all
/// rows pass.
const STEPS: usize = 128;

/// Calls `finish(row of all rows, columns, sums, written)` with the sums `x W + b` of some columns of every row, and
/// these columns of each output's row.
pub(crate) fn forward<const N: usize>(
    layer: &Layer,
    (x, parameters): (&[f32], &[f32]),
    outputs: [&mut [f32]; N],
    finish: impl Fn(usize, Range<usize>, &[f32], [&mut [f32]; N]) + Sync,
) {
    let Layer { instances, row, rows, y_rows, outputs: columns, panels, inputs, .. } = *layer;
    let grid = Grid { instances, rows: y_rows, columns, chunk: PANEL };
    for_each_block(outputs, grid, layer.is_large(), |instance, columns, mut blocks| {
        let panel = columns.start / PANEL;
        let width = panels.width(panel);
        let weights = &layer.weights(parameters, instance)[panels.range(panel, 0..inputs + 1)];
        let x = layer.x(x, instance);
        for (first, count, _) in row_groups(rows, GROUP) {
            let mut sums = [0.0; GROUP * PANEL];
            let sums = &mut sums[..count * width];
            Arch::new().dispatch(Panel { sums, x: x.from(first, 0), weights, rows: count, inputs, width });
            for (r, sums) in sums.chunks_exact(width).enumerate() {
                let row = row + first + r;
                let written = blocks.each_mut().map(|block| block.row(row));
                finish(instance * y_rows + row, columns.clone(), &sums[..columns.len()], written);
            }
        }
    });
}

/// Some rows times one panel.
pub(super) struct Panel<'a> {
    /// (rows, width), overwritten.
    pub(super) sums: &'a mut [f32],
    pub(super) x: Matrix<'a>,
    /// (inputs + 1, width), the bias last.
    pub(super) weights: &'a [f32],
    pub(super) rows: usize,
    pub(super) inputs: usize,
    /// A multiple of 16.
    pub(super) width: usize,
}

impl WithSimd for Panel<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { sums, x, weights, rows, inputs, width } = self;
        let (weights, bias) = weights.split_at(inputs * width);
        sums.chunks_exact_mut(width).for_each(|row| row.copy_from_slice(bias));
        for first in (0..inputs).step_by(STEPS) {
            let steps = STEPS.min(inputs - first);
            let weights = Matrix { data: &weights[first * width..], stride: width };
            // While this part is used, the next is fetched, evenly.
            let mut missing = width / LINE;
            let mut ahead = steps * width;
            for (row, count, left) in row_groups(rows, TILE_ROWS) {
                let lines = missing.div_ceil(left);
                missing -= lines;
                let mut fetch = Prefetch { ahead, lines };
                ahead += steps * lines * LINE;
                let x = x.from(row, first);
                let mut column = 0;
                while column < width {
                    let sums = (&mut sums[row * width + column..], width);
                    let weights = weights.from(0, column);
                    let vectors = (width - column) / S::F32_LANES;
                    if vectors >= 4 && S::REGISTER_COUNT >= 32 {
                        with_rows!(count, add_product::<S, _, 4>(simd, sums, x, weights, steps, fetch));
                        column += 4 * S::F32_LANES;
                    } else if vectors >= 2 {
                        with_rows!(count, add_product::<S, _, 2>(simd, sums, x, weights, steps, fetch));
                        column += 2 * S::F32_LANES;
                    } else {
                        with_rows!(count, add_product::<S, _, 1>(simd, sums, x, weights, steps, fetch));
                        column += S::F32_LANES;
                    }
                    // Once is enough.
                    fetch.lines = 0;
                }
            }
        }
    }
}
