//! The GPU that `isopose plan model` predicts for: one by a short name, or one that a TOML file describes.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::format::read_text_limited;
use crate::plan::model::{MACHINES, Machine};

/// What `--gpu` says.
#[derive(Clone, Debug)]
pub(super) enum Gpu {
    Known(Machine),
    File(PathBuf),
}

impl Gpu {
    /// A short name, or the path of a TOML file.
    pub(super) fn parse(text: &str) -> std::result::Result<Self, String> {
        match Machine::named(text) {
            Some(machine) => Ok(Self::Known(machine)),
            None if text.ends_with(".toml") => Ok(Self::File(text.into())),
            None => Err(format!("use {}, or a file whose name ends with .toml", known())),
        }
    }

    /// Its numbers.
    pub(super) fn read(&self) -> Result<Machine> {
        match self {
            Self::Known(machine) => Ok(machine.clone()),
            Self::File(path) => read(path),
        }
    }
}

/// The short names.
fn known() -> String {
    MACHINES.map(|(name, _)| name).join(", ")
}

/// The help of `--gpu`.
pub(super) fn help() -> String {
    format!("The GPU: {}, or a TOML file with its numbers, as docs/model.md has them", known())
}

/// Most bytes of a file, many times what its eleven lines take.
const LARGEST: usize = 64 << 10;

/// The first words of what may be long.
fn cut(text: &str) -> String {
    const MOST: usize = 120;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

fn read(path: &Path) -> Result<Machine> {
    const FIX: &str = "correct it; docs/model.md has every key and its unit";
    let text = read_text_limited(path, LARGEST)?;
    let machine: Machine = toml::from_str(&text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start.min(text.len()));
        let number = text.get(..start).unwrap_or_default().matches('\n').count();
        let line = || format!("line {} ({})", number + 1, cut(text.lines().nth(number).unwrap_or_default().trim()));
        // A key that is missing is on no line.
        let missing = error.message().strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`'));
        match missing {
            Some(key) => Error::file(path, key, "it is missing", FIX),
            None => Error::file(path, line(), cut(error.message()), FIX),
        }
    })?;
    machine.check().map_err(|(field, problem)| Error::file(path, field, problem, FIX))?;
    Ok(machine)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(change: impl Fn(String) -> String) -> String {
        let file = tempfile::NamedTempFile::with_suffix(".toml").unwrap();
        let text = toml::to_string(&Machine::named("h100").unwrap()).unwrap();
        std::fs::write(file.path(), change(text)).unwrap();
        let Ok(Gpu::File(path)) = Gpu::parse(file.path().to_str().unwrap()) else { panic!("a file") };
        let error = Gpu::File(path.clone()).read().map(|_| ()).unwrap_err().to_string();
        assert!(error.starts_with(&path.display().to_string()), "{error}");
        error
    }

    #[test]
    fn a_file_says_all_and_no_more() {
        let file = tempfile::NamedTempFile::with_suffix(".toml").unwrap();
        let h100 = Machine::named("h100").unwrap();
        std::fs::write(file.path(), toml::to_string(&h100).unwrap()).unwrap();
        assert_eq!(Gpu::File(file.path().to_owned()).read().unwrap(), h100);
        let unknown = refused(|text| format!("{text}colour = 3\n"));
        assert!(unknown.contains("line 12 (colour = 3)") && unknown.contains("unknown field `colour`"), "{unknown}");
        let missing = refused(|text| text.replace("ghz = 1.75\n", ""));
        assert!(missing.contains(": ghz: it is missing; "), "{missing}");
        let zero = refused(|text| text.replace("lanes = 128", "lanes = 0"));
        assert!(zero.contains(": lanes: it is 0e0, not between 1e-6 and 1e6; "), "{zero}");
        let huge = refused(|text| text.replace("lanes = 128", "lanes = 4000000000"));
        assert!(huge.contains(": lanes: it is 4e9, not between"), "{huge}");
        let named = refused(|text| text.replace("\"H100\"", "\"\\u001b[31m\""));
        assert!(named.contains(": name: ") && !named.contains('\u{1b}'), "{named}");
        let long = refused(|text| format!("{text}x = {}1{}", "[".repeat(9000), "]".repeat(9000)));
        assert!(long.len() < 1000, "{} bytes", long.len());
        assert!(refused(|text| text + &" ".repeat(70_000)).contains("64 KiB"));
        let word = refused(|text| text.replace("ghz = 1.75", "ghz = 'fast'"));
        assert!(word.contains("(ghz = 'fast')"), "{word}");
    }

    #[test]
    fn what_is_neither_a_name_nor_a_file_is_refused() {
        assert!(Gpu::parse("voodoo").unwrap_err().contains("h100, rtx4070"));
    }
}
