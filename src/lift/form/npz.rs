//! A NumPy archive with a row for each person and frame.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufWriter, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::check::check;
use super::{About, Lifted, LiftedPerson, Sink};
use crate::error::{Error, Result};
use crate::format::npz::{NpzWriter, scratch};

/// Spools each array's rows to a scratch file, for an array of the archive begins with N, which is known last.
pub(super) struct Npz {
    about: About,
    path: PathBuf,
    columns: [Column; COLUMNS],
    rows: usize,
    /// In the order in which they came; what names no sequence is in that of the empty name.
    sequences: HashMap<Arc<str>, i32>,
    names: Vec<Arc<str>>,
}

const COLUMNS: usize = 10;

/// An array.
struct Column {
    name: &'static str,
    /// NumPy's type.
    descr: &'static str,
    /// The sizes of a row.
    row: Vec<usize>,
    rows: Option<BufWriter<File>>,
}

impl Npz {
    /// Starts an archive that will appear at `path`.
    pub(super) fn new(about: About, path: &Path) -> Self {
        let joints = about.skeleton.joints;
        let column = |name, descr, row: &[usize]| Column { name, descr, row: row.to_vec(), rows: None };
        let columns = [
            column("positions", "<f4", &[joints, 3]),
            column("root", "<f4", &[3]),
            column("keypoints", "<f4", &[joints, 2]),
            column("confidence", "<f4", &[joints]),
            column("guessed", "<i4", &[joints]),
            column("frame", "<i4", &[]),
            column("time", "<f8", &[]),
            column("track", "<i8", &[]),
            column("adapted", "<i4", &[]),
            column("sequence", "<i4", &[]),
        ];
        let path = path.to_owned();
        Self { about, path, columns, rows: 0, sequences: HashMap::new(), names: Vec::new() }
    }

    fn sequence(&mut self, name: &Arc<str>) -> Result<i32> {
        if let Some(&number) = self.sequences.get(name) {
            return Ok(number);
        }
        let number = i32::try_from(self.names.len()).map_err(|_| {
            Error::file(&self.path, "sequence", "more names than fit in 32 bits", "write fewer sequences to one file")
        })?;
        self.sequences.insert(name.clone(), number);
        self.names.push(name.clone());
        Ok(number)
    }

    fn add(&mut self, frame: &Lifted, person: &LiftedPerson, sequence: i32) -> Result<()> {
        let up = self.about.up;
        let root = person.root.map_or([f32::NAN; 3], |root| up.of(root));
        let cells: [Vec<u8>; COLUMNS] = [
            floats(person.joints.iter().flat_map(|joint| up.of(*joint))),
            floats(root),
            floats(person.keypoints.iter().copied().flatten()),
            floats(person.confidence.iter().copied()),
            person.guessed.iter().flat_map(|guessed| i32::from(*guessed).to_le_bytes()).collect(),
            frame.frame.to_le_bytes().to_vec(),
            frame.time.unwrap_or(f64::NAN).to_le_bytes().to_vec(),
            person.id.to_le_bytes().to_vec(),
            i32::from(person.adapted).to_le_bytes().to_vec(),
            sequence.to_le_bytes().to_vec(),
        ];
        for (column, bytes) in self.columns.iter_mut().zip(cells) {
            let rows = match &mut column.rows {
                Some(rows) => rows,
                none => none.insert(BufWriter::new(scratch(&self.path)?)),
            };
            rows.write_all(&bytes).map_err(|error| Error::io(&self.path, "write", error))?;
        }
        self.rows += 1;
        Ok(())
    }
}

fn floats(values: impl IntoIterator<Item = f32>) -> Vec<u8> {
    values.into_iter().flat_map(f32::to_le_bytes).collect()
}

impl Sink for Npz {
    fn push(&mut self, frame: &Lifted) -> Result<()> {
        check(frame, &self.about)?;
        if frame.people.is_empty() {
            return Ok(());
        }
        let sequence = self.sequence(&frame.sequence.clone().unwrap_or_default())?;
        frame.people.iter().try_for_each(|person| self.add(frame, person, sequence))
    }

    fn finish(self: Box<Self>) -> Result<Vec<String>> {
        let (path, rows) = (&self.path, self.rows);
        let failed = |error| Error::io(path, "write", error);
        let mut npz = NpzWriter::create(path)?;
        for Column { name, descr, row, rows: spooled } in self.columns {
            let shape = [&[rows][..], &row].concat();
            match spooled {
                None => npz.copy(name, descr, &shape, std::io::empty())?,
                Some(spooled) => {
                    let mut file = spooled.into_inner().map_err(|error| failed(error.into_error()))?;
                    file.rewind().map_err(failed)?;
                    npz.copy(name, descr, &shape, file)?;
                }
            }
        }
        npz.strings("sequence_names", &self.names)?;
        npz.strings("joint_names", self.about.skeleton.names)?;
        npz.text("axes", self.about.up.words())?;
        npz.text("units", "m")?;
        npz.text("checkpoint", &self.about.checkpoint)?;
        npz.text("mode", &self.about.mode)?;
        npz.finish()?;
        Ok(vec![format!("{rows} pose{}: {}", if rows == 1 { "" } else { "s" }, path.display())])
    }
}

#[cfg(test)]
#[path = "npz_tests.rs"]
mod tests;
