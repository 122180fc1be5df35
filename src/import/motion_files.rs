//! The files of motion: in folders, without litter, each once, and AMC's skeletons.

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    path::{Path, PathBuf},
};

use super::sources;
use crate::error::{Error, Result};

/// Names that a message shows.
const SHOWN: usize = 5;

/// A motion file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct File {
    pub path: PathBuf,
    /// Given itself, not found in a folder.
    pub is_named: bool,
}

/// What paths stand for.
#[derive(Debug, Default)]
pub(super) struct Files {
    /// Motion, in the order of the paths and in folders of their names.
    pub motion: Vec<File>,
    /// ASF files.
    skeletons: Vec<File>,
    /// Litter that was passed over.
    passed: Vec<PathBuf>,
}

impl Files {
    /// A file for itself, a folder for the motion in it and in its folders, less hidden and empty files and editors'
    /// copies.
    ///
    /// # Errors
    /// If there is no motion, a file is of another kind, or the same file is there twice.
    pub(super) fn find(paths: &[PathBuf]) -> Result<Self> {
        let mut files = Self::default();
        for path in paths {
            let before = files.motion.len() + files.skeletons.len();
            if path.is_dir() {
                let mut found = Vec::new();
                sources::search(path, is_motion, &mut found, &mut files.passed)?;
                for file in found {
                    files.add(&file, false);
                }
                if files.motion.len() + files.skeletons.len() == before {
                    return Err(files.none(path));
                }
            } else if !files.add(path, true) {
                return Err(Error::file(path, "name", "it does not end in .bvh, .amc or .asf", "give motion files"));
            }
        }
        match paths.first() {
            None => return Err(Error::Usage("no motion files; give .bvh or .amc files, or their folder".to_owned())),
            Some(path) if files.motion.is_empty() => return Err(files.none(path)),
            _ => {}
        }
        sources::check_once(files.motion.iter().map(|file| &file.path))?;
        Ok(files)
    }

    /// A sentence on what was passed over.
    pub(super) fn warning(&self) -> Option<String> {
        sources::passed_over(&self.passed, sources::LITTER)
    }

    fn none(&self, path: &Path) -> Error {
        let problem = match self.passed.len() {
            0 => "no .bvh or .amc file is here".to_owned(),
            some => format!("no .bvh or .amc file is here, but {some} that are hidden, empty or an editor's copy"),
        };
        Error::file(path, "name", problem, "give motion files or their folder")
    }

    /// False if it is no such file.
    fn add(&mut self, path: &Path, is_named: bool) -> bool {
        let file = File { path: path.to_owned(), is_named };
        if is_a(path, "bvh") || is_a(path, "amc") {
            self.motion.push(file);
        } else if is_a(path, "asf") {
            self.skeletons.push(file);
        } else {
            return false;
        }
        true
    }

    /// The skeleton of an AMC file: of those that were given or found the one by whose name its own starts, the
    /// nearest; or the only one that was given; or the one of its name beside it. Any other may be another person's.
    ///
    /// # Errors
    /// If there is none.
    pub(super) fn skeleton_of(&self, path: &Path) -> Result<PathBuf> {
        let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
        let mut beside = sources::listed(folder)?;
        beside.retain(|file| is_a(file, "asf") && !sources::is_litter(file));
        let motion = stem(path);
        let fits = |file: &&PathBuf| {
            motion.strip_prefix(&stem(file)).is_some_and(|rest| matches!(rest.get(..1), None | Some("_")))
        };
        let shared = |file: &Path| file.components().zip(path.components()).take_while(|(a, b)| a == b).count();
        let named = |skeletons: &mut dyn Iterator<Item = &PathBuf>| {
            skeletons.filter(fits).max_by_key(|file| (stem(file).len(), shared(file))).cloned()
        };
        let given = || self.skeletons.iter().filter(|file| file.is_named).map(|file| &file.path);
        let found = || self.skeletons.iter().map(|file| &file.path);
        let only = given().next().filter(|_| given().count() == 1).cloned();
        let best = named(&mut given()).or_else(|| named(&mut found())).or(only).or_else(|| named(&mut beside.iter()));
        best.ok_or_else(|| {
            let names: BTreeSet<String> =
                found().chain(&beside).filter_map(|file| file.file_name().map(text)).collect();
            let names: Vec<String> = names.into_iter().take(SHOWN).collect();
            let problem = if names.is_empty() {
                "there is no .asf file beside it".to_owned()
            } else {
                format!("by its name, none of the skeletons at hand ({}) is this motion's", names.join(", "))
            };
            Error::file(path, "skeleton", problem, "give its .asf file among the paths")
        })
    }
}

fn is_motion(path: &Path) -> bool {
    ["bvh", "amc", "asf"].iter().any(|extension| is_a(path, extension))
}

pub(super) fn text(name: &OsStr) -> String {
    name.to_string_lossy().into_owned()
}

/// A file's name without its ending.
pub(super) fn stem(path: &Path) -> String {
    path.file_stem().map(text).unwrap_or_default()
}

/// Whether a file's name ends so, in capitals or not.
pub(super) fn is_a(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|found| found.eq_ignore_ascii_case(extension))
}

#[cfg(test)]
#[path = "motion_files_tests.rs"]
mod tests;
