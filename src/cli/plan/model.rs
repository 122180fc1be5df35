//! `isopose plan model`: the time of a program on a GPU that need not be here, predicted.

use std::collections::BTreeMap;
use std::io::{self, Write};

use clap::Args;
use serde::Serialize;

use super::machine::{self, Gpu};
use super::profile::Profile;
use crate::cli::options::{self, DeviceOptions};
use crate::cli::output;
use crate::cli::programs::{Programs, Steps};
use crate::error::Result;
use crate::kernel::Tiling;
use crate::plan::Schedule;
use crate::plan::model::{ASSUMPTIONS, KernelPrediction, Machine, Model};

/// For which GPU, and beside what.
#[derive(Debug, Args)]
pub(super) struct ModelOptions {
    #[arg(long, value_name = "GPU", default_value = "h100", value_parser = Gpu::parse, help = machine::help())]
    gpu: Gpu,
    /// Measures it too, on this device as `isopose plan profile` does, and prints both times; that compares a GPU with
    /// the model of it
    #[arg(long, value_name = "D")]
    device: Option<String>,
    /// With --device: timed runs, after one that is not; the median counts
    #[arg(long, value_name = "N", default_value = "5", requires = "device", value_parser = options::count::<u32>)]
    repeats: u32,
}

/// What was predicted, and what was measured.
#[derive(Serialize)]
pub(super) struct Prediction {
    program: String,
    section: String,
    iterations: usize,
    gpu: Machine,
    schedule: Schedule,
    gflop: f64,
    mbytes: f64,
    /// Without the host.
    total_ms: f64,
    kernels: Vec<KernelPrediction>,
    assumptions: &'static [&'static str],
    measured: Option<Profile>,
    /// Whether the measured device is, by its name, the GPU of the model.
    measured_is_gpu: Option<bool>,
}

impl Prediction {
    pub(super) fn of(program: &Programs, options: &ModelOptions) -> Result<Self> {
        let gpu = options.gpu.read()?;
        let ready = program.record(None, Steps::All)?;
        let (plan, section) = (&ready.recording.plan, ready.section);
        let kernels = Model::of(gpu.clone()).predict(plan, section);
        let cost = plan.cost(section);
        let measure = |device: &String| {
            let device = DeviceOptions::of(device);
            Profile::measure(program, options.repeats, &device, Steps::All)
        };
        let measured = options.device.as_ref().map(measure).transpose()?;
        Ok(Self {
            program: program.name(),
            section: plan.section(section).name.clone(),
            iterations: ready.iterations,
            schedule: Schedule::of(plan, section, &Tiling::of_gpu()),
            gflop: cost.gflop(),
            mbytes: cost.mbytes(),
            total_ms: kernels.iter().map(|kernel| kernel.ms).sum(),
            kernels,
            assumptions: ASSUMPTIONS,
            measured_is_gpu: measured.as_ref().map(|measured| gpu.is(&measured.device)),
            measured,
            gpu,
        })
    }

    pub(super) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let Self { program, section, iterations, gpu, schedule, .. } = self;
        let steps = if *iterations > 0 { format!(", T = {iterations}") } else { String::new() };
        let total = self.total_ms;
        writeln!(out, "{program} ({section}{steps}) on {}: {total:.3} ms predicted, without the host", gpu.name)?;
        let Schedule { dispatches, barriers, buffer_barriers, pipeline_switches, depth } = schedule;
        writeln!(
            out,
            "{dispatches} dispatches, {barriers} barriers, {buffer_barriers} buffer barriers, {pipeline_switches} \
             pipeline switches, depth {depth}, {:.3} GFLOP, {:.1} MB",
            self.gflop, self.mbytes
        )?;
        self.table().write(out)?;
        if let Some(measured) = &self.measured {
            let Profile { device, repeats, .. } = measured;
            writeln!(out, "measured on {device}, each dispatch by itself, median of {repeats}")?;
            if self.measured_is_gpu == Some(false) {
                writeln!(out, "that is not {}: the two times are of different machines", gpu.name)?;
            }
        }
        writeln!(out, "a model that was never compared with a GPU; it assumes that")?;
        self.assumptions.iter().try_for_each(|line| writeln!(out, "- {line}"))
    }

    fn table(&self) -> output::Table {
        let times = self.measured.iter().flat_map(|measured| &measured.kernels);
        let times: BTreeMap<&str, f64> = times.map(|time| (time.kernel, time.ms)).collect();
        let beside = |mut cells: Vec<String>, ms: Option<f64>| {
            if self.measured.is_some() {
                cells.push(ms.map_or("-".to_owned(), |ms| format!("{ms:.3}")));
            }
            cells
        };
        let mut header = vec!["kernel", "bound", "count", "ms", "share"];
        header.extend(self.measured.is_some().then_some("measured ms"));
        let mut table = output::Table::new(2, &header);
        for KernelPrediction { kernel, count, ms, share, bound } in &self.kernels {
            let (ms, share) = (format!("{ms:.3}"), format!("{:.1} %", 100.0 * share));
            let cells = vec![(*kernel).to_owned(), bound.to_string(), count.to_string(), ms, share];
            table.row(beside(cells, times.get(kernel).copied()));
        }
        let (count, ms) = (self.schedule.dispatches.to_string(), format!("{:.3}", self.total_ms));
        let total = vec!["total".to_owned(), String::new(), count, ms, "100.0 %".to_owned()];
        table.row(beside(total, self.measured.as_ref().map(|measured| measured.total_ms)));
        table
    }
}
