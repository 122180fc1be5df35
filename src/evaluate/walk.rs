//! A set on its way through an adapter.

use std::ops::Range;
use std::time::{Duration, Instant};

use super::Stream;
#[cfg(feature = "import")]
use crate::adapt::Snapshot;
use crate::adapt::{AdaptConfig, Adapter, Lifter, Lot, Start, Track};
use crate::data::PoseSet;
use crate::error::{Error, Result};
use crate::pose::Fill;

/// Samples go to the device in lots that take about this long, so that progress is seen and read-backs cost nothing.
const LOT: Duration = Duration::from_millis(200);

/// So many samples may fail whatever their share; then no more than half.
const FEW: usize = 16;

/// What samples took, wall-clock: preparation, adaptation and prediction.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Clock {
    pub(super) samples: usize,
    pub(super) seconds: f64,
}

impl Clock {
    pub(super) fn add(&mut self, other: Self) {
        self.samples += other.samples;
        self.seconds += other.seconds;
    }

    #[cfg(feature = "import")]
    /// What was added since it was `earlier`.
    pub(super) fn since(self, earlier: Self) -> Self {
        Self { samples: self.samples - earlier.samples, seconds: self.seconds - earlier.seconds }
    }

    pub(super) fn ms_per_sample(self) -> f64 {
        1000.0 * self.seconds / self.samples.max(1) as f64
    }
}

/// Predicts the samples of a range, lot by lot.
pub(super) struct Walk<'a> {
    adapter: Adapter,
    track: Track,
    set: &'a PoseSet,
    fill: Fill,
    /// Where a policy that carries on starts anew.
    resets: &'a [usize],
    carries: bool,
    /// Where the range begins, and what of it is left.
    first: usize,
    range: Range<usize>,
    lot: usize,
    capacity: usize,
    /// Samples that could not be predicted.
    failed: usize,
    /// Whether the first lot of this process, which is not timed, is done.
    warm: bool,
    clock: Clock,
}

impl<'a> Walk<'a> {
    pub(super) fn new(lifter: &Lifter, config: &AdaptConfig, set: &'a PoseSet, stream: &Stream<'a>) -> Result<Self> {
        let config = AdaptConfig { masked: !set.seen().is_empty(), ..config.clone() };
        let carries = config.policy.start == Start::Carry;
        let range = stream.range_of(set)?;
        let (lot, capacity) = (config.policy.every * config.samples_per_replay(), config.capacity);
        let adapter = lifter.adapter(config)?;
        let resets = if carries { stream.resets } else { &[] };
        let (fill, track) = (stream.fill, adapter.track_filled(stream.fill));
        let mut walk = Self {
            adapter,
            track,
            set,
            fill,
            resets,
            carries,
            first: range.start,
            range: range.clone(),
            lot,
            capacity,
            failed: 0,
            warm: false,
            clock: Clock::default(),
        };
        if !walk.carries {
            walk.adapter.seek(range.start as u32)?;
            walk.remember(0)?;
        }
        Ok(walk)
    }

    /// How many samples of the set are behind it.
    pub(super) fn at(&self) -> usize {
        self.range.start
    }

    /// The end of its range.
    pub(super) fn end(&self) -> usize {
        self.range.end
    }

    /// What samples took so far, but for the first lot.
    pub(super) fn clock(&self) -> Clock {
        self.clock
    }

    #[cfg(feature = "import")]
    /// What a policy that carries on has learnt; nothing for another.
    pub(super) fn learnt(&self) -> Result<Option<Snapshot>> {
        self.carries.then(|| self.adapter.snapshot()).transpose()
    }

    #[cfg(feature = "import")]
    /// Goes to sample `at` of the range, where an earlier walk had learnt this and failed so often.
    pub(super) fn go_to(&mut self, at: usize, learnt: Option<&Snapshot>, failed: usize) -> Result<()> {
        (self.range.start, self.failed) = (at, failed);
        match learnt {
            Some(learnt) => self.adapter.restore(learnt)?,
            None => self.adapter.seek(at as u32)?,
        }
        // What begins here forgets all the same.
        let since = self.resets.iter().copied().filter(|&reset| reset < at).max();
        self.track = self.adapter.track_filled(self.fill);
        self.remember(since.unwrap_or(if self.carries { self.first } else { 0 }))
    }

    /// Lets the track see the frames since `first`, whose joints may stand in for some that come.
    fn remember(&mut self, first: usize) -> Result<()> {
        let at = self.range.start;
        let begins = (first..at).rev().find(|&pose| self.set.begins_sequence(pose)).unwrap_or(first);
        self.track.skip_set(self.set, begins.min(at)..at)
    }

    /// The poses (n, 3J) of the next samples; none at the end. A sample that cannot be predicted is an error.
    pub(super) fn next(&mut self) -> Result<Option<Vec<f32>>> {
        self.next_by(Track::push_set)
    }

    /// As [`Self::next`], but such a sample is marked, and named by its number in the set.
    pub(super) fn next_each(&mut self) -> Result<Option<Lot>> {
        let first = self.range.start;
        let Some(mut lot) = self.next_by(Track::push_set_each)? else { return Ok(None) };
        self.failed += lot.failed.len();
        let done = self.range.start - self.first;
        // A set none of whose samples can be predicted is no set with a few odd ones either.
        let is_set = done == self.set.len() && self.failed == done;
        let too_many = is_set || self.failed > FEW && 2 * self.failed > done;
        if let Some((_, why)) = lot.failed.last().filter(|_| too_many) {
            return Err(Error::Diverged(format!("{} of {done} samples cannot be predicted: {why}", self.failed)));
        }
        lot.failed.iter_mut().for_each(|(sample, _)| *sample += first);
        Ok(Some(lot))
    }

    fn next_by<T>(&mut self, push: fn(&mut Track, &PoseSet, Range<usize>) -> Result<T>) -> Result<Option<T>> {
        let Range { start, end } = self.range;
        if start == end {
            return Ok(None);
        }
        let begun = Instant::now();
        if start > self.first && self.resets.binary_search(&start).is_ok() {
            self.adapter.reset()?;
            self.track = self.adapter.track_filled(self.fill);
        }
        let next = self.resets.iter().copied().find(|&reset| reset > start).unwrap_or(end);
        let stop = end.min(next).min(start + self.lot);
        let poses = push(&mut self.track, self.set, start..stop).map_err(|error| before(error, stop))?;
        let took = begun.elapsed();
        if self.warm || stop == end {
            self.clock.add(Clock { samples: stop - start, seconds: took.as_secs_f64() });
        }
        if self.warm && took < LOT / 2 && self.lot < self.capacity {
            // Stays a multiple of what one replay advances: only the last lot is cut short.
            self.lot *= 2;
        }
        self.warm = true;
        self.range.start = stop;
        Ok(Some(poses))
    }
}

/// Says where predictions ceased to be finite.
fn before(error: Error, end: usize) -> Error {
    match error {
        Error::Diverged(what) => Error::Diverged(format!("before sample {end}: {what}")),
        error => error,
    }
}
