//! Going on after a device was lost, and leaving out a sample that adaptation cannot take.

use super::running::Running;
use super::{AdaptConfig, Lifter, Snapshot, Start};
use crate::cpu::State;
use crate::error::{Error, Result};

/// How often a device may be lost in a row.
const ATTEMPTS: usize = 3;

/// What a stream has learnt, as what it learnt from: the state of some time ago and the samples adapted to since.
///
/// The numbers of [`Self::MOST`] samples are kept, some 200 KiB, and a [`Snapshot`], as large as what the stream
/// changes on the device.
pub(super) struct Journal {
    /// Where it begins; without one as trained.
    base: Option<Snapshot>,
    /// What was adapted to since: numbers of samples, keypoints (n, 2J) and masks (n, J).
    samples: Vec<u32>,
    keypoints: Vec<f32>,
    seen: Vec<f32>,
}

impl Journal {
    /// Samples adapted to between two snapshots.
    pub(super) const MOST: usize = 1024;

    /// Of an adaptation that carries on; others begin anew with each sample. Views that the host gives are not kept, so
    /// that what was learnt from them cannot be learnt again.
    pub(super) fn of(config: &AdaptConfig, joints: usize) -> Option<Self> {
        (config.policy.start == Start::Carry && config.draw_views).then(|| Self {
            base: None,
            samples: Vec::with_capacity(Self::MOST),
            keypoints: Vec::with_capacity(Self::MOST * 2 * joints),
            seen: Vec::with_capacity(Self::MOST * joints),
        })
    }

    /// Begins anew.
    pub(super) fn begin(&mut self, base: Option<Snapshot>) {
        self.base = base;
        self.samples.clear();
        self.keypoints.clear();
        self.seen.clear();
    }

    /// Adds a sample; there must be room.
    fn add(&mut self, sample: u32, x: &[f32], seen: Option<&[f32]>) {
        self.samples.push(sample);
        self.keypoints.extend_from_slice(x);
        match seen {
            Some(seen) => self.seen.extend_from_slice(seen),
            None => self.seen.resize(self.seen.len() + x.len() / 2, 1.0),
        }
    }
}

/// What became of an adaptation by a sample that it could not take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mended {
    /// Nothing was learnt from the sample.
    LeftOut,
    /// What had been learnt was at fault: adaptation begins anew.
    Anew,
}

pub(super) fn is_finite(pose: &[f32]) -> bool {
    pose.iter().all(|v| v.is_finite())
}

impl Running {
    /// Does some work on samples. Where the device is lost meanwhile, it is opened again, all is made as it was before
    /// the work, and the work done again.
    pub(super) fn recovering<T>(&mut self, lifter: &Lifter, mut work: impl FnMut(&mut Self) -> Result<T>) -> Result<T> {
        let before = (self.samples, self.steps);
        let mut done = work(self);
        for _ in 0..ATTEMPTS {
            // Views and poses that the host gave went with the device.
            if !matches!(done, Err(Error::Lost(_))) || !self.config.draw_views {
                return done;
            }
            (self.samples, self.steps) = before;
            done = self.renew(lifter).and_then(|()| self.rebuild(lifter)).and_then(|()| work(self));
        }
        match done {
            Err(Error::Lost(what)) => {
                (self.samples, self.steps) = before;
                Err(Error::Lost(format!("{} times in a row, at sample {}: {what}", ATTEMPTS + 1, before.0)))
            }
            done => done,
        }
    }

    /// Reads what was learnt; where the device is lost, once it is there again.
    pub(super) fn reading<T>(&mut self, lifter: &Lifter, mut read: impl FnMut(&mut Self) -> Result<T>) -> Result<T> {
        match &self.journal {
            Some(_) => self.recovering(lifter, read),
            // What the last sample left behind is not made again.
            None => read(self),
        }
    }

    /// Makes room in the journal for as many samples, so that their work can be done again.
    pub(super) fn make_room(&mut self, count: usize) -> Result<()> {
        let is_full = |journal: &Journal| journal.samples.len() + count > Journal::MOST && !journal.samples.is_empty();
        if !self.journal.as_ref().is_some_and(is_full) {
            return Ok(());
        }
        self.begin_journal()
    }

    /// Begins the journal with what is learnt so far.
    fn begin_journal(&mut self) -> Result<()> {
        let snapshot = self.snapshot()?;
        if let Some(journal) = &mut self.journal {
            journal.begin(Some(snapshot));
        }
        Ok(())
    }

    /// Remembers what was adapted to: samples from number `first` on.
    pub(super) fn remember(&mut self, first: u32, keypoints: &[f32], seen: Option<&[f32]>) {
        let (joints, every) = (self.joints, self.config.policy.every);
        let Some(journal) = &mut self.journal else { return };
        for (index, x) in keypoints.chunks_exact(2 * joints).enumerate() {
            let sample = first.wrapping_add(index as u32);
            if (sample as usize).is_multiple_of(every) {
                journal.add(sample, x, seen.map(|seen| &seen[index * joints..][..joints]));
            }
        }
    }

    /// Makes the adaptation what it was before what was not remembered.
    pub(super) fn roll_back(&mut self, lifter: &Lifter) -> Result<()> {
        self.recovering(lifter, |running| {
            running.rebuild(lifter)?;
            // What fails next is rolled back without replaying these again.
            let learnt = running.journal.as_ref().is_some_and(|journal| !journal.samples.is_empty());
            if learnt { running.begin_journal() } else { Ok(()) }
        })
    }

    /// Predicts a sample that could not be predicted as adapted to it, which was taken back: as adapted before. Where
    /// that is not finite, but as trained it is, what was learnt is at fault, and adaptation begins anew. Where neither
    /// is, nothing changes, the number of samples included.
    pub(super) fn mend(&mut self, lifter: &Lifter, x: &[f32], seen: Option<&[f32]>) -> Result<(Vec<f32>, Mended)> {
        let first = self.samples;
        let (pose, _) = self.recovering(lifter, |running| running.run_one(x, seen, running.ids.predict))?;
        if is_finite(&pose) {
            return Ok((pose, Mended::LeftOut));
        }
        self.samples = first;
        if self.journal.is_none() {
            return Ok((pose, Mended::LeftOut));
        }
        let (pose, _) = self.recovering(lifter, |running| {
            running.load_trained(lifter)?;
            running.run_one(x, seen, running.ids.predict)
        })?;
        if is_finite(&pose) {
            self.journal.iter_mut().for_each(|journal| journal.begin(None));
            return Ok((pose, Mended::Anew));
        }
        self.samples = first;
        self.roll_back(lifter)?;
        Ok((pose, Mended::LeftOut))
    }

    /// Makes the program what it was after the samples of the journal.
    pub(super) fn rebuild(&mut self, lifter: &Lifter) -> Result<()> {
        let Some(journal) = self.journal.take() else {
            if self.config.policy.start != Start::Carry {
                // Each sample begins anew; what counts steps goes on.
                self.program.set_state(State { seed: self.config.seed, step: self.steps, ..State::default() });
            }
            return Ok(());
        };
        let rebuilt = self.replay_journal(lifter, &journal);
        self.journal = Some(journal);
        rebuilt
    }

    fn replay_journal(&mut self, lifter: &Lifter, journal: &Journal) -> Result<()> {
        let now = self.samples;
        match &journal.base {
            Some(snapshot) => self.load(snapshot)?,
            None => self.load_trained(lifter)?,
        }
        let rows = journal.keypoints.chunks_exact(2 * self.joints).zip(journal.seen.chunks_exact(self.joints));
        for (sample, (x, seen)) in journal.samples.iter().zip(rows) {
            self.samples = *sample;
            self.write(x, Some(seen));
            self.replay(self.section(*sample as usize))?;
        }
        self.samples = now;
        Ok(())
    }
}
