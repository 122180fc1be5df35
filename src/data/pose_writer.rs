//! The file of a pose set: of one in memory, or of poses that come block by block and are never all there.

use std::{
    fs::File,
    io::{BufWriter, Read, Seek, Write},
    path::{Path, PathBuf},
};

use serde::Serialize;

use super::PoseSet;
use crate::{
    error::{Error, Result},
    format::npz::{NpzWriter, scratch},
};

/// What a written pose set has.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Summary {
    /// N.
    pub poses: usize,
    /// J.
    pub joints: usize,
    /// Runs of one sequence.
    pub sequences: usize,
    /// Names of subjects.
    pub subjects: usize,
    /// Names of actions.
    pub actions: usize,
    /// Joints of confidence 0.
    pub missing_joints: usize,
    /// Whether there are 3D positions.
    pub positions: bool,
    /// What was left out, taken otherwise than the file says, or is odd.
    pub warnings: Vec<String>,
}

/// Writes a pose set of any size. Each array goes to a temporary file beside the path, for an array of the file begins
/// with N, which is known last. Dropped before `finish`, it leaves nothing behind.
pub struct PoseSetWriter {
    path: PathBuf,
    /// Of those of [`PoseSet::columns`] that the poses have.
    columns: [Option<Rows>; COLUMNS],
    summary: Summary,
    last_sequence: Option<i32>,
}

/// The rows of a column so far.
struct Rows {
    file: BufWriter<File>,
    /// The first one, little-endian, while a row stands for all.
    one: Option<Vec<u8>>,
}

/// How many arrays may have a row for each pose.
pub(super) const COLUMNS: usize = 9;

/// An array with a row for each pose.
pub(super) struct Column {
    pub(super) name: &'static str,
    /// NumPy's type.
    pub(super) descr: &'static str,
    /// The sizes of a row.
    pub(super) row: Vec<usize>,
    /// Whether it says something of cameras: poses of one camera share a row, and all or none have one.
    pub(super) is_of_cameras: bool,
}

impl Column {
    fn row_bytes(&self) -> usize {
        self.row.iter().product::<usize>() * size_of::<f32>()
    }

    /// Whether a row stands for all: the first of `bytes`, or `one`.
    pub(super) fn has_one_row(&self, bytes: &[u8], one: Option<&[u8]>) -> bool {
        let mut rows = bytes.chunks_exact(self.row_bytes());
        let one = one.or_else(|| bytes.get(..self.row_bytes()));
        self.is_of_cameras && rows.all(|row| Some(row) == one)
    }
}

impl PoseSetWriter {
    /// Starts a file that will appear at `path`. Nothing is written before the first block.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), columns: Default::default(), summary: Summary::default(), last_sequence: None }
    }

    /// Where the file will be.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds poses. All blocks have the same arrays, except that image sizes and intrinsics are left out if some poses lack
    /// them. Numbers index the names that this block has; the last block's are written.
    ///
    /// # Errors
    /// If the block is not valid, or writing fails.
    pub fn add(&mut self, block: &PoseSet) -> Result<()> {
        block.check(&self.path, self.summary.poses)?;
        let failed = |error| Error::io(&self.path, "write", error);
        for ((column, bytes), rows) in block.columns().iter().zip(&mut self.columns) {
            let Some(bytes) = bytes else { continue };
            let rows = match rows {
                Some(rows) => rows,
                None => {
                    let one = bytes.get(..column.row_bytes()).map(<[u8]>::to_vec);
                    rows.insert(Rows { file: BufWriter::new(scratch(&self.path)?), one })
                }
            };
            rows.one = rows.one.take().filter(|one| column.has_one_row(bytes, Some(one)));
            rows.file.write_all(bytes).map_err(failed)?;
        }
        let sequence = block.sequence.as_deref().unwrap_or_default();
        let goes_on = sequence.first().copied() == self.last_sequence && self.summary.poses > 0;
        self.last_sequence = sequence.last().copied();
        let summary = &mut self.summary;
        summary.poses += block.len();
        summary.joints = block.joints;
        summary.sequences += block.sequence_starts().len() - usize::from(goes_on);
        summary.missing_joints += block.confidence.iter().flatten().filter(|confidence| **confidence == 0.0).count();
        summary.positions = block.positions.is_some();
        Ok(())
    }

    /// Adds the last block and puts the file together; it appears whole or not at all.
    ///
    /// # Errors
    /// If there is no pose, the blocks did not have the same arrays, or writing fails.
    pub fn finish(mut self, last: &PoseSet) -> Result<Summary> {
        if self.summary.poses == 0 || !last.is_empty() {
            self.add(last)?;
        }
        let (n, path) = (self.summary.poses, &self.path);
        let failed = |error| Error::io(path, "write", error);
        let (columns, mut files) = (last.columns(), Vec::new());
        for ((column, _), rows) in columns.iter().zip(self.columns) {
            let Some(Rows { file, one }) = rows else {
                files.push((column, None));
                continue;
            };
            let mut file = file.into_inner().map_err(|error| failed(error.into_error()))?;
            let needed = n * column.row_bytes();
            let is_whole = file.stream_position().map_err(failed)? == needed as u64;
            if !is_whole && !column.is_of_cameras {
                let problem = format!("it does not match {n} poses of {} joints", last.joints);
                return Err(Error::file(path, column.name, problem, "give every pose one"));
            }
            file.rewind().map_err(failed)?;
            files.push((column, is_whole.then_some((one.is_some(), file))));
        }
        write(path, last, n, files)?;
        let (subjects, actions) = (last.subject_names.len(), last.action_names.len());
        Ok(Summary { subjects, actions, ..self.summary })
    }
}

/// Writes the file of `n` poses: their arrays with their elements, little-endian, where they have them, and whether the
/// first row stands for all and is written alone; the names are those of `set`.
pub(super) fn write<'a, R: Read>(
    path: &Path,
    set: &PoseSet,
    n: usize,
    columns: impl IntoIterator<Item = (&'a Column, Option<(bool, R)>)>,
) -> Result<()> {
    let mut npz = NpzWriter::create(path)?;
    for (Column { name, descr, row, .. }, rows) in columns {
        if let Some((is_one, bytes)) = rows {
            let rows = if is_one { &[][..] } else { &[n] };
            npz.copy(name, descr, &[rows, row].concat(), bytes)?;
        }
        if !set.names(name).is_empty() {
            npz.strings(&format!("{name}_names"), set.names(name))?;
        }
    }
    npz.strings("joint_names", &set.joint_names)?;
    npz.finish()
}

#[cfg(test)]
#[path = "pose_writer_tests.rs"]
mod tests;
