//! `isopose plan`: the GPU program as text, and its time by kernel.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::{Value as Json, json};

use super::program::{Program, Ready};
use super::{Outcome, options, options::DeviceOptions, output};
use crate::kernel::{Access, Value};
use crate::nn::initial_tensors;
use crate::plan::{Dispatch, Plan, prepare};

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
        program: Program,
        #[command(flatten)]
        _device: DeviceOptions,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Run a program on random weights and print its time by kernel
    Profile {
        #[command(flatten)]
        program: Program,
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
                let plan = program.record()?.plan;
                if *json { output::json(out, &listing(program, &plan))? } else { write!(out, "{plan}")? }
            }
            Action::Profile { program, repeats, device, json } => {
                let profile = profile(program, *repeats, device)?;
                if *json { output::json(out, &profile)? } else { profile.write(out)? }
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn listing(program: &Program, plan: &Plan) -> Json {
    let dispatch = |dispatch: &Dispatch| {
        let bound = dispatch.kernel.bindings.iter().zip(&dispatch.tensors).map(|(binding, &id)| {
            let access = match binding.access {
                Access::Read => "read",
                Access::Write => "write",
                Access::Update => "update",
            };
            let tensor = plan.tensor(id);
            json!({ "binding": binding.name, "access": access, "tensor": tensor.name, "shape": tensor.shape })
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
    let section = |section: &crate::plan::Section| json!({ "name": section.name, "dispatches": section.dispatches.iter().map(dispatch).collect::<Vec<_>>() });
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

#[derive(Serialize)]
struct KernelTime {
    kernel: &'static str,
    count: usize,
    ms: f64,
    share: f64,
}

fn profile(program: &Program, repeats: u32, device: &DeviceOptions) -> crate::error::Result<Profile> {
    let Ready { plan, section, inputs, state, store, model } = program.record()?;
    let device = device.open()?;
    let dispatches = plan.section(section).dispatches.clone();
    let section_name = plan.section(section).name.clone();
    let mut executor = prepare(plan, &device)?;
    store.load(executor.as_mut(), &model, &initial_tensors(&model, 0))?;
    inputs.iter().for_each(|(tensor, values)| executor.write(*tensor, 0, values));
    let mut progress = output::Progress::start("profile", repeats as usize);
    let mut times: BTreeMap<&'static str, Vec<Duration>> = BTreeMap::new();
    // The first run touches memory for the first time and is not counted.
    for repeat in 0..=repeats {
        // Back to the first sample: the resident chunk of samples is finite.
        executor.write(state, 2, &[0.0; 2]);
        let each = executor.profile(section)?;
        let mut sums: BTreeMap<&'static str, Duration> = BTreeMap::new();
        dispatches.iter().zip(each).for_each(|(d, time)| *sums.entry(d.kernel.name).or_default() += time);
        if repeat > 0 {
            sums.into_iter().for_each(|(kernel, time)| times.entry(kernel).or_default().push(time));
        }
        progress.update(repeat as usize, "");
    }
    drop(progress);
    let mut kernels: Vec<KernelTime> = times
        .into_iter()
        .map(|(kernel, mut times)| {
            times.sort_unstable();
            let count = dispatches.iter().filter(|dispatch| dispatch.kernel.name == kernel).count();
            KernelTime { kernel, count, ms: 1000.0 * times[times.len() / 2].as_secs_f64(), share: 0.0 }
        })
        .collect();
    let total_ms = kernels.iter().map(|time| time.ms).sum::<f64>();
    kernels.iter_mut().for_each(|time| time.share = time.ms / total_ms.max(f64::MIN_POSITIVE));
    kernels.sort_by(|a, b| b.ms.total_cmp(&a.ms));
    let (device, program) = (executor.device().to_owned(), program.name());
    Ok(Profile { device, program, section: section_name, repeats, total_ms, kernels })
}

impl Profile {
    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{} ({}) on {}, median of {}", self.program, self.section, self.device, self.repeats)?;
        let mut table = output::Table::new(1, &["kernel", "count", "ms", "share"]);
        for KernelTime { kernel, count, ms, share } in &self.kernels {
            let share = format!("{:.1} %", 100.0 * share);
            table.row(vec![(*kernel).to_owned(), count.to_string(), format!("{ms:.3}"), share]);
        }
        let count: usize = self.kernels.iter().map(|time| time.count).sum();
        table.row(vec!["total".to_owned(), count.to_string(), format!("{:.3}", self.total_ms), "100.0 %".to_owned()]);
        table.write(out)
    }
}
