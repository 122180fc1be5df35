//! `isopose plan model`: what it says, of which steps, and what it refuses.

use isopose::adapt::Mode;

use crate::folder::{Folder, stderr};

#[test]
fn a_program_is_predicted_with_all_its_steps() {
    let folder = Folder::new();
    for gpu in ["h100", "rtx4070", "m2", "xe"] {
        let found = folder.json(&format!("plan model adapt --preset paper --width 64 --copies 4 --gpu {gpu} --json"));
        assert_eq!(found["iterations"], Mode::VANILLA.paper.iterations, "vanilla's own");
        let kernels = found["kernels"].as_array().unwrap();
        let sum = |field: &str| kernels.iter().map(|kernel| kernel[field].as_f64().unwrap()).sum::<f64>();
        assert!((sum("ms") - found["total_ms"].as_f64().unwrap()).abs() < 1e-9, "{found}");
        assert!((sum("share") - 1.0).abs() < 1e-9, "{found}");
        assert_eq!(sum("count"), found["schedule"]["dispatches"].as_f64().unwrap());
        let of = |field: &str| found["schedule"][field].as_u64().unwrap();
        assert!(of("depth") < of("barriers") && of("barriers") <= of("buffer_barriers"), "{found}");
        assert!(found["measured"].is_null());
    }
    for program in ["train", "predict"] {
        let text = folder.succeed(&format!("plan model {program} --width 64"));
        for said in ["without the host", "pipeline switches", "GFLOP", "total", "never compared with a GPU"] {
            assert!(text.contains(said), "{said}: {text}");
        }
    }
}

#[test]
fn what_was_measured_stands_beside_it() {
    let folder = Folder::new();
    let line = "plan model adapt --mode online --width 16 --copies 4 --repeats 1 --device cpu";
    let text = folder.succeed(line);
    assert!(text.contains("measured ms") && text.contains("that is not H100"), "{text}");
    let found = folder.json(&format!("{line} --json"));
    assert_eq!(found["measured_is_gpu"], false);
    assert_eq!(found["measured"]["kernels"].as_array().unwrap().len(), found["kernels"].as_array().unwrap().len());
}

#[test]
fn a_gpu_that_is_none_is_refused() {
    let folder = Folder::new();
    for (line, word) in [("--gpu voodoo", "h100, rtx4070, m2, xe, or a file"), ("--repeats 2", "--device <D>")] {
        let output = folder.run(&format!("plan model adapt {line}"));
        assert_eq!(output.status.code(), Some(2), "{line}");
        assert!(stderr(&output).contains(word), "{line}: {}", stderr(&output));
    }
    std::fs::write(folder.path("gpu.toml"), "name = \"mine\"\ncores = 3\n").unwrap();
    folder.fail("plan model adapt --gpu gpu.toml", 1, &["gpu.toml", "cores", "docs/model.md"]);
    folder.fail("plan model adapt --gpu none.toml", 1, &["none.toml", "cannot read"]);
}

/// The numbers of the file in the documentation are a GPU's.
#[test]
fn the_documented_file_is_read() {
    let folder = Folder::new();
    let document = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/model.md")).unwrap();
    let file = document.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    std::fs::write(folder.path("gpu.toml"), file).unwrap();
    let text = folder.succeed("plan model predict --width 64 --gpu gpu.toml");
    assert!(text.contains("ms predicted"), "{text}");
}
