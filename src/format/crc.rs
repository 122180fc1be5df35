//! What tells one file from another.

use std::fs::File;
use std::io;
use std::path::Path;

use crate::error::{Error, Result};

/// The CRC-32 of a regular file's content.
///
/// # Errors
/// It is none, or cannot be read.
pub fn crc32_of(path: &Path) -> Result<u32> {
    let failed = |source| Error::io(path, "read", source);
    // A device may have no end, and a pipe no writer.
    if !path.metadata().map_err(failed)?.is_file() {
        return Err(Error::file(path, "content", "this is no regular file", "give a file"));
    }
    let mut file = flate2::CrcReader::new(File::open(path).map_err(failed)?);
    io::copy(&mut file, &mut io::sink()).map_err(failed)?;
    Ok(file.crc().sum())
}
