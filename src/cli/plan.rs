//! `isopose plan`: the GPU program as text, and its time by kernel.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::{Value as Json, json};

use super::programs::{Programs, Ready};
use super::{Outcome, options, options::DeviceOptions, output};
use crate::bench::{KernelTime, by_kernel};
use crate::kernel::Value;
use crate::nn::{Program, initial_tensors, parameter_bytes};
use crate::plan::{Cost, Dispatch, Plan, Section, check_fits};

/// Print or time the program that a device runs
#[derive(Debug, Args)]
pub(super) struct PlanCommand {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Print a program, dispatch by dispatch
    Show {
        #[command(flatten)]
        program: Programs,
        #[command(flatten)]
        _device: DeviceOptions,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Run a program on random weights and print its time by kernel
    Profile {
        #[command(flatten)]
        program: Programs,
        /// Timed runs, after one that is not; the median counts
        #[arg(long, value_name = "N", default_value = "5", value_parser = options::count::<u32>)]
        repeats: u32,
        #[command(flatten)]
        device: DeviceOptions,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
}

impl PlanCommand {
    pub(super) fn run(&self, out: &mut dyn Write) -> Outcome {
        match &self.action {
            Action::Show { program, json, .. } => {
                let plan = program.record(None)?.recording.plan;
                if *json { output::json(out, &listing(program, &plan))? } else { show(out, &plan)? }
            }
            Action::Profile { program, repeats, device, json } => {
                let profile = profile(program, *repeats, device)?;
                if *json { output::json(out, &profile)? } else { profile.write(out)? }
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The listing, and what each section costs at the least.
fn show(out: &mut dyn Write, plan: &Plan) -> io::Result<()> {
    writeln!(out, "{plan}")?;
    for section in &plan.sections {
        let cost = Cost::of(plan, &section.dispatches);
        writeln!(out, "{}: {:.3} GFLOP, {:.1} MB of memory traffic", section.name, cost.gflop(), cost.mbytes())?;
    }
    Ok(())
}

fn listing(program: &Programs, plan: &Plan) -> Json {
    let dispatch = |dispatch: &Dispatch| {
        let bound = dispatch.kernel.bindings.iter().zip(&dispatch.tensors).map(|(binding, &id)| {
            let tensor = plan.tensor(id);
            json!({ "binding": binding.name, "access": binding.access, "tensor": tensor.name, "shape": tensor.shape })
        });
        let uniforms: BTreeMap<&str, Json> = dispatch
            .uniforms
            .iter()
            .map(|(name, value)| match value {
                Value::U32(number) => (name, json!(number)),
                Value::F32(number) => (name, json!(number)),
            })
            .collect();
        json!({
            "label": dispatch.label,
            "kernel": dispatch.kernel.name,
            "grid": dispatch.grid,
            "tensors": bound.collect::<Vec<_>>(),
            "uniforms": uniforms,
        })
    };
    let section = |section: &Section| {
        let cost = Cost::of(plan, &section.dispatches);
        json!({
            "name": section.name,
            "gflop": cost.gflop(),
            "mbytes": cost.mbytes(),
            "dispatches": section.dispatches.iter().map(dispatch).collect::<Vec<_>>(),
        })
    };
    json!({
        "program": program.name(),
        "tensors": plan.tensors.len(),
        "bytes": plan.bytes(),
        "sections": plan.sections.iter().map(section).collect::<Vec<_>>(),
    })
}

#[derive(Serialize)]
struct Profile {
    device: String,
    program: String,
    section: String,
    repeats: u32,
    total_ms: f64,
    kernels: Vec<KernelTime>,
}

fn profile(which: &Programs, repeats: u32, device: &DeviceOptions) -> crate::error::Result<Profile> {
    let device = device.open()?;
    let Ready { recording, section, inputs, model } = which.record(Some(&device))?;
    check_fits(&recording.plan, &device, parameter_bytes(&model))?;
    let section_name = recording.plan.section(section).name.clone();
    let mut program = Program::new(recording, &device, &model, &initial_tensors(&model, 0))?;
    inputs.iter().for_each(|(tensor, values)| program.write(*tensor, 0, values));
    let mut progress = output::Progress::start("profile", repeats as usize);
    let kernels = by_kernel(&mut program, section, repeats, |done| progress.update(done, ""))?;
    drop(progress);
    let total_ms = kernels.iter().map(|time| time.ms).sum();
    let (device, program) = (program.device().to_owned(), which.name());
    Ok(Profile { device, program, section: section_name, repeats, total_ms, kernels })
}

impl Profile {
    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
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
    pub(super) fn cells(&self) -> Vec<String> {
        let gflops = if self.gflops > 0.0 { format!("{:.1}", self.gflops) } else { "-".to_owned() };
        let (ms, share) = (format!("{:.3}", self.ms), format!("{:.1} %", 100.0 * self.share));
        vec![self.kernel.to_owned(), self.count.to_string(), ms, share, gflops, format!("{:.1}", self.gbps)]
    }
}
