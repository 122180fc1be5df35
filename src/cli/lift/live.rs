//! How a stream goes, and how it went.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use crate::cli::output;
use crate::lift::Counts;

/// Percentiles are those of so many frames.
const LAST: usize = 1000;

/// A live line is drawn so often on a terminal; elsewhere a line is written.
const DRAW_EVERY: Duration = Duration::from_millis(250);
const LINE_EVERY: Duration = Duration::from_secs(60);

/// How a stream goes.
pub(super) struct Live {
    bar: Option<ProgressBar>,
    /// Frames that there will be, where that is known.
    total: Option<u64>,
    budget_ms: Option<f64>,
    /// Times of the last frames, a ring, and of how many frames there were.
    times: Vec<f64>,
    frames: u64,
    late: u64,
    begun: Option<Instant>,
    drawn: Instant,
    frames_drawn: u64,
}

/// How a stream went.
#[derive(Debug, Serialize)]
pub(super) struct Summary {
    pub(super) frames: u64,
    /// People lifted, each once a frame.
    pub(super) people: u64,
    pub(super) adapted: u64,
    /// People who were not adapted to, to hold the budget.
    pub(super) skipped: u64,
    /// Lines of which no frame could be made.
    pub(super) malformed_lines: usize,
    pub(super) cuts: u64,
    /// Of the last 1,000 frames.
    pub(super) p50_ms: Option<f64>,
    pub(super) p99_ms: Option<f64>,
    pub(super) frames_per_s: Option<f64>,
    /// Frames that took longer than the budget, where there is one.
    pub(super) late_frames: Option<u64>,
}

impl Live {
    pub(super) fn start(total: Option<usize>, budget: Option<Duration>) -> Self {
        let bar = io::stderr().is_terminal().then(|| {
            let bar = total.map_or_else(ProgressBar::no_length, |total| ProgressBar::new(total as u64));
            let template = match total {
                Some(_) => "lift {bar:24} {pos}/{len} {eta:>4} {msg}",
                None => "lift {pos} {msg}",
            };
            bar.with_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        Self {
            bar,
            total: total.map(|total| total as u64),
            budget_ms: budget.map(|budget| 1e3 * budget.as_secs_f64()),
            times: Vec::with_capacity(LAST),
            frames: 0,
            late: 0,
            begun: None,
            drawn: Instant::now(),
            frames_drawn: 0,
        }
    }

    /// A frame of so many people is out.
    pub(super) fn frame(&mut self, people: usize, ms: f64, counts: &Counts) {
        self.begun.get_or_insert_with(|| Instant::now() - Duration::from_secs_f64(ms.max(0.0) / 1e3));
        let place = (self.frames % LAST as u64) as usize;
        match self.times.get_mut(place) {
            Some(time) => *time = ms,
            None => self.times.push(ms),
        }
        self.frames += 1;
        self.late += u64::from(self.budget_ms.is_some_and(|budget| ms > budget));
        let every = if self.bar.is_some() { DRAW_EVERY } else { LINE_EVERY };
        let elapsed = self.drawn.elapsed();
        if elapsed < every {
            return;
        }
        let rate = (self.frames - self.frames_drawn) as f64 / elapsed.as_secs_f64();
        let [p50, p99] = self.percentiles().map(|ms| ms.unwrap_or_default());
        let Counts { adapted, skipped, .. } = counts;
        let said = format!(
            "p50 {p50:.1} ms, p99 {p99:.1} ms, {rate:.0} frames/s, people {people}, adapted {adapted}, skipped {skipped}"
        );
        match &self.bar {
            Some(bar) => {
                bar.set_message(said);
                bar.set_position(self.frames);
            }
            None => {
                let total = self.total.map_or(String::new(), |total| format!("/{total}"));
                output::note(&format!("lift: {}{total} {said}", self.frames));
            }
        }
        (self.drawn, self.frames_drawn) = (Instant::now(), self.frames);
    }

    /// A line on standard error that the live line does not run over.
    pub(super) fn note(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| output::note(line)),
            None => output::note(line),
        }
    }

    pub(super) fn summary(&self, counts: &Counts, malformed_lines: usize) -> Summary {
        let [p50_ms, p99_ms] = self.percentiles();
        let seconds = self.begun.map(|begun| begun.elapsed().as_secs_f64());
        Summary {
            frames: counts.frames,
            people: counts.people,
            adapted: counts.adapted,
            skipped: counts.skipped,
            malformed_lines,
            cuts: counts.cuts,
            p50_ms,
            p99_ms,
            frames_per_s: seconds.map(|seconds| self.frames as f64 / seconds.max(1e-9)),
            late_frames: self.budget_ms.map(|_| self.late),
        }
    }

    fn percentiles(&self) -> [Option<f64>; 2] {
        let mut sorted = self.times.clone();
        sorted.sort_by(f64::total_cmp);
        [50, 99].map(|percent| sorted.get((percent * sorted.len()).div_ceil(100).max(1) - 1).copied())
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl Summary {
    pub(super) fn write(&self, out: &mut dyn Write, budget: Option<Duration>) -> io::Result<()> {
        let Self { frames, people, adapted, skipped, malformed_lines, cuts, .. } = self;
        writeln!(out, "frames {frames}, poses lifted {people}, adapted to {adapted}, cuts {cuts}")?;
        if let (Some(p50), Some(p99), Some(rate)) = (self.p50_ms, self.p99_ms, self.frames_per_s) {
            writeln!(out, "a frame took {p50:.2} ms (median), {p99:.2} ms (p99); {rate:.0} frames/s")?;
        }
        if let (Some(late), Some(budget)) = (self.late_frames, budget) {
            let ms = 1e3 * budget.as_secs_f64();
            let share = 100.0 * *skipped as f64 / (*people).max(1) as f64;
            writeln!(
                out,
                "adaptation was skipped for {skipped} of {people} poses ({share:.1} %) to hold {ms:.1} ms; \
                 {late} of {frames} frames took longer"
            )?;
        }
        if *malformed_lines > 0 {
            writeln!(out, "lines that could not be read: {malformed_lines}")?;
        }
        Ok(())
    }
}
