//! The package's readers of files, without what needs a graphics card.

#![allow(dead_code, unused_imports, reason = "only the readers are used")]

#[path = "../../src/checkpoint/mod.rs"]
pub mod checkpoint;
#[path = "../../src/config/mod.rs"]
pub mod config;
#[path = "../../src/data/mod.rs"]
pub mod data;
#[path = "../../src/error.rs"]
pub mod error;
#[path = "../../src/format/mod.rs"]
pub mod format;
#[path = "../../src/import/mod.rs"]
pub mod import;
pub mod lift;
#[path = "../../src/named.rs"]
pub mod named;
#[path = "../../src/pose/mod.rs"]
pub mod pose;
#[path = "../../src/system/mod.rs"]
mod system;
pub mod study;
pub mod verify;

use std::io::Write;
use std::path::{Path, PathBuf};

pub use error::{Error, Result};

/// Gives a reader that needs a file one with these bytes.
pub fn with_file(bytes: &[u8], read: impl FnOnce(&Path)) {
    with_named_file(bytes, "", |path| read(path));
}

/// Gives an importer the file `below`, a path in a folder that is there for this alone, with these bytes.
pub fn with_placed_file(bytes: &[u8], below: &str, read: impl FnOnce(&PathBuf)) {
    let Ok(folder) = tempfile::tempdir() else { return };
    let path = folder.path().join(below);
    if path.parent().is_some_and(|parent| std::fs::create_dir_all(parent).is_ok()) && std::fs::write(&path, bytes).is_ok()
    {
        read(&path);
    }
}

/// Gives an importer a file with these bytes whose name ends in `suffix`.
pub fn with_named_file(bytes: &[u8], suffix: &str, read: impl FnOnce(&PathBuf)) {
    let Ok(mut file) = tempfile::Builder::new().suffix(suffix).tempfile() else { return };
    if file.write_all(bytes).is_ok() {
        read(&file.path().to_owned());
    }
}
