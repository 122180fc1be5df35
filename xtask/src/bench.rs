//! `cargo xtask bench`: everything there is to measure on a machine, into one Markdown file.

use std::env;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// The models that are measured.
const PRESETS: [&str; 2] = ["geometry", "paper"];

/// What to measure, and where to write it.
struct Options {
    device: String,
    /// The GPU of the time model.
    gpu: String,
    out: PathBuf,
    quick: bool,
}

/// Builds, verifies, measures and compares; fails if the program cannot be built or a check fails.
pub fn bench(args: impl Iterator<Item = OsString>) -> ExitCode {
    match options(args).and_then(|options| measure(&options)) {
        Ok(passed) => ExitCode::from(u8::from(!passed)),
        Err(problem) => {
            eprintln!("xtask: bench: {problem}");
            ExitCode::from(2)
        }
    }
}

fn options(args: impl Iterator<Item = OsString>) -> Result<Options, String> {
    let out = root().join("target/bench.md");
    let mut options = Options { device: "auto".into(), gpu: "h100".into(), out, quick: false };
    let mut args = args.map(|arg| arg.to_string_lossy().into_owned());
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or(format!("{arg} needs a value"));
        match arg.as_str() {
            "--device" => options.device = value()?,
            "--gpu" => options.gpu = value()?,
            "--out" => options.out = env::current_dir().unwrap_or_default().join(value()?),
            "--quick" => options.quick = true,
            _ => return Err(format!("{arg} is not an option; see `cargo xtask help`")),
        }
    }
    Ok(options)
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn measure(options: &Options) -> Result<bool, String> {
    // A file that cannot be written should not cost the measurements.
    fs::write(&options.out, "").map_err(|e| format!("--out {}: {e}; choose another file", options.out.display()))?;
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let build = Command::new(&cargo).current_dir(root()).args(["build", "--release"]).status();
    if !build.is_ok_and(|status| status.success()) {
        return Err("`cargo build --release` failed, see above".to_owned());
    }
    let isopose = root().join("target/release").join(format!("isopose{}", env::consts::EXE_SUFFIX));
    let run = |args: &[&str]| output(Command::new(&isopose).args(args).args(["--device", &options.device]));
    let samples: &[&str] = if options.quick { &["--samples", "3"] } else { &[] };

    let mut page = String::from("# isopose: measurements of a machine\n");
    let devices = output(Command::new(&isopose).arg("devices"));
    section(&mut page, "Devices", "isopose devices", &devices);
    let verified = run(&["verify"]);
    section(&mut page, "Is it right?", &format!("isopose verify --device {}", options.device), &verified);
    let mut benched = true;
    for preset in PRESETS {
        let bench = ["bench", "--preset", preset];
        let eight = [&bench[..], &["--mode", "vanilla", "--mode", "vanilla-lr", "--instances", "8"]].concat();
        for (title, command) in [("Latency", &bench[..]), ("Eight samples at once", &eight)] {
            let shown = format!("isopose {} --device {}", command.join(" "), options.device);
            let done = run(&[command, samples].concat());
            section(&mut page, &format!("{title}, {preset}"), &shown, &done);
            benched &= done.success;
        }
    }

    let on_cpu = verified.text.starts_with("device: cpu");
    // The model is one of GPUs.
    for preset in PRESETS.into_iter().filter(|_| !on_cpu) {
        let model = ["plan", "model", "adapt", "--preset", preset, "--mode", "online", "--gpu", &options.gpu];
        let shown = format!("isopose {} --device {}", model.join(" "), options.device);
        section(&mut page, &format!("What a model of the GPU expects, {preset}"), &shown, &run(&model));
    }
    for preset in PRESETS {
        let torch = torch(options, preset, &isopose, on_cpu).unwrap_or_else(|why| format!("Left out: {why}"));
        let _ = writeln!(page, "\n## Against PyTorch, by turns, {preset}\n\n{torch}");
    }

    fs::write(&options.out, &page).map_err(|e| format!("--out {}: {e}", options.out.display()))?;
    println!("{page}\nxtask: written to {}", options.out.display());
    Ok(verified.success && benched)
}

/// What a command printed.
struct Output {
    success: bool,
    text: String,
}

/// Runs a command whose progress goes to the terminal.
fn output(command: &mut Command) -> Output {
    match command.stderr(std::process::Stdio::inherit()).output() {
        Ok(done) => {
            let text = String::from_utf8_lossy(&done.stdout).trim_end().to_owned();
            Output { success: done.status.success(), text }
        }
        Err(error) => Output { success: false, text: format!("cannot be started: {error}") },
    }
}

fn section(page: &mut String, title: &str, command: &str, output: &Output) {
    let verdict = if output.success { "" } else { "**This failed.**\n\n" };
    // Writing to a string cannot fail.
    let _ = writeln!(page, "\n## {title}\n\n{verdict}```\n$ {command}\n{}\n```", output.text);
}

fn torch(options: &Options, preset: &str, isopose: &Path, on_cpu: bool) -> Result<String, String> {
    let python = env::var_os("PYTHON").unwrap_or_else(|| "python3".into());
    let probe = "import torch; print('cuda' if torch.cuda.is_available() else 'cpu')";
    let found = Command::new(&python).args(["-c", probe]).output();
    let device = match found {
        Ok(done) if done.status.success() => String::from_utf8_lossy(&done.stdout).trim().to_owned(),
        _ => {
            let python = python.to_string_lossy();
            return Err(format!("{python} has no PyTorch; `pip install torch numpy`, or set PYTHON to one that has"));
        }
    };
    let device = if on_cpu { "cpu" } else { &device };
    let mut command = Command::new(python);
    command.arg(root().join("benches/peers/torch_peer.py")).arg("--isopose").arg(isopose);
    command.args(["--preset", preset, "--device", device, "--isopose-device", &options.device]);
    if options.quick {
        command.args(["--rounds", "1", "--seconds", "0.3"]);
    }
    let done = output(&mut command);
    if done.success { Ok(done.text) } else { Err(format!("the comparison failed, see above. {}", done.text)) }
}
