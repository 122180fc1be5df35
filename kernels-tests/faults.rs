//! Faults put in at the executor's seam, in programs of their own: what is made of them is what would be without them, or
//! a failure that says what to do.

use std::process::{Command, Output};

use isopose::checkpoint::Checkpoint;
use isopose::data::PoseSet;
use isopose::gpu::ShaderChecks;

use crate::device::gpu;
use crate::folder::{Folder, stderr};

/// The faults of a run and, where it has one, its deadline in seconds.
#[derive(Clone, Copy, Default)]
struct Faults<'a> {
    at: &'a str,
    deadline: &'a str,
}

fn at(at: &str) -> Faults<'_> {
    Faults { at, deadline: "" }
}

fn run(folder: &Folder, line: &str, faults: Faults<'_>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_isopose"));
    command.current_dir(folder.path(".")).env("ISOPOSE_TILES", "off");
    command.env("ISOPOSE_FAULTS", faults.at).env("ISOPOSE_DEVICE_TIMEOUT", faults.deadline);
    let output = command.args(line.split_whitespace()).output().unwrap();
    assert!(!stderr(&output).contains("panicked"), "{line}: {}", stderr(&output));
    output
}

/// The bytes of the file that a command writes.
fn written(folder: &Folder, line: &str, file: &str, faults: Faults<'_>) -> Vec<u8> {
    let output = run(folder, line, faults);
    assert_eq!(output.status.code(), Some(0), "{}: {line}: {}", faults.at, stderr(&output));
    let bytes = std::fs::read(folder.path(file)).unwrap();
    std::fs::remove_file(folder.path(file)).unwrap();
    bytes
}

/// A command fails with `code` and one line that has all of `words`.
fn fails(folder: &Folder, line: &str, faults: Faults<'_>, code: i32, words: &[&str]) {
    let output = run(folder, line, faults);
    let text = stderr(&output);
    assert_eq!(output.status.code(), Some(code), "{}: {line}: {text}", faults.at);
    let error = text.lines().last().unwrap_or_default();
    for word in words {
        assert!(
            error.starts_with("error: ") && error.contains(word),
            "{}: {line}: `{word}` is not in: {text}",
            faults.at
        );
    }
}

/// A folder with a model of either preset, `paper` and `geometry`, and a set to adapt to, frames of which lack joints.
fn models() -> Folder {
    let folder = Folder::new();
    folder.synth("source.npz", "source", 64, 16);
    folder.synth("target.npz", "target", 1200, 16);
    for (name, options) in [("paper", "--ssl cycle"), ("geometry", "")] {
        folder.succeed(&format!("{TRAIN} {options} --out {name}.safetensors"));
    }
    folder
}

const TRAIN: &str = "train --data source.npz --width 16 --steps 40 --batch 8 --device cpu --threads 1";

fn eval(model: &str, mode: &str, limit: usize) -> String {
    format!(
        "eval --checkpoint {model}.safetensors --data target.npz --mode {mode} --copies 2 --limit {limit} --predictions p.npz \
         --device cpu --threads 1"
    )
}

#[test]
fn an_adaptation_whose_device_is_lost_predicts_the_same_bits() {
    let folder = models();
    let cases = ["vanilla --instances 3", "vanilla-lr", "online", "online-skip", "baseline --batch 4"];
    for (model, mode) in ["paper", "geometry"].into_iter().flat_map(|model| cases.map(|mode| (model, mode))) {
        let line = eval(model, mode, 60);
        let whole = written(&folder, &line, "p.npz", Faults::default());
        for faults in [
            at("lost@1"),
            at("lost@5,oom@33,lost@34"),
            at("lost@5,lost@prepare:2,lost@prepare:3"),
            Faults { at: "slow@9", deadline: "0.1" },
        ] {
            assert!(whole == written(&folder, &line, "p.npz", faults), "{model}, {mode}: {}", faults.at);
        }
    }
    // Without a deadline that it misses, a slow device is waited for.
    let line = eval("geometry", "online", 20);
    assert!(written(&folder, &line, "p.npz", at("slow@9")) == written(&folder, &line, "p.npz", Faults::default()));
}

/// Here programs are prepared on the device again, beside what other adapters share.
#[test]
fn a_gpu_that_is_lost_predicts_the_same_bits() {
    if gpu(ShaderChecks::On).is_none() {
        return;
    }
    let folder = models();
    for mode in ["vanilla", "online"] {
        let line = eval("geometry", mode, 20).replace("--device cpu", "--device gpu");
        let whole = written(&folder, &line, "p.npz", Faults::default());
        assert!(whole == written(&folder, &line, "p.npz", at("lost@5,oom@17")), "{mode}");
    }
}

#[test]
fn a_long_stream_goes_on_from_its_last_snapshot() {
    let folder = models();
    let line = eval("geometry", "online --iterations 1", 1200);
    let whole = written(&folder, &line, "p.npz", Faults::default());
    // Twice in what follows the snapshot, which replays what was learnt since.
    assert!(whole == written(&folder, &line, "p.npz", at("lost@1150,lost@1250")));
}

#[test]
fn a_device_that_is_lost_for_good_is_given_up() {
    let folder = models();
    for mode in ["online", "vanilla"] {
        let faults = at("lost@5,lost@prepare:2,lost@prepare:3,lost@prepare:4");
        fails(&folder, &eval("paper", mode, 20), faults, 1, &["4 times in a row, at sample", "--device cpu"]);
    }
    let faults = at("lost@5,lost@prepare:2,lost@prepare:3,lost@prepare:4");
    let line = format!("{TRAIN} --out m.safetensors");
    fails(&folder, &line, faults, 1, &["4 times in a row, before step", "--device cpu"]);
}

#[test]
fn what_cannot_be_prepared_says_what_to_do() {
    let folder = models();
    let train = format!("{TRAIN} --out m.safetensors");
    let lift = "lift --checkpoint paper.safetensors --input target.npz --out l.csv --device cpu";
    for line in [&*eval("paper", "online", 20), &train, lift] {
        fails(&folder, line, at("oom@prepare"), 1, &["no memory is left", "lower"]);
        fails(&folder, line, at("compile@prepare"), 1, &["does not compile", "--device cpu"]);
        fails(&folder, line, at("lost@last"), 2, &["ISOPOSE_FAULTS: 'lost@last' counts from 1"]);
        let soon = Faults { at: "slow@1", deadline: "soon" };
        fails(&folder, line, soon, 2, &["ISOPOSE_DEVICE_TIMEOUT is 'soon'"]);
    }
}

#[test]
fn a_training_whose_device_is_lost_ends_with_the_same_model() {
    let folder = models();
    for options in ["--ssl cycle", ""] {
        let line = format!("{TRAIN} {options} --out m.safetensors");
        // What is trained and what it goes on with, in numbers: the order of a file's metadata is no matter.
        let trained = |faults: Faults<'_>| {
            let bytes = written(&folder, &line, "m.safetensors", faults);
            std::fs::write(folder.path("read.safetensors"), bytes).unwrap();
            let Checkpoint { model, parameters, optimiser, training } =
                Checkpoint::load(&folder.path("read.safetensors")).unwrap();
            (model, parameters, optimiser, training.unwrap().step)
        };
        let whole = trained(Faults::default());
        // The second program that is prepared measures the gate of the geometry task.
        for faults in [
            at("lost@7,lost@40,oom@60"),
            at("lost@prepare:2,lost@prepare:4"),
            Faults { at: "slow@40", deadline: "0.1" },
        ] {
            assert!(whole == trained(faults), "{options}: {}", faults.at);
        }
        fails(&folder, &line, at("nan@7"), 1, &["training diverged", "--lr"]);
    }
}

/// A stream of one person who has every joint, so that no frame stands in for the one before, lifted by some mode with a
/// fault at the 20th replay: that of frame `bad`.
struct Stream<'a> {
    folder: &'a Folder,
    mode: &'a str,
    /// The rows without faults.
    whole: Vec<String>,
    bad: usize,
}

impl<'a> Stream<'a> {
    fn new(folder: &'a Folder, mode: &'a str) -> Self {
        folder.synth("target40.npz", "target", 40, 16);
        let set = PoseSet::load(&folder.path("target40.npz")).unwrap();
        let set = PoseSet { confidence: None, sequence: None, frame: None, ..set };
        set.save(&folder.path("short.npz")).unwrap();
        let mut stream = Self { folder, mode, whole: Vec::new(), bad: 0 };
        stream.whole = stream.rows("short", "");
        // A session has warmed up before.
        stream.bad =
            stream.whole.iter().zip(stream.rows("short", "nan@20")).position(|(one, other)| *one != other).unwrap();
        let others: Vec<usize> = (0..40).filter(|frame| *frame != stream.bad).collect();
        set.select(&others).save(&folder.path("spared.npz")).unwrap();
        stream
    }

    fn line(&self, input: &str) -> String {
        let mode = self.mode;
        format!(
            "lift --checkpoint geometry.safetensors --input {input}.npz --mode {mode} --copies 2 --out l.csv --device cpu \
             --threads 1"
        )
    }

    /// Of each row what comes after sequence, frame, time and id: whether it was adapted to, and the pose.
    fn rows(&self, input: &str, faults: &str) -> Vec<String> {
        let text = String::from_utf8(written(self.folder, &self.line(input), "l.csv", at(faults))).unwrap();
        text.lines().skip(1).map(|row| row.splitn(5, ',').last().unwrap().to_owned()).collect()
    }

    /// The replays, after the 20th, that lift the frame as adapted before and as trained. What carries on learns the frames
    /// before again in between.
    fn next(&self) -> [usize; 2] {
        let again = if self.mode == "online" { self.bad } else { 0 };
        [21 + again, 22 + again]
    }
}

#[test]
fn a_stream_goes_on_past_people_of_whom_no_pose_can_be_made() {
    let folder = models();
    for mode in ["vanilla", "online", "baseline"] {
        let stream = Stream::new(&folder, mode);
        let (whole, bad, [before, trained]) = (&stream.whole, stream.bad, stream.next());
        let spared = stream.rows("spared", "");
        assert_eq!((whole.len(), spared.len()), (40, 39));
        // One that nothing can take is left out: not as adapted, as before, nor as trained.
        let nothing = match mode {
            "vanilla" => format!("nan@20,nan@{before}"),
            "online" => format!("nan@20,nan@{before},nan@{trained}"),
            _ => "nan@20".to_owned(),
        };
        let rows = stream.rows("short", &nothing);
        assert!(rows == spared, "{mode}: what comes after is as if that frame had not been");
        if mode != "baseline" {
            // One that adaptation cannot take is lifted as before, and teaches nothing.
            let astray = stream.rows("short", "nan@20");
            assert!(astray.len() == 40 && astray[..bad] == whole[..bad] && astray[bad] != whole[bad], "{mode}");
            assert_eq!(astray[bad + 1..] == whole[bad + 1..], mode == "vanilla", "{mode}");
        }
    }
}

#[test]
fn what_was_learnt_is_forgotten_only_where_it_lets_a_frame_not_be_lifted() {
    let folder = models();
    let stream = Stream::new(&folder, "online");
    let [before, trained] = stream.next();
    let anew = format!("nan@20,nan@{before}");
    let said = |faults: &str| {
        let text = stderr(&run(&folder, &stream.line("short"), at(faults)));
        ["nothing is learnt from that frame", "adaptation begins anew", "they are left out"]
            .map(|note| text.contains(note))
    };
    assert_eq!(said("nan@20"), [true, false, false]);
    assert_eq!(said(&anew), [false, true, false]);
    assert_eq!(said(&format!("{anew},nan@{trained}")), [false, false, true]);

    let begun = stream.rows("short", &anew);
    let baseline = Stream::new(&folder, "baseline").whole;
    assert_eq!(begun[stream.bad], baseline[stream.bad], "that frame is lifted as trained");
    // A device that is lost meanwhile is no reason to take one for the other.
    for faults in [format!("{anew},lost@{trained}"), format!("nan@20,lost@{before},nan@{trained}")] {
        assert!(begun == stream.rows("short", &faults), "{faults}");
    }
}

#[test]
fn a_stream_whose_device_is_lost_is_lifted_to_the_same_bits() {
    let folder = models();
    for mode in ["online", "vanilla", "online --adapt-per-track"] {
        let line = format!(
            "lift --checkpoint geometry.safetensors --input target.npz --mode {mode} --copies 2 --out l.csv --device cpu \
             --threads 1"
        );
        let whole = written(&folder, &line, "l.csv", Faults::default());
        for faults in [at("lost@2"), at("lost@20,lost@21,oom@40"), Faults { at: "slow@12", deadline: "0.1" }] {
            assert!(whole == written(&folder, &line, "l.csv", faults), "{mode}: {}", faults.at);
        }
    }
}
