//! `isopose report`.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::{Outcome, options};
use crate::error::{Error, Result};
use crate::report::{self, Document};
use crate::study::{Folder, Results, results_document};

/// Make the report of a finished study again
#[derive(Debug, Args)]
pub(super) struct Report {
    /// The study's folder
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// The report: one HTML page, or Markdown with its figures in a folder beside it [default: DIR/report.html]
    #[arg(long, value_name = "FILE.html|FILE.md")]
    out: Option<PathBuf>,
}

impl Report {
    pub(super) fn run(&self, out: &mut dyn Write) -> Outcome {
        let path = self.out.clone().unwrap_or_else(|| self.folder.join("report.html"));
        check(&path, "--out", &[])?;
        let results: Results = Folder::read_results(&self.folder)?;
        write(&results_document(&results), &path)?;
        writeln!(out, "wrote {}", path.display())?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Fails if a report cannot be written to `path`, given by `option`, or is one of the `inputs`; to be called before any
/// long work.
pub(super) fn check(path: &std::path::Path, option: &str, inputs: &[&std::path::Path]) -> Result<()> {
    if !path.extension().is_some_and(|ending| ending == "html" || ending == "md") {
        let problem = format!("{option} {}: a report is .html or .md", path.display());
        return Err(Error::Usage(format!("{problem}; give the file such a name")));
    }
    options::check_writable(path, option, inputs)
}

/// Writes a report in the form that the name of its file asks for.
pub(super) fn write(document: &Document, path: &std::path::Path) -> Result<()> {
    if path.extension().is_some_and(|ending| ending == "md") {
        report::write_markdown(document, path)
    } else {
        report::write_html(document, path)
    }
}
