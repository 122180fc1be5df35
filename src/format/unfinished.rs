//! Files that are being written, under names of their own: `.NAME.writing-XXXXXX` will be `NAME`.
//!
//! Who writes one holds a lock on it, which the system takes back when the process ends, however it ends. So one that
//! nobody holds was left behind, and the next who writes the same file removes it.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;

use tempfile::NamedTempFile;

use super::whole::folder;
use crate::error::{Error, Result};

const MARK: &str = ".writing-";

/// Letters and digits behind the mark, drawn at random.
const DRAWN: usize = 6;

/// Characters of the file's own name: with what is put around it, a name has at most 255 bytes.
const MOST_OF_NAME: usize = 48;

/// How often a new file may be taken for one that was left behind, between its making and its locking.
const TRIES: usize = 8;

/// A temporary file beside `path` that is locked, where the file system can do that.
pub(super) fn create(path: &Path) -> io::Result<NamedTempFile> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let prefix = format!(".{}{MARK}", name.chars().take(MOST_OF_NAME).collect::<String>());
    remove(folder(path), |found| found.starts_with(&prefix));
    let mut builder = tempfile::Builder::new();
    // A temporary file is private by default; this one will be as readable as any other file.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.prefix(&prefix).rand_bytes(DRAWN);
    let mut tries = 0;
    loop {
        let file = builder.tempfile_in(folder(path))?;
        let is_held = !matches!(file.as_file().try_lock(), Err(TryLockError::WouldBlock));
        tries += 1;
        if is_held && file.path().exists() || tries == TRIES {
            return Ok(file);
        }
    }
}

/// Removes from a folder what killed processes left half written there; what a living one writes stays.
///
/// # Errors
/// If the folder cannot be read.
pub fn remove_unfinished(folder: &Path) -> Result<()> {
    fs::read_dir(folder).map_err(|source| Error::io(folder, "read", source))?;
    remove(folder, |_| true);
    Ok(())
}

/// Removes the files of such names that nobody holds. What cannot be removed stays: it is in nobody's way.
fn remove(folder: &Path, is_wanted: impl Fn(&str) -> bool) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let is_one = name.to_str().is_some_and(|name| is_unfinished(name) && is_wanted(name));
        // To open what is no file may wait forever.
        if !is_one || !entry.file_type().is_ok_and(|kind| kind.is_file()) {
            continue;
        }
        // To be locked on NFS, too, where that takes the right to write.
        if let Ok(file) = File::options().read(true).write(true).open(entry.path())
            && file.try_lock().is_ok()
        {
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn is_unfinished(name: &str) -> bool {
    let drawn = name.strip_prefix('.').and_then(|_| name.rsplit_once(MARK)).map(|(_, drawn)| drawn);
    drawn.is_some_and(|drawn| drawn.len() == DRAWN && drawn.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::write_whole;

    #[test]
    fn the_next_writer_removes_what_was_left_of_its_file_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let left = [".a.npz.writing-abc123", ".a.npz.writing-XYZxyz"];
        let others = [
            ".b.npz.writing-abc123",
            ".a.npz.writing-abc1234",
            ".a.npz.writing-abc-12",
            "a.npz.writing-abc123",
            ".a.npz.backup",
            "notes",
        ];
        for name in left.iter().chain(&others) {
            fs::write(at(name), "half").unwrap();
        }
        write_whole(&at("a.npz"), b"whole").unwrap();
        assert!(left.iter().all(|name| !at(name).exists()));
        assert!(others.iter().all(|name| at(name).exists()));
        assert_eq!(fs::read(at("a.npz")).unwrap(), b"whole");
        remove_unfinished(folder.path()).unwrap();
        assert!(!at(".b.npz.writing-abc123").exists() && others[1..].iter().all(|name| at(name).exists()));
        assert!(remove_unfinished(&at("none")).is_err());
    }

    #[test]
    fn what_another_writes_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let held = create(&path).unwrap();
        write_whole(&path, b"mine").unwrap();
        remove_unfinished(folder.path()).unwrap();
        assert!(held.path().exists(), "its writer is at work");
        // As when its process is killed: the lock goes, the file stays.
        let (file, left) = held.keep().unwrap();
        drop(file);
        write_whole(&path, b"again").unwrap();
        assert!(!left.exists());
    }

    #[test]
    fn names_may_be_as_long_as_they_can() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["n".repeat(255), "\u{1f9cd}".repeat(63)] {
            write_whole(&folder.path().join(&name), b"whole").unwrap();
            assert_eq!(fs::read(folder.path().join(&name)).unwrap(), b"whole");
        }
    }
}
