//! `isopose verify`.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::{Outcome, options::DeviceOptions, output};
use crate::gpu::ShaderChecks;
use crate::verify::verify;

/// Compare this device, kernel by kernel and run by run, with the CPU and with recorded runs of the reference
#[derive(Debug, Args)]
pub(super) struct Verify {
    /// A recorded state to replay; may be given more than once
    #[arg(long, value_name = "FILE")]
    state: Vec<PathBuf>,
    #[command(flatten)]
    device: DeviceOptions,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Verify {
    /// Exit code 1 when something is beyond its limit.
    pub(super) fn run(&self, out: &mut dyn Write) -> Outcome {
        let device = self.device.open_with(ShaderChecks::On)?;
        let report = verify(&self.state, &device, &mut |what: &str| output::note(&format!("verify: {what}")))?;
        let verdict = |pass: bool| if pass { "pass" } else { "FAIL" };
        if self.json {
            output::json(out, &report)?;
        } else {
            writeln!(out, "device: {}", report.device)?;
            let mut table = output::Table::new(2, &["state", "compared", "error", "limit", ""]);
            for check in &report.checks {
                let [error, limit] = [check.error, check.limit].map(|number| format!("{number:.2e}"));
                table.row(vec![check.state.clone(), check.name.clone(), error, limit, verdict(check.pass).to_owned()]);
            }
            table.write(out)?;
            writeln!(out, "{}", verdict(report.pass))?;
        }
        Ok(if report.pass { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}
