//! How the CPU executor keeps a linear layer's weights: in the order that its products read them in, so that nothing
//! wide is packed per call. Adam is elementwise and does not care; reads and writes of the tensor convert.

use std::ops::Range;

/// Columns of a panel: four vectors of 16 floats, what the widest tile holds in registers.
pub(crate) const PANEL: usize = 64;

/// Rows end on this multiple, padded with zeros: the widest vector, and a cache line.
const VECTOR: usize = 16;

/// A matrix (rows, columns) cut into panels of 64 columns (the last may be 16, 32 or 48), each panel row-major and
/// contiguous, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Panels {
    pub(crate) rows: usize,
    pub(crate) columns: usize,
}

impl Panels {
    pub(crate) fn new(rows: usize, columns: usize) -> Self {
        Self { rows, columns }
    }

    /// Elements of one matrix, padding included.
    pub(crate) fn size(&self) -> usize {
        self.rows * self.columns.next_multiple_of(VECTOR)
    }

    /// Number of panels.
    pub(crate) fn count(&self) -> usize {
        self.columns.div_ceil(PANEL)
    }

    /// Columns that a panel stores, padding included.
    pub(crate) fn width(&self, panel: usize) -> usize {
        PANEL.min(self.columns.next_multiple_of(VECTOR) - panel * PANEL)
    }

    /// Where a panel's row begins.
    pub(crate) fn offset(&self, panel: usize, row: usize) -> usize {
        panel * PANEL * self.rows + row * self.width(panel)
    }

    /// Where some rows of a panel lie.
    pub(crate) fn range(&self, panel: usize, rows: Range<usize>) -> Range<usize> {
        self.offset(panel, rows.start)..self.offset(panel, rows.end)
    }

    /// Overwrites the elements from `first` on, counted row-major, of matrices one after the other.
    pub(crate) fn write(&self, stored: &mut [f32], first: usize, values: &[f32]) {
        self.for_each_run(first, values.len(), |from, to| stored[to].copy_from_slice(&values[from]));
    }

    /// All elements, row-major, without padding.
    pub(crate) fn read(&self, stored: &[f32]) -> Vec<f32> {
        let matrices = stored.len() / self.size();
        let mut values = vec![0.0; matrices * self.rows * self.columns];
        self.for_each_run(0, values.len(), |to, from| values[to].copy_from_slice(&stored[from]));
        values
    }

    /// Calls `copy(row-major elements counted from first, stored elements)` for runs that are contiguous in both.
    fn for_each_run(&self, first: usize, count: usize, mut copy: impl FnMut(Range<usize>, Range<usize>)) {
        let mut done = 0;
        while done < count {
            let (row, column) = ((first + done) / self.columns, (first + done) % self.columns);
            let (matrix, row, panel) = (row / self.rows, row % self.rows, column / PANEL);
            let end = self.columns.min((panel + 1) * PANEL);
            let run = (end - column).min(count - done);
            let stored = matrix * self.size() + self.offset(panel, row) + column % PANEL;
            copy(done..done + run, stored..stored + run);
            done += run;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Panels;

    #[test]
    fn writes_and_reads_any_part() {
        for (rows, columns) in [(3, 4), (5, 64), (2, 132), (9, 112)] {
            let panels = Panels::new(rows, columns);
            let values: Vec<f32> = (1..=2 * rows * columns).map(|k| k as f32).collect();
            let mut stored = vec![0.0; 2 * panels.size()];
            for (part, chunk) in values.chunks(7).enumerate() {
                panels.write(&mut stored, part * 7, chunk);
            }
            assert_eq!(panels.read(&stored), values, "{rows} x {columns}");
            let padding = stored.iter().filter(|&&v| v == 0.0).count();
            assert_eq!(padding, stored.len() - values.len(), "every element is stored once, padding stays zero");
        }
    }
}
