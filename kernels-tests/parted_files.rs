//! Imports and lifts in parts: put together, the files are those of one process, byte by byte.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::fs;
use std::path::Path;

use crate::folder::Folder;

const DETECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/kernels-tests/fixtures/detectors");

/// Does a command in parts, and sees that they put together are what it makes at once.
fn assert_joined(folder: &Folder, line: &str, file: &str, parts: usize) {
    let (stem, ending) = file.split_once('.').unwrap();
    folder.succeed(&format!("{line} --out {file}"));
    for index in 1..=parts {
        folder.succeed(&format!("{line} --out {file} --shard {index}/{parts}"));
    }
    // However they are given.
    let digits = parts.to_string().len();
    let name = |index: usize| format!("{stem}.shard-{index:0digits$}-of-{parts}.{ending}");
    let names: Vec<String> = (1..=parts).rev().map(name).collect();
    folder.succeed(&format!("merge {} --out merged.{ending}", names.join(" ")));
    let read = |name: &str| fs::read(folder.path(name)).unwrap();
    assert!(read(file) == read(&format!("merged.{ending}")), "{line}: {file} in {parts} parts");
    for name in names {
        for left in [format!("{name}.part"), name] {
            fs::remove_file(folder.path(&left)).unwrap();
        }
    }
}

/// Copies a video's frames under another name.
fn copy(from: &Path, to: &Path, name: &str) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let file = path.file_name().unwrap().to_str().unwrap().replace("my_dance", name);
        fs::copy(&path, to.join(file)).unwrap();
    }
}

#[test]
fn imported_parts_are_the_whole() {
    let folder = Folder::new();
    let mut videos = Vec::new();
    for name in ["one", "two", "three", "four", "five"] {
        copy(&Path::new(DETECTORS).join("openpose/body_25"), &folder.path(name), name);
        fs::copy(Path::new(DETECTORS).join("coco/results.json"), folder.path(&format!("{name}.json"))).unwrap();
        videos.push(name);
    }
    let openpose = format!("import openpose {}", videos.join(" "));
    for parts in [2, 5] {
        assert_joined(&folder, &openpose, "poses.npz", parts);
    }
    assert_joined(&folder, &format!("import coco {}.json", videos.join(".json ")), "poses.npz", 3);
    folder.fail(&format!("{openpose} --out poses.npz --shard 1/6"), 2, &["--shard", "5 given paths"]);
    folder.fail("import bvh x.bvh --out m.npz --shard 1/2", 2, &["--shard", "together"]);
}

#[test]
fn lifted_parts_are_the_whole() {
    let folder = Folder::new();
    folder.synth("source.npz", "source", 64, 16);
    folder.synth("target.npz", "target", 90, 16);
    folder.succeed(
        "train --data source.npz --out m.safetensors --width 16 --steps 40 --batch 16 --device cpu --threads 1",
    );
    let lift = "lift --checkpoint m.safetensors --input target.npz --device cpu --threads 1 --copies 4";
    for (options, file, parts) in [
        ("--mode baseline", "poses.csv", 3),
        ("--mode online --reset-on-cut", "poses.jsonl", 2),
        ("--mode vanilla --iterations 2 --reset-on-cut --smooth savgol", "poses.npz", 3),
        ("--mode online --reset-on-cut --adapt-per-track", "poses.npz", 40),
    ] {
        assert_joined(&folder, &format!("{lift} {options}"), file, parts);
    }
    let part = |options: &str| format!("{lift} --shard 1/2 {options}");
    folder.fail(&part("--mode online --out p.csv"), 2, &["--shard", "online carries on", "--reset-on-cut"]);
    folder.fail(&part("--mode baseline --out p.bvh"), 2, &["--shard", "bvh", "jsonl, csv or npz"]);
    folder.fail(&part("--mode baseline --out -"), 2, &["--shard", "--out"]);
}

#[test]
fn files_that_are_no_parts_of_one_are_not_merged() {
    let folder = Folder::new();
    folder.synth("source.npz", "source", 64, 16);
    folder.succeed(
        "train --data source.npz --out m.safetensors --width 16 --steps 40 --batch 16 --device cpu --threads 1",
    );
    let lift = "lift --checkpoint m.safetensors --input source.npz --mode baseline --device cpu";
    for index in [1, 2] {
        folder.succeed(&format!("{lift} --out a.csv --shard {index}/2"));
    }
    folder.succeed(&format!("{lift} --up world --out b.csv --shard=2/2"));
    let [one, two, other] = ["a.shard-1-of-2.csv", "a.shard-2-of-2.csv", "b.shard-2-of-2.csv"];
    for (parts, words) in [
        (one.to_owned(), &["of 2 parts there is no 2/2"][..]),
        (format!("{one} {two} {other}"), &["part 2/2 is a.shard-2-of-2.csv too"]),
        (format!("{one} {other}"), &[other, "command", one, "--up here, --out there"]),
        (format!("{one} source.npz"), &["source.npz.part", "--shard"]),
        (format!("{one} nothing.csv"), &["nothing.csv"]),
        (format!("{one} {two}.part"), &["a.shard-2-of-2.csv.part"]),
        (format!("{one} ."), &[one]),
    ] {
        folder.fail(&format!("merge {parts} --out merged.csv"), 1, words);
    }
    folder.fail(&format!("merge {one} {two} --out {two}"), 2, &["an input too"]);
    folder.fail(&format!("merge {one} {two} --out merged.jsonl"), 2, &["--out", "the parts are csv"]);
    // A part is one process's at a time; while it is written, nothing is said of it.
    let held = isopose::format::FolderLock::take_part(&folder.path("."), two).unwrap();
    folder.fail(&format!("{lift} --out a.csv --shard 2/2"), 1, &[two, "owner", "works in this folder"]);
    drop(held);
    // Another model at the same place.
    folder.succeed("train --data source.npz --out m.safetensors --width 16 --steps 5 --batch 16 --device cpu --force");
    folder.succeed(&format!("{lift} --out a.csv --shard 2/2"));
    folder.fail(&format!("merge {one} {two} --out merged.csv"), 1, &[two, "inputs", "of the same files"]);
    let path = folder.path(two);
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen('1', "2", 1)).unwrap();
    folder.fail(&format!("merge {one} {two} --out merged.csv"), 1, &[two, "not what was written"]);
    assert!(!folder.path("merged.csv").exists());
}
