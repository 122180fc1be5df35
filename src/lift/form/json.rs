//! One JSON document: the header's fields, and the frames as JSON lines have them.

use super::check::check;
use super::jsonl::{header, written};
use super::line::write_frame;
use super::out::Out;
use super::{About, Lifted, Sink};
use crate::error::Result;

/// Writes a document as its frames come.
pub(super) struct Json {
    about: About,
    out: Out,
    line: Vec<u8>,
    frames: usize,
    poses: usize,
}

impl Json {
    /// Writes the header's fields.
    pub(super) fn new(about: About, mut out: Out) -> Result<Self> {
        let mut line = header(&about, &out)?;
        // The header's object stays open.
        line.pop();
        line.extend_from_slice(b",\"frames\":[");
        out.write(&line)?;
        Ok(Self { about, out, line, frames: 0, poses: 0 })
    }
}

impl Sink for Json {
    fn push(&mut self, frame: &Lifted) -> Result<()> {
        check(frame, &self.about)?;
        self.line.clear();
        self.line.extend_from_slice(if self.frames == 0 { b"\n" } else { b",\n" });
        write_frame(&mut self.line, frame, self.about.up);
        self.out.write(&self.line)?;
        self.frames += 1;
        self.poses += frame.people.len();
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<Vec<String>> {
        self.out.write(b"\n]}\n")?;
        written(self.frames, self.poses, self.out)
    }
}

#[cfg(test)]
#[path = "json_tests.rs"]
mod tests;
