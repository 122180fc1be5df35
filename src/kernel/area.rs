//! Which part of a tensor a dispatch touches: rows and columns of every instance. Two dispatches that touch different
//! parts of one tensor need not wait for each other ([`crate::plan::Schedule`]).

use std::iter::once;
use std::ops::Range;

use arrayvec::ArrayVec;

use super::{Binding, Uniforms};

/// A first row, or column, and how many: each the name of a uniform, or a number.
#[derive(Clone, Copy, Debug)]
pub struct Span(pub &'static str, pub &'static str);

/// Most spans of rows of one binding.
const MAX_SPANS: usize = 2;

impl Span {
    fn range(self, u: &Uniforms) -> Range<u32> {
        let number = |word: &'static str| word.parse().unwrap_or_else(|_| u.u32(word));
        let first = number(self.0);
        first..first + number(self.1)
    }
}

/// Rows and columns of every instance of a tensor (instances, rows, columns).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Area {
    rows: ArrayVec<Range<u32>, MAX_SPANS>,
    columns: Range<u32>,
}

impl Area {
    /// Whether some element belongs to both.
    #[must_use]
    pub fn meets(&self, other: &Self) -> bool {
        let meet = |a: &Range<u32>, b: &Range<u32>| a.start < b.end && b.start < a.end;
        meet(&self.columns, &other.columns) && self.rows.iter().any(|a| other.rows.iter().any(|b| meet(a, b)))
    }

    /// Whether element `index` of a tensor of this shape, row-major, belongs to it.
    #[must_use]
    pub fn contains(&self, shape: &[usize], index: usize) -> bool {
        let &[_, rows, ref columns @ ..] = shape else { return true };
        let columns: usize = columns.iter().product();
        let (row, column) = (index / columns % rows, index % columns);
        self.rows.iter().any(|range| range.contains(&(row as u32))) && self.columns.contains(&(column as u32))
    }
}

impl Binding {
    /// Touches these rows only, of every instance; as many spans as there are, two at most. Without it a binding of a
    /// kernel with the uniforms `row` and `rows` touches `[row, row + rows)` where its second dimension is rows by its
    /// name (`x_rows`), and every other binding all.
    #[must_use]
    pub const fn rows(mut self, rows: &'static [Span]) -> Self {
        self.rows = rows;
        self
    }

    /// Touches these columns only.
    #[must_use]
    pub const fn columns(mut self, columns: Span) -> Self {
        self.columns = Some(columns);
        self
    }

    /// What a dispatch with these uniforms touches of the tensor. What it reads may be more than this says, if that
    /// changes nothing; what it writes must not.
    #[must_use]
    pub fn area(&self, u: &Uniforms) -> Area {
        let named = |name: &str| u.iter().any(|(known, _)| known == name);
        let by_name = self.shape.get(1).is_some_and(|rows| rows.ends_with("_rows")) && named("row") && named("rows");
        let rows = match self.rows {
            [] if by_name => once(Span("row", "rows").range(u)).collect(),
            [] => once(0..u32::MAX).collect(),
            spans => spans.iter().map(|span| span.range(u)).collect(),
        };
        Area { rows, columns: self.columns.map_or(0..u32::MAX, |columns| columns.range(u)) }
    }
}
