//! Files that are read as a whole, if they are not too large.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

use crate::error::{Error, Result};

/// The most bytes of a file that people write: settings, a map of names, a camera, a machine.
pub const HAND_WRITTEN: usize = 1 << 20;

/// The most bytes of what does not tell its size: several times the largest model that is trained here.
const UNSIZED: usize = 256 << 20;

/// Reads a file of at most `limit` bytes. A regular file tells its size before it is read; a pipe or a device, which may
/// not end, is left at 256 MiB at the latest.
///
/// # Errors
/// If it cannot be read, or is larger.
pub fn read_limited(path: &Path, limit: usize) -> Result<Vec<u8>> {
    let failed = |source| Error::io(path, "read", source);
    let file = File::open(path).map_err(failed)?;
    let about = file.metadata().map_err(failed)?;
    let limit = if about.is_file() { limit } else { limit.min(UNSIZED) };
    let too_large = || {
        let most = if limit >= 1 << 20 { format!("{} MiB", limit >> 20) } else { format!("{} KiB", limit >> 10) };
        let problem = format!("there is more than {most}, the most that is read of such a file");
        Err(Error::file(path, "size", problem, "check that this is the file that was meant"))
    };
    let size = usize::try_from(about.len()).unwrap_or(usize::MAX);
    if about.is_file() && size > limit {
        return too_large();
    }
    let mut bytes = Vec::with_capacity(if about.is_file() { size } else { 0 });
    file.take((limit as u64).saturating_add(1)).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() > limit { too_large() } else { Ok(bytes) }
}

/// The same of text in UTF-8.
///
/// # Errors
/// As [`read_limited`], or if it is not UTF-8.
pub fn read_text_limited(path: &Path, limit: usize) -> Result<String> {
    let not_text = |_| Error::io(path, "read", std::io::Error::new(ErrorKind::InvalidData, "it is no text in UTF-8"));
    String::from_utf8(read_limited(path, limit)?).map_err(not_text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_up_to_its_limit_and_not_beyond() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, [b'a'; 2048]).unwrap();
        assert_eq!(read_limited(&path, 2048).unwrap(), [b'a'; 2048]);
        let error = read_limited(&path, 2047).unwrap_err().to_string();
        assert!(error.ends_with("file: size: there is more than 1 KiB, the most that is read of such a file; check that this is the file that was meant"), "{error}");
        for most in [1 << 40, usize::MAX] {
            assert_eq!(read_limited(&path, most).unwrap().len(), 2048, "no more is set aside than the file has");
        }
        std::fs::write(&path, [0xff]).unwrap();
        assert!(read_text_limited(&path, 2048).unwrap_err().to_string().contains("cannot read: it is no text"));
        assert!(read_limited(folder.path(), 2048).unwrap_err().to_string().contains("cannot read"));
        assert!(read_limited(&folder.path().join("none"), 2048).unwrap_err().to_string().contains("none: cannot read"));
    }

    /// What is endless has no size to look at.
    #[test]
    #[cfg(unix)]
    fn what_does_not_end_is_left_at_the_limit() {
        let error = read_limited(Path::new("/dev/zero"), 3 << 20).unwrap_err().to_string();
        assert!(error.starts_with("/dev/zero: size: there is more than 3 MiB"), "{error}");
        let error = read_limited(Path::new("/dev/zero"), usize::MAX).unwrap_err().to_string();
        assert!(error.starts_with("/dev/zero: size: there is more than 256 MiB"), "{error}");
    }
}
