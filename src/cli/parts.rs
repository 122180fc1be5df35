//! Files that are part of one: what is said of each beside it, so that all can be put together.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{options, output};
use crate::data;
use crate::error::{Error, Result};
use crate::evaluate::{Shard, all_parts, device_kind};
use crate::format::{FolderLock, crc32_of, read_json, write_json};
use crate::lift::{self, Form};

/// What a part is. It is written when the part's own file is whole.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Note {
    /// The version of this program.
    version: String,
    shard: Shard,
    /// What the file is written as.
    form: Form,
    /// The arguments, as a shell takes them, but for what says which part it is and for threads, which change no bit.
    command: Vec<String>,
    /// Where it was computed, without the number of threads.
    device: Option<String>,
    /// The checksums of the files that all parts read.
    inputs: Vec<u32>,
    /// Of the part's own file.
    crc32: u32,
}

/// What mends a part that is none.
const REDO: &str = "do this part again";

/// A part that is being written: nobody else writes it meanwhile.
pub(super) struct Part {
    path: PathBuf,
    shard: Shard,
    _lock: FolderLock,
}

/// Begins the part `shard` at `path`. What was said of an earlier file there is true no more.
pub(super) fn begin(path: &Path, shard: Shard) -> Result<Part> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let lock = FolderLock::take_part(folder, &name)?;
    match fs::remove_file(beside(path)) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::io(&beside(path), "remove", error)),
        _ => Ok(Part { path: path.to_owned(), shard, _lock: lock }),
    }
}

impl Part {
    /// Says beside the file which part of what it is: made on `device` of these inputs, which all parts read. A folder among
    /// them goes by its name alone.
    pub(super) fn end(self, form: Form, device: Option<&str>, inputs: &[&Path]) -> Result<()> {
        let path = &self.path;
        let inputs = inputs.iter().filter(|path| path.is_file()).map(|path| crc32_of(path)).collect::<Result<_>>()?;
        let note = Note {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            shard: self.shard,
            form,
            command: options::arguments_without(&["--shard", "--threads"]),
            device: device.map(|name| device_kind(name).to_owned()),
            inputs,
            crc32: crc32_of(path)?,
        };
        write_json(&beside(path), &note)
    }
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    name.into()
}

/// Puts files together that are all parts of one, and says how many.
pub(super) fn merge(paths: &[PathBuf], out: &Path) -> Result<usize> {
    let note = |path: &PathBuf| -> Result<(PathBuf, Note)> {
        let place = beside(path);
        if !path.exists() {
            return Err(Error::io(path, "open", std::io::ErrorKind::NotFound.into()));
        }
        if !place.exists() {
            let problem = "there is no such file, which says what part this is";
            return Err(Error::file(path, place.display().to_string(), problem, "give files that --shard made"));
        }
        let note: Note = read_json(&place, REDO)?;
        if crc32_of(path)? != note.crc32 {
            return Err(Error::file(path, "content", "it is not what was written", REDO));
        }
        Ok((path.clone(), note))
    };
    let mut parts = paths.iter().map(note).collect::<Result<Vec<_>>>()?;
    all_parts(&mut parts, |(path, note)| (note.shard, path))?;
    let Some(((first, alike), others)) = parts.split_first() else { return Ok(0) };
    for (path, note) in others {
        let differs = [
            ("version", note.version != alike.version),
            ("form", note.form != alike.form),
            ("command", note.command != alike.command),
            ("device", note.device != alike.device),
            ("inputs", note.inputs != alike.inputs),
        ];
        if let Some((field, _)) = differs.into_iter().find(|(_, differs)| *differs) {
            let words = note.command.iter().zip(&alike.command).find(|(word, other)| word != other);
            let words = words.filter(|_| field == "command");
            let said = words.map_or(String::new(), |(word, other)| format!(": {word} here, {other} there"));
            let problem = format!("it is not that of {}{said}", first.display());
            let fix = "give parts that one command made of the same files on one kind of device, but for --shard";
            return Err(Error::file(path, field, problem, fix));
        }
    }
    if Form::of(out, None).ok() != Some(alike.form) {
        let problem = format!("{}: the parts are {}; give a name that ends so", out.display(), alike.form);
        return Err(Error::setting("out", problem));
    }
    let files: Vec<PathBuf> = parts.iter().map(|(path, _)| path.clone()).collect();
    match alike.command.first().map(String::as_str) {
        Some("import") => {
            let mut progress = output::Progress::start("merge", files.len());
            data::join(&files, out, |done| {
                progress.update(done, "");
                super::interrupt::check()
            })?;
        }
        Some("lift") => lift::join(&files, out)?,
        other => {
            let problem = format!("it is of `{}`, whose files are not put together", other.unwrap_or_default());
            return Err(Error::file(&beside(first), "command", problem, REDO));
        }
    }
    Ok(files.len())
}
