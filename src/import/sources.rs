//! What the importers of data sets share: their files, named or found in folders, and arrays of points.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use super::{Collector, Layout};
use crate::{
    error::{Error, Result},
    format::Array,
};

/// Data sets are unpacked in folders that lie at most this deep.
const MAX_DEPTH: usize = 6;

/// The files that `paths` stand for: a file for itself, a folder for those in it that are `wanted`, sorted by path.
/// `what` names them in the message if there is none. The same file twice is an error.
pub(super) fn find(paths: &[PathBuf], what: &str, wanted: fn(&Path) -> bool) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        let before = files.len();
        if path.is_dir() {
            search(path, wanted, MAX_DEPTH, &mut files)?;
            files[before..].sort();
        } else {
            files.push(path.clone());
        }
        if files.len() == before {
            return Err(Error::file(path, "folder", format!("there is no {what} in it"), "name the data set's folder"));
        }
    }
    if files.is_empty() {
        return Err(Error::Usage(format!("no file is named; give {what}")));
    }
    let mut known = HashMap::new();
    for file in &files {
        // What cannot be opened says so when it is read.
        let same = std::fs::canonicalize(file).unwrap_or_else(|_| file.clone());
        if let Some(other) = known.insert(same, file) {
            let problem = format!("it is the same file as {}", other.display());
            return Err(Error::file(file, "path", problem, "give it once"));
        }
    }
    Ok(files)
}

/// An error if nothing was collected of `paths`. `asked` says for what.
pub(super) fn check_any(collector: &Collector<'_>, paths: &[PathBuf], asked: &str) -> Result<()> {
    match paths.first().filter(|_| collector.is_empty()) {
        None => Ok(()),
        Some(path) => {
            let problem = format!("nothing is left of {} ({asked})", if paths.len() > 1 { "all files" } else { "it" });
            Err(Error::file(path, "poses", problem, "ask for what there is, or give other files"))
        }
    }
}

fn search(folder: &Path, wanted: fn(&Path) -> bool, depth: usize, files: &mut Vec<PathBuf>) -> Result<()> {
    let failed = |source| Error::io(folder, "read", source);
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if wanted(&path) {
            files.push(path);
        } else if depth > 0 && path.is_dir() {
            search(&path, wanted, depth - 1, files)?;
        }
    }
    Ok(())
}

/// A file's name.
pub(super) fn name(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}

/// The innermost folder around a file that is called `prefix` and a number, such as `S1` or `TS6`.
pub(super) fn numbered_folder<'a>(path: &'a Path, prefix: &str) -> Option<&'a str> {
    let numbered = |name: &&str| name.strip_prefix(prefix).is_some_and(|number| number.parse::<u32>().is_ok());
    path.ancestors().skip(1).map(name).find(numbered)
}

/// Importers read so many frames at once.
pub(super) const PIECE: usize = 4096;

/// The number of frames of an array of (frames, `joints`, `axes`), of (frames, 1, `joints`, `axes`) or of (frames,
/// `joints` x `axes`).
pub(super) fn frames(path: &Path, field: &str, shape: &[usize], joints: usize, axes: usize) -> Result<usize> {
    match *shape {
        [frames, j, d] | [frames, 1, j, d] if (j, d) == (joints, axes) => Ok(frames),
        [frames, width] if width == joints * axes => Ok(frames),
        _ => {
            let fix = format!("give (frames, {joints}, {axes}), as the data set has it");
            Err(Error::file(path, field, format!("its shape is {shape:?}"), fix))
        }
    }
}

/// The points of such an array.
pub(super) fn points<'a, const D: usize>(
    path: &Path,
    field: &str,
    array: &'a Array<f32>,
    joints: usize,
) -> Result<&'a [[f32; D]]> {
    frames(path, field, &array.shape, joints, D)?;
    Ok(array.values.as_chunks().0)
}

/// The positions of one frame to the 17 joints in metres. `frame` is for the message.
pub(super) fn positions(
    path: &Path,
    field: &str,
    frame: usize,
    layout: &Layout,
    points: &[[f32; 3]],
    per_metre: f32,
) -> Result<[[f32; 3]; 17]> {
    let joints = layout.positions(points).map(|joint| joint.map(|v| v / per_metre));
    if let Some(joint) = joints.iter().position(|joint| joint.iter().any(|v| !v.is_finite())) {
        let field = format!("{field}, frame {frame}");
        let problem = format!("joint {joint} of the 17 has a coordinate that is not finite");
        return Err(Error::file(path, field, problem, "download the file again, or leave the recording out"));
    }
    Ok(joints)
}

#[cfg(test)]
pub(super) mod testing {
    //! What the importers' tests share.

    use std::path::PathBuf;

    use crate::{data::PoseSet, error::Result, format::npz::Npz};

    /// A file of `kernels-tests/fixtures/datasets`.
    pub(in crate::import) fn fixture(name: &str) -> PathBuf {
        PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/kernels-tests/fixtures/datasets")).join(name)
    }

    /// An array that the generator computed.
    pub(in crate::import) fn expected(name: &str) -> Vec<f32> {
        Npz::open(&fixture("expected.npz")).unwrap().f32(name).unwrap().values
    }

    /// The poses of `rows` of an expected array whose poses have `width` values.
    pub(in crate::import) fn rows(values: &[f32], width: usize, rows: impl IntoIterator<Item = usize>) -> Vec<f32> {
        rows.into_iter().flat_map(|row| &values[row * width..(row + 1) * width]).copied().collect()
    }

    /// Fails at the first value that is further than `limit` from its like.
    pub(in crate::import) fn close(got: &[f32], expected: &[f32], limit: f32) {
        assert_eq!(got.len(), expected.len());
        for (i, (got, expected)) in got.iter().zip(expected).enumerate() {
            assert!((got - expected).abs() <= limit, "value {i}: {got} where {expected} is expected");
        }
    }

    /// The message of a failure, which has all of `words`.
    pub(in crate::import) fn fails(result: Result<PoseSet>, words: &[&str]) {
        let message = result.unwrap_err().to_string();
        assert!(words.iter().all(|word| message.contains(word)), "{message} lacks one of {words:?}");
    }

    /// The set, which is also as valid as a saved one has to be.
    pub(in crate::import) fn valid(result: Result<PoseSet>) -> PoseSet {
        let set = result.unwrap();
        set.validate(&fixture("")).unwrap();
        set
    }

    /// For tests that do not look at the progress.
    pub(in crate::import) fn quiet(_: usize, _: usize) {}
}

#[cfg(test)]
mod tests {
    use super::{testing::fixture, *};

    #[test]
    fn finds_files_in_folders_and_takes_named_ones_as_they_are() {
        let json = |path: &Path| path.extension().is_some_and(|e| e == "json");
        let found = find(&[fixture("")], "annotations", json).unwrap();
        assert_eq!(found, [fixture("mpii/train.json")]);
        let named = fixture("expected.npz");
        assert_eq!(find(std::slice::from_ref(&named), "annotations", json).unwrap(), [named]);
        let error = find(&[fixture("lsp")], "annotations", json).unwrap_err().to_string();
        assert!(error.contains("no annotations"), "{error}");
        assert!(find(&[], "annotations", json).unwrap_err().to_string().contains("annotations"));
        let twice = [fixture("mpii/train.json"), fixture("mpii")];
        let error = find(&twice, "annotations", json).unwrap_err().to_string();
        assert!(error.matches("mpii/train.json").count() == 2 && error.contains("give it once"), "{error}");
    }

    #[test]
    fn nothing_is_an_error() {
        let path = [PathBuf::from("a.npz")];
        let error = crate::import::collect(17, |to| check_any(to, &path, "subject S1")).unwrap_err().to_string();
        assert!(error.starts_with("a.npz: poses: nothing is left of it (subject S1);"), "{error}");
    }

    #[test]
    fn folders_with_numbers() {
        let path = Path::new("/S9x/TS6/a/S1/Seq2/annot.mat");
        assert_eq!(numbered_folder(path, "S"), Some("S1"));
        assert_eq!(numbered_folder(path, "TS"), Some("TS6"));
        assert_eq!(numbered_folder(path, "Cam"), None);
    }

    #[test]
    fn points_have_the_right_shape() {
        let path = Path::new("f");
        let array = |shape: &[usize]| Array { shape: shape.to_vec(), values: vec![1.0; shape.iter().product()] };
        for shape in [&[5, 4, 3][..], &[5, 1, 4, 3], &[5, 12]] {
            assert_eq!(points::<3>(path, "x", &array(shape), 4).unwrap().len(), 20);
        }
        for shape in [&[5, 3, 4][..], &[5, 2, 4, 3], &[60], &[5, 13], &[]] {
            let error = points::<3>(path, "x", &array(shape), 4).unwrap_err().to_string();
            assert!(error.contains("x: its shape is") && error.contains("(frames, 4, 3)"), "{error}");
        }
    }
}
