//! When long work is saved: by time.

use std::time::{Duration, Instant};

/// Until the first save. Later ones come after twice the time of the one before, so that a run that is killed every minute
/// keeps more than half of each, ...
const FIRST: Duration = Duration::from_secs(5);
/// ... but no later than this.
const LATEST: Duration = Duration::from_secs(60);
/// Saves take no more than one part in so many of the time, where the latest allows it.
const SHARE: u32 = 20;

/// The time between two saves.
#[derive(Debug)]
pub(crate) struct Pauses {
    pause: Duration,
    saved: Instant,
}

impl Pauses {
    /// From now on.
    pub(crate) fn new() -> Self {
        Self { pause: FIRST, saved: Instant::now() }
    }

    /// Whether it is time to save.
    pub(crate) fn is_over(&self) -> bool {
        self.saved.elapsed() >= self.pause
    }

    /// The next one, after a save that began at `begun`.
    pub(crate) fn next(&mut self, begun: Instant) {
        self.pause = (2 * self.pause).max(SHARE * begun.elapsed()).min(LATEST);
        self.saved = Instant::now();
    }
}
