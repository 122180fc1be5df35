//! `isopose plan`: the GPU program as text, and its time by kernel, measured or predicted.

mod machine;
mod model;
mod profile;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value as Json, json};

use super::programs::{Programs, Steps};
use super::{Outcome, options, options::DeviceOptions, output};
use crate::kernel::Value;
use crate::plan::{Cost, Dispatch, Plan, Section};
use model::{ModelOptions, Prediction};
use profile::Profile;

/// Print or time the program that a device runs, or predict its time on a GPU
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
    /// Predict the time of a program on a GPU that need not be here, by kernel, with all T steps of its mode
    Model {
        #[command(flatten)]
        program: Programs,
        #[command(flatten)]
        options: ModelOptions,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
}

impl PlanCommand {
    pub(super) fn run(&self, out: &mut dyn Write) -> Outcome {
        match &self.action {
            Action::Show { program, json, .. } => {
                let plan = program.record(None, Steps::Few)?.recording.plan;
                if *json { output::json(out, &listing(program, &plan))? } else { show(out, &plan)? }
            }
            Action::Profile { program, repeats, device, json } => {
                let profile = Profile::measure(program, *repeats, device, Steps::Few)?;
                if *json { output::json(out, &profile)? } else { profile.write(out)? }
            }
            Action::Model { program, options, json } => {
                let prediction = Prediction::of(program, options)?;
                if *json { output::json(out, &prediction)? } else { prediction.write(out)? }
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
