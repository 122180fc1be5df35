//! Files that cannot grow, as on a full disk: what was there stays, what is known is said, and nothing is left behind.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::fs;
use std::process::{Command, Output};

use crate::folder::{Folder, stderr};

/// Runs a command line none of whose files may be larger than so many blocks of 512 bytes.
fn limited(folder: &Folder, blocks: usize, line: &str) -> Output {
    // Without the trap the system ends the process; a full disk only fails the write.
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec {} {line}", env!("CARGO_BIN_EXE_isopose"));
    Command::new("sh").current_dir(folder.path(".")).args(["-c", &script]).output().unwrap()
}

fn fails(output: &Output, words: &[&str]) {
    let text = stderr(output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    let error = text.lines().last().unwrap_or_default();
    assert!(error.starts_with("error: ") && words.iter().all(|word| error.contains(word)), "{words:?}: {text}");
}

/// No file is there that was not finished.
fn is_tidy(folder: &Folder, below: &str) {
    for entry in fs::read_dir(folder.path(below)).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(!name.contains(".writing-"), "{below}/{name}");
    }
}

#[test]
fn a_model_that_does_not_fit_leaves_the_one_before() {
    let folder = Folder::new();
    folder.synth("source.npz", "source", 64, 16);
    let line = "train --data source.npz --out m.safetensors --width 16 --steps 4 --batch 8 --device cpu --threads 1";
    folder.succeed(line);
    let before = fs::read(folder.path("m.safetensors")).unwrap();
    let output = limited(&folder, 16, &format!("{line} --seed 1 --force"));
    fails(&output, &["m.safetensors", "cannot write"]);
    assert!(before == fs::read(folder.path("m.safetensors")).unwrap());
    is_tidy(&folder, ".");
}

#[test]
fn predictions_that_do_not_fit_are_scored_first() {
    let folder = Folder::new();
    folder.synth("source.npz", "source", 64, 16);
    folder.synth("target.npz", "target", 100, 16);
    folder
        .succeed("train --data source.npz --out m.safetensors --width 16 --steps 4 --batch 8 --device cpu --threads 1");
    let line = "eval --checkpoint m.safetensors --data target.npz --mode baseline --device cpu --threads 1";
    for (options, file) in
        [("--out e", "baseline.npz"), ("--predictions p.npz", "p.npz"), ("--report r.html", "r.html")]
    {
        // The folder's manifest fits, 100 poses do not.
        let output = limited(&folder, 8, &format!("{line} {options}"));
        fails(&output, &[file, "cannot write"]);
        let table = String::from_utf8_lossy(&output.stdout);
        assert!(table.contains("100 samples") && table.contains("baseline"), "{options}: {table}");
    }
    for below in [".", "e", "e/predictions", "e/pieces"] {
        is_tidy(&folder, below);
    }
    assert!(!folder.path("p.npz").exists() && !folder.path("r.html").exists());
    // With room again it goes on.
    folder.succeed(&format!("{line} --out e --resume"));
    fails(&limited(&folder, 0, &format!("{line} --out f")), &["f", "cannot write"]);
}

#[test]
fn imported_and_lifted_files_that_do_not_fit_leave_those_before() {
    let folder = Folder::new();
    folder.synth("source.npz", "source", 64, 16);
    folder
        .succeed("train --data source.npz --out m.safetensors --width 16 --steps 4 --batch 8 --device cpu --threads 1");
    let lift = "lift --checkpoint m.safetensors --input source.npz --mode baseline --device cpu";
    folder.succeed(&format!("{lift} --out poses.npz"));
    let before = fs::read(folder.path("poses.npz")).unwrap();
    fails(&limited(&folder, 8, &format!("{lift} --out poses.npz")), &["poses.npz", "cannot write"]);
    assert!(before == fs::read(folder.path("poses.npz")).unwrap());
    fails(&limited(&folder, 8, "synth --scenario source --poses 100 --out poses.npz"), &["poses.npz", "cannot write"]);
    assert!(before == fs::read(folder.path("poses.npz")).unwrap());
    is_tidy(&folder, ".");
}
