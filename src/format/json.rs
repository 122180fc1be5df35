//! Results as files.

use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{read_limited, write_whole};
use crate::error::{Error, Result};

/// The most bytes of a result: the largest, of a study with all its seeds, takes a hundredth.
const LARGEST: usize = 256 << 20;

/// Reads what [`write_json`] wrote; `fix` is what mends a file that is damaged.
///
/// # Errors
/// It cannot be read, or its content is wrong: the error names the field or the line.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path, fix: &str) -> Result<T> {
    let bytes = read_limited(path, LARGEST)?;
    let damaged = |error: serde_json::Error| {
        let line = bytes.split(|byte| *byte == b'\n').nth(error.line().saturating_sub(1)).unwrap_or_default();
        // A field of a result has a line of its own; what another program wrote may have one for all.
        let line: String = String::from_utf8_lossy(line).trim().chars().take(80).collect();
        Error::file(path, format!("line {} ({line})", error.line()), error.to_string(), fix)
    };
    let value = serde_json::from_slice(&bytes).map_err(damaged)?;
    if let Some((field, problem)) = impossible(&serde_json::from_slice(&bytes).map_err(damaged)?, "") {
        return Err(Error::file(path, field, problem, fix));
    }
    Ok(value)
}

/// The first score in a result that no poses can have: its place, and what is wrong. Whatever holds it: every score is
/// under one of these names.
fn impossible(value: &serde_json::Value, place: &str) -> Option<(String, String)> {
    let within = |name: &str| match name {
        "mpjpe_mm" => Some((f64::INFINITY, "at least 0")),
        // Eleven days.
        "ms_per_sample" => Some((1e9, "the time of a sample")),
        "pck" | "auc" => Some((100.0, "a percentage")),
        _ => None,
    };
    let inside = |name: &str, value: &serde_json::Value| impossible(value, &format!("{place}{name}"));
    match value {
        serde_json::Value::Object(fields) => fields.iter().find_map(|(name, value)| {
            let name_at = if place.is_empty() { name.clone() } else { format!(".{name}") };
            match (within(name), value.as_f64()) {
                (Some((most, what)), Some(score)) if !(0.0..=most).contains(&score) => {
                    Some((format!("{place}{name_at}"), format!("{score} is not {what}")))
                }
                _ => inside(&name_at, value),
            }
        }),
        serde_json::Value::Array(items) => {
            items.iter().enumerate().find_map(|(index, value)| inside(&format!("[{index}]"), value))
        }
        _ => None,
    }
}

/// Writes what [`read_json`] will read.
///
/// # Errors
/// A number is not finite, or the file cannot be written.
pub(crate) fn write_json<T: Serialize + DeserializeOwned>(path: &Path, value: &T) -> Result<()> {
    let bytes = serde_json::to_vec_pretty(value).map_err(|error| Error::io(path, "write", error.into()))?;
    // JSON has no word for a number that is not finite, and null is none.
    if let Err(error) = serde_json::from_slice::<T>(&bytes) {
        let problem = format!("a number is not finite ({error})");
        return Err(Error::file(path, "content", problem, "look for what diverged: use a smaller `lr`"));
    }
    write_whole(path, &bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("numbers.json");
        let numbers: Vec<f64> = (1..2000).map(|index| f64::from(index).sqrt().exp()).collect();
        write_json(&path, &numbers).unwrap();
        assert_eq!(read_json::<Vec<f64>>(&path, "").unwrap(), numbers);
    }
}
