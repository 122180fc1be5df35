//! The three products of a linear layer, on weights in panels, for few rows: forward, the input's gradient, and the
//! weights' gradient with Adam while it is in registers.

mod adam;
mod backward;
mod forward;
mod panels;
mod split;
mod stream;
#[cfg(test)]
mod tests;
mod tile;

pub(crate) use adam::{Gradient, Moments, Part, reserve, weight_adam};
pub(crate) use backward::backward_input;
pub(crate) use forward::forward;
pub(crate) use panels::Panels;
pub(crate) use stream::fill_past_caches;

use crate::kernel::Uniforms;

/// Sizes of a linear layer's dispatch. Rows [row, row + rows) of each instance take part.
#[derive(Clone, Copy)]
pub(crate) struct Layer {
    instances: usize,
    row: usize,
    rows: usize,
    x_rows: usize,
    y_rows: usize,
    inputs: usize,
    outputs: usize,
    panels: Panels,
}

impl Layer {
    pub(crate) fn of(u: &Uniforms) -> Self {
        let (inputs, outputs) = (u.size("in_features"), u.size("out_features"));
        Self {
            instances: u.size("instances"),
            row: u.size("row"),
            rows: u.size("rows"),
            x_rows: u.size("x_rows"),
            y_rows: u.size("y_rows"),
            inputs,
            outputs,
            panels: Panels::new(inputs + 1, outputs),
        }
    }

    /// The weights of an instance, whether it has its own or shares those of all.
    fn weights<'a>(&self, parameters: &'a [f32], instance: usize) -> &'a [f32] {
        let size = self.panels.size();
        let own = instance % (parameters.len() / size);
        &parameters[own * size..][..size]
    }

    fn x<'a>(&self, x: &'a [f32], instance: usize) -> tile::Matrix<'a> {
        tile::Matrix { data: &x[(instance * self.x_rows + self.row) * self.inputs..], stride: self.inputs }
    }

    fn y<'a>(&self, y: &'a [f32], instance: usize) -> tile::Matrix<'a> {
        tile::Matrix { data: &y[(instance * self.y_rows + self.row) * self.outputs..], stride: self.outputs }
    }

    /// Whether the work is worth handing to other threads.
    fn is_large(&self) -> bool {
        self.instances * self.rows * self.inputs * self.outputs >= split::PARALLEL_FROM
    }
}

/// Cuts `rows` into groups of at most `most`, as even as can be: (first, count, groups left). An iterator, because the
/// body of a closure would not be compiled for the vector unit of the function around it.
#[inline(always)]
fn row_groups(rows: usize, most: usize) -> impl Iterator<Item = (usize, usize, usize)> {
    let groups = rows.div_ceil(most);
    let mut first = 0;
    (0..groups).map(move |group| {
        let (from, left) = (first, groups - group);
        let count = (rows - from).div_ceil(left);
        first += count;
        (from, count, left)
    })
}

/// Calls `$tile::<$simd, N, $more>` with N = `$rows`, 1 to 6: a tile's rows are known when it is compiled.
macro_rules! with_rows {
    ($rows:expr, $tile:ident::<$simd:ty, _, $more:literal>($($argument:expr),* $(,)?)) => {
        match $rows {
            6 => $tile::<$simd, 6, $more>($($argument),*),
            5 => $tile::<$simd, 5, $more>($($argument),*),
            4 => $tile::<$simd, 4, $more>($($argument),*),
            3 => $tile::<$simd, 3, $more>($($argument),*),
            2 => $tile::<$simd, 2, $more>($($argument),*),
            1 => $tile::<$simd, 1, $more>($($argument),*),
            rows => unreachable!("a tile of {rows} rows"),
        }
    };
}
use with_rows;
