//! Chores of the workspace, run as `cargo xtask <command>`.

mod bench;
mod vulkan;

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, ExitCode};

const USAGE: &str = "\
usage: cargo xtask test [ARGUMENTS OF cargo test]
       cargo xtask bench [--device D] [--out FILE.md] [--quick]

  test   install a Vulkan driver where one is missing and can be installed,
         then run `cargo test --workspace --release`
  bench  build, verify a device [default: auto], measure it, compare with
         PyTorch where python3 (or $PYTHON) has it;
         --quick takes few samples; writes Markdown [default: target/bench.md]";

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    match args.next().as_deref().and_then(|command| command.to_str()) {
        Some("test") => test(args),
        Some("bench") => bench::bench(args),
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
    // Cargo says which cargo started us; the root is the folder above this package.
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    match Command::new(cargo).current_dir(root).args(["test", "--workspace", "--release"]).args(args).status() {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        // No code: ended by a signal.
        Ok(status) => ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)),
        Err(error) => {
            eprintln!("xtask: cannot start cargo: {error}");
            ExitCode::FAILURE
        }
    }
}
