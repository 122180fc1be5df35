//! Variables of the environment that the program heeds, each given to a program of its own.

use std::process::{Command, Output};

/// Runs a command line with one variable set.
fn run(line: &str, variable: (&str, &str)) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_isopose"));
    for name in ["RAYON_NUM_THREADS", "WGPU_BACKEND"] {
        command.env_remove(name);
    }
    command.env("ISOPOSE_TILES", "off").env(variable.0, variable.1);
    command.args(line.split(' ')).output().unwrap()
}

#[test]
fn threads_are_those_of_the_variable_unless_asked_for() {
    let cores = std::thread::available_parallelism().unwrap().get();
    let profile = "plan profile predict --width 16 --repeats 1 --device cpu";
    for (options, value, threads) in [("", "3", 3), (" --threads 1", "3", 1), ("", "0", cores), ("", "many", cores)] {
        let output = run(&format!("{profile}{options}"), ("RAYON_NUM_THREADS", value));
        let text = String::from_utf8(output.stdout).unwrap();
        // What is said here is what the executor's pool has.
        let name = format!("cpu ({threads} thread{})", if threads == 1 { "" } else { "s" });
        assert!(text.contains(&name), "RAYON_NUM_THREADS={value}{options}: {text}");
    }
    let listed = String::from_utf8(run("devices", ("RAYON_NUM_THREADS", "3")).stdout).unwrap();
    assert!(listed.contains("cpu (3 threads)"), "{listed}");
}

#[test]
fn backends_that_are_not_there_are_named() {
    let profile = "plan profile predict --width 16 --repeats 1 --device";
    for value in ["gl", "vulcan"] {
        let said = format!("WGPU_BACKEND is set to '{value}'");
        let gpu = run(&format!("{profile} gpu"), ("WGPU_BACKEND", value));
        let text = String::from_utf8(gpu.stderr).unwrap();
        assert_eq!(gpu.status.code(), Some(2), "{text}");
        assert!(text.contains(&said) && text.trim_end().lines().count() == 1, "{text}");
        let auto = run(&format!("{profile} auto"), ("WGPU_BACKEND", value));
        let text = String::from_utf8(auto.stderr).unwrap();
        assert_eq!(auto.status.code(), Some(0), "{text}");
        assert!(text.contains(&said) && text.contains("the CPU computes"), "{text}");
        let listed = String::from_utf8(run("devices", ("WGPU_BACKEND", value)).stdout).unwrap();
        assert!(listed.contains(&said), "{listed}");
    }
    // A blank one is as none.
    let listed = |value| run("devices", ("WGPU_BACKEND", value)).stdout;
    assert_eq!(listed(" "), run("devices", ("ISOPOSE_TILES", "off")).stdout);
    // As is one that names all there is, but for what is said where nothing was found.
    let rows = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().lines().filter(|line| line.contains(" MiB")).count();
    assert_eq!(rows(listed("vulkan,metal,dx12")), rows(listed("")));
}
