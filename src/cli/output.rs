//! Tables, JSON and progress.

use std::borrow::Cow;
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

/// A line on standard error. That nobody can read it is no failure.
pub(super) fn note(line: &str) {
    let _ = writeln!(io::stderr(), "{}", shown(line));
}

/// The text with what would steer a terminal written out. Names come out of files, and may hold anything.
pub(super) fn shown(text: &str) -> Cow<'_, str> {
    if !text.contains(steers) {
        return Cow::Borrowed(text);
    }
    let mut all = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match steers(c) {
            // As JSON writes it: in JSON it stays the same character.
            true => all += &format!("\\u{:04x}", u32::from(c)),
            false => all.push(c),
        }
    }
    Cow::Owned(all)
}

/// Whether a terminal takes it for an order. Line ends and tabs move the cursor as text does.
fn steers(c: char) -> bool {
    let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    turns || c.is_control() && !matches!(c, '\n' | '\t')
}

/// Writes text as [`shown`], in whatever pieces it comes.
pub(super) struct Shown<W> {
    to: W,
    /// The start of a character whose end has not come yet.
    begun: Vec<u8>,
}

impl<W: Write> Shown<W> {
    pub(super) fn new(to: W) -> Self {
        Self { to, begun: Vec::new() }
    }
}

impl<W: Write> Write for Shown<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.begun.extend_from_slice(bytes);
        let whole = match std::str::from_utf8(&self.begun) {
            Ok(text) => text.len(),
            // At the end a character may still be cut; anywhere else these bytes are no text.
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            Err(_) => self.begun.len(),
        };
        let rest = self.begun.split_off(whole);
        let whole = std::mem::replace(&mut self.begun, rest);
        self.to.write_all(shown(&String::from_utf8_lossy(&whole)).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
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
        let (label, total) = (shown(&label.into()).into_owned(), total as u64);
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
            bar.set_message(shown(message).into_owned());
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_is_written_out() {
        assert_eq!(shown("a\tb\n\u{e9}"), "a\tb\n\u{e9}");
        assert_eq!(shown("\x1b[2J \r\x07\x7f\u{9b}1m"), r"\u001b[2J \u000d\u0007\u007f\u009b1m");
    }

    /// C1 orders are two bytes, which may come apart.
    #[test]
    fn text_in_pieces_is_shown_as_a_whole() {
        let text = "Hip\u{9b}2J, \x1b]0;t\x07 \u{1f9cd} \u{e9}\n";
        for size in 1..text.len() {
            let mut out = Shown::new(Vec::new());
            text.as_bytes().chunks(size).for_each(|piece| out.write_all(piece).unwrap());
            out.flush().unwrap();
            assert_eq!(String::from_utf8(out.to).unwrap(), shown(text), "in pieces of {size}");
        }
        let mut out = Shown::new(Vec::new());
        out.write_all(b"a\xffb\n").unwrap();
        assert_eq!(out.to, "a\u{fffd}b\n".as_bytes(), "what is no text cannot steer either");
    }

    #[test]
    fn names_in_json_stay_what_they_are() {
        let names = ["\u{9b}31m", "\x7f", "\x1b"];
        let mut out = Shown::new(Vec::new());
        json(&mut out, &names).unwrap();
        assert!(!String::from_utf8_lossy(&out.to).contains(steers));
        assert_eq!(serde_json::from_slice::<[String; 3]>(&out.to).unwrap(), names);
    }
}
