//! JSON files to typed records, without trust.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read, Take},
    path::{Path, PathBuf},
};

use serde::de::DeserializeOwned;

use crate::{
    error::{Error, Result},
    format::memory_limit,
};

/// How many times its text a file may take in memory where records have few and typed fields. The worst are short
/// ones: `{"id":1},`, 9 bytes, takes up to 140 with what vectors and maps reserve.
pub(super) const TYPED: usize = 16;

/// The same where serde keeps values before it knows their type (untagged enums: 32 bytes or more for the two of `1,`),
/// or all fields of a record may be missing.
pub(super) const LOOSE: usize = 64;

/// An open JSON file.
pub(super) struct Json {
    path: PathBuf,
    reader: BufReader<Take<File>>,
    /// Whether its content is a list; else it is an object, or no JSON at all.
    pub(super) is_list: bool,
}

impl Json {
    /// Opens a file and looks at its first sign. What it holds may take `times` its size: [`TYPED`] or [`LOOSE`].
    pub(super) fn open(path: &Path, times: usize) -> Result<Self> {
        let failed = |error| Error::io(path, "read", error);
        let file = File::open(path).map_err(|error| Error::io(path, "open", error))?;
        let bytes = file.metadata().map_err(failed)?.len();
        let most = (memory_limit() / times) as u64;
        if bytes > most {
            let problem = format!("{} MiB; there is memory for {} MiB", bytes >> 20, most >> 20);
            return Err(Error::file(path, "size", problem, "split it into smaller files"));
        }
        // A pipe does not say how much is to come.
        let mut reader = BufReader::new(file.take(most));
        let mut first = None;
        while first.is_none() {
            let buffer = reader.fill_buf().map_err(failed)?;
            if buffer.is_empty() {
                return Err(Error::file(path, "content", "it is empty", "write it again"));
            }
            let blank = buffer.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
            first = buffer.get(blank).copied();
            reader.consume(blank);
        }
        Ok(Self { path: path.to_owned(), reader, is_list: first == Some(b'[') })
    }

    /// Reads the content; `form` says what it should be, for the message.
    pub(super) fn parse<T: DeserializeOwned>(self, form: &str) -> Result<T> {
        serde_json::from_reader(self.reader).map_err(|error| match error.classify() {
            serde_json::error::Category::Io => Error::io(&self.path, "read", error.into()),
            serde_json::error::Category::Eof => {
                Error::file(&self.path, "content", format!("it ends too early ({error})"), "copy or write it again")
            }
            _ => Error::file(
                &self.path,
                "content",
                format!("{error}"),
                format!("give the JSON of {form}, with numbers where numbers belong (no NaN)"),
            ),
        })
    }
}
