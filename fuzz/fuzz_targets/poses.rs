//! A pose set and a motion of which one array is any bytes: the archive around it is whole, so that its checksums hold.
#![no_main]

use std::io::{Cursor, Read, Write};
use std::path::Path;
use std::sync::LazyLock;

use isopose_fuzz::data::{Motion, PoseCheck, PoseSet, Rig, Scenario, synthetic, views};
use isopose_fuzz::with_file;
use zip::{CompressionMethod, ZipArchive, ZipWriter, write::SimpleFileOptions};

/// The entries of an archive, by name.
type Entries = Vec<(String, Vec<u8>)>;

static SET: LazyLock<Entries> = LazyLock::new(|| entries(|path| set().save(path).expect("a folder to write in")));
static MOTION: LazyLock<Entries> = LazyLock::new(|| entries(|path| motion().save(path).expect("a folder to write in")));

fn set() -> PoseSet {
    synthetic(Scenario::Source, 4, 1, 17).expect("there are synthetic people")
}

/// Two frames of somebody who stands still.
fn motion() -> Motion {
    let one = set().positions.expect("synthetic people have positions");
    Motion {
        positions: one[..2 * 51].iter().map(|metres| metres * 1000.0).collect(),
        clip_start: vec![0, 2],
        clip_names: vec!["a".into()],
        subject: vec![0; 2],
        subject_names: vec!["S".into()],
        category: vec![0; 2],
        category_names: vec!["c".into()],
        frame: vec![0, 1],
        fps: 50.0,
    }
}

fn entries(save: impl Fn(&Path)) -> Entries {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.npz");
    save(&path);
    let mut archive = ZipArchive::new(std::fs::File::open(path).expect("it was written")).expect("an archive");
    let count = archive.len();
    let entry = |index| {
        let (mut entry, mut bytes) = (archive.by_index(index).expect("an entry"), Vec::new());
        entry.read_to_end(&mut bytes).expect("it was written");
        (entry.name().expect("a name").into_owned(), bytes)
    };
    (0..count).map(entry).collect()
}

/// The archive whose entry `which` begins with `bytes`, and goes on as before if those are few.
fn changed(entries: &Entries, which: usize, bytes: &[u8]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (index, (name, whole)) in entries.iter().enumerate() {
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        zip.start_file(name.as_str(), options).expect("memory");
        let kept = if index == which % entries.len() { bytes } else { &[] };
        zip.write_all(kept).and_then(|()| zip.write_all(whole.get(kept.len()..).unwrap_or_default())).expect("memory");
    }
    zip.finish().expect("memory").into_inner()
}

libfuzzer_sys::fuzz_target!(|input: (u8, &[u8])| {
    let (which, bytes) = input;
    with_file(&changed(&SET, which.into(), bytes), |path| {
        if let Ok(set) = PoseSet::load(path) {
            set.validate(path).expect("what is read is valid");
            drop((PoseCheck::of(&set).findings(), set.seen(), set.to_16(), set.complete(), set.sequence_starts()));
        }
    });
    with_file(&changed(&MOTION, which.into(), bytes), |path| {
        if let Ok(motion) = Motion::load(path) {
            motion.validate(path).expect("what is read is valid");
            drop(views(&motion, Rig::H36m, 17, 1, 1));
        }
    });
});
