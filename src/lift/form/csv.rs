//! A table for spreadsheets and pandas: a row for each person and frame.

use csv::ByteRecord;

use super::check::check;
use super::jsonl::written;
use super::line::number;
use super::out::Out;
use super::{About, Lifted, Sink};
use crate::error::{Error, Result};

/// Writes rows as soon as they are there.
pub(super) struct Csv {
    about: About,
    out: Out,
    frames: usize,
    poses: usize,
    record: ByteRecord,
    cell: Vec<u8>,
}

impl Csv {
    /// Writes the names of the columns.
    pub(super) fn new(about: About, out: Out) -> Result<Self> {
        let mut record: ByteRecord =
            ["sequence", "frame", "time", "id", "adapted", "root_x", "root_y", "root_z"].to_vec().into();
        for name in about.skeleton.names {
            for value in ["x", "y", "z", "confidence"] {
                record.push_field(format!("{name}_{value}").as_bytes());
            }
        }
        let mut table = Self { about, out, frames: 0, poses: 0, record: ByteRecord::new(), cell: Vec::new() };
        table.write([&record])?;
        Ok(table)
    }

    fn write<'a>(&mut self, records: impl IntoIterator<Item = &'a ByteRecord>) -> Result<()> {
        let failed = |error: csv::Error| Error::io(self.out.path(), "write", error.into());
        let mut rows = csv::Writer::from_writer(Vec::new());
        for record in records {
            rows.write_byte_record(record).map_err(failed)?;
        }
        let rows = rows.into_inner().map_err(|error| Error::io(self.out.path(), "write", error.into_error()))?;
        self.out.write(&rows)
    }

    /// Adds a number, or an empty cell.
    fn push(&mut self, value: Option<f64>, digits: usize) {
        self.cell.clear();
        if let Some(value) = value {
            number(&mut self.cell, value, digits);
        }
        self.record.push_field(&self.cell);
    }
}

impl Sink for Csv {
    fn push(&mut self, frame: &Lifted) -> Result<()> {
        check(frame, &self.about)?;
        let mut rows = Vec::with_capacity(frame.people.len());
        for person in &frame.people {
            self.record.clear();
            self.record.push_field(frame.sequence.as_deref().unwrap_or_default().as_bytes());
            self.record.push_field(frame.frame.to_string().as_bytes());
            self.push(frame.time, 6);
            self.record.push_field(person.id.to_string().as_bytes());
            self.record.push_field(if person.adapted { b"1" } else { b"0" });
            let root = person.root.map(|root| self.about.up.of(root));
            for axis in 0..3 {
                self.push(root.map(|root| root[axis].into()), 5);
            }
            for (joint, confidence) in person.joints.iter().zip(&person.confidence) {
                for metres in self.about.up.of(*joint) {
                    self.push(Some(metres.into()), 5);
                }
                self.push(Some((*confidence).into()), 4);
            }
            rows.push(self.record.clone());
        }
        self.write(&rows)?;
        self.frames += 1;
        self.poses += frame.people.len();
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Vec<String>> {
        written(self.frames, self.poses, self.out)
    }
}

#[cfg(test)]
#[path = "csv_tests.rs"]
mod tests;
