//! A writer that says once that it failed.

use std::io::{self, Seek, SeekFrom, Write};

/// What is written after a failure goes nowhere. An archive that is dropped finishes itself, wherever it was, and complains
/// on standard error where that fails; the caller was told before.
pub(super) struct Dying<W> {
    inner: W,
    failed: bool,
    /// Where the next byte goes, and the last one went: an archive trusts that what it wrote has a place.
    at: u64,
    end: u64,
}

impl<W> Dying<W> {
    /// Of a writer at the beginning of an empty file.
    pub(super) fn new(inner: W) -> Self {
        Self { inner, failed: false, at: 0, end: 0 }
    }

    /// The writer, if nothing failed.
    pub(super) fn into_inner(self) -> io::Result<W> {
        if self.failed { Err(io::Error::other("an earlier write failed")) } else { Ok(self.inner) }
    }

    /// What the writer makes of it; after a failure `otherwise`.
    fn once<T>(&mut self, otherwise: T, act: impl FnOnce(&mut W) -> io::Result<T>) -> io::Result<T> {
        if self.failed {
            return Ok(otherwise);
        }
        act(&mut self.inner).inspect_err(|error| self.failed = error.kind() != io::ErrorKind::Interrupted)
    }
}

impl<W: Write> Write for Dying<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.once(bytes.len(), |inner| inner.write(bytes))?;
        self.at += written as u64;
        self.end = self.end.max(self.at);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.once((), Write::flush)
    }
}

impl<W: Seek> Seek for Dying<W> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let place = match to {
            SeekFrom::Start(place) => place,
            SeekFrom::Current(by) => self.at.saturating_add_signed(by),
            SeekFrom::End(by) => self.end.saturating_add_signed(by),
        };
        self.at = self.once(place, |inner| inner.seek(to))?;
        Ok(self.at)
    }
}
