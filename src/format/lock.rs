//! A folder that one process works in.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// How the names of the files begin that are locked. They stay when the lock goes: only who holds it counts.
const NAME: &str = ".isopose-lock";

/// Says who works in a folder, and keeps others out, until it is dropped or the process ends, however it ends.
#[derive(Debug)]
pub struct FolderLock {
    /// Locked for as long as it is open.
    _file: File,
}

/// Who holds a lock.
#[derive(Default, Serialize, Deserialize)]
struct Owner {
    host: String,
    process: u32,
    /// Seconds since 1970.
    since: u64,
}

impl FolderLock {
    /// Takes the folder. Where its file system has no locks it is taken all the same.
    ///
    /// # Errors
    /// [`Error::File`], which names the owner, where another process has it or a part of it; [`Error::Io`] where it cannot be
    /// written.
    pub fn take(folder: &Path) -> Result<Self> {
        Self::exclusive(&folder.join(NAME))
    }

    /// Takes the folder together with others who do so, to keep out who takes it alone.
    ///
    /// # Errors
    /// As [`Self::take`].
    pub fn share(folder: &Path) -> Result<Self> {
        let path = folder.join(NAME);
        let mut file = open(&path)?;
        if let Err(TryLockError::WouldBlock) = file.try_lock_shared() {
            return Err(taken(&path, &mut file));
        }
        // An owner of old is none.
        file.set_len(0).map_err(|source| Error::io(&path, "write", source))?;
        Ok(Self { _file: file })
    }

    /// Takes the part `name` of the work in a folder that is shared.
    ///
    /// # Errors
    /// As [`Self::take`].
    pub fn take_part(folder: &Path, name: &str) -> Result<Self> {
        Self::exclusive(&folder.join(format!("{NAME}-{name}")))
    }

    /// Removes what the locks of parts leave. The folder must be taken.
    pub fn remove_parts(folder: &Path) {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().starts_with(&format!("{NAME}-")) {
                // Best effort: one too many does no harm.
                let _ = std::fs::remove_file(entry.path());
            }
        }
    }

    fn exclusive(path: &Path) -> Result<Self> {
        let failed = |source| Error::io(path, "write", source);
        let mut file = open(path)?;
        if let Err(TryLockError::WouldBlock) = file.try_lock() {
            return Err(taken(path, &mut file));
        }
        let own = Owner { host: host(), process: std::process::id(), since: now() };
        let text = serde_json::to_vec(&own).map_err(|error| failed(error.into()))?;
        file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(&text)).map_err(failed)?;
        Ok(Self { _file: file })
    }
}

fn open(path: &Path) -> Result<File> {
    // A link may lead to somebody's file.
    if path.symlink_metadata().is_ok_and(|found| !found.is_file()) {
        return Err(Error::file(path, "owner", "this is no regular file", "remove it, or give another folder"));
    }
    let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
    opened.map_err(|source| Error::io(path, "write", source))
}

fn taken(path: &Path, file: &mut File) -> Error {
    Error::file(path, "owner", owner(file), "wait for its end, or give another folder")
}

/// Who has a folder, in words.
fn owner(file: &mut File) -> String {
    let mut text = Vec::new();
    // More than any owner's. What cannot be read, or is just being written, is nobody known.
    let known = file.take(4096).read_to_end(&mut text).ok().and_then(|_| serde_json::from_slice::<Owner>(&text).ok());
    known.map_or_else(
        || "another process works in this folder".to_owned(),
        |Owner { host, process, since }| {
            let minutes = now().saturating_sub(since) / 60;
            format!("process {process} on {host} works in this folder, for {minutes} minutes now")
        },
    )
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// This machine's name, where it has one.
fn host() -> String {
    let of_system = || super::read_text_limited(Path::new("/proc/sys/kernel/hostname"), 1 << 10).ok();
    let known =
        of_system().or_else(|| ["HOSTNAME", "COMPUTERNAME"].into_iter().find_map(|name| std::env::var(name).ok()));
    known
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "a machine without a name".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_owner_who_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let first = FolderLock::take(folder.path()).unwrap();
        let refused = FolderLock::take(folder.path()).unwrap_err().to_string();
        let expected = format!("process {} on {} works in this folder, for 0 minutes now", std::process::id(), host());
        assert!(refused.contains(".isopose-lock: owner: ") && refused.contains(&expected), "{refused}");
        drop(first);
        // What is left of a longer name, or of another program, does not matter once nobody holds it.
        std::fs::write(folder.path().join(NAME), "x".repeat(9000)).unwrap();
        let second = FolderLock::take(folder.path()).unwrap();
        assert!(FolderLock::take(folder.path()).unwrap_err().to_string().contains(&expected));
        drop(second);
        #[cfg(unix)]
        {
            let (lock, other) = (folder.path().join(NAME), folder.path().join("other"));
            std::fs::remove_file(&lock).unwrap();
            std::fs::write(&other, "mine").unwrap();
            std::os::unix::fs::symlink("other", &lock).unwrap();
            let refused = FolderLock::take(folder.path()).unwrap_err().to_string();
            assert!(refused.contains("no regular file; remove it"), "{refused}");
            assert_eq!(std::fs::read_to_string(&other).unwrap(), "mine");
        }
        assert!(FolderLock::take(&folder.path().join("none")).is_err());
    }

    #[test]
    fn who_shares_a_folder_keeps_out_who_takes_it_alone() {
        let folder = tempfile::tempdir().unwrap();
        drop(FolderLock::take(folder.path()).unwrap());
        let [one, other] = [(); 2].map(|()| FolderLock::share(folder.path()).unwrap());
        let refused = FolderLock::take(folder.path()).unwrap_err().to_string();
        assert!(refused.contains("another process works in this folder"), "{refused}");
        let part = FolderLock::take_part(folder.path(), "a").unwrap();
        assert!(
            FolderLock::take_part(folder.path(), "a")
                .unwrap_err()
                .to_string()
                .contains(".isopose-lock-a: owner: process")
        );
        drop(FolderLock::take_part(folder.path(), "b").unwrap());
        drop((one, other, part));
        let alone = FolderLock::take(folder.path()).unwrap();
        assert!(FolderLock::share(folder.path()).is_err());
        FolderLock::remove_parts(folder.path());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        drop(alone);
    }

    #[test]
    fn an_owner_that_cannot_be_read_is_another_process() {
        let folder = tempfile::tempdir().unwrap();
        let file = File::create(folder.path().join(NAME)).unwrap();
        file.lock().unwrap();
        let refused = FolderLock::take(folder.path()).unwrap_err().to_string();
        assert!(refused.contains("another process works in this folder; wait for its end"), "{refused}");
    }
}
