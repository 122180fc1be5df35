//! The program as users meet it: exit codes, one-line errors that name file, field and fix, JSON with its fixed keys.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::path::Path;
use std::process::Command;

use isopose::data::PoseSet;
use serde_json::Value;

use crate::folder::{Folder, stderr};

fn truncate(path: &Path) {
    let bytes = std::fs::read(path).unwrap();
    std::fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
}

#[test]
fn a_model_is_made_trained_and_evaluated() {
    let folder = Folder::new();
    let trained = folder.train();
    assert_eq!((&trained["steps"], &trained["poses"]), (&20.into(), &288.into()));
    assert_eq!(trained["held_back"]["poses"], 32);
    assert!(trained["losses"]["fsl"].as_f64().unwrap() > 0.0);
    assert!(trained["held_back"]["mpjpe_mm"].as_f64().unwrap() > 0.0);

    folder.synth("target.npz", "target", 24, 16);
    let report = folder.json(
        "eval --checkpoint m.safetensors --data target.npz --copies 4 --iterations 2 --device cpu --threads 1 --json",
    );
    assert_eq!((&report["samples"], &report["device"]), (&24.into(), &"cpu (1 thread)".into()));
    let results = report["results"].as_array().unwrap();
    let named: Vec<_> =
        results.iter().map(|r| (r["mode"].as_str().unwrap(), r["protocol"].as_str().unwrap())).collect();
    let modes = ["baseline", "vanilla", "vanilla-lr", "online", "online-skip"];
    let expected: Vec<_> =
        modes.iter().flat_map(|mode| ["us", "gs", "gs-set", "pa"].map(|protocol| (*mode, protocol))).collect();
    assert_eq!(named, expected);
    for result in results {
        for key in ["pck", "auc", "mpjpe_mm", "ms_per_sample"] {
            assert!(result[key].as_f64().is_some_and(|number| number >= 0.0), "{key} in {result}");
        }
    }
}

#[test]
fn cameras_are_given_guessed_or_none() {
    let folder = Folder::new();
    folder.synth("source.npz", "source", 64, 16);
    folder.synth("target.npz", "target", 24, 16);
    std::fs::write(folder.path("c.toml"), "[model]\nrays = true\n").unwrap();
    let train = "--config c.toml --width 16 --steps 4 --batch 8 --device cpu --threads 1";
    let noted = |line: &str| {
        let output = folder.run(line);
        assert!(output.status.success(), "{line}: {}", stderr(&output));
        stderr(&output)
    };
    let text = noted(&format!("train --data source.npz --out m.safetensors {train}"));
    assert!(!text.contains("intrinsics"), "{text}");
    let given = folder.json("info target.npz --json")["facts"]["intrinsics"].to_string();
    assert!(given.contains("given: focal length 1145 x 1145, middle 500 x 500"), "{given}");
    // The same poses without their cameras.
    let mut set = PoseSet::load(&folder.path("target.npz")).unwrap();
    set.intrinsics = None;
    set.save(&folder.path("bare.npz")).unwrap();
    let guess = folder.json("info bare.npz --json")["facts"]["intrinsics"].to_string();
    assert!(guess.contains("guessed of the image sizes: focal length 960.491 x 960.491, middle"), "{guess}");
    let eval = "eval --checkpoint m.safetensors --mode baseline --device cpu --threads 1 --json";
    let text = noted(&format!("{eval} --data bare.npz"));
    assert!(text.contains("bare.npz has no intrinsics: a focal length of 96"), "{text}");
    let error = |line: &str| folder.json(line)["results"][0]["mpjpe_mm"].as_f64().unwrap();
    let [own, guessed, focal] =
        ["target.npz", "bare.npz", "bare.npz --focal 1145.5"].map(|data| error(&format!("{eval} --data {data}")));
    assert!(own != guessed && guessed != focal && own != focal);
    assert_eq!(own, error(&format!("{eval} --data target.npz --focal 300")), "a set's own cameras go before");
    let text = noted(&format!("{eval} --data bare.npz --focal 1145"));
    assert!(!text.contains("guessed"), "{text}");
    // Without image sizes, too.
    set.image_size = None;
    set.save(&folder.path("bare.npz")).unwrap();
    assert_eq!(folder.json("info bare.npz --json")["facts"]["intrinsics"], "none");
    let text = noted(&format!("{eval} --data bare.npz"));
    assert_eq!(text.matches("no camera is turned").count(), 1, "{text}");
    let words = ["--focal: bare.npz has no image_size", "intrinsics"];
    folder.fail(&format!("{eval} --data bare.npz --focal 1145"), 2, &words);
    folder.fail(&format!("train --data bare.npz --out t.safetensors --focal 1145 {train}"), 2, &words);
    let study = format!("study --source source.npz --target bare.npz --out s --focal 1145 {train}");
    folder.fail(&study, 2, &words);
}

#[test]
fn a_run_is_resumed_to_the_same_bytes() {
    let folder = Folder::new();
    folder.synth("source.npz", "source", 64, 16);
    let resume = "train --data source.npz --device cpu --threads 1 --resume part.safetensors";
    for settings in ["", "--random-views 0.5 --free-rotation 0.3 --limb-mixing 0.2 --noise 6"] {
        // A rate that falls to a factor at the last step depends on which step is the last.
        let train = "train --data source.npz --width 16 --batch 8 --decay-gamma 0.9 --decay-steps 5 --device cpu";
        let train = format!("{train} --threads 1 --force {settings}");
        folder.succeed(&format!("{train} --steps 12 --out whole.safetensors"));
        folder.succeed(&format!("{train} --steps 5 --out part.safetensors"));
        folder.fail(&format!("{resume} --out part.safetensors"), 2, &["--resume", "part.safetensors", "--steps"]);
        folder.succeed(&format!("{resume} --steps 12 --out part.safetensors"));
        let [whole, part] = ["whole", "part"]
            .map(|name| isopose::checkpoint::Checkpoint::load(&folder.path(&format!("{name}.safetensors"))).unwrap());
        assert_eq!(whole, part, "{settings}");
    }
}

#[test]
fn settings_of_training_are_checked() {
    let folder = Folder::new();
    folder.synth("source.npz", "source", 64, 16);
    for (settings, words) in [
        ("--random-views 1.5", ["--random-views: it is 1.5", "0 to 1"]),
        ("--random-views 0.001", ["--random-views: ", "of 64 poses a step is none"]),
        ("--random-views 0 --limb-mixing 0.5", ["--limb-mixing: ", "no pose is turned; set --random-views"]),
        ("--random-views 0 --free-rotation 0.5", ["--free-rotation: ", "no pose is turned; set --random-views"]),
        ("--noise nan", ["--noise: ", "at least 0"]),
    ] {
        folder.fail(&format!("train --data source.npz --out m.safetensors --device cpu {settings}"), 2, &words);
    }
}

#[test]
fn eval_takes_its_samples_as_asked() {
    let folder = Folder::new();
    folder.train();
    let eval = "eval --checkpoint m.safetensors --data source.npz --mode baseline --device cpu --json";
    assert_eq!(folder.json(&format!("{eval} --held-back"))["samples"], 32);
    assert_eq!(folder.json(&format!("{eval} --limit 5 --no-flip"))["samples"], 5);
    folder.succeed(&format!("{eval} --limit 5 --predictions p.npz"));
    let mut npz = isopose::format::npz::Npz::open(&folder.path("p.npz")).unwrap();
    assert_eq!(npz.f32("positions").unwrap().shape, [5, 16, 3]);
    assert_eq!(npz.strings("joint_names").unwrap().len(), 16);
    folder.fail(&format!("{eval} --mode online --predictions p.npz"), 2, &["--predictions", "one --mode"]);
    folder.fail(&format!("{eval} --instances 2"), 2, &["--instances", "vanilla"]);
    // Streams that start again at each of two sequences are those of two runs.
    let online = "eval --checkpoint m.safetensors --data source.npz --mode online --alpha 0.01 --copies 4 --device cpu";
    let score = |extra: &str| folder.json(&format!("{online} --json {extra}"))["results"][0]["mpjpe_mm"].clone();
    assert_ne!(score("--limit 32"), score("--limit 32 --reset-at-sequences"));
    assert_eq!(score("--limit 16"), score("--limit 16 --reset-at-sequences"));
}

#[test]
fn bad_files_are_named_with_field_and_fix() {
    let folder = Folder::new();
    folder.train();
    folder.synth("seventeen.npz", "target", 4, 17);
    let eval = |checkpoint: &str, data: &str| format!("eval --checkpoint {checkpoint} --data {data} --device cpu");
    folder.fail(&eval("absent.safetensors", "source.npz"), 1, &["absent.safetensors: cannot read", "No such file"]);
    folder.fail(&eval("m.safetensors", "absent.npz"), 1, &["absent.npz: cannot open", "No such file"]);
    let words = ["seventeen.npz: keypoints: 17 joints", "m.safetensors has 16", "--joints 16"];
    folder.fail(&eval("m.safetensors", "seventeen.npz"), 1, &words);
    truncate(&folder.path("seventeen.npz"));
    folder.fail(&eval("m.safetensors", "seventeen.npz"), 1, &["seventeen.npz: archive", "copied whole"]);
    folder.fail("train --data seventeen.npz --out n.safetensors", 1, &["seventeen.npz: archive"]);
    // A header that announces more bytes than any machine has.
    std::fs::write(folder.path("hostile.safetensors"), [&u64::MAX.to_le_bytes()[..], b"{}"].concat()).unwrap();
    folder.fail(&eval("hostile.safetensors", "source.npz"), 1, &["hostile.safetensors: header", "export it again"]);
    truncate(&folder.path("m.safetensors"));
    folder.fail(&eval("m.safetensors", "source.npz"), 1, &["m.safetensors: header", "truncated"]);
    std::fs::write(folder.path("c.toml"), "[train]\nlearning_rate = 1\n").unwrap();
    let words = ["c.toml: line 2", "`learning_rate`", "[train]"];
    folder.fail("train --data source.npz --out n.safetensors --config c.toml", 1, &words);
}

#[test]
fn requests_that_cannot_be_met_are_refused_before_any_work() {
    let folder = Folder::new();
    folder.synth("source.npz", "source", 32, 16);
    let train = "train --data source.npz --width 16 --steps 2 --batch 8";
    folder.fail(&format!("{train} --out no/such/m.safetensors"), 1, &["--out", "no/such", "create it"]);
    folder.fail(&format!("{train} --out m.safetensors --device riva128"), 2, &["--device", "riva128", "auto, cpu"]);
    folder.fail(
        "train --data source.npz --width 16 --batch 1 --out m.safetensors --device cpu",
        2,
        &["--batch: it is 1"],
    );
    folder.fail(
        "train --data source.npz --width 6 --out m.safetensors --device cpu",
        2,
        &["--width: it is 6", "multiple of 4"],
    );
    let wide = "train --data source.npz --width 65536 --out m.safetensors --device cpu";
    folder.fail(wide, 2, &["--width: it is 65536", "16384"]);
    folder.fail(&format!("{train} --out source.npz"), 2, &["--out source.npz", "an input too"]);
    folder.fail(&format!("{train} --out m.safetensors --device="), 2, &["--device", "empty"]);
    folder.fail(
        "synth --scenario source --poses 99999999999 --out x.npz",
        2,
        &["--poses: it is 99999999999", "at most"],
    );
    folder.succeed(&format!("{train} --ssl none --out m.safetensors --device cpu"));
    let eval = "eval --checkpoint m.safetensors --data source.npz --device cpu";
    folder.fail(&format!("{eval} --mode online"), 2, &["--mode: online", "--ssl none"]);
    folder.fail(&format!("{eval} --predictions source.npz"), 2, &["--predictions source.npz", "an input too"]);
    folder.fail(&format!("{eval} --iterations 5000 --mode vanilla"), 2, &["--ssl none"]);
    folder.fail(&format!("{eval} --held-back"), 1, &["m.safetensors: training.held_back", "--hold-back"]);
    // Without a self-supervised task there is one mode left.
    assert_eq!(folder.json(&format!("{eval} --json"))["results"].as_array().unwrap().len(), 4);
}

#[test]
fn outputs_are_no_inputs_and_no_other_outputs() {
    let folder = Folder::new();
    folder.train();
    std::fs::write(folder.path("c.toml"), "[train]\nbatch = 8\n").unwrap();
    std::fs::copy(folder.path("m.safetensors"), folder.path("m.html")).unwrap();
    std::fs::copy(folder.path("source.npz"), folder.path("data.md")).unwrap();
    let kept = ["c.toml", "m.html", "data.md"].map(|name| (name, std::fs::read(folder.path(name)).unwrap()));
    let refused = |line: &str, words: &[&str]| folder.fail(line, 2, words);
    refused("train --data source.npz --config c.toml --out ./c.toml", &["--out ./c.toml", "an input too"]);
    let eval = "eval --data source.npz --mode baseline --device cpu";
    refused(&format!("{eval} --checkpoint m.html --report m.html"), &["--report m.html", "an input too"]);
    let of_data = "eval --data data.md --checkpoint m.safetensors --mode baseline --report data.md";
    refused(of_data, &["--report data.md", "an input too"]);
    let both = format!("{eval} --checkpoint m.safetensors --report new.html --predictions ./new.html");
    refused(&both, &["--report new.html", "--predictions", "another file"]);
    refused("import bvh a.bvh --joint-map c.toml --out c.toml", &["--out c.toml", "an input too"]);
    kept.iter().for_each(|(name, bytes)| assert!(std::fs::read(folder.path(name)).unwrap() == *bytes, "{name}"));
}

#[test]
fn sizes_that_no_machine_has_are_refused_at_once() {
    if !cfg!(target_os = "linux") {
        eprintln!("SKIPPED sizes_that_no_machine_has_are_refused_at_once: only Linux says how much memory is free");
        return;
    }
    let folder = Folder::new();
    folder.synth("source.npz", "source", 32, 16);
    let begun = std::time::Instant::now();
    for line in [
        "train --data source.npz --out m.safetensors --width 16384 --batch 65536 --device cpu",
        "bench --width 16384 --mode vanilla --copies 1048576 --instances 1024 --device cpu",
        "bench --width 16384 --mode train-step --batch 65536 --device cpu",
        "plan profile adapt --width 16384 --copies 1048576 --instances 1024 --device cpu",
        "plan show adapt --width 16384 --copies 1048576 --instances 1048576",
    ] {
        folder.fail(line, 1, &["of memory, but", "MiB are free; lower --width"]);
    }
    assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
    folder.succeed("train --data source.npz --out m.safetensors --width 16 --steps 2 --device cpu");
    let eval = "eval --checkpoint m.safetensors --data source.npz --mode vanilla --device cpu";
    let output = folder.run(&format!("{eval} --copies 1048576 --instances 1048576"));
    assert!(stderr(&output).contains("lower --copies, --instances or --batch"), "{}", stderr(&output));
}

#[test]
fn what_goes_wrong_on_the_way_is_an_error() {
    let folder = Folder::new();
    folder.train();
    let eval = "eval --checkpoint m.safetensors --data source.npz --device cpu --copies 2 --limit 20";
    folder.fail(&format!("{eval} --mode vanilla --iterations 5000"), 2, &["--iterations: it is 5000; use 1 to 1000"]);
    let diverged = folder.run(&format!("{eval} --mode online --alpha 1e38"));
    assert_eq!(diverged.status.code(), Some(1), "{}", stderr(&diverged));
    assert!(stderr(&diverged).contains("diverged"), "{}", stderr(&diverged));
    let mistaken = folder.run("verify --state m.safetensors --device cpu");
    assert_eq!(mistaken.status.code(), Some(1), "{}", stderr(&mistaken));
    assert!(
        stderr(&mistaken).contains("m.safetensors: metadata format: this is a checkpoint"),
        "{}",
        stderr(&mistaken)
    );
    folder.synth("other.npz", "source", 64, 16);
    let resume = "train --data other.npz --resume m.safetensors --out n.safetensors --steps 30 --device cpu";
    let refused = folder.run(resume);
    assert!(refused.status.code() != Some(0), "another data set must be refused: {}", stderr(&refused));
    folder.fail(&format!("{eval} --mode vanilla --iterations 0"), 2, &["--iterations: it is 0; use 1 to 1000"]);
    std::fs::write(folder.path("c.toml"), "[train]\nbatch = 1\n").unwrap();
    let words = ["c.toml: batch: it is 1", "batch norm needs"];
    folder.fail("train --data source.npz --out n.safetensors --config c.toml --device cpu", 1, &words);
    // As many poses of other people.
    folder.succeed("synth --scenario source --poses 320 --seed 9 --out others.npz");
    let resume = "train --data others.npz --resume m.safetensors --out n.safetensors --steps 30 --device cpu";
    folder.fail(resume, 2, &["--data: these are other poses", "the same file"]);
}

#[test]
fn plans_are_shown_and_timed() {
    let folder = Folder::new();
    let text = folder.succeed("plan show adapt --width 16 --copies 4");
    assert!(text.contains("adapt (") && text.contains("advance_step"), "{text}");
    for program in ["train", "adapt", "predict"] {
        let shown = folder.json(&format!("plan show {program} --width 16 --copies 4 --json"));
        let dispatch = &shown["sections"][0]["dispatches"][0];
        assert!(dispatch["kernel"].is_string() && dispatch["grid"].is_array(), "{dispatch}");
        assert!(shown["sections"][0]["gflop"].as_f64().unwrap() > 0.0, "{}", shown["sections"][0]);
        let line = format!("plan profile {program} --width 16 --copies 4 --repeats 2 --device cpu --json");
        let kernels = folder.json(&line)["kernels"].as_array().unwrap().clone();
        let share: f64 = kernels.iter().map(|kernel| kernel["share"].as_f64().unwrap()).sum();
        assert!((share - 1.0).abs() < 1e-9, "{share}");
        assert!(kernels.iter().any(|kernel| kernel["gflops"].as_f64().unwrap() > 0.0), "{kernels:?}");
    }
}

#[test]
fn modes_are_timed_beside_the_floor() {
    let folder = Folder::new();
    let bench = "bench --width 8 --copies 2,3 --batch 4 --samples 3 --device cpu --threads 1";
    let report = folder.json(&format!("{bench} --json"));
    assert_eq!(report["device"], "cpu (1 thread)");
    assert!(report["machine"]["gflops"].as_f64().is_some_and(|rate| rate > 0.0), "{}", report["machine"]);
    assert!(report["machine"]["p99_to_median"].as_f64().is_some_and(|ratio| ratio >= 1.0), "{}", report["machine"]);
    assert!(report["cold_start_ms"].as_f64().unwrap() > 0.0);
    let rows = report["rows"].as_array().unwrap();
    let found: Vec<_> = rows.iter().map(|row| (row["mode"].as_str().unwrap(), row["copies"].as_u64())).collect();
    let adapting = ["vanilla", "vanilla-lr", "online", "online-skip"];
    let mut expected = vec![("baseline", None), ("baseline-no-flip", None)];
    expected.extend(adapting.iter().flat_map(|mode| [(*mode, Some(2)), (*mode, Some(3))]));
    expected.push(("train-step", None));
    assert_eq!(found, expected);
    for row in rows {
        for key in ["ms_median", "ms_p90", "ms_p99", "ms_mean", "samples_per_s", "gflop", "mbytes", "floor_ms"] {
            assert!(row[key].as_f64().is_some_and(|number| number > 0.0), "{key} in {row}");
        }
        let floor = |part: &str| row["floor"][part].as_f64().unwrap_or_else(|| panic!("{part} in {row}"));
        assert_eq!(row["floor_ms"], floor("arithmetic_ms").max(floor("traffic_ms")), "{row}");
        let moved = floor("read_mb") + floor("written_mb") + 2.0 * floor("updated_mb");
        assert!(moved > 0.0 && moved <= row["mbytes"].as_f64().unwrap() * 1.001, "{row}");
        assert!(row["floor"]["products"][0]["gflops"].as_f64().unwrap() > 0.0, "{row}");
        let kernels = row["kernels"].as_array().unwrap();
        assert!(kernels.iter().any(|kernel| kernel["floor_ms"].as_f64().is_some_and(|ms| ms > 0.0)), "{row}");
        // A round of online-skip is ten samples.
        assert_eq!(row["samples"], if row["mode"] == "online-skip" { 10 } else { 3 }, "{row}");
        assert!(row["ms_median"].as_f64() <= row["ms_p99"].as_f64() && row.get("submit_ms").is_none(), "{row}");
    }
    let text = folder.succeed(&format!("{bench} --instances 2 --iterations 2"));
    assert!(
        text.contains("floors, per sample")
            && text.contains("steadiness: ")
            && text.contains("vanilla-lr")
            && !text.contains("online"),
        "{text}"
    );
    let output = folder.run("bench --mode offline");
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("online-skip"), "the modes there are: {}", stderr(&output));
    folder.fail(&format!("{bench} --mode online --instances 2"), 2, &["--instances", "vanilla"]);
    folder.fail("bench --width 10", 2, &["--width: it is 10", "multiple of 4"]);
    folder.fail("bench --width 8 --mode train-step --batch 1", 2, &["--batch: it is 1"]);
}

#[test]
fn a_gpu_is_timed_by_kernel_too() {
    if crate::device::gpu(isopose::gpu::ShaderChecks::On).is_none() {
        return;
    }
    let bench = "bench --width 8 --copies 2 --samples 2 --mode online --mode baseline --device gpu --json";
    let report = Folder::new().json(bench);
    for row in report["rows"].as_array().unwrap() {
        assert!(row["submit_ms"].as_f64().unwrap() <= row["ms_p99"].as_f64().unwrap(), "{row}");
        assert!(!row["kernels"].as_array().unwrap().is_empty(), "{row}");
    }
}

#[test]
fn devices_are_listed_with_the_cpu_last() {
    let devices = Folder::new().json("devices --json")["devices"].as_array().unwrap().clone();
    assert_eq!(devices.last().unwrap()["id"], "cpu");
    assert_eq!(devices.iter().filter(|device| device["auto"] == true).count(), 1);
}

#[test]
fn drivers_have_nothing_to_say_in_a_bare_environment() {
    let folder = Folder::new();
    let bare = |line: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_isopose"));
        command.current_dir(folder.path("")).env_clear();
        // Where the drivers are. `XDG_RUNTIME_DIR` and `HOME` are unset, as they are for a service or in a container.
        for name in
            ["VK_DRIVER_FILES", "VK_ICD_FILENAMES", "XDG_DATA_DIRS", "SystemRoot", "WGPU_BACKEND", "RAYON_NUM_THREADS"]
        {
            command.envs(std::env::var_os(name).map(|value| (name, value)));
        }
        command.args(line.split(' ')).output().unwrap()
    };
    let listed = bare("devices");
    assert_eq!((listed.status.code(), stderr(&listed)), (Some(0), String::new()));
    let json = bare("devices --json");
    assert_eq!(
        (serde_json::from_slice::<Value>(&json.stdout).unwrap(), stderr(&json)),
        (folder.json("devices --json"), String::new())
    );
    let absent = bare("plan profile predict --width 16 --device gpu:99");
    let text = stderr(&absent);
    assert_eq!(absent.status.code(), Some(2), "{text}");
    assert!(text.starts_with("error: --device: there is no gpu:99") && text.trim_end().lines().count() == 1, "{text}");
}

#[test]
fn tuning_needs_a_gpu_and_a_damaged_file_is_only_a_warning() {
    let folder = Folder::new();
    folder.fail("tune --device cpu", 2, &["--device gpu"]);
    if crate::device::gpu(isopose::gpu::ShaderChecks::On).is_none() {
        return;
    }
    std::fs::write(folder.path("tiles.json"), "{ \"version\": 1").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_isopose"));
    command.current_dir(folder.path("")).env("ISOPOSE_TILES", "tiles.json");
    let output = command.args("plan profile predict --width 64 --device gpu".split(' ')).output().unwrap();
    let text = stderr(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("warning: tiles.json") && text.contains("isopose tune"), "{text}");
}
