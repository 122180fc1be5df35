//! Every file of the fixtures, cut short and with bytes changed: an error that names the file, or another content, and
//! never a panic. What a fuzzer finds beyond is for `fuzz/`.

use std::path::{Path, PathBuf};

use isopose::import::{Collector, collect, detector, h36m, lsp, motion, mpi_inf_3dhp, mpii, threedpw};
use isopose::inspect::inspect;

/// Places to cut at, and bytes to change, spread over a file.
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

/// Imports a file as what its place among the fixtures says; files of no importer count as read.
fn import(place: &str, path: &Path, fixtures: &Path) -> isopose::Result<()> {
    let (paths, none) = ([path.to_owned()], &mut |_, _| Ok(()));
    if place.starts_with("motion/") {
        return motion::import(&paths, &motion::Options::default(), &mut Vec::new(), none).map(drop);
    }
    let options = detector::Options { image_size: Some([640, 480]), ..Default::default() };
    let sets = ["annot", "data_t", "test_3dhp"];
    let read = |to: &mut Collector<'_>| match place {
        _ if place.contains("data_2d") => {
            let whole = fixtures.join("datasets/h36m/data_3d_h36m.npz");
            h36m::import(&[whole, paths[0].clone()], &h36m::Options::default(), to, none)
        }
        _ if place.starts_with("datasets/h36m") || place.starts_with("stated/h36m") => {
            h36m::import(&paths, &h36m::Options::default(), to, none)
        }
        _ if sets.iter().any(|name| place.contains(name)) && place.contains("3dhp") => {
            mpi_inf_3dhp::import(&paths, &mpi_inf_3dhp::Options::default(), to, none)
        }
        _ if place.contains("threedpw") => threedpw::import(&paths, &threedpw::Options::default(), to, none),
        _ if place.contains("/mpii") => mpii::import(&paths, to, none),
        _ if place.contains("datasets/lsp") => lsp::import(&paths, None, to, none),
        _ if place.contains("detectron") => detector::detectron::import(&paths, &options, to, none),
        _ if place.contains("openpose") => detector::openpose::import(&paths, &options, to, none),
        _ if place.contains("mmpose") => detector::mmpose::import(&paths, &options, to, none),
        _ if place.contains("alphapose") => detector::alphapose::import(&paths, &options, to, none),
        _ if place.contains("mediapipe") => detector::mediapipe::import(&paths, &options, to, none),
        _ if place.contains("halpe") => detector::halpe::import(&paths, &options, to, none),
        _ if place.contains("coco") => detector::coco::import(&paths, &options, to, none),
        _ => Ok(()),
    };
    collect(16, read).map(drop)
}

#[test]
fn damaged_files_are_refused_by_name() {
    let fixtures = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/kernels-tests/fixtures"));
    let mut all = Vec::new();
    files(fixtures, &mut all);
    // Skeletons first: AMC files need theirs beside them.
    all.sort_by_key(|path| path.extension().is_none_or(|extension| extension != "asf"));
    let folder = tempfile::tempdir().unwrap();
    let (mut refused, mut read, mut checked) = (0, 0, 0);
    let mut check = |place: &Path, bytes: &[u8]| {
        // At the same place below: some files are told by their folders.
        let path = folder.path().join(place);
        std::fs::write(&path, bytes).unwrap();
        for outcome in [inspect(&path).map(drop), import(place.to_str().unwrap(), &path, fixtures)] {
            let Err(error) = outcome else {
                read += 1;
                continue;
            };
            refused += 1;
            let message = error.to_string();
            let named = [folder.path(), fixtures].iter().any(|root| message.starts_with(root.to_str().unwrap()));
            assert!(named, "{}: {message}", place.display());
            assert!(!message.contains("Error {") && message.len() < 2000, "{}: {message}", place.display());
        }
        std::fs::remove_file(&path).unwrap();
    };
    for path in &all {
        let place = path.strip_prefix(fixtures).unwrap();
        let whole = std::fs::read(path).unwrap();
        std::fs::create_dir_all(folder.path().join(place).parent().unwrap()).unwrap();
        let kind = path.extension().unwrap_or_default().to_string_lossy().into_owned();
        if kind == "asf" {
            std::fs::write(folder.path().join(place), &whole).unwrap();
        }
        if !matches!(&*kind, "npz" | "pkl" | "mat" | "h5" | "json" | "bvh" | "amc") || whole.is_empty() {
            continue;
        }
        checked += 1;
        for step in 0..PLACES {
            let at = whole.len() * step / PLACES;
            check(place, &whole[..at]);
            let mut changed = whole.clone();
            changed[at] = [0, 0xff, changed[at].wrapping_add(1), b'9'][step % 4];
            check(place, &changed);
        }
    }
    assert!(checked > 60, "{checked} files");
    assert!(refused > checked * PLACES && read > 0, "{refused} refused, {read} read");
}
