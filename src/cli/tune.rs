//! `isopose tune`.

use std::io::Write;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::options::{self, DeviceOptions};
use super::{Outcome, output};
use crate::error::Error;
use crate::gpu::{Device, ShaderChecks};
use crate::named::Named;
use crate::tune::{Measured, measure, save, tiling};

/// Features of the layers that are timed: the width of the paper.
const WIDTH: usize = 1024;

/// Time how linear layers can be cut on this GPU and keep the fastest for every later run
///
/// The result is a file in the user's cache folder, or where the environment's ISOPOSE_TILES says; ISOPOSE_TILES=off
/// runs without it.
#[derive(Debug, Args)]
pub(super) struct Tune {
    #[command(flatten)]
    device: DeviceOptions,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Tune {
    pub(super) fn run(&self, out: &mut dyn Write) -> Outcome {
        let Device::Gpu(gpu) = self.device.open_untuned(ShaderChecks::Off)? else {
            let message = "tune: the CPU device has nothing to tune; name a GPU with --device, such as --device gpu";
            return Err(Error::Usage(message.to_owned()).into());
        };
        let path = options::tiles_path().ok_or_else(|| {
            Error::Usage("tune: there is no cache folder to write to; name a file in ISOPOSE_TILES".to_owned())
        })?;
        let measured = measure(&gpu, WIDTH, |what| output::note(&format!("tune: {what}")))?;
        let best = tiling(&measured, gpu.tiling());
        save(&path, &gpu, &best)?;
        let chosen = |m: &Measured| best.get(m.product, m.class) == m.tile;
        if self.json {
            let line = |m: &Measured| json!({ "product": m.product.name(), "rows": m.rows, "tile": m.tile.name(), "us": m.micros, "chosen": chosen(m) });
            let lines = measured.iter().map(line).collect::<Vec<_>>();
            output::json(out, &json!({ "device": gpu.name(), "file": path, "width": WIDTH, "tiles": lines }))?;
            return Ok(ExitCode::SUCCESS);
        }
        writeln!(out, "{}, {WIDTH} x {WIDTH} weights", gpu.name())?;
        let mut table = output::Table::new(2, &["", "product", "rows", "tile", "us", "GFLOP/s"]);
        for m in &measured {
            let mark = if chosen(m) { "*" } else { "" };
            let rate = 2e-3 * m.rows as f64 * (WIDTH * WIDTH) as f64 / m.micros;
            let words = [mark.to_owned(), m.product.name().to_owned(), m.rows.to_string(), m.tile.name()];
            table.row([words.to_vec(), vec![format!("{:.1}", m.micros), format!("{rate:.1}")]].concat());
        }
        table.write(out)?;
        writeln!(out, "* is kept in {}", path.display())?;
        Ok(ExitCode::SUCCESS)
    }
}
