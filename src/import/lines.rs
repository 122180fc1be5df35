//! A text file line by line, for BVH, ASF and AMC: bounded memory, and errors that name the line.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

use crate::error::{Error, Result};

/// Longer than any frame of the joints that a skeleton may have.
const MAX_LINE: u64 = 4 << 20;

/// The lines of a file that are neither empty nor comments.
#[derive(Debug)]
pub(super) struct Lines {
    reader: BufReader<File>,
    path: PathBuf,
    bytes: Vec<u8>,
    number: usize,
}

impl Lines {
    /// Opens a file.
    ///
    /// # Errors
    /// If that fails.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|source| Error::io(path, "open", source))?;
        Ok(Self { reader: BufReader::new(file), path: path.to_owned(), bytes: Vec::new(), number: 0 })
    }

    /// The next line without the white space around it; `None` at the end. Lines that start with `#` or `//` are
    /// comments.
    ///
    /// # Errors
    /// If the file cannot be read or a line is longer than 4 MiB.
    pub(super) fn next_line(&mut self) -> Result<Option<String>> {
        loop {
            self.bytes.clear();
            let mut limited = self.reader.by_ref().take(MAX_LINE);
            let read =
                limited.read_until(b'\n', &mut self.bytes).map_err(|source| Error::io(&self.path, "read", source))?;
            if read == 0 {
                return Ok(None);
            }
            self.number += 1;
            if read as u64 == MAX_LINE {
                return Err(self.error("it is longer than 4 MiB", "check that this is a motion file in text form"));
            }
            let text = String::from_utf8_lossy(&self.bytes);
            let line = text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}' || c == '\0');
            if !(line.is_empty() || line.starts_with('#') || line.starts_with("//")) {
                return Ok(Some(line.to_owned()));
            }
        }
    }

    /// The file.
    #[must_use]
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// An error of the line that was read last.
    pub(super) fn error(&self, problem: impl Into<String>, fix: impl Into<String>) -> Error {
        Error::file(&self.path, format!("line {}", self.number), problem, fix)
    }

    /// An error of a file without a line.
    pub(super) fn empty(&self) -> Error {
        Error::file(&self.path, "content", "the file is empty", "get it again, or drop it")
    }

    /// An error of a file that starts, with the line read last, as none of its kind does: what it is, where that shows.
    pub(super) fn foreign(&self, problem: &str, fix: &str) -> Error {
        const KINDS: [(&[&str], &str, &str); 7] = [
            (&["kaydara fbx", "; fbx"], "FBX", "convert it, as with Blender: import FBX, export BVH"),
            (&["<!doctype html", "<html"], "a web page", "the download failed: get the file again"),
            (&["version https://git-lfs"], "a pointer of Git LFS", "get the file itself with `git lfs pull`"),
            (&["<?xml", "<collada"], "XML, as Collada", "convert it to BVH"),
            (&["pk\u{3}\u{4}", "\u{1f}\u{fffd}", "rar!", "7z\u{fffd}"], "an archive", "unpack it"),
            (&["\u{fffd}\u{fffd}h\0", "\u{fffd}\u{fffd}:\0", "h\0i\0"], "text in UTF-16", "save it as UTF-8"),
            (&["gltf", "glb"], "glTF", "convert it to BVH"),
        ];
        let start = String::from_utf8_lossy(&self.bytes[..self.bytes.len().min(64)]).to_lowercase();
        let start = start.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
        let kind = KINDS.iter().find(|(starts, ..)| starts.iter().any(|kind| start.starts_with(kind)));
        let is_binary = self.bytes.contains(&0) || start.contains('\u{fffd}');
        match kind {
            Some((_, kind, fix)) => self.error(format!("{problem}: this is {kind}"), *fix),
            None if is_binary => self.error(format!("{problem}: this is a binary file"), fix),
            None => self.error(problem, fix),
        }
    }

    /// An error of the file's end.
    pub(super) fn cut_short(&self, what: &str) -> Error {
        Error::file(
            &self.path,
            format!("line {}", self.number),
            format!("the file ends {what}"),
            "it is cut short: get it again",
        )
    }

    /// A finite number that stands in the line.
    ///
    /// # Errors
    /// If it is none.
    pub(super) fn float(&self, word: &str) -> Result<f64> {
        word.parse().ok().filter(|value: &f64| value.is_finite()).ok_or_else(|| {
            self.error(format!("'{}' is not a finite number", shown(word)), "mend the line or drop the file")
        })
    }

    /// Three finite numbers.
    ///
    /// # Errors
    /// If there are fewer or one is no number.
    pub(super) fn three<'a>(&self, words: impl IntoIterator<Item = &'a str>) -> Result<[f64; 3]> {
        let values = words.into_iter().take(3).map(|word| self.float(word)).collect::<Result<Vec<f64>>>()?;
        values.try_into().map_err(|found: Vec<f64>| {
            self.error(format!("{} numbers where 3 belong", found.len()), "mend the line or get the file again")
        })
    }
}

/// The start of a word, for a message.
#[must_use]
pub(super) fn shown(word: &str) -> String {
    word.chars().take(40).collect()
}
