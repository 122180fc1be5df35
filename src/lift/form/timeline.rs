//! The rows of a file that has one for every frame, and the time from one to the next.

use super::recording::Row;
use crate::lift::USUAL_FPS;

/// Rows of a track beyond this many for each of its frames, and [`ROWS`]: its numbers do not count frames.
const ROWS_A_FRAME: i64 = 10;
const ROWS: i64 = 1000;

/// How the frames of a sequence follow each other, as far as it is known.
#[derive(Debug, Clone, Default)]
pub(super) struct Rhythm {
    last: Option<(i32, Option<f64>)>,
    /// The greatest common divisor of all steps from frame to frame; 0 before there are two.
    step: i64,
    /// Of neighbours with times: the step in frames, the seconds.
    steps: Vec<(i64, f64)>,
}

impl Rhythm {
    /// Adds a frame, whoever is in it.
    pub(super) fn add(&mut self, frame: i32, time: Option<f64>) {
        if let Some((last, before)) = self.last {
            let step = i64::from(frame) - i64::from(last);
            self.step = gcd(self.step, step.abs());
            if let (Some(before), Some(time)) = (before, time)
                && step > 0
                && time > before
            {
                self.steps.push((step, time - before));
            }
        }
        self.last = Some((frame, time));
    }
}

fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// A row of a file.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Slot {
    /// The frame's number.
    pub frame: i32,
    /// Seconds.
    pub time: f64,
    /// The frame of the track, from 0; `None` where the person is not in the frame.
    pub row: Option<usize>,
}

/// A row for every frame from a track's first to its last.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Timeline {
    /// The rows.
    pub slots: Vec<Slot>,
    /// From one to the next.
    pub seconds: f64,
    /// Nothing says how fast the frames follow each other.
    pub is_assumed: bool,
    /// Numbers do not count frames: the rows are the track's own frames, without those between.
    pub is_loose: bool,
}

impl Timeline {
    /// The rows for a track, which has at least one frame, their numbers rising.
    pub(super) fn new(rows: &[Row], rhythm: &Rhythm, fps: Option<f64>) -> Self {
        let frames: Vec<i64> = rows.iter().map(|row| row.frame.into()).collect();
        let (Some(&first), Some(&last)) = (frames.first(), frames.last()) else {
            return Self { slots: Vec::new(), seconds: 1.0 / USUAL_FPS, is_assumed: true, is_loose: false };
        };
        let step = rhythm.step.max(1);
        let needed = (last - first) / step + 1;
        let is_loose = needed > ROWS_A_FRAME.saturating_mul(frames.len() as i64).saturating_add(ROWS);
        let counted = if is_loose { 1 } else { step };
        let rate =
            |(frames, seconds): &(i64, f64)| if is_loose { *seconds } else { seconds * step as f64 / *frames as f64 };
        let timed = median(rhythm.steps.iter().map(rate).collect());
        let stated = fps.filter(|fps| fps.is_finite() && *fps > 0.0).map(|fps| counted as f64 / fps);
        let known = timed.or(stated);
        let seconds = known.unwrap_or(counted as f64 / USUAL_FPS);
        let mut slots = Vec::new();
        // Before the first frame whose time is known, times count from its own number.
        let mut anchor = rows.iter().find_map(|row| Some((i64::from(row.frame), row.time?))).unwrap_or((0, 0.0));
        let mut loose = rows.iter().position(|row| row.time.is_some()).unwrap_or(0) as i64;
        for (k, row) in rows.iter().enumerate() {
            let from = slots.last().map_or(first, |slot: &Slot| i64::from(slot.frame) + step);
            if !is_loose {
                let between = (0..).map(|k| from + k * step).take_while(|frame| *frame < row.frame.into());
                let slot = |frame: i64| {
                    let time = anchor.1 + (frame - anchor.0) as f64 / step as f64 * seconds;
                    Some(Slot { frame: i32::try_from(frame).ok()?, time, row: None })
                };
                slots.extend(between.filter_map(slot));
            }
            let steps = if is_loose {
                (k as i64 - loose) as f64
            } else {
                (i64::from(row.frame) - anchor.0) as f64 / step as f64
            };
            let time = row.time.unwrap_or(anchor.1 + steps * seconds);
            if row.time.is_some() {
                (anchor, loose) = ((row.frame.into(), time), k as i64);
            }
            slots.push(Slot { frame: row.frame, time, row: Some(k) });
        }
        Self { slots, seconds, is_assumed: known.is_none(), is_loose }
    }

    /// Rows in which the person is not.
    pub(super) fn gaps(&self) -> usize {
        self.slots.iter().filter(|slot| slot.row.is_none()).count()
    }
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

#[cfg(test)]
#[path = "timeline_tests.rs"]
mod tests;
