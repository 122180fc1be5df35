//! Chores of the workspace, run as `cargo xtask <command>`.

mod bench;
mod tools;
mod vulkan;

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, ExitCode};

const USAGE: &str = "\
usage: cargo xtask test [ARGUMENTS OF cargo test]
       cargo xtask bench [--device D] [--gpu G] [--out FILE.md] [--quick]
       cargo xtask shaders [--out FOLDER] [--dxc [PATH]]
       cargo xtask isa [--family NAME] [--all] [--json] [--dump FOLDER]
       cargo xtask sbom [ARGUMENTS OF cargo cyclonedx]

  test   install a Vulkan driver where one is missing and can be installed,
         then run `cargo test --workspace --release`
  bench  build, verify a device [default: auto], measure it, compare with
         PyTorch where python3 (or $PYTHON) has it;
         --gpu is the GPU of the time model beside it [default: h100];
         --quick takes few samples; writes Markdown [default: target/bench.md]
  shaders  write every shader as SPIR-V, MSL, HLSL and GLSL
         [default: target/shaders]; with --dxc compile the HLSL with the DXC
         at PATH [default: the one on $PATH]; folders count from the root of
         the workspace
  isa    what Mesa's compiler makes of the linear kernels for an AMD GPU, no
         such GPU needed [default: navi31]; --all takes every tile, not only
         those of GPUs; --dump writes the machine code
  sbom   what the program is made of, in CycloneDX (*.cdx.json), by
         cargo-cyclonedx where that is installed";

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    match args.next().as_deref().and_then(|command| command.to_str()) {
        Some("test") => test(args),
        Some("bench") => bench::bench(args),
        Some("shaders") => tools::run("shaders", &["--out", "target/shaders"], args),
        Some("isa") => tools::run("isa", &[], args),
        Some("sbom") => sbom(args),
        Some("help" | "--help" | "-h") => {
            println!("{USAGE}");
            ExitCode::SUCCESS
        }
        _ => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

/// Runs every test of the workspace. Optimised, because the tests train networks and replay runs.
fn test(args: impl Iterator<Item = OsString>) -> ExitCode {
    vulkan::ensure_driver();
    run_cargo(cargo().args(["test", "--workspace", "--release"]).args(args))
}

/// Writes the list of packages that the program is made of.
fn sbom(args: impl Iterator<Item = OsString>) -> ExitCode {
    let is_there = cargo().args(["cyclonedx", "--version"]).output().is_ok_and(|output| output.status.success());
    if !is_there {
        eprintln!("xtask: cargo-cyclonedx is not installed: `cargo install cargo-cyclonedx --locked` does it");
        return ExitCode::FAILURE;
    }
    run_cargo(cargo().args(["cyclonedx", "--format", "json", "--describe", "binaries"]).args(args))
}

/// Cargo, at the root of the workspace.
fn cargo() -> Command {
    // Cargo says which cargo started us; the root is the folder above this package.
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."));
    command
}

/// Ends as cargo does.
fn run_cargo(command: &mut Command) -> ExitCode {
    match command.status() {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        // No code: ended by a signal.
        Ok(status) => ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)),
        Err(error) => {
            eprintln!("xtask: cannot start cargo: {error}");
            ExitCode::FAILURE
        }
    }
}
