//! What the importers of data sets share: their files, named or found in folders, and arrays of points.

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
};

use super::{Collector, Layout, motion::Unit};
use crate::{
    error::{Error, Result},
    format::{Array, npz::Npz},
};

/// Data sets are unpacked in folders that lie at most this deep.
const MAX_DEPTH: usize = 6;

/// The files that `paths` stand for: a file for itself, a folder for those in it that are `wanted`, sorted by path.
/// `what` names them in the message if there is none. The same file twice is an error. What stands in a folder without
/// being meant ([`is_litter`], and `wanted` files without content) is passed over, with one warning.
pub(super) fn find(
    paths: &[PathBuf],
    what: &str,
    wanted: fn(&Path) -> bool,
    to: &mut Collector<'_>,
) -> Result<Vec<PathBuf>> {
    let (mut files, mut litter) = (Vec::new(), Vec::new());
    for path in paths {
        let before = files.len();
        if path.is_dir() {
            search(path, wanted, &mut files, &mut litter)?;
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
    to.warn_all(passed_over(&litter, LITTER));
    check_once(files.iter())?;
    Ok(files)
}

/// An error if a file is there twice.
pub(super) fn check_once<'a>(files: impl Iterator<Item = &'a PathBuf>) -> Result<()> {
    let mut known = HashMap::new();
    for file in files {
        // What cannot be opened says so when it is read.
        let same = std::fs::canonicalize(file).unwrap_or_else(|_| file.clone());
        if let Some(other) = known.insert(same, file) {
            let problem = format!("it is the same file as {}", other.display());
            return Err(Error::file(file, "path", problem, "give it once"));
        }
    }
    Ok(())
}

/// Why litter is passed over.
pub(super) const LITTER: &str = "hidden, empty or an editor's copy";

/// Says which files were not read, and why.
pub(super) fn passed_over(files: &[PathBuf], why: &str) -> Option<String> {
    const SHOWN: usize = 3;
    let first = files.first()?;
    let names: Vec<&str> = files.iter().map(|file| name(file)).take(SHOWN).collect();
    let more = files.len().saturating_sub(SHOWN);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let folder = first.parent().unwrap_or(first).display();
    let count = counted(files.len(), "file");
    Some(format!("{folder}: {count} passed over ({why}): {}{more}", names.join(", ")))
}

/// "1 file is", "2 files are".
pub(super) fn counted(count: usize, what: &str) -> String {
    if count == 1 {
        return format!("1 {what} is");
    }
    // "poses without any joint"
    let (noun, rest) = what.split_once(' ').map_or((what, String::new()), |(noun, rest)| (noun, format!(" {rest}")));
    format!("{count} {noun}s{rest} are")
}

/// Whether a file stands in folders without being meant: hidden (macOS's `._x` and `.DS_Store`), or an editor's copy.
pub(super) fn is_litter(path: &Path) -> bool {
    let name = name(path);
    let ends = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
    name.starts_with(['.', '#'])
        || ["Thumbs.db", "__MACOSX"].contains(&name)
        || ends(&["~", ".bak", ".swp", ".swo", ".orig", ".tmp"]) && !path.is_dir()
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

/// Adds the `wanted` files of a folder and of those in it, in the order of their paths, and what is litter.
pub(crate) fn search(
    folder: &Path,
    wanted: fn(&Path) -> bool,
    files: &mut Vec<PathBuf>,
    litter: &mut Vec<PathBuf>,
) -> Result<()> {
    // A link to a folder above ends there.
    let mut known = HashSet::new();
    let mut open = vec![(folder.to_owned(), MAX_DEPTH)];
    let first = (files.len(), litter.len());
    while let Some((folder, depth)) = open.pop() {
        if !known.insert(std::fs::canonicalize(&folder).unwrap_or_else(|_| folder.clone())) {
            continue;
        }
        for path in listed(&folder)? {
            if path.is_dir() {
                if is_litter(&path) {
                    litter.push(path);
                } else if depth > 0 {
                    open.push((path, depth - 1));
                }
            } else if is_litter(&path) || wanted(&path) && path.metadata().is_ok_and(|file| file.len() == 0) {
                litter.push(path);
            } else if wanted(&path) {
                files.push(path);
            }
        }
    }
    files[first.0..].sort();
    litter[first.1..].sort();
    Ok(())
}

/// What is in a folder, in the order of the names.
pub(super) fn listed(folder: &Path) -> Result<Vec<PathBuf>> {
    let failed = |source| Error::io(folder, "read", source);
    let mut inside = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        inside.push(entry.map_err(failed)?.path());
    }
    inside.sort();
    Ok(inside)
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

/// How many of a file's lengths are a metre: of the unit that the user says, else of the data set's.
pub(super) fn per_metre(unit: Option<Unit>, usual: f32) -> f32 {
    unit.map_or(usual, |unit| (1000.0 / unit.millimetres()) as f32)
}

/// The positions of one frame to the 17 joints in metres. `None` if there is nobody: all are 0, or none is a number.
/// `frame` is for the message.
pub(super) fn positions(
    path: &Path,
    field: &str,
    frame: usize,
    layout: &Layout,
    points: &[[f32; 3]],
    per_metre: f32,
) -> Result<Option<[[f32; 3]; 17]>> {
    let joints = layout.positions(points).map(|joint| joint.map(|v| v / per_metre));
    let all = |is: fn(&f32) -> bool| joints.as_flattened().iter().all(is);
    if all(|v| *v == 0.0) || points.as_flattened().iter().all(|v| v.is_nan()) {
        return Ok(None);
    }
    if let Some(joint) = joints.iter().position(|joint| joint.iter().any(|v| !v.is_finite())) {
        let field = format!("{field}, frame {frame}");
        let problem = format!("joint {joint} of the 17 has a coordinate that is not finite");
        return Err(Error::file(path, field, problem, "download the file again, or leave the recording out"));
    }
    Ok(Some(joints))
}

/// An error if a file is one of those that SPIN made of many data sets, and MMPose and others took over.
pub(super) fn refuse_crops(npz: &Npz, give: &str) -> Result<()> {
    if !npz.has("imgname") {
        return Ok(());
    }
    let problem = "it is a file of SPIN's (as MMPose and others have it), a list of image crops for fitting body \
                   models: it has no videos and no cameras, and cannot be imported";
    Err(npz.error("imgname", problem, give))
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
    #[expect(clippy::unnecessary_wraps, reason = "as whoever watches")]
    pub(in crate::import) fn quiet(_: usize, _: usize) -> crate::error::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{testing::fixture, *};

    #[test]
    fn finds_files_in_folders_and_takes_named_ones_as_they_are() {
        let json = |path: &Path| path.extension().is_some_and(|e| e == "json");
        let find = |paths: &[PathBuf], what: &str, wanted| find(paths, what, wanted, &mut Collector::new(17, None));
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
