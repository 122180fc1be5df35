//! Evaluations in parts, and cut off: put together, they are what one process finds at once, to the bit.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use isopose::adapt::Mode;
use isopose::data::{PoseSet, Scenario, synthetic};
use isopose::evaluate::{Pieces, Stream, Told, predict};
use serde_json::Value;

use crate::device::devices;
use crate::folder::{Folder, stderr};
use crate::models::{adaptation, geometry, lifter};

/// Longest wait for something that takes seconds on a machine with nothing else to do.
const PATIENCE: Duration = Duration::from_secs(120);

/// A model of the geometry task, and poses of several sequences that lack a joint here and there.
fn prepared(poses: usize) -> Folder {
    let folder = Folder::new();
    folder.synth("source.npz", "source", 64, 16);
    folder.synth("whole.npz", "target", poses, 16);
    let mut set = PoseSet::load(&folder.path("whole.npz")).unwrap();
    let lacks = |at: usize| at % 16 == 3 + at / 16 % 11 && (at / 16) % 3 == 1;
    set.confidence = Some((0..16 * set.len()).map(|at| if lacks(at) { 0.0 } else { 1.0 }).collect());
    set.save(&folder.path("target.npz")).unwrap();
    folder.succeed(
        "train --data source.npz --out m.safetensors --width 16 --steps 40 --batch 16 --device cpu --threads 1",
    );
    folder
}

const EVAL: &str = "eval --checkpoint m.safetensors --data target.npz --device cpu --threads 1 --copies 4";

/// The files of predictions in an evaluation's folder, by name.
fn predictions(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(folder.join("predictions"))
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap()))
        .collect();
    files.sort();
    files
}

/// What an evaluation found, without times and threads.
fn results(folder: &Path) -> Value {
    let mut results: Value = serde_json::from_slice(&fs::read(folder.join("results.json")).unwrap()).unwrap();
    // With any number of threads.
    assert!(results["device"].as_str().unwrap().starts_with("cpu ("));
    results["device"] = "cpu".into();
    for line in results["results"].as_array_mut().unwrap() {
        assert!(line.as_object_mut().unwrap().remove("ms_per_sample").unwrap().as_f64().unwrap() > 0.0);
    }
    results
}

fn assert_same(folder: &Folder, one: &str, other: &str) {
    let [one, other] = [one, other].map(|name| folder.path(name));
    let [one_files, other_files] = [predictions(&one), predictions(&other)];
    assert!(!one_files.is_empty() && one_files.len() == other_files.len());
    for (one, other) in one_files.iter().zip(&other_files) {
        // Not printed: they are long.
        assert!(one == other, "{} differs from {}", one.0, other.0);
    }
    assert_eq!(results(&one), results(&other));
    assert!(!other.join("pieces").exists(), "they are for what is not finished");
}

#[test]
fn parts_put_together_are_the_whole() {
    let folder = prepared(90);
    let all = format!("{EVAL} --reset-at-sequences --instances 2 --batch 3");
    folder.succeed(&format!("{all} --out whole"));
    let modes = predictions(&folder.path("whole")).len();
    assert_eq!(modes, 5);
    // More parts than sequences: some have nothing to do in an online mode.
    for count in [2, 7] {
        for index in 1..=count {
            folder.succeed(
                &format!("{all} --out parts-{count} --shard {index}/{count} --threads 2").replace("--threads 1 ", ""),
            );
        }
        let merged = folder.json(&format!("merge parts-{count} --out merged-{count} --json"));
        assert_same(&folder, "whole", &format!("merged-{count}"));
        assert_eq!(merged["samples"], 90);
    }
    // Each part in the right place, however they are given.
    let parts: Vec<String> = [2, 1].map(|index| format!("parts-2/shard-{index}-of-2")).to_vec();
    folder.succeed(&format!("merge {} --out again", parts.join(" ")));
    assert_same(&folder, "whole", "again");
    // Several devices of one process.
    folder.succeed(&format!("{all} --out devices").replace("--device cpu", "--device cpu,cpu,cpu"));
    assert_same(&folder, "whole", "devices");
}

#[test]
fn parts_and_pieces_are_the_whole_on_every_device() {
    let model = geometry(16, 20);
    let mut set = synthetic(Scenario::Target, 40, 3, 16).unwrap();
    set.confidence = Some((0..40 * 16).map(|at| if at % 37 == 5 { 0.0 } else { 1.0 }).collect());
    let starts = set.sequence_starts();
    // A part may begin with a sequence only, and pieces end anywhere.
    let middle = starts[starts.len() / 2];
    for (device, mode) in devices().into_iter().flat_map(|device| {
        [Mode::VANILLA, Mode::ONLINE, Mode::ONLINE_SKIP, Mode::BASELINE].map(|mode| (device.clone(), mode))
    }) {
        let what = format!("{mode} on {}", device.name());
        let (lifter, config) = (lifter(&model, &device), adaptation(mode.policy(&model)));
        let stream = |range| Stream { resets: &starts, range, ..Stream::default() };
        let part = |range| predict(&lifter, &config, &set, &stream(range), |_| Ok(())).unwrap().poses;
        let whole = part(None);
        assert!(whole == [part(Some(0..middle)), part(Some(middle..40))].concat(), "{what}: parts");
        let folder = tempfile::tempdir().unwrap();
        let pieces = Pieces::new(folder.path(), "p").unwrap();
        let lives = (0..40).find_map(|life| {
            // Ended after the first lot of each life.
            let ended = pieces.predict(&lifter, &config, &set, &stream(None), |told| match told {
                Told::At(done) if done > life => Err(isopose::Error::Stopped),
                _ => Ok(()),
            });
            match ended {
                Err(isopose::Error::Stopped) => None,
                ended => Some((life, ended.unwrap().poses)),
            }
        });
        let (lives, poses) = lives.unwrap();
        assert!(lives > 1 && whole == poses, "{what}: {lives} pieces");
    }
}

#[test]
fn a_stream_is_not_parted_without_being_asked() {
    let folder = prepared(30);
    let line = format!("{EVAL} --mode online --out parts --shard 1/2");
    folder.fail(&line, 2, &["--shard", "online learns from each sample", "--reset-at-sequences", "--shard-by"]);
    for index in [1, 2] {
        folder.succeed(&line.replace("1/2", &format!("{index}/2 --shard-by sample")));
    }
    folder.succeed("merge parts --out merged");
    // What each part is, is what a stream of these samples alone is.
    folder.succeed(&format!("{EVAL} --mode online --out first --limit 15"));
    let positions = |name: &str| {
        let mut npz = isopose::format::npz::Npz::open(&folder.path(&format!("{name}/predictions/online.npz"))).unwrap();
        npz.f32("positions").unwrap().values
    };
    assert_eq!(positions("merged")[..15 * 48], positions("first"));
}

#[test]
fn what_is_no_part_of_one_evaluation_is_not_merged() {
    let folder = prepared(30);
    let base = format!("{EVAL} --mode baseline");
    for index in 1..=3 {
        folder.succeed(&format!("{base} --out p --shard {index}/3"));
    }
    folder.succeed(&format!("{base} --out other --shard 3/3 --seed 5"));
    folder.succeed(&format!("{base} --out halves --shard 1/2"));
    let [a, b, c] = [1, 2, 3].map(|index| format!("p/shard-{index}-of-3"));
    for (parts, words) in [
        (format!("{a} {c}"), &["of 3 parts there is no 2/3"][..]),
        (format!("{a} {b} {b} {c}"), &["part 2/3 is p/shard-2-of-3 too"]),
        (format!("{a} {b} other"), &["other/shard-3-of-3", "`seed` is 5, but 0 in p/shard-1-of-3"]),
        (format!("{a} {b} {c} halves"), &["halves/shard-1-of-2", "it is part 1/2"]),
        ("m.safetensors".to_owned(), &["m.safetensors"]),
        (".".to_owned(), &["evaluation.json", "isopose eval --shard"]),
    ] {
        folder.fail(&format!("merge {parts} --out merged"), 1, words);
        assert!(!folder.path("merged").exists(), "{parts}");
    }
    // One that is not finished, and one whose file is damaged.
    let results = folder.path(&format!("{b}/results.json"));
    let text = fs::read_to_string(&results).unwrap();
    fs::write(&results, text.replace("\"pck\": ", "\"pck\": null, \"was\": ")).unwrap();
    folder.fail("merge p --out merged", 1, &["results.json", "was"]);
    fs::write(&results, text.replacen("\"mpjpe_mm\": ", "\"mpjpe_mm\": 1e999, \"x\": ", 1)).unwrap();
    folder.fail("merge p --out merged", 1, &["results.json"]);
    fs::remove_file(&results).unwrap();
    folder.fail("merge p --out merged", 1, &["part 2/3 is not finished", "--resume"]);
    fs::write(&results, text).unwrap();
    let positions = folder.path(&format!("{b}/predictions/baseline.npz"));
    let mut bytes = fs::read(&positions).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    fs::write(&positions, bytes).unwrap();
    folder.fail("merge p --out merged", 1, &["baseline.npz"]);
}

#[test]
fn who_starts_processes_says_which_part_is_whose() {
    let folder = prepared(30);
    let run = |index: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_isopose"));
        command.current_dir(folder.path(".")).args(EVAL.split(' ')).args(["--mode", "baseline", "--out", "p"]);
        command.args(["--shard", "auto/2"]).env("JOB_COMPLETION_INDEX", index).output().unwrap()
    };
    let output = run("1");
    assert!(stderr(&output).contains("part 2/2, as a Kubernetes indexed job says"), "{}", stderr(&output));
    assert!(folder.path("p/shard-2-of-2/results.json").exists());
    let output = run("2");
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("number 2 of 2 from 0"), "{}", stderr(&output));
}

#[test]
fn a_sample_that_cannot_be_predicted_costs_itself() {
    let folder = prepared(30);
    let line = format!("{EVAL} --mode vanilla --iterations 1 --out");
    let mut command = Command::new(env!("CARGO_BIN_EXE_isopose"));
    command.current_dir(folder.path(".")).args(line.split(' ')).arg("bad").env("ISOPOSE_FAULTS", "nan@2,nan@3");
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("vanilla: 1 of 30 samples could not be predicted"), "{text}");
    assert!(stderr(&output).contains("warning: vanilla: sample "), "{}", stderr(&output));
    folder.succeed(&format!("{line} good"));
    let positions = |name: &str| {
        let mut npz =
            isopose::format::npz::Npz::open(&folder.path(&format!("{name}/predictions/vanilla.npz"))).unwrap();
        npz.f32("positions").unwrap().values
    };
    let (bad, good) = (positions("bad"), positions("good"));
    let rows: Vec<_> = bad.chunks(48).zip(good.chunks(48)).filter(|(bad, good)| bad != good).collect();
    assert_eq!(rows.len(), 1);
    assert!(rows[0].0.iter().all(|value| value.is_nan()));
    let bad = results(&folder.path("bad"));
    assert_eq!((&bad["results"][0]["failed"], &bad["results"][0]["samples"]), (&1.into(), &30.into()));
    assert!(bad["results"][0]["mpjpe_mm"].as_f64().unwrap().is_finite());
    // The report is of the others; it can be had later, too.
    folder.succeed(&format!("{line} bad --resume --report r.md --predictions p.npz"));
    let report = fs::read_to_string(folder.path("r.md")).unwrap();
    assert!(report.contains("1 samples that not every mode could predict"), "{report}");
    assert!(!report.contains("inf") && !report.contains("NaN"), "{report}");
    let [one, other] = ["p.npz", "bad/predictions/vanilla.npz"].map(|name| fs::read(folder.path(name)).unwrap());
    assert!(one == other);
    // A part with such a sample is a part like others.
    folder.succeed("merge bad --out merged");
    folder.fail("merge bad --out merged", 2, &["there is an evaluation in merged"]);
    // One that was cut off is done again.
    fs::remove_file(folder.path("merged/results.json")).unwrap();
    folder.succeed("merge bad --out merged");
    fs::remove_file(folder.path("merged/evaluation.json")).unwrap();
    folder.fail("merge bad --out merged", 2, &["results in merged, but no evaluation.json"]);
    assert_eq!(results(&folder.path("merged")), bad);
}

#[test]
fn poses_that_are_known_in_2d_only_are_predicted_in_parts() {
    let folder = prepared(30);
    let mut set = PoseSet::load(&folder.path("target.npz")).unwrap();
    set.positions = None;
    set.save(&folder.path("target.npz")).unwrap();
    let line = format!("{EVAL} --mode baseline");
    folder.fail(&line, 1, &["positions", "--predictions FILE or --out DIR"]);
    folder.succeed(&format!("{line} --out whole"));
    for index in [1, 2] {
        folder.succeed(&format!("{line} --out parts --shard {index}/2"));
    }
    folder.succeed("merge parts --out merged");
    assert_same(&folder, "whole", "merged");
    assert!(results(&folder.path("merged"))["results"][0]["mpjpe_mm"].is_null());
}

#[test]
#[cfg(unix)]
fn what_nobody_reads_is_written_all_the_same() {
    let folder = prepared(30);
    // Its reader is gone before it begins to write.
    let script = format!("{} {EVAL} --mode baseline --out e | true", env!("CARGO_BIN_EXE_isopose"));
    let status = Command::new("sh").current_dir(folder.path(".")).args(["-c", &script]).status().unwrap();
    assert!(status.success());
    let begun = Instant::now();
    while !folder.path("e/results.json").exists() {
        assert!(begun.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn predictions_of_other_samples_are_refused() {
    let folder = prepared(30);
    let line = format!("{EVAL} --mode baseline --out");
    folder.succeed(&format!("{line} all"));
    folder.succeed(&format!("{line} few --limit 20"));
    let [all, few] = ["all", "few"].map(|name| folder.path(&format!("{name}/predictions/baseline.npz")));
    fs::copy(&few, &all).unwrap();
    let report = format!("{line} all --resume --report r.md");
    folder.fail_last(&report, 1, &["baseline.npz: sample", "not 0 to 29"]);
    // The results themselves are told without it.
    fs::remove_file(&all).unwrap();
    folder.succeed(&format!("{line} all --resume"));
}

fn spawn(folder: &Folder, line: &str) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_isopose"));
    command
        .current_dir(folder.path("."))
        .args(line.split(' '))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Pieces of the evaluation in `out` that are there.
fn pieces(folder: &Folder, out: &str) -> usize {
    let files = fs::read_dir(folder.path(out).join("pieces")).into_iter().flatten();
    files
        .filter(|entry| entry.as_ref().is_ok_and(|entry| !entry.path().to_string_lossy().ends_with(".state.npz")))
        .count()
}

#[test]
#[cfg(unix)]
fn an_evaluation_that_was_cut_off_goes_on_and_finds_the_same() {
    let folder = prepared(3000);
    // Long enough for a piece that is saved by time.
    let line = format!("{EVAL} --mode online --mode vanilla --iterations 20 --out");
    let mut kept = 0;
    for (life, signal) in [(0, "TERM"), (1, "KILL"), (2, "INT")] {
        let mut child = spawn(&folder, &format!("{line} cut --resume"));
        let begun = Instant::now();
        if signal == "KILL" {
            while pieces(&folder, "cut") == kept && child.try_wait().unwrap().is_none() {
                assert!(begun.elapsed() < PATIENCE);
                std::thread::sleep(Duration::from_millis(20));
            }
        } else {
            while !folder.path("cut/pieces").exists() {
                assert!(begun.elapsed() < PATIENCE);
                std::thread::sleep(Duration::from_millis(20));
            }
            std::thread::sleep(Duration::from_millis(300));
        }
        let kill = format!("kill -{signal} {}", child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success(), "life {life} ended by itself");
        assert!(!child.wait().unwrap().success());
        // The last may have been asked before it had begun.
        assert!(life == 2 || pieces(&folder, "cut") > kept, "life {life} kept nothing");
        kept = pieces(&folder, "cut");
    }
    folder.fail(&format!("{line} cut"), 2, &["there is an evaluation in cut", "--resume"]);
    folder.fail(&format!("{line} cut --resume --seed 9"), 2, &["--seed was 0 when the evaluation began and is 9 now"]);
    // Pieces are of one prediction, whatever is said of them.
    let manifest = folder.path("cut/evaluation.json");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, text.replace("\"seed\": 0", "\"seed\": 9")).unwrap();
    folder.fail(&format!("{line} cut --resume --seed 9"), 1, &["identity", "other settings", "remove the file"]);
    fs::write(&manifest, text).unwrap();
    folder.succeed(&format!("{line} cut --resume"));
    folder.succeed(&format!("{line} whole"));
    assert_same(&folder, "whole", "cut");
    // What is finished is told again.
    let again = folder.json(&format!("{line} cut --resume --json"));
    assert_eq!(again["samples"], 3000);
}
