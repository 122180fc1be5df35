//! The program before files and folders that are not what they should be: endless, held by another, left half written, with
//! names that steer terminals.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use isopose::data::{Scenario, synthetic};
use isopose::format::FolderLock;

use crate::folder::{Folder, stderr};
use crate::models::{checkpoint, model};

#[test]
#[cfg(unix)]
fn files_without_end_are_left_at_a_limit() {
    let folder = Folder::new();
    folder.synth("source.npz", "source", 32, 16);
    let train = "train --data source.npz --out m.safetensors --device cpu --steps 1";
    folder.fail(&format!("{train} --config /dev/zero"), 1, &["/dev/zero: size: there is more than 1 MiB"]);
    std::os::unix::fs::symlink("/dev/zero", folder.path("zero.toml")).unwrap();
    folder.fail("plan model predict --gpu zero.toml", 1, &["zero.toml: size: there is more than 64 KiB"]);
}

#[test]
fn names_out_of_files_do_not_steer_a_terminal() {
    let folder = Folder::new();
    let mut set = synthetic(Scenario::Source, 32, 3, 17).unwrap();
    set.subject_names[0] = "\u{1b}[2J\u{9b}31m\u{7}Anna".to_owned();
    let path = folder.path("a\u{1b}]0;t\u{7}.npz");
    set.save(&path).unwrap();
    let info = |json: &str| {
        folder
            .run_with(["info", path.file_name().unwrap().to_str().unwrap()].into_iter().chain(json.split_whitespace()))
    };
    let shown = info("");
    assert_eq!(shown.status.code(), Some(0), "{}", stderr(&shown));
    let text = String::from_utf8(shown.stdout).unwrap();
    assert!(text.contains(r"\u001b[2J\u009b31m\u0007Anna"), "{text}");
    assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
    // In JSON they are written so, and are what they were.
    let json = String::from_utf8(info("--json").stdout).unwrap();
    assert!(!json.contains(|c: char| c.is_control() && c != '\n'), "{json:?}");
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert!(value.to_string().contains("\u{9b}31m"), "{value}");
    std::fs::write(&path, "no archive").unwrap();
    let refused = stderr(&info(""));
    assert!(refused.contains(r"a\u001b]0;t\u0007.npz: ") && !refused.contains('\u{1b}'), "{refused:?}");
}

#[test]
fn a_study_in_a_folder_that_another_process_has_is_refused() {
    let folder = Folder::new();
    folder.synth("source.npz", "source", 320, 16);
    folder.synth("target.npz", "target", 64, 16);
    std::fs::create_dir(folder.path("s")).unwrap();
    let held = FolderLock::take(&folder.path("s")).unwrap();
    let study = "study --source source.npz --target target.npz --width 16 --steps 1 --seeds 1 --device cpu --out s";
    let owner = format!("process {} on ", std::process::id());
    folder.fail(study, 1, &[".isopose-lock: owner: ", &owner, "works in this folder", "wait for its end"]);
    assert!(!folder.path("s/study.json").exists());
    drop(held);
}

/// The files that are being written, or were left so.
fn unfinished(folder: &Folder) -> Vec<String> {
    let names = std::fs::read_dir(folder.path("")).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with(".people.json.writing-")).collect()
}

#[test]
fn what_a_killed_writer_left_is_removed_and_what_a_living_one_writes_is_not() {
    let folder = Folder::new();
    checkpoint(&model(17, 16)).save(&folder.path("m.safetensors")).unwrap();
    let keypoints =
        (0..17).map(|joint| format!("[{}, {}]", 300 + 7 * joint, 200 + 11 * joint)).collect::<Vec<_>>().join(", ");
    let line = format!("{{\"layout\": \"h36m17\", \"people\": [{{\"keypoints\": [{keypoints}]}}]}}\n");
    std::fs::write(folder.path("lines.jsonl"), line).unwrap();
    let lift = "lift --checkpoint m.safetensors --device cpu --threads 1 --out people.json --input";
    // Begins to write, and waits for lines. Earlier ones stay: their writers live.
    let begin = |others: usize| -> Child {
        let mut command = Command::new(env!("CARGO_BIN_EXE_isopose"));
        command.current_dir(folder.path("")).args(format!("{lift} -").split(' '));
        let child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let begun = Instant::now();
        while unfinished(&folder).len() <= others {
            assert!(begun.elapsed() < Duration::from_secs(120), "nothing is written");
            std::thread::sleep(Duration::from_millis(20));
        }
        child
    };
    let mut living = begin(0);
    let [its] = &unfinished(&folder)[..] else { panic!("{:?}", unfinished(&folder)) };
    let its = its.clone();
    let mut killed = begin(1);
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert_eq!(unfinished(&folder).len(), 2, "killed means killed");
    folder.succeed(&format!("{lift} lines.jsonl"));
    assert_eq!(unfinished(&folder), [its]);
    assert!(std::fs::read_to_string(folder.path("people.json")).unwrap().contains("people"));
    living.kill().unwrap();
    living.wait().unwrap();
}

#[test]
fn the_files_of_an_evaluation_may_be_anything() {
    let folder = Folder::new();
    folder.synth("source.npz", "source", 32, 16);
    folder
        .succeed("train --data source.npz --out m.safetensors --width 16 --steps 2 --batch 8 --device cpu --threads 1");
    let line = "eval --checkpoint m.safetensors --data source.npz --mode baseline --device cpu --threads 1 --out e";
    folder.succeed(line);
    let mut random = 1u32;
    let mut next = |below: usize| {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        random as usize % below
    };
    for name in ["evaluation.json", "results.json", "predictions/baseline.npz"] {
        let path = folder.path("e").join(name);
        let whole = std::fs::read(&path).unwrap();
        for turn in 0..24 {
            let (mut bytes, at) = (whole.clone(), next(whole.len()));
            match turn % 3 {
                0 => bytes.truncate(at),
                1 => bytes[at] ^= 1 << next(8),
                _ => bytes[at] = b'9',
            }
            std::fs::write(&path, bytes).unwrap();
            // Whatever they make of it, they do not panic.
            for line in ["merge e --out merged".to_owned(), format!("{line} --resume --predictions p.npz")] {
                let code = folder.run(&line).status.code();
                assert!(matches!(code, Some(0..=2)), "{name}, turn {turn}: {line}: {code:?}");
            }
            let _ = std::fs::remove_dir_all(folder.path("merged"));
        }
        std::fs::write(&path, whole).unwrap();
    }
    folder.succeed("merge e --out merged");
}
