//! A tensor's memory on the CPU.

use bytemuck::{Pod, Zeroable};

use super::product::Panels;

/// A cache line: memory begins on one, so that no vector lies across two.
#[repr(C, align(64))]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
struct Line([f32; 16]);

/// The elements of a tensor, in the order that the twins want.
#[derive(Default)]
pub(crate) struct Memory {
    lines: Vec<Line>,
    stored: usize,
    panels: Option<Panels>,
}

impl Memory {
    /// Row-major, as the plan has it.
    pub(crate) fn plain(values: &[f32]) -> Self {
        let mut memory = Self::zeros(values.len(), None);
        memory.write(0, values);
        memory
    }

    /// Matrices (.., rows, columns) of a linear layer's parameters or moments, in panels.
    pub(crate) fn weights(values: &[f32], rows: usize, columns: usize) -> Self {
        let panels = Panels::new(rows, columns);
        let mut memory = Self::zeros(values.len() / (rows * columns) * panels.size(), Some(panels));
        memory.write(0, values);
        memory
    }

    fn zeros(stored: usize, panels: Option<Panels>) -> Self {
        Self { lines: vec![Line::zeroed(); stored.div_ceil(16)], stored, panels }
    }

    /// How many elements the tensor has.
    pub(crate) fn elements(&self) -> usize {
        self.panels.map_or(self.stored, |panels| self.stored / panels.size() * panels.rows * panels.columns)
    }

    /// The elements as they lie.
    pub(crate) fn stored(&self) -> &[f32] {
        &bytemuck::cast_slice(&self.lines)[..self.stored]
    }

    /// As [`Self::stored`], to write.
    pub(crate) fn stored_mut(&mut self) -> &mut [f32] {
        &mut bytemuck::cast_slice_mut(&mut self.lines)[..self.stored]
    }

    /// Overwrites the elements from `first` on, counted row-major.
    pub(crate) fn write(&mut self, first: usize, values: &[f32]) {
        match self.panels {
            Some(panels) => panels.write(self.stored_mut(), first, values),
            None => self.stored_mut()[first..first + values.len()].copy_from_slice(values),
        }
    }

    /// All elements, row-major.
    pub(crate) fn read(&self) -> Vec<f32> {
        match self.panels {
            Some(panels) => panels.read(self.stored()),
            None => self.stored().to_vec(),
        }
    }
}
