//! `isopose plan profile`: the time of a program by kernel, measured.

use std::io::{self, Write};

use serde::Serialize;

use crate::bench::{KernelTime, by_kernel};
use crate::cli::options::DeviceOptions;
use crate::cli::output;
use crate::cli::programs::{Programs, Ready, Steps};
use crate::error::Result;
use crate::nn::{Program, initial_tensors, parameter_bytes};
use crate::plan::check_fits;

/// What a device takes for a program.
#[derive(Serialize)]
pub(super) struct Profile {
    pub(super) device: String,
    program: String,
    section: String,
    pub(super) repeats: u32,
    pub(super) total_ms: f64,
    pub(super) kernels: Vec<KernelTime>,
}

impl Profile {
    /// Runs the program on random weights.
    pub(super) fn measure(which: &Programs, repeats: u32, device: &DeviceOptions, steps: Steps) -> Result<Self> {
        let device = device.open()?;
        let Ready { recording, section, inputs, model, .. } = which.record(Some(&device), steps)?;
        check_fits(&recording.plan, &device, parameter_bytes(&model))?;
        let section_name = recording.plan.section(section).name.clone();
        let mut program = Program::new(recording, &device, &model, &initial_tensors(&model, 0))?;
        inputs.iter().for_each(|(tensor, values)| program.write(*tensor, 0, values));
        let mut progress = output::Progress::start("profile", repeats as usize);
        let kernels = by_kernel(&mut program, section, repeats, |done| progress.update(done, ""))?;
        drop(progress);
        let total_ms = kernels.iter().map(|time| time.ms).sum();
        let (device, program) = (program.device().to_owned(), which.name());
        Ok(Self { device, program, section: section_name, repeats, total_ms, kernels })
    }

    pub(super) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{} ({}) on {}, median of {}", self.program, self.section, self.device, self.repeats)?;
        let mut table = output::Table::new(1, &["kernel", "count", "ms", "share", "GFLOP/s", "GB/s"]);
        self.kernels.iter().for_each(|time| table.row(time.cells()));
        let count: usize = self.kernels.iter().map(|time| time.count).sum();
        let rate = |of: fn(&KernelTime) -> f64| {
            let amount: f64 = self.kernels.iter().map(|time| time.ms * of(time)).sum();
            format!("{:.1}", amount / self.total_ms.max(f64::MIN_POSITIVE))
        };
        let (gflops, gbps) = (rate(|time| time.gflops), rate(|time| time.gbps));
        let total = format!("{:.3}", self.total_ms);
        table.row(vec!["total".to_owned(), count.to_string(), total, "100.0 %".to_owned(), gflops, gbps]);
        table.write(out)
    }
}

impl KernelTime {
    /// Kernel, count, ms, share, GFLOP/s, GB/s.
    pub(in crate::cli) fn cells(&self) -> Vec<String> {
        let gflops = if self.gflops > 0.0 { format!("{:.1}", self.gflops) } else { "-".to_owned() };
        let (ms, share) = (format!("{:.3}", self.ms), format!("{:.1} %", 100.0 * self.share));
        vec![self.kernel.to_owned(), self.count.to_string(), ms, share, gflops, format!("{:.1}", self.gbps)]
    }
}
