//! The result as one page that plays it: 2D beside 3D, as trained and as adapted.
//!
//! Frames are kept as whole numbers, packed when the last one is in ([`pack`] says how), and unpacked by the page itself.

mod code;
mod html;
mod pack;
mod store;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use self::store::Store;
use super::{About, Lifted, Sink};
use crate::error::{Error, Result};
use crate::format::write_whole;

/// The poses that a page takes: one person for almost three hours at 30 frames a second. A browser holds the page as
/// text and once more unpacked.
const LIMIT: usize = 300_000;

/// A page that plays what was lifted. It is one file, needs nothing but itself and fetches nothing.
#[derive(Debug)]
pub struct Page {
    path: PathBuf,
    about: About,
    store: Store,
}

impl Page {
    /// A page that [`Sink::finish`] will write to `path`.
    ///
    /// # Errors
    /// When `path` names no file, or one in a folder that is not there: better said before the lifting than after it.
    pub fn new(path: &Path, about: About) -> Result<Self> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if path.file_name().is_none() || path.is_dir() {
            let problem =
                format!("'{}' names no file to write a page to; give a path such as view.html", path.display());
            return Err(Error::Usage(problem));
        }
        std::fs::metadata(folder).map_err(|error| Error::io(path, "write", error))?;
        let store = Store::new(about.skeleton, LIMIT);
        Ok(Self { path: path.to_owned(), about, store })
    }
}

impl Sink for Page {
    fn push(&mut self, frame: &Lifted) -> Result<()> {
        self.store.push(frame);
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Vec<String>> {
        let packed = pack::pack(&self.store, &self.about)?;
        let page = html::page(&self.about, &packed);
        write_whole(&self.path, page.as_bytes())?;
        let megabytes = page.len() as f64 / 1e6;
        let mut said = vec![format!("{}: {}, {megabytes:.1} MB", self.path.display(), packed.counts)];
        if self.store.left_out > 0 {
            let later = html::number(self.store.left_out, "later frame", "later frames");
            said.push(format!("{later} are not in the page, which takes {} poses", self.store.limit));
        }
        if packed.undrawn > 0 {
            let poses = html::number(packed.undrawn, "pose", "poses");
            said.push(format!(
                "the page leaves out points of {poses}: they are no numbers, farther than 32 m from the root or far \
                 outside the picture"
            ));
        }
        Ok(said)
    }
}
