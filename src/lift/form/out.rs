//! Where bytes go, with the name that errors tell.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::Output;
use crate::error::{Error, Result};
use crate::format::WholeFile;

/// What standard output is called.
pub(super) const STREAM: &str = "standard output";

/// An open file or stream.
pub(super) struct Out {
    path: PathBuf,
    to: To,
}

enum To {
    Stream(Box<dyn Write>),
    File(File),
    Whole(WholeFile),
}

impl Out {
    /// A file that a reader can follow; what was there goes.
    pub(super) fn in_place(to: Output) -> Result<Self> {
        Ok(match to {
            Output::File(path) => {
                let file = File::create(&path).map_err(|error| Error::io(&path, "write", error))?;
                Self { path, to: To::File(file) }
            }
            Output::Stream(stream) => Self::stream(stream),
        })
    }

    /// A file that appears whole, on [`Out::finish`].
    pub(super) fn whole(to: Output) -> Result<Self> {
        Ok(match to {
            Output::File(path) => Self { to: To::Whole(WholeFile::create(&path)?), path },
            Output::Stream(stream) => Self::stream(stream),
        })
    }

    fn stream(stream: Box<dyn Write>) -> Self {
        Self { path: PathBuf::from(STREAM), to: To::Stream(stream) }
    }

    /// What it is called.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes, and where there is a reader who may follow, at once.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let written = match &mut self.to {
            To::Stream(stream) => stream.write_all(bytes).and_then(|()| stream.flush()),
            To::File(file) => file.write_all(bytes),
            To::Whole(file) => file.write_all(bytes),
        };
        written.map_err(|error| Error::io(&self.path, "write", error))
    }

    /// Closes it; returns what it is called.
    pub(super) fn finish(self) -> Result<PathBuf> {
        match self.to {
            To::Whole(file) => file.finish()?,
            To::Stream(_) | To::File(_) => {}
        }
        Ok(self.path)
    }
}
