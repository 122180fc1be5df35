//! Every file of the fixtures, cut short and with bytes changed: an error that names the file, or another content, and
//! never a panic. What a fuzzer finds beyond is for `fuzz/`.

use std::path::{Path, PathBuf};

use isopose::inspect::inspect;

/// Places to cut, and bytes to change, spread over a file.
const PLACES: usize = 24;

fn files(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, into);
        } else {
            into.push(path);
        }
    }
}

#[test]
fn damaged_files_are_refused_by_name() {
    let mut all = Vec::new();
    files(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/kernels-tests/fixtures")), &mut all);
    let folder = tempfile::tempdir().unwrap();
    let (mut refused, mut read) = (0, 0);
    let mut check = |name: &Path, bytes: &[u8]| {
        let path = folder.path().join(name.file_name().unwrap());
        std::fs::write(&path, bytes).unwrap();
        // A skeleton is part of what an AMC file says.
        let beside = name.with_file_name(name.file_stem().unwrap().to_string_lossy().split('_').next().unwrap());
        let skeleton = beside.with_extension("asf");
        if skeleton.exists() {
            std::fs::copy(&skeleton, folder.path().join(skeleton.file_name().unwrap())).unwrap();
        }
        match inspect(&path) {
            Ok(_) => read += 1,
            Err(error) => {
                refused += 1;
                let message = error.to_string();
                assert!(message.starts_with(folder.path().to_str().unwrap()), "{}: {message}", name.display());
                assert!(!message.contains("Error {") && message.len() < 2000, "{}: {message}", name.display());
            }
        }
        std::fs::remove_file(&path).unwrap();
    };
    let mut checked = 0;
    for path in &all {
        let whole = std::fs::read(path).unwrap();
        let kind = path.extension().unwrap_or_default().to_string_lossy().into_owned();
        if !matches!(&*kind, "npz" | "pkl" | "mat" | "h5" | "json" | "bvh" | "amc") || whole.is_empty() {
            continue;
        }
        checked += 1;
        for place in 0..PLACES {
            check(path, &whole[..whole.len() * place / PLACES]);
            let mut changed = whole.clone();
            let at = whole.len() * place / PLACES;
            changed[at] = [0, 0xff, changed[at].wrapping_add(1), b'9'][place % 4];
            check(path, &changed);
        }
    }
    assert!(checked > 60, "{checked} files");
    assert!(refused > checked * PLACES / 2 && read > 0, "{refused} refused, {read} read");
}
