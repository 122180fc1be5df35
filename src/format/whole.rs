//! Files that appear whole or not at all.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::unfinished;
use crate::error::{Error, Result};

/// Writes `bytes` so that `path` holds either its old content or all of the new, even if the machine stops midway.
///
/// # Errors
/// When the folder or the file cannot be written.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = WholeFile::create(path)?;
    file.write_all(bytes).map_err(|error| Error::io(path, "write", error))?;
    file.finish()
}

/// A file that is written bit by bit, and appears whole. Dropped before `finish`, it leaves nothing behind.
#[derive(Debug)]
pub struct WholeFile {
    path: PathBuf,
    file: BufWriter<NamedTempFile>,
}

impl WholeFile {
    /// Starts a file that will appear at `path`.
    ///
    /// # Errors
    /// When the folder cannot be written to, or what is at the path is no file.
    pub fn create(path: &Path) -> Result<Self> {
        let (path, file) = begin(path)?;
        Ok(Self { path, file: BufWriter::new(file) })
    }

    /// Brings the file to the disk and renames it to its path.
    ///
    /// # Errors
    /// When that fails; what was at the path before is then still there.
    pub fn finish(self) -> Result<()> {
        let file = self.file.into_inner().map_err(|error| Error::io(&self.path, "write", error.into_error()))?;
        put(&self.path, file)
    }
}

/// A temporary file that will be put at `path`, and where that is: a link leads to the file that it names. What a killed
/// process left of the same file is removed.
pub(super) fn begin(path: &Path) -> Result<(PathBuf, NamedTempFile)> {
    let failed = |error| Error::io(path, "write", error);
    let is_link = path.symlink_metadata().is_ok_and(|found| found.is_symlink());
    let place = if is_link { path.canonicalize().map_err(failed)? } else { path.to_owned() };
    check_regular(&place).map_err(failed)?;
    let file = unfinished::create(&place).map_err(failed)?;
    Ok((place, file))
}

/// Brings a temporary file to the disk and renames it to its path, with the permissions of what was there.
pub(super) fn put(path: &Path, file: NamedTempFile) -> Result<()> {
    let failed = |source| Error::io(path, "write", source);
    check_regular(path).map_err(failed)?;
    if let Ok(before) = path.metadata() {
        file.as_file().set_permissions(before.permissions()).map_err(failed)?;
    }
    file.as_file().sync_all().map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    // The rename itself lives in the folder. Not every file system can sync one.
    let _ = fs::File::open(folder(path)).and_then(|folder| folder.sync_all());
    Ok(())
}

/// Fails for a device, a pipe or a folder: to rename over one would destroy it.
fn check_regular(path: &Path) -> io::Result<()> {
    match path.metadata() {
        Ok(found) if !found.is_file() => Err(io::Error::other("it is no regular file; give another name")),
        _ => Ok(()),
    }
}

impl Write for WholeFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// The folder that a file is in, where its temporary files go.
pub(super) fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn a_link_stays_and_its_file_is_written_with_the_permissions_that_it_had() {
        let folder = tempfile::tempdir().unwrap();
        let [file, link, dangling] = ["file", "link", "dangling"].map(|name| folder.path().join(name));
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        symlink("file", &link).unwrap();
        symlink("nothing", &dangling).unwrap();
        write_whole(&link, b"new").unwrap();
        assert!(link.symlink_metadata().unwrap().is_symlink());
        assert_eq!(fs::read(&file).unwrap(), b"new");
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o640);
        assert!(write_whole(&dangling, b"new").is_err());
    }

    #[test]
    fn what_is_no_file_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let error = write_whole(folder.path(), b"new").unwrap_err().to_string();
        assert!(error.contains("no regular file"), "{error}");
        // A device that is there for everybody: only asked, not written.
        assert!(check_regular(Path::new("/dev/null")).is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
