//! `isopose info`.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::{Map, Value};

use super::words::{Words, with_importers};
use super::{Outcome, output};
use crate::inspect::{Contents, inspect};

/// Say what a file holds: a pose set, motion, a model, or one of the field's files
#[derive(Debug, Args)]
pub(super) struct Info {
    /// The file, or a folder of a detector's files or of motion
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Info {
    pub(super) fn run(&self, out: &mut dyn Write) -> Outcome {
        let Contents { kind, facts, warnings } = inspect(&self.file)?;
        // What `import` would say, in the words of that command.
        let words = Words::of(["import", kind.split('`').nth(1).unwrap_or_default()].map(Into::into));
        let warnings: Vec<String> = warnings.iter().map(|warning| words.said(warning)).collect();
        let kind = with_importers(&kind);
        if self.json {
            let facts: Map<String, Value> = facts.into_iter().collect();
            let file = self.file.display().to_string();
            output::json(out, &serde_json::json!({"file": file, "kind": kind, "facts": facts, "warnings": warnings}))?;
            return Ok(ExitCode::SUCCESS);
        }
        writeln!(out, "{}: {kind}", self.file.display())?;
        let width = facts.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        for (name, value) in facts {
            let value = match &value {
                Value::String(text) => text.clone(),
                Value::Array(range) => range.iter().map(ToString::to_string).collect::<Vec<_>>().join(" to "),
                value => value.to_string(),
            };
            writeln!(out, "  {name:<width$}  {value}")?;
        }
        for warning in warnings {
            writeln!(out, "warning: {warning}")?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
