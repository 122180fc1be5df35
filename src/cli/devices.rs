//! `isopose devices`.

use std::io::Write;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::{Outcome, output};
use crate::gpu::{adapters, advice};

/// List the devices that can compute, best first
#[derive(Debug, Args)]
pub(super) struct Devices {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Devices {
    pub(super) fn run(&self, out: &mut dyn Write) -> Outcome {
        let devices = adapters();
        if self.json {
            output::json(out, &json!({ "devices": devices }))?;
            return Ok(ExitCode::SUCCESS);
        }
        // The CPU is always there.
        let has_gpu = devices.len() > 1;
        let mut table = output::Table::new(6, &["", "device", "name", "kind", "backend", "driver", "largest tensor"]);
        for device in devices {
            let auto = if device.auto { "*" } else { "" };
            let largest = match device.max_binding_mib {
                0 => "-".to_owned(),
                mib => format!("{mib} MiB"),
            };
            let words = [auto, &device.id, &device.name, device.kind, &device.backend, &device.driver, &largest];
            table.row(words.map(ToOwned::to_owned).to_vec());
        }
        table.write(out)?;
        writeln!(out, "* is what --device auto picks")?;
        if !has_gpu {
            writeln!(out, "no GPU adapter was found; {}", advice())?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
