//! Runs that are asked to end, or are killed: what was done is kept, and can be gone on from.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::time::{Duration, Instant};

use isopose::checkpoint::Checkpoint;

use crate::folder::{Folder, stderr};

/// More steps than any machine does in the time of a test.
const ENDLESS: &str =
    "train --data source.npz --out kept/m.safetensors --width 16 --steps 4000000000 --batch 8 --device cpu --threads 1";

/// Longest wait for something that takes seconds on a machine with nothing else to do.
const PATIENCE: Duration = Duration::from_secs(120);

fn spawn(folder: &Folder, line: &str) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_isopose"));
    command.current_dir(folder.path(".")).args(line.split_whitespace());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn send(signal: &str, child: &Child) {
    let kill = format!("kill -{signal} {}", child.id());
    assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
}

fn wait_for(path: &Path) {
    let begun = Instant::now();
    while !path.exists() {
        assert!(begun.elapsed() < PATIENCE, "{} does not appear", path.display());
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Sends the signal and sees the process end as that signal's does.
fn stopped(child: Child, signal: &str, code: i32) -> String {
    send(signal, &child);
    let output: Output = child.wait_with_output().unwrap();
    let text = stderr(&output);
    assert_eq!(output.status.code(), Some(code), "{signal}: {text}");
    text
}

fn step(path: &Path) -> u32 {
    Checkpoint::load(path).unwrap().training.unwrap().step
}

fn source() -> Folder {
    let folder = Folder::new();
    folder.synth("source.npz", "source", 64, 16);
    std::fs::create_dir(folder.path("kept")).unwrap();
    folder
}

#[test]
fn a_training_that_is_asked_to_end_is_saved_and_says_how_to_go_on() {
    let folder = source();
    let model = folder.path("kept/m.safetensors");
    let training = spawn(&folder, ENDLESS);
    wait_for(&model);
    let saved = step(&model);
    let text = stopped(training, "INT", 130);
    let ended = step(&model);
    assert!(ended > saved, "{ended} after {saved}");
    assert!(text.contains(&format!("stopped at step {ended} of 4000000000")), "{text}");
    let line = text.split_once("Go on: isopose ").unwrap().1.trim();
    let on = folder.json(&format!("{line} --steps {} --json", ended + 3));
    assert_eq!(on["steps"], ended + 3);

    // The other signal, of a run that goes on; what is asked for twice ends at once, saved or not.
    let training = spawn(&folder, &format!("{line} --steps 4000000000"));
    let begun = Instant::now();
    while step(&model) == ended + 3 {
        assert!(begun.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(100));
    }
    let text = stopped(training, "TERM", 143);
    assert!(text.contains("Go on: "), "{text}");
    assert!(step(&model) > ended + 3);

    // A run from the start would destroy it.
    folder.fail(ENDLESS, 2, &["--out kept/m.safetensors", "trained for", "--resume kept/m.safetensors", "--force"]);
    let short = ENDLESS.replace("4000000000", "2");
    folder.succeed(&format!("{short} --force"));
    assert_eq!(step(&model), 2);
}

#[test]
fn a_training_that_is_killed_again_and_again_gets_there() {
    let folder = source();
    let model = folder.path("kept/m.safetensors");
    let mut first = spawn(&folder, ENDLESS);
    wait_for(&model);
    first.kill().unwrap();
    first.wait().unwrap();
    // About as much again, twice.
    let goal = 3 * step(&model);
    let mut kills = 1;
    loop {
        let resume = ENDLESS.split(" --width").next().unwrap().to_owned() + " --resume kept/m.safetensors";
        let mut life = spawn(&folder, &format!("{resume} --steps {goal} --device cpu --threads 1"));
        let (begun, before) = (Instant::now(), step(&model));
        // A second after its first save at the latest.
        let ended = loop {
            if let Some(status) = life.try_wait().unwrap() {
                break Some(status);
            }
            if step(&model) > before {
                break None;
            }
            assert!(begun.elapsed() < PATIENCE);
            std::thread::sleep(Duration::from_millis(100));
        };
        match ended {
            Some(status) => {
                assert!(status.success());
                break;
            }
            None => life.kill().unwrap(),
        }
        life.wait().unwrap();
        kills += 1;
        assert!(kills < 20, "{} of {goal} steps", step(&model));
    }
    assert!(kills >= 2, "{kills}");
    assert_eq!(step(&model), goal);
}

#[test]
fn a_model_that_cannot_be_written_where_it_was_to_be_is_written_elsewhere() {
    let folder = source();
    let training = spawn(&folder, ENDLESS);
    wait_for(&folder.path("kept/m.safetensors"));
    std::fs::remove_dir_all(folder.path("kept")).unwrap();
    let name = format!("m-{}.safetensors", training.id());
    let text = stopped(training, "TERM", 1);
    assert!(text.contains("kept/m.safetensors: the model: cannot be written") && text.contains(&name), "{text}");
    assert!(step(&folder.path(&name)) > 0);
}

#[test]
fn a_save_that_fails_is_told_and_tried_again() {
    let folder = source();
    let mut training = spawn(&folder, ENDLESS);
    let model = folder.path("kept/m.safetensors");
    wait_for(&model);
    // In the way of the folder.
    std::fs::remove_dir_all(folder.path("kept")).unwrap();
    std::fs::write(folder.path("kept"), "").unwrap();
    let mut lines = BufReader::new(training.stderr.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("not saved")));
    std::fs::remove_file(folder.path("kept")).unwrap();
    std::fs::create_dir(folder.path("kept")).unwrap();
    wait_for(&model);
    send("TERM", &training);
    assert!(lines.any(|line| line.unwrap().contains("stopped at step")));
    assert_eq!(training.wait().unwrap().code(), Some(143));
}

#[test]
fn a_second_signal_ends_at_once() {
    let folder = source();
    folder.succeed(&ENDLESS.replace("4000000000", "2"));
    let line = "eval --checkpoint kept/m.safetensors --data source.npz --mode vanilla --out e --device cpu --threads 1";
    let mut command = Command::new(env!("CARGO_BIN_EXE_isopose"));
    // Two seconds without a look at what was asked for.
    command.current_dir(folder.path(".")).args(line.split(' ')).env("ISOPOSE_FAULTS", "slow@1");
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for(&folder.path("e/pieces"));
    std::thread::sleep(Duration::from_millis(300));
    send("TERM", &child);
    std::thread::sleep(Duration::from_millis(100));
    let text = stopped(child, "TERM", 143);
    assert!(!text.contains("stopped"), "{text}");
}

#[test]
fn an_import_that_is_asked_to_end_leaves_what_was_there() {
    let folder = Folder::new();
    let results = concat!(env!("CARGO_MANIFEST_DIR"), "/kernels-tests/fixtures/detectors/coco/results.json");
    std::fs::write(folder.path("out.npz"), "as it was").unwrap();
    let make = Command::new("mkfifo").current_dir(folder.path(".")).arg("pipe.json").status().unwrap();
    assert!(make.success());
    let child = spawn(&folder, &format!("import coco pipe.json {results} --image-size 640x480 --out out.npz"));
    // Until the pipe has a writer, the import waits for it.
    let writer = std::thread::spawn({
        let (pipe, text) = (folder.path("pipe.json"), std::fs::read(results).unwrap());
        move || {
            let mut pipe = std::fs::File::options().write(true).open(pipe).unwrap();
            std::thread::sleep(Duration::from_millis(500));
            pipe.write_all(&text).unwrap();
        }
    });
    std::thread::sleep(Duration::from_millis(300));
    let text = stopped(child, "TERM", 143);
    writer.join().unwrap();
    assert!(text.contains("out.npz is as it was. Begin again: isopose import coco"), "{text}");
    assert_eq!(std::fs::read_to_string(folder.path("out.npz")).unwrap(), "as it was");
}

#[test]
fn an_evaluation_that_is_asked_to_end_says_what_it_has() {
    let folder = source();
    folder.succeed(&ENDLESS.replace("4000000000", "2"));
    folder.synth("target.npz", "target", 20_000, 16);
    let line = "eval --checkpoint kept/m.safetensors --data target.npz --device cpu --threads 1 --copies 8 --mode baseline \
                --mode online --iterations 50";
    let mut child = spawn(&folder, line);
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().starts_with("baseline: 20000/20000")));
    send("TERM", &child);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(143));
    let said: Vec<String> = lines.map(|line| line.unwrap()).collect();
    assert!(said.iter().any(|line| line.starts_with("stopped in mode online")), "{said:?}");
    let table = String::from_utf8(output.stdout).unwrap();
    assert!(table.contains("baseline") && !table.contains("online"), "{table}");
}

#[test]
fn a_stream_that_is_asked_to_end_is_written_whole() {
    let folder = source();
    folder.succeed(&ENDLESS.replace("4000000000", "2"));
    let line = "lift --checkpoint kept/m.safetensors --input - --out - --view page.html --device cpu --threads 1";
    let mut child = spawn(&folder, line);
    let mut to: ChildStdin = child.stdin.take().unwrap();
    let points: Vec<String> = (0..17).map(|joint| format!("[{}, {}]", 300 + 7 * joint, 200 + 11 * joint)).collect();
    let people = format!("[{{\"keypoints\": [{}]}}]", points.join(", "));
    writeln!(to, "{{\"layout\": \"coco17\", \"image_size\": [1280, 720], \"people\": {people}}}").unwrap();
    let mut from = BufReader::new(child.stdout.take().unwrap());
    let mut lines = String::new();
    while !lines.contains("\"people\"") {
        assert!(from.read_line(&mut lines).unwrap() > 0, "{lines}");
    }
    // The stream is open still, and silent.
    send("INT", &child);
    let mut rest = String::new();
    from.read_to_string(&mut rest).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", stderr(&output));
    assert!(stderr(&output).contains("stopped after 1 frames"), "{}", stderr(&output));
    assert!(std::fs::read_to_string(folder.path("page.html")).unwrap().ends_with("</html>"));
}

#[test]
fn a_study_that_is_asked_to_end_keeps_its_model() {
    let folder = source();
    folder.synth("target.npz", "target", 16, 16);
    let line = "study --source source.npz --target target.npz --preset paper --width 16 --steps 4000000000 --batch 8 --out s \
                --device cpu --threads 1";
    let study = spawn(&folder, line);
    wait_for(&folder.path("s/models"));
    let text = stopped(study, "TERM", 143);
    assert!(text.contains("Go on: isopose study") && text.trim_end().ends_with("--resume"), "{text}");
    assert!(step(&folder.path("s/models/seed-0-baseline.safetensors")) > 0);
}
