//! An array of a `.npz` file, a piece at a time.

use std::{
    io::{Cursor, Read},
    path::Path,
};

use super::{
    super::npy::{ElementType, Header, elements},
    Array, DAMAGED, Npz, PLAIN, member, memory_limit,
};
use crate::error::{Error, Result};

/// The rows of an array, its first index, from the first on.
pub struct RowReader<'a> {
    path: &'a Path,
    name: String,
    from: Box<dyn Read + 'a>,
    element: ElementType,
    shape: Vec<usize>,
    /// Rows that were not read yet.
    left: usize,
}

impl Npz {
    /// Begins to read an array of numbers as f32, row by row. In Fortran order a row is spread over the whole array,
    /// which is then read at once.
    ///
    /// # Errors
    /// If the array is missing, its header is damaged, or it has no rows of numbers.
    pub fn rows(&mut self, name: &str) -> Result<RowReader<'_>> {
        let is_fortran = {
            let mut entry = member(&mut self.archive, &self.path, name)?;
            Header::read(&mut entry).map_err(|problem| Error::file(&self.path, name, problem, PLAIN))?.fortran_order
        };
        let whole = if is_fortran { Some(self.f32(name)?) } else { None };
        let path = self.path.as_path();
        let unusable = |problem: String| Error::file(path, name, problem, PLAIN);
        let (descr, shape, from): (_, _, Box<dyn Read>) = if let Some(Array { shape, values }) = whole {
            let bytes: Vec<u8> = values.into_iter().flat_map(f32::to_le_bytes).collect();
            ("<f4".into(), shape, Box::new(Cursor::new(bytes)))
        } else {
            let mut entry = member(&mut self.archive, path, name)?;
            let header = Header::read(&mut entry).map_err(unusable)?;
            (header.descr, header.shape, Box::new(entry))
        };
        let element = ElementType::parse(&descr).map_err(unusable)?;
        let Some(&left) = shape.first().filter(|_| !element.is_text()) else {
            return Err(unusable(format!("type '{descr}' and shape {shape:?} where rows of numbers are expected")));
        };
        Ok(RowReader { path, name: name.to_owned(), from, element, shape, left })
    }
}

impl RowReader<'_> {
    /// The shape of the whole array.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Reads the next `count` rows, or those that are left.
    ///
    /// # Errors
    /// If the array is damaged, or so many rows do not fit into memory.
    pub fn read(&mut self, count: usize) -> Result<Array<f32>> {
        let error = |problem: String, fix: &str| Error::file(self.path, &self.name, problem, fix);
        let mut shape = self.shape.clone();
        let count = count.min(self.left);
        if let Some(rows) = shape.first_mut() {
            *rows = count;
        }
        let bytes = elements(&shape).ok().and_then(|len| len.checked_mul(self.element.width));
        // The bytes, and at most four times as many of values.
        let Some(bytes) = bytes.filter(|&bytes| bytes.saturating_mul(5) <= memory_limit()) else {
            let problem = format!("{count} rows of its shape {:?} do not fit into memory", self.shape);
            return Err(error(problem, "free memory, or check that it was copied whole"));
        };
        self.left -= count;
        let mut held = Vec::new();
        // After the last row one byte more: it must not be there, and asking for it makes the archive check its CRC.
        let most = bytes as u64 + u64::from(self.left == 0);
        (&mut self.from).take(most).read_to_end(&mut held).map_err(|source| error(source.to_string(), DAMAGED))?;
        if held.len() != bytes {
            let than = if held.len() > bytes { "more" } else { "less" };
            return Err(error(format!("the file holds {than} than shape {:?} needs", self.shape), DAMAGED));
        }
        Ok(Array { shape, values: self.element.f32(&held) })
    }
}

#[cfg(test)]
#[path = "rows_tests.rs"]
mod tests;
