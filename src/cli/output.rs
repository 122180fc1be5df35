//! Tables, JSON and progress.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

/// Between two lines of progress where there is no terminal to draw a bar on.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Rows of text under a header: the first columns to the left, the others, which are numbers, to the right.
pub(super) struct Table {
    left: usize,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table whose first `left` columns are words.
    pub(super) fn new(left: usize, header: &[&str]) -> Self {
        Self { left, rows: vec![header.iter().map(ToString::to_string).collect()] }
    }

    pub(super) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    pub(super) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width =
            |column: usize| self.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
        let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
        for row in &self.rows {
            let pad = |(column, cell): (usize, &String)| match (column < self.left, widths[column]) {
                (true, width) => format!("{cell:<width$}"),
                (false, width) => format!("{cell:>width$}"),
            };
            let line = row.iter().enumerate().map(pad).collect::<Vec<_>>().join("  ");
            writeln!(out, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// One JSON value and the end of its line.
pub(super) fn json(out: &mut dyn Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    writeln!(out)
}

/// A line on standard error. That nobody can read it is no failure. Names out of files must not steer a terminal.
pub(super) fn note(line: &str) {
    let steers = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    let shown: String = line.chars().map(|c| if steers(c) { '\u{fffd}' } else { c }).collect();
    let _ = writeln!(io::stderr(), "{shown}");
}

/// How far a long piece of work is, on standard error: a bar on a terminal, else a line now and then.
pub(super) struct Progress {
    label: String,
    total: u64,
    bar: Option<ProgressBar>,
    written: Instant,
}

impl Progress {
    pub(super) fn start(label: impl Into<String>, total: usize) -> Self {
        let (label, total) = (label.into(), total as u64);
        let bar = io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{prefix:<24} {bar:32} {pos}/{len} {eta:>4} {msg}");
            let bar = ProgressBar::new(total).with_prefix(label.clone());
            bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        Self { label, total, bar, written: Instant::now() }
    }

    /// A line on standard error that the bar does not run over.
    pub(super) fn note(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| note(line)),
            None => note(line),
        }
    }

    /// `done` of the total; `note` says how it goes.
    pub(super) fn update(&mut self, done: usize, message: &str) {
        let done = done as u64;
        if let Some(bar) = &self.bar {
            bar.set_message(message.to_owned());
            bar.set_position(done);
        } else if done == self.total || self.written.elapsed() >= LINE_EVERY {
            self.written = Instant::now();
            note(format!("{}: {done}/{} {message}", self.label, self.total).trim_end());
        }
    }
}

impl Drop for Progress {
    /// Clears the bar, also when the work failed, so that it stands in nobody's way.
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
