//! Results of a study's steps, as files that are known to be its own, and whole.

use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

use super::folder::REDO;
use crate::error::{Error, Result};
use crate::format::{read_json, write_json};

/// A result.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    /// What study it is of, see [`Manifest::identity`](super::Manifest::identity).
    study: u32,
    /// The CRC-32 of its text.
    crc32: u32,
    value: Box<RawValue>,
}

/// Writes a result of the study `study`.
///
/// # Errors
/// A number is not finite, or the file cannot be written.
pub(super) fn write<T: Serialize + DeserializeOwned>(path: &Path, study: u32, value: &T) -> Result<()> {
    let value = to_raw_value(value).map_err(|error| Error::io(path, "write", error.into()))?;
    // JSON has no word for a number that is not finite, and null is none.
    if let Err(error) = serde_json::from_str::<T>(value.get()) {
        let problem = format!("a number is not finite ({error})");
        return Err(Error::file(path, "content", problem, "look for what diverged: use a smaller `lr`"));
    }
    write_json(path, &Kept { study, crc32: crc32fast::hash(value.get().as_bytes()), value })
}

/// Reads what [`write`] wrote.
///
/// # Errors
/// It cannot be read, is of another study, or is not what was written.
pub(super) fn read<T: DeserializeOwned>(path: &Path, study: u32) -> Result<T> {
    let kept: Kept = read_json(path, REDO)?;
    let wrong = |field: &str, problem: String| Error::file(path, field, problem, REDO);
    if kept.study != study {
        return Err(wrong("study", "it is of another study".to_owned()));
    }
    if kept.crc32 != crc32fast::hash(kept.value.get().as_bytes()) {
        return Err(wrong("crc32", "the value is not what was written".to_owned()));
    }
    serde_json::from_str(kept.value.get()).map_err(|error| wrong("value", error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_is_its_studys_and_what_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("score.json");
        write(&path, 7, &[1.5, -0.1]).unwrap();
        assert_eq!(read::<[f64; 2]>(&path, 7).unwrap(), [1.5, -0.1]);
        let error = read::<[f64; 2]>(&path, 8).unwrap_err().to_string();
        assert!(error.contains("score.json: study: it is of another"), "{error}");
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replace("1.5", "7.5")).unwrap();
        let error = read::<[f64; 2]>(&path, 7).unwrap_err().to_string();
        assert!(error.contains("score.json: crc32: ") && error.contains(REDO), "{error}");
        std::fs::write(&path, text).unwrap();
        assert!(read::<String>(&path, 7).unwrap_err().to_string().contains("score.json: value: "));
        let error = write(&path, 7, &[f64::INFINITY]).unwrap_err().to_string();
        assert!(error.contains("not finite"), "{error}");
    }
}
