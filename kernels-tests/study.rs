//! A small study through the program: complete, the same to the byte after being killed, and clear when it cannot go on.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use isopose::config::Preset;
use isopose::format::npz::Npz;
use rand::{RngExt, SeedableRng};
use serde_json::Value;

use crate::folder::{Folder, stderr};

const STUDY: &str = "study --source source.npz --target target.npz --preset paper --width 16 --steps 40 --lr 1e-2 \
                     --dropout 0 --seeds 2 --copies 4 --sweep-samples 12 --classifier-steps 20 --device cpu --threads 1";
/// The other preset, with every method: training mixes limbs too.
const GEOMETRY: &str = "study --source source.npz --target target.npz --config mixed.toml --width 16 --steps 40 --lr 1e-2 \
                        --dropout 0 --copies 2 --replay 3 --sweep-samples 12 --classifier-steps 20 --device cpu --threads 1";
const MIXED: &str = "[train]\nrandom_views = 0.5\nlimb_mixing = 0.25\n";

/// A scratch folder with two scenarios.
fn scenarios() -> Folder {
    let folder = Folder::new();
    folder.succeed("synth --scenario source --poses 320 --out source.npz");
    folder.succeed("synth --scenario target --poses 64 --seed 1 --out target.npz");
    folder
}

/// Takes the times out of a study's results, makes its report again and returns both.
fn results_without_times(folder: &Folder, study: &str) -> (Value, String) {
    let results = folder.path(study).join("results.json");
    let mut json: Value = serde_json::from_slice(&fs::read(&results).unwrap()).unwrap();
    // What the study was begun with, not what it was resumed with.
    let command = json["manifest"]["command"].as_str().unwrap();
    assert!(command.starts_with("isopose study --source"), "{command}");
    json["manifest"]["command"] = "as typed".into();
    for method in json["comparison"]["methods"].as_array_mut().unwrap() {
        for run in method["runs"].as_array_mut().unwrap() {
            let time = run["ms_per_sample"].as_f64().unwrap();
            assert!(time > 0.0);
            run["ms_per_sample"] = 1.0.into();
        }
    }
    fs::write(&results, serde_json::to_vec(&json).unwrap()).unwrap();
    folder.succeed(&format!("report {study}"));
    (json, fs::read_to_string(folder.path(study).join("report.html")).unwrap())
}

#[test]
fn a_killed_study_ends_as_one_that_was_left_alone() {
    let folder = scenarios();
    let text = folder.succeed(&format!("{STUDY} --out whole --paper-target mpi-inf-3dhp"));
    for word in ["Table 1", "Table 3", "Online ISO (PA)", "whole/report.html"] {
        assert!(text.contains(word), "{word}: {text}");
    }

    let page = killed_and_whole(&folder, &format!("{STUDY} --paper-target mpi-inf-3dhp"));
    is_complete(&page);
    unfinished_and_changed_studies_are_refused(&folder);
    markdown_has_its_figures(&folder);
}

#[test]
fn a_killed_study_of_geometry_ends_as_one_that_was_left_alone() {
    let folder = scenarios();
    fs::write(folder.path("mixed.toml"), MIXED).unwrap();
    let text = folder.succeed(&format!("{GEOMETRY} --out whole"));
    for word in ["Table 1", "Methods, US", "Gains", "Ablations", "Joint (PA)", "whole/report.html"] {
        assert!(text.contains(word), "{word}: {text}");
    }
    let page = killed_and_whole(&folder, GEOMETRY);
    in_parts(&folder, GEOMETRY);
    let methods =
        ["Joint, views only", "Vanilla-lr", "Online-skip", "PA-MPJPE", "2 random views a step, 3 poses replayed"];
    let tables = ["MPJPE by action, mm", "Time of a sample", "px of the image", "px of a person of 200", "T = 1, α = "];
    let changes =
        ["without bone", "without view", "without replay", "replay alone", "without the gate", "with weight 1"];
    let others = ["256 poses", "B = R = 2", "B = R = 16", "free lift", "without rays", "poses as recorded", "thinner"];
    for word in methods.iter().chain(&tables).chain(&changes).chain(&others) {
        assert!(page.contains(word), "{word} is not in the report");
    }
    assert!(!page.contains("NaN") && !page.contains("Online-Cyc"));
    // The paper's study is another one.
    let paper = STUDY.replace("--seeds 2", "--config mixed.toml");
    folder.fail_last(&format!("{paper} --out whole --resume"), 2, &["setting preset was geometry", "paper now"]);
    folder.fail_last(&format!("{STUDY} --out new --replay 4"), 2, &["--replay", "leave it out"]);
    folder.fail_last(&format!("{} --out new", GEOMETRY.replace("--replay 3", "--replay 9999999")), 2, &["--replay"]);
    assert!(!folder.path("new").exists());
}

/// Kills the study that is whole again and again at random moments, later each time, so that the longest step is finished
/// once; compares the results and the reports, and returns the report.
fn killed_and_whole(folder: &Folder, study: &str) -> String {
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(5);
    let mut kills = 0;
    let line = format!("{study} --out killed --resume");
    loop {
        let quiet = || Stdio::null();
        let mut child = folder.command(&line).stdout(quiet()).stderr(quiet()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(rng.random_range(20..150) + 20 * kills));
        match child.try_wait().unwrap() {
            Some(status) => {
                assert!(status.success());
                break;
            }
            None => child.kill().unwrap(),
        }
        child.wait().unwrap();
        kills += 1;
        assert!(kills < 200, "the study does not get on");
    }
    assert!(kills > 0, "it ended before it could be killed");

    let [(whole, page), (killed, other)] = ["whole", "killed"].map(|study| results_without_times(folder, study));
    assert!(whole == killed, "the results differ");
    assert!(page == other, "the reports differ");
    // What the killed runs left half written is gone.
    for part in ["models", "predictions", "results"] {
        let names = fs::read_dir(folder.path("killed").join(part)).unwrap();
        let names: Vec<_> = names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        assert!(!names.is_empty() && names.iter().all(|name| !name.starts_with('.')), "{names:?}");
    }
    page
}

/// Shares the study that is whole among processes and compares the results.
fn in_parts(folder: &Folder, study: &str) {
    let part = |only: &str, part: &str| format!("{study} --out parts --only {only} --shard {part}");
    folder.fail_last(&part("predict", "1/2"), 1, &["seed-0-baseline", "step 0 of 40", "train it first", "--only"]);
    for shard in ["3/3", "1/3", "2/3"] {
        folder.succeed(&part("train", shard));
    }
    for shard in ["2/2", "1/2"] {
        let text = folder.succeed(&part("predict", shard));
        assert!(text.contains(&format!("predict: part {shard} is in parts")), "{text}");
    }
    let predicted = fs::read_dir(folder.path("parts/pieces")).unwrap().count();
    assert!(predicted > 6, "{predicted} pieces");
    let text = folder.run(&format!("{study} --out parts --resume"));
    assert_eq!(text.status.code(), Some(0), "{}", stderr(&text));
    assert!(!stderr(&text).contains("train baseline"), "all was trained: {}", stderr(&text));
    // Times are taken out of the other already.
    let whole: Value = serde_json::from_slice(&fs::read(folder.path("whole/results.json")).unwrap()).unwrap();
    assert!(whole == results_without_times(folder, "parts").0, "the results differ");
    assert!(!folder.path("parts/pieces").exists(), "they are for what is not finished");
}

/// Everything that the paper shows is there, its own numbers quoted.
fn is_complete(page: &str) {
    let figures = ["Figure 4", "Figure 5", "Figure 6", "Figure 7"];
    let tables = ["Table 1", "Table 2", "Table 3", "Table 4", "Table 5", "Gains", "PCK by action", "PCK by sequence"];
    let methods = ["Joint-Adv", "Vanilla-Adv", "Online-Adv", "Joint-Cyc", "Vanilla-Cyc", "Vanilla-lr", "Online-skip"];
    let more = ["Hurt most", "Left-right asymmetry", "cpu (1 thread)", "Baseline, the paper", "78.9", "isopose 0"];
    for word in figures.iter().chain(&tables).chain(&methods).chain(&more) {
        assert!(page.contains(word), "{word} is not in the report");
    }
    assert!(!page.contains("NaN"), "a number is none");
}

fn unfinished_and_changed_studies_are_refused(folder: &Folder) {
    folder.fail_last(&format!("{STUDY} --out whole"), 2, &["--out: ", "whole", "--resume", "another folder"]);
    let changed = STUDY.replace("--copies 4", "--copies 8");
    folder.fail_last(&format!("{changed} --out whole --resume"), 2, &["setting copies was 4", "8 now"]);
    let other = STUDY.replace("--target target.npz", "--target source.npz");
    folder.fail_last(&format!("{other} --out whole --resume"), 2, &["--target was 64 poses", "320 poses"]);
    fs::remove_file(folder.path("whole/results.json")).unwrap();
    folder.fail_last("report whole", 1, &["whole", "not finished", "--resume"]);
    folder.fail_last("report nothing --out x.html", 1, &["nothing", "no study"]);
    folder.fail_last("report killed --out x.pdf", 2, &["x.pdf", ".html or .md"]);
    fs::write(folder.path("killed/results.json"), "{ \"manifest\": 3 }").unwrap();
    folder.fail_last("report killed --out x.html", 1, &["results.json", "line 1"]);
    folder.fail_last("study --source source.npz --target target.npz --out new --ssl none", 2, &["--ssl"]);
    for (option, word) in
        [("--width 30", "--width: it is 30"), ("--dropout 1.5", "--dropout"), ("--copies 9999999", "--copies")]
    {
        let name = option.split(' ').next().unwrap();
        let line = STUDY
            .split_once(&format!("{name} "))
            .map(|(start, rest)| format!("{start}{option} {}", rest.split_once(' ').unwrap().1));
        folder.fail_last(&format!("{} --out new", line.unwrap()), 2, &[word]);
    }
    assert!(!folder.path("new").exists() && !folder.path("x.html").exists());
    // Without its manifest nothing says what the files are of; predictions of another set are not taken.
    let manifest = fs::read(folder.path("killed/study.json")).unwrap();
    fs::remove_file(folder.path("killed/study.json")).unwrap();
    folder.fail_last(&format!("{STUDY} --out killed --resume"), 2, &["killed", "no study.json", "another folder"]);
    fs::write(folder.path("killed/study.json"), manifest).unwrap();
    let kept = folder.path("killed/predictions/seed-0-baseline.npz");
    folder.succeed("train --data source.npz --out m.safetensors --width 16 --steps 20 --device cpu");
    let few = "eval --checkpoint m.safetensors --data target.npz --limit 5 --mode baseline --device cpu --predictions";
    folder.succeed(&format!("{few} few.npz"));
    fs::copy(folder.path("few.npz"), &kept).unwrap();
    let resumed = format!("{STUDY} --out killed --paper-target mpi-inf-3dhp --resume");
    folder.fail_last(
        &resumed,
        1,
        &["seed-0-baseline.npz", "study: it is of another study", "remove the file and go on"],
    );
}

#[test]
fn an_epoch_is_what_is_trained_on() {
    let folder = scenarios();
    // 288 of the 320 poses are.
    let line = format!("{} --out s", STUDY.replace("--steps 40", "--epochs 2").replace("--seeds 2", "--seeds 1"));
    let mut child = folder.command(&line).stdout(Stdio::null()).spawn().unwrap();
    while !folder.path("s/study.json").exists() {
        assert!(child.try_wait().unwrap().is_none_or(|status| status.success()));
        std::thread::sleep(Duration::from_millis(5));
    }
    let _ = child.kill();
    child.wait().unwrap();
    let manifest: Value = serde_json::from_slice(&fs::read(folder.path("s/study.json")).unwrap()).unwrap();
    assert_eq!(manifest["settings"]["train"]["steps"], 2 * 288 / 64);
}

/// A checkpoint in the place of a study's own is of the study or refused, finished or not.
#[test]
fn checkpoints_of_other_trainings_are_refused() {
    let folder = scenarios();
    let study = STUDY.replace("--seeds 2", "--seeds 1");
    let model = folder.path("s/models/seed-0-cyc.safetensors");
    let mut child = folder.command(&format!("{study} --out s")).stdout(Stdio::null()).spawn().unwrap();
    while !model.exists() {
        assert!(child.try_wait().unwrap().is_none_or(|status| status.success()));
        std::thread::sleep(Duration::from_millis(5));
    }
    let _ = child.kill();
    child.wait().unwrap();
    // Of the step that the study wants, but of another width, task, rate, data or seed.
    let train = "train --data source.npz --out s/models/seed-0-cyc.safetensors --force --hold-back 0.1 --device cpu --threads 1";
    let own = "--preset paper --width 16 --steps 40 --lr 1e-2 --dropout 0";
    for (other, word) in [
        (own.replace("--width 16", "--width 8"), "metadata config: width is 8, the study's 16"),
        (format!("{own} --ssl adversary"), "metadata config"),
        (own.replace("1e-2", "1e-3"), "metadata training: lr is 0.001, the study's 0.01"),
        (format!("{own} --seed 1"), "metadata training"),
        (own.replace("--steps 40", "--steps 50"), "metadata training"),
    ] {
        folder.succeed(&format!("{train} {other}"));
        folder.fail_last(&format!("{study} --out s --resume"), 1, &["seed-0-cyc.safetensors", word, "remove the file"]);
    }
    let all = train.replace("--hold-back 0.1", "");
    folder.succeed(&format!("{all} {own}"));
    folder.fail_last(&format!("{study} --out s --resume"), 1, &["seed-0-cyc.safetensors", "metadata"]);
    folder.succeed(&format!("{train} {own}"));
    folder.succeed(&format!("{study} --out s --resume"));
}

/// Only the results of a study that is there again are needed.
fn markdown_has_its_figures(folder: &Folder) {
    folder.succeed(&format!("{STUDY} --out whole --paper-target mpi-inf-3dhp --resume"));
    folder.succeed("report whole --out page.md");
    let results = fs::read_to_string(folder.path("whole/results.json")).unwrap();
    assert!(results.contains("--out whole --paper-target") && !results.contains("--resume"));
    let text = fs::read_to_string(folder.path("page.md")).unwrap();
    let images: Vec<&str> = text.split("page-figures/").skip(1).filter_map(|rest| rest.split(')').next()).collect();
    assert!(images.len() > 10, "{images:?}");
    let missing = images.iter().find(|name| !Path::new(&folder.path("page-figures").join(name)).is_file());
    assert_eq!(missing, None);
}

#[test]
fn eval_and_sets_that_cannot_be_studied() {
    let folder = scenarios();
    folder.succeed("train --data source.npz --out m.safetensors --width 16 --steps 20 --device cpu");
    let eval = "eval --checkpoint m.safetensors --data target.npz --limit 20 --copies 4 --device cpu";
    folder.succeed(&format!("{eval} --report e.html"));
    let page = fs::read_to_string(folder.path("e.html")).unwrap();
    for word in ["online-skip", "Figure 7", "Limbs", "m.safetensors, width 16", "Poses to look at"] {
        assert!(page.contains(word), "{word} is not in the report");
    }
    folder.fail_last(&format!("{eval} --report e.pdf"), 2, &["--report e.pdf", ".html or .md"]);
    folder.succeed("synth --scenario target --poses 16 --joints 17 --out j17.npz");
    folder.fail_last("study --source source.npz --target j17.npz --out s", 1, &["j17.npz", "17 joints", "--joints 16"]);
    folder.fail_last("study --source source.npz --target nothing.npz --out s", 1, &["nothing.npz"]);
    assert!(!folder.path("s").exists());
}

/// One checkpoint, which has training's Adam in it, and one way of adapting: `eval` and `study` must not differ in a bit.
#[test]
fn eval_and_study_agree_in_every_mode() {
    let folder = scenarios();
    folder.succeed(&format!("{} --out study", STUDY.replace("--seeds 2", "--seeds 1")));
    let model = folder.path("study/models/seed-0-cyc.safetensors");
    let checkpoint = isopose::checkpoint::Checkpoint::load(&model).unwrap();
    assert!(checkpoint.optimiser.is_some(), "or nothing is shown");
    let methods = isopose::study::methods(Preset::Paper).into_iter().filter(|method| method.model.name == "cyc");
    let mut compared = Vec::new();
    for method in methods {
        let mode = method.mode.name;
        folder.succeed(&format!(
            "eval --checkpoint study/models/seed-0-cyc.safetensors --data target.npz --copies 4 --device cpu --threads 1 \
             --mode {mode} --predictions {mode}.npz"
        ));
        let poses = |path: &Path| Npz::open(path).unwrap().f32("positions").unwrap().values;
        let of_study = format!("study/predictions/seed-0-{}.npz", method.name.to_lowercase());
        let bits = |path: &Path| poses(path).iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        assert!(bits(&folder.path(&of_study)) == bits(&folder.path(&format!("{mode}.npz"))), "{mode}");
        compared.push(mode);
    }
    assert_eq!(compared, isopose::adapt::MODES.iter().map(|mode| mode.name).collect::<Vec<_>>());
}
