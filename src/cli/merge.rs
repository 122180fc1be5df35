//! `isopose merge`.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::eval::write_results;
use super::{Outcome, interrupt, options, output, parts};
use crate::error::{Error, Result};
use crate::evaluate::{self, Folder};

/// Put parts together that were made with --shard: of an evaluation, of imported poses, of lifted frames
#[derive(Debug, Args)]
pub(super) struct Merge {
    /// An evaluation's parts, or the folder that they are in; or all files that `import` or `lift` wrote
    #[arg(required = true, value_name = "DIR|FILE")]
    parts: Vec<PathBuf>,
    /// What is written, as one process would have: an evaluation's folder, or a file
    #[arg(long, value_name = "DIR|FILE")]
    out: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Merge {
    pub(super) fn run(&self, out: &mut dyn Write) -> Outcome {
        if !self.parts.iter().any(|path| path.is_dir()) {
            return self.files(out);
        }
        let mut parts = Vec::new();
        for path in &self.parts {
            parts.extend(if Folder::is_at(path) { vec![path.clone()] } else { inside(path)? });
        }
        interrupt::catch();
        let mut progress: Option<output::Progress> = None;
        let results = evaluate::merge(&parts, &self.out, |done, total| {
            progress.get_or_insert_with(|| output::Progress::start("merge", total)).update(done, "");
            interrupt::check()
        });
        drop(progress);
        let results = results?;
        if self.json {
            output::json(out, &results)?
        } else {
            write_results(&results, out)?
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Merge {
    fn files(&self, out: &mut dyn Write) -> Outcome {
        let inputs: Vec<&Path> = self.parts.iter().map(PathBuf::as_path).collect();
        options::check_writable(&self.out, "--out", &inputs)?;
        interrupt::catch();
        let parts = parts::merge(&self.parts, &self.out)?;
        if self.json {
            output::json(out, &serde_json::json!({ "out": self.out, "parts": parts }))?;
        } else {
            writeln!(out, "{}: {parts} parts", self.out.display())?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The folders in a folder that have an evaluation, by name.
fn inside(path: &Path) -> Result<Vec<PathBuf>> {
    let failed = |source| Error::io(path, "read", source);
    let mut found = Vec::new();
    for entry in fs::read_dir(path).map_err(failed)? {
        let place = entry.map_err(failed)?.path();
        // What an earlier merge wrote is no part.
        if Folder::is_at(&place) && !Folder::read(&place)?.1.shard.is_whole() {
            found.push(place);
        }
    }
    if found.is_empty() {
        let fix = "give the folders of an evaluation's parts (`eval.shard`)";
        return Err(Error::file(path, "evaluation.json", "there is none here, nor in the folders in it", fix));
    }
    found.sort();
    Ok(found)
}
