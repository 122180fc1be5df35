//! Keeping to a budget: when there is time to adapt.

use std::collections::VecDeque;
use std::time::Duration;

/// Times that are remembered at most, ...
const REMEMBERED: usize = 100;

/// ... and for how many frames: a machine that had other work to do may have finished it. When nothing is remembered any
/// more, the next adaptation finds out.
const FORGOTTEN: u64 = 300;

/// Frames over which late ones are counted.
const FRAMES: usize = 1000;

/// Of so many frames at most one may be late: half of what a budget that is to be held in 99 of 100 frames has, since
/// finding out costs some. All that are late count, for a frame that was adapted to for too long makes those late that
/// wait for it; and where none was, there is no time either.
const LATE: usize = 200;

/// Decides before each person whether there is time to adapt, from what it took before.
///
/// A machine with other work to do takes longer now and then, which no average tells. So it counts on the 90th percentile
/// of the last times, and on their maximum while too many of the last frames were late.
#[derive(Debug, Clone)]
pub(super) struct Pace {
    budget: Duration,
    adapt: Times,
    predict: Times,
    frames: u64,
    /// Of the last frames, whether each was late.
    late: VecDeque<bool>,
    late_count: usize,
}

/// The last times, each with the frame that it is of.
type Times = VecDeque<(u64, Duration)>;

impl Pace {
    pub(super) fn new(budget: Duration) -> Self {
        let empty = || VecDeque::with_capacity(REMEMBERED + 1);
        let late = VecDeque::with_capacity(FRAMES + 1);
        Self { budget, adapt: empty(), predict: empty(), frames: 0, late, late_count: 0 }
    }

    /// Whether there is time to adapt to one person, `elapsed` after the frame was read, and then to lift `others`.
    pub(super) fn has_time(&self, elapsed: Duration, others: usize) -> bool {
        let careful = self.late_count * LATE > self.late.len();
        if careful && self.adapt.is_empty() {
            return false;
        }
        let [adapt, predict] = [&self.adapt, &self.predict].map(|times| expected(times, careful));
        elapsed + adapt + predict * u32::try_from(others).unwrap_or(u32::MAX) <= self.budget
    }

    /// Remembers what a person took.
    pub(super) fn took(&mut self, time: Duration, adapted: bool) {
        let times = if adapted { &mut self.adapt } else { &mut self.predict };
        times.push_back((self.frames, time));
        if times.len() > REMEMBERED {
            times.pop_front();
        }
    }

    /// Remembers what a frame took.
    pub(super) fn frame(&mut self, elapsed: Duration) {
        self.frames += 1;
        while self.adapt.front().is_some_and(|(frame, _)| self.frames - frame > FORGOTTEN) {
            self.adapt.pop_front();
        }
        let is_late = elapsed > self.budget;
        self.late.push_back(is_late);
        self.late_count += usize::from(is_late);
        if self.late.len() > FRAMES && self.late.pop_front() == Some(true) {
            self.late_count -= 1;
        }
    }
}

/// What one more is expected to take.
fn expected(times: &Times, careful: bool) -> Duration {
    if careful {
        return times.iter().map(|(_, time)| *time).max().unwrap_or_default();
    }
    let mut sorted = [Duration::ZERO; REMEMBERED];
    let sorted = &mut sorted[..times.len()];
    sorted.iter_mut().zip(times).for_each(|(to, (_, from))| *to = *from);
    sorted.sort_unstable();
    sorted.get(9 * times.len() / 10).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn there_is_time_where_it_fits() {
        let mut pace = Pace::new(ms(33));
        assert!(pace.has_time(ms(0), 0), "nothing is known yet");
        (0..200).for_each(|_| pace.took(ms(10), true));
        (0..200).for_each(|_| pace.took(ms(2), false));
        assert!(pace.has_time(ms(0), 0) && pace.has_time(ms(23), 0) && !pace.has_time(ms(24), 0));
        // One to adapt to, and eleven others.
        assert!(pace.has_time(ms(0), 11) && !pace.has_time(ms(0), 12));
    }

    #[test]
    fn it_is_careful_after_late_frames_and_tries_again_when_they_are_long_ago() {
        let mut pace = Pace::new(ms(33));
        // Now and then 40.
        (0..100).for_each(|i| pace.took(ms(if i % 20 == 0 { 40 } else { 10 }), true));
        assert!(pace.has_time(ms(0), 0));
        pace.frame(ms(41));
        assert!(!pace.has_time(ms(0), 0));
        (0..198).for_each(|_| pace.frame(ms(3)));
        assert!(!pace.has_time(ms(0), 0));
        pace.frame(ms(3));
        assert!(pace.has_time(ms(0), 0), "one of 200 is what it may");
        // Late without adaptation: there is no time for it, and none to find out.
        (0..50).for_each(|_| pace.frame(ms(50)));
        assert!(!pace.has_time(ms(0), 0));
        (0..310).for_each(|_| pace.frame(ms(3)));
        assert!(!pace.has_time(ms(0), 0));
    }

    #[test]
    fn what_was_long_ago_is_forgotten() {
        let mut pace = Pace::new(ms(33));
        (0..3).for_each(|_| pace.took(ms(90), true));
        (0..300).for_each(|_| {
            assert!(!pace.has_time(ms(0), 0));
            pace.frame(ms(3));
        });
        pace.frame(ms(3));
        assert!(pace.has_time(ms(0), 0), "it finds out");
        pace.took(ms(12), true);
        pace.frame(ms(12));
        assert!(pace.has_time(ms(0), 0), "and goes by that");
    }

    /// Times that a random source makes long: as many frames are late as are allowed, not more.
    #[test]
    fn a_loaded_machine_holds_the_budget_in_99_of_100_frames() {
        for (share, seed) in [(0.02, 1u64), (0.1, 2), (0.5, 3)] {
            let mut state = seed;
            let mut random = move || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state >> 11) as f64 / (1u64 << 53) as f64
            };
            let mut pace = Pace::new(ms(33));
            let (mut late, mut adapted, frames) = (0, 0, 20_000);
            let mut waited = ms(0);
            for _ in 0..frames {
                let adapts = pace.has_time(waited, 0);
                let time = ms(match (adapts, random() < share) {
                    (true, true) => 110,
                    (true, false) => 12,
                    (false, _) => 3,
                });
                adapted += u32::from(adapts);
                let elapsed = waited + time;
                late += u32::from(elapsed > ms(33));
                pace.took(time, adapts);
                pace.frame(elapsed);
                // The next one comes 33 ms after this one came.
                waited = elapsed.saturating_sub(ms(33));
            }
            assert!(late * 100 <= frames, "{share}: {late} of {frames}");
            assert!(adapted > 0, "{share}: never adapted");
        }
    }
}
