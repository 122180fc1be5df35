//! Arrays of numbers in a temporary file instead of memory.

use std::{
    fs::File,
    io::{Error, ErrorKind, Read, Result, Seek, SeekFrom, Write},
    sync::Arc,
};

use super::Array;

/// A file of arrays, one after the other, in this machine's byte order.
#[derive(Debug)]
pub(super) struct Store {
    file: Arc<File>,
    end: u64,
    /// Arrays of as many bytes go into the file, smaller ones stay in memory.
    pub(super) least: usize,
}

impl Store {
    pub(super) fn new(file: File) -> Self {
        Self { file: Arc::new(file), end: 0, least: 1 << 16 }
    }

    pub(super) fn keep(&mut self, array: Array<f32>) -> Result<Stored> {
        let bytes: &[u8] = bytemuck::cast_slice(&array.values);
        let (mut file, at) = (&*self.file, self.end);
        file.seek(SeekFrom::Start(at))?;
        file.write_all(bytes)?;
        self.end += bytes.len() as u64;
        Ok(Stored { file: Arc::clone(&self.file), at, shape: array.shape })
    }
}

/// An array in a temporary file, which is gone with the last array in it.
#[derive(Debug, Clone)]
pub struct Stored {
    file: Arc<File>,
    at: u64,
    /// Sizes of its dimensions.
    pub shape: Vec<usize>,
}

impl Stored {
    /// Reads rows `first` to `first + count`: some values of the first index.
    ///
    /// # Errors
    /// If there are not as many, or the file cannot be read.
    pub fn rows(&self, first: usize, count: usize) -> Result<Array<f32>> {
        let (range, shape) = range(&self.shape, first, count)?;
        let mut values = vec![0f32; range.len()];
        let mut file = &*self.file;
        file.seek(SeekFrom::Start(self.at + (range.start * size_of::<f32>()) as u64))?;
        file.read_exact(bytemuck::cast_slice_mut(&mut values))?;
        Ok(Array { shape, values })
    }
}

impl PartialEq for Stored {
    /// Whether they are the same array of the same file.
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.file, &other.file) && self.at == other.at && self.shape == other.shape
    }
}

/// Where the elements of some rows of an array are, and the shape that these have.
pub(super) fn range(shape: &[usize], first: usize, count: usize) -> Result<(std::ops::Range<usize>, Vec<usize>)> {
    let (&rows, row) = shape.split_first().ok_or(ErrorKind::InvalidInput)?;
    let Some(end) = first.checked_add(count).filter(|&end| end <= rows) else {
        let problem = format!("rows {first} and {count} on are wanted where there are {rows}");
        return Err(Error::new(ErrorKind::InvalidInput, problem));
    };
    let width: usize = row.iter().product();
    Ok((first * width..end * width, [&[count], row].concat()))
}
