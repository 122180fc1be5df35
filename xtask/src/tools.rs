//! `cargo xtask shaders` and `cargo xtask isa`: programs of tools/, which needs what this package does without, wgpu and
//! all. They are built when they are asked for.

use std::ffi::OsString;
use std::process::ExitCode;

/// Builds and runs a program of tools/ at the root of the workspace; what stands later in its arguments wins.
pub fn run(program: &str, defaults: &[&str], args: impl Iterator<Item = OsString>) -> ExitCode {
    let run = ["run", "--quiet", "--release", "--package", "isopose-tools", "--bin", program, "--"];
    crate::run_cargo(crate::cargo().args(run).args(defaults).args(args))
}
