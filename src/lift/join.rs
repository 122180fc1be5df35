//! Files of lifted frames put behind each other.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use super::Form;
use crate::error::{Error, Result};
use crate::format::WholeFile;
use crate::format::npz::{Npz, NpzWriter};

/// Writes the frames of `parts` to `out`, in their order, as one run writes them.
///
/// # Errors
/// [`Error::Usage`] for a form whose files cannot be put behind each other; a part that cannot be read or says otherwise
/// what it holds; writing fails.
pub fn join(parts: &[PathBuf], out: &Path) -> Result<()> {
    match Form::of(out, None)? {
        Form::Jsonl | Form::Csv => lines(parts, out),
        Form::Npz => arrays(parts, out),
        form => Err(Error::setting("out", format!("files of {form} are not put together; use jsonl, csv or npz"))),
    }
}

impl Form {
    /// Whether files of this form can be put behind each other.
    #[must_use]
    pub fn is_joined(self) -> bool {
        matches!(self, Self::Jsonl | Self::Csv | Self::Npz)
    }
}

/// Lines under one header.
fn lines(parts: &[PathBuf], out: &Path) -> Result<()> {
    let mut to = WholeFile::create(out)?;
    let mut first: Option<Vec<u8>> = None;
    for path in parts {
        let failed = |source| Error::io(path, "read", source);
        let mut from = BufReader::new(File::open(path).map_err(failed)?);
        let mut header = Vec::new();
        from.read_until(b'\n', &mut header).map_err(failed)?;
        match &first {
            None => {
                to.write_all(&header).map_err(|source| Error::io(out, "write", source))?;
                first = Some(header);
            }
            Some(first) if *first == header => {}
            Some(_) => return Err(other(path, "header", parts)),
        }
        std::io::copy(&mut from, &mut to).map_err(|source| Error::io(out, "write", source))?;
    }
    to.finish()
}

/// Arrays with a row for each pose, and words that all parts share. Sequences are told apart by their names.
fn arrays(parts: &[PathBuf], out: &Path) -> Result<()> {
    let Some(first) = parts.first() else { return Err(Error::Usage("there is nothing to join".to_owned())) };
    let names = Npz::open(first)?.names();
    let mut to = NpzWriter::create(out)?;
    let (numbers, sequences) = sequences(parts)?;
    for name in &names {
        match &**name {
            NAMES => to.strings(NAMES, &sequences)?,
            NUMBERS => to.i32(NUMBERS, &[numbers.len()], &numbers)?,
            name => {
                let (descr, shape, bytes) = rows(parts, name, numbers.len())?;
                to.copy(name, &descr, &shape, &bytes[..])?;
            }
        }
    }
    for path in parts {
        if Npz::open(path)?.names() != names {
            return Err(other(path, "arrays", parts));
        }
    }
    to.finish()
}

/// The arrays that number and name the recording of each pose.
const NUMBERS: &str = "sequence";
const NAMES: &str = "sequence_names";

/// The numbers of all poses' sequences, and what they index.
fn sequences(parts: &[PathBuf]) -> Result<(Vec<i32>, Vec<String>)> {
    let (mut numbers, mut names) = (Vec::new(), Vec::<String>::new());
    for path in parts {
        let mut npz = Npz::open(path)?;
        let own = npz.strings(NAMES)?;
        if let Some(name) = own.iter().find(|name| names.contains(name)) {
            return Err(npz.error(
                NAMES,
                format!("`{name}` is in an earlier part too"),
                "lift one sequence in one part",
            ));
        }
        let before = names.len() as i32;
        for number in npz.i32(NUMBERS)?.values {
            let is_named = usize::try_from(number).is_ok_and(|number| number < own.len());
            let renumbered = before.checked_add(number).filter(|_| is_named);
            let renumbered =
                renumbered.ok_or_else(|| npz.error(NUMBERS, format!("{number} has no name"), "lift it again"));
            numbers.push(renumbered?);
        }
        names.extend(own);
    }
    Ok((numbers, names))
}

/// An array of all parts: of numbers the rows of each behind those before, of words what all say alike.
fn rows(parts: &[PathBuf], name: &str, count: usize) -> Result<(String, Vec<usize>, Vec<u8>)> {
    let mut parts_of = parts.iter().map(|path| Ok::<_, Error>((path, Npz::open(path)?.raw(name)?)));
    let Some(first) = parts_of.next() else { return Err(Error::Usage("there is nothing to join".to_owned())) };
    let (_, (descr, mut shape, mut bytes)) = first?;
    let is_text = descr.contains('U');
    for part in parts_of {
        let (path, (other_descr, other_shape, more)) = part?;
        let fits = match is_text {
            true => (&other_shape, &more) == (&shape, &bytes),
            false => other_shape.len() == shape.len() && other_shape.get(1..) == shape.get(1..) && !shape.is_empty(),
        };
        if !fits || other_descr != descr {
            return Err(other(path, name, parts));
        }
        if !is_text {
            shape[0] += other_shape[0];
            bytes.extend(more);
        }
    }
    if !is_text && shape.first() != Some(&count) {
        return Err(other(&parts[0], name, parts));
    }
    Ok((descr, shape, bytes))
}

fn other(path: &Path, field: &str, parts: &[PathBuf]) -> Error {
    let first = parts.first().map(|first| first.display().to_string()).unwrap_or_default();
    Error::file(path, field, format!("it is not that of {first}"), "join parts of one run")
}
