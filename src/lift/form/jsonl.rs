//! JSON lines: a header, then a line a frame, each written as soon as it is there.

use serde_json::json;

use super::check::check;
use super::line::write_frame;
use super::out::Out;
use super::{About, Lifted, Sink};
use crate::error::{Error, Result};

/// Writes JSON lines.
pub(super) struct Jsonl {
    about: About,
    out: Out,
    line: Vec<u8>,
    frames: usize,
    poses: usize,
}

impl Jsonl {
    /// Writes the header.
    pub(super) fn new(about: About, mut out: Out) -> Result<Self> {
        let mut line = header(&about, &out)?;
        line.push(b'\n');
        out.write(&line)?;
        Ok(Self { about, out, line, frames: 0, poses: 0 })
    }
}

/// The header as JSON.
pub(super) fn header(about: &About, out: &Out) -> Result<Vec<u8>> {
    serde_json::to_vec(about).map_err(|error| Error::io(out.path(), "write", error.into()))
}

/// What was written, in words.
pub(super) fn written(frames: usize, poses: usize, out: Out) -> Result<Vec<String>> {
    let count = |count: usize, one: &str| format!("{count} {one}{}", if count == 1 { "" } else { "s" });
    let (frames, poses) = (count(frames, "frame"), count(poses, "pose"));
    Ok(vec![format!("{frames}, {poses}: {}", out.finish()?.display())])
}

impl Sink for Jsonl {
    fn push(&mut self, frame: &Lifted) -> Result<()> {
        check(frame, &self.about)?;
        self.line.clear();
        write_frame(&mut self.line, frame, self.about.up);
        self.line.push(b'\n');
        self.out.write(&self.line)?;
        self.frames += 1;
        self.poses += frame.people.len();
        Ok(())
    }

    fn unreadable(&mut self, line: usize, message: &str) -> Result<()> {
        self.out.write(&error_text(line, message))
    }

    fn finish(self: Box<Self>) -> Result<Vec<String>> {
        written(self.frames, self.poses, self.out)
    }
}

/// The line that stands for a line of the input (from 1) that could not be read.
fn error_text(line: usize, message: &str) -> Vec<u8> {
    let mut text = json!({ "line": line, "error": message }).to_string();
    text.push('\n');
    text.into_bytes()
}

#[cfg(test)]
#[path = "jsonl_tests.rs"]
mod tests;
