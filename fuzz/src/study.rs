//! What reads the results of studies and of evaluations, without what makes them.

use std::path::Path;

use serde::de::DeserializeOwned;

/// Reads a result.
pub fn read<T: DeserializeOwned>(path: &Path) -> crate::Result<T> {
    crate::format::read_json(path, "fix it")
}
