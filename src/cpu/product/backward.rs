//! `dx = dy Wᵀ`, with what follows it on each row. Weights are read along their rows, so that one layout serves both
//! directions; those of a narrow layer are turned around, a block at a time.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};

use super::forward::Panel;
use super::panels::PANEL;
use super::split::{Grid, for_each_block};
use super::tile::{LINE, Matrix, Prefetch, add_dots, add_panels, sum};
use super::{Layer, Panels, row_groups, with_rows};

/// Rows and inputs of a tile: larger ones measured no faster, and with 24 sums the compiler spills. Where there are but
/// 16 registers, it spills one of 12 sums too, and each step waits for that one's way through memory: two rows there.
const TILE_ROWS: usize = 3;
const FEW_REGISTERS_TILE_ROWS: usize = 2;
const TILE_INPUTS: usize = 4;
/// Inputs of a block of work.
const CHUNK: usize = 64;
/// Rows from which on narrow weights are turned around: for fewer the copying costs as much as it saves, by counting, at
/// 48 columns.
const TURN_FROM: usize = 4;
/// Rows whose sums are held at once: 18 KB on the stack.
const GROUP: usize = 72;

/// Calls `finish(row of all rows, inputs, sums, written)` with the sums `dy Wᵀ` of some inputs of every row, and these
/// columns of each output's row.
pub(crate) fn backward_input<const N: usize>(
    layer: &Layer,
    (dy, parameters): (&[f32], &[f32]),
    outputs: [&mut [f32]; N],
    finish: impl Fn(usize, Range<usize>, &[f32], [&mut [f32]; N]) + Sync,
) {
    let Layer { instances, row, rows, x_rows, inputs: columns, panels, .. } = *layer;
    let grid = Grid { instances, rows: x_rows, columns, chunk: CHUNK };
    for_each_block(outputs, grid, layer.is_large(), |instance, inputs, mut blocks| {
        let weights = layer.weights(parameters, instance);
        let dy = layer.y(dy, instance);
        let turned = (panels.count() == 1 && rows >= TURN_FROM).then(|| turn(weights, panels, inputs.clone()));
        let width = if turned.is_some() { CHUNK } else { inputs.len() };
        for (first, count, _) in row_groups(rows, GROUP) {
            let mut dots = [0.0; GROUP * CHUNK];
            let dots = &mut dots[..count * width];
            let x = dy.from(first, 0);
            if let Some(turned) = &turned {
                let weights = &turned[..(panels.columns + 1) * width];
                Arch::new().dispatch(Panel { sums: dots, x, weights, rows: count, inputs: panels.columns, width });
            } else {
                Arch::new().dispatch(Inputs { dots, dy: x, weights, rows: count, inputs: inputs.clone(), panels });
            }
            for (r, dots) in dots.chunks_exact(width).enumerate() {
                let row = row + first + r;
                let written = blocks.each_mut().map(|block| block.row(row));
                finish(instance * x_rows + row, inputs.clone(), &dots[..inputs.len()], written);
            }
        }
    });
}

/// Some rows of a narrow layer's only panel, turned around to a panel of the forward product, (columns + 1, 64): with so
/// few columns most of a dot product would be the addition of its lanes.
fn turn(weights: &[f32], panels: Panels, inputs: Range<usize>) -> [f32; (PANEL + 1) * CHUNK] {
    // The bias stays zero, and so does what lies beyond the last input. 17 KB on the stack.
    let mut turned = [0.0; (PANEL + 1) * CHUNK];
    for (i, input) in inputs.enumerate() {
        let row = &weights[panels.offset(0, input)..][..panels.columns];
        row.iter().enumerate().for_each(|(column, &weight)| turned[column * CHUNK + i] = weight);
    }
    turned
}

/// Some rows times some rows of the weights.
struct Inputs<'a> {
    dots: &'a mut [f32],
    dy: Matrix<'a>,
    weights: &'a [f32],
    rows: usize,
    inputs: Range<usize>,
    panels: Panels,
}

impl WithSimd for Inputs<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { dots, dy, weights, rows, inputs, panels } = self;
        let width = inputs.len();
        let most = if S::REGISTER_COUNT >= 32 { TILE_ROWS } else { FEW_REGISTERS_TILE_ROWS };
        let mut done = 0;
        while done < width {
            let count = if width - done >= TILE_INPUTS { TILE_INPUTS } else { 1 };
            // While these inputs' weights are used, those of the next are fetched, evenly.
            let mut missing = count * PANEL / LINE;
            let mut ahead = count * PANEL;
            for (row, tile_rows, left) in row_groups(rows, most) {
                let lines = missing.div_ceil(left);
                missing -= lines;
                let fetch = Prefetch { ahead, lines };
                ahead += lines * LINE;
                let tile = Tile {
                    dots: &mut dots[row * width + done..],
                    stride: width,
                    dy: dy.from(row, 0),
                    weights,
                    input: inputs.start + done,
                    panels,
                    fetch,
                };
                if count == TILE_INPUTS {
                    with_rows!(tile_rows, dot_tile::<S, _, 4>(simd, tile));
                } else {
                    with_rows!(tile_rows, dot_tile::<S, _, 1>(simd, tile));
                }
            }
            done += count;
        }
    }
}

/// Some rows times up to four rows of the weights.
struct Tile<'a> {
    dots: &'a mut [f32],
    stride: usize,
    dy: Matrix<'a>,
    weights: &'a [f32],
    input: usize,
    panels: Panels,
    fetch: Prefetch,
}

#[inline(always)]
fn dot_tile<S: Simd, const R: usize, const I: usize>(simd: S, tile: Tile<'_>) {
    let Tile { dots, stride, dy, weights, input, panels, fetch } = tile;
    let mut acc = [[simd.splat_f32s(0.0); I]; R];
    let whole = panels.columns / PANEL;
    let rows = Matrix { data: &weights[panels.offset(0, input)..], stride: PANEL };
    add_panels::<S, R, I>(simd, &mut acc, dy, rows, (whole, panels.rows * PANEL), fetch);
    if whole * PANEL < panels.columns {
        let weights = Matrix { data: &weights[panels.offset(whole, input)..], stride: panels.width(whole) };
        add_dots::<S, R, I>(simd, &mut acc, dy.from(0, whole * PANEL), weights, panels.columns - whole * PANEL);
    }
    for (r, acc) in acc.into_iter().enumerate() {
        dots[r * stride..][..I].copy_from_slice(&acc.map(sum::<S>));
    }
}
