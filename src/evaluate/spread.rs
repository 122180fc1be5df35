//! One prediction on several devices.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use super::walk::Clock;
use super::{Pieces, Predictions, Shard, Stream, Told, predict_each};
use crate::adapt::{AdaptConfig, Lifter, Start};
use crate::data::PoseSet;
use crate::error::{Error, Result};

/// Samples that are predicted by one model on several devices, each its part.
#[derive(Clone, Debug)]
pub struct Spread<'a> {
    /// The samples.
    pub set: &'a PoseSet,
    /// How they are taken.
    pub stream: Stream<'a>,
    /// Where pieces are kept, and how they are called; none are kept otherwise.
    pub pieces: Option<(PathBuf, String)>,
}

impl Spread<'_> {
    /// Predicts the samples on the devices of these lifters, at the same time. A policy that carries on is parted where it
    /// starts anew. The time of a sample is that on its own device.
    ///
    /// # Errors
    /// As [`Pieces::predict`], of any of them; the others then end.
    pub fn predict(
        &self,
        lifters: &[Lifter],
        config: &AdaptConfig,
        observe: &mut (dyn FnMut(Told<'_>) -> Result<()> + Send),
    ) -> Result<Predictions> {
        if lifters.is_empty() {
            return Err(Error::setting("lifters", "there is none; give one for each device"));
        }
        let all = self.stream.range.clone().unwrap_or(0..self.set.len());
        let parts: Vec<Range<usize>> = (0..lifters.len())
            .filter_map(|index| Shard::new(index, lifters.len()))
            .map(|shard| match config.policy.start {
                Start::Carry => shard.part_at(all.clone(), self.stream.resets),
                _ => shard.part(all.clone()),
            })
            .collect();
        let shared = Mutex::new(Shared { done: vec![0; parts.len()], observe, has_failed: false });
        let work = |index: usize| {
            let observe = |kept: Told<'_>| shared.lock().unwrap_or_else(PoisonError::into_inner).tell(index, kept);
            let done = self.part(&lifters[index], config, parts[index].clone(), observe);
            if done.is_err() {
                shared.lock().unwrap_or_else(PoisonError::into_inner).has_failed = true;
            }
            done
        };
        let results: Vec<Result<Predictions>> = std::thread::scope(|scope| {
            let others: Vec<_> = (1..parts.len()).map(|index| scope.spawn(move || work(index))).collect();
            let first = std::iter::once(work(0));
            let ended = |other: std::thread::ScopedJoinHandle<'_, Result<Predictions>>| {
                other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            };
            first.chain(others.into_iter().map(ended)).collect()
        });
        joined(results, &parts)
    }

    fn part(
        &self,
        lifter: &Lifter,
        config: &AdaptConfig,
        range: Range<usize>,
        observe: impl FnMut(Told<'_>) -> Result<()>,
    ) -> Result<Predictions> {
        let stream = Stream { range: Some(range), ..self.stream.clone() };
        match &self.pieces {
            Some((folder, name)) => {
                Pieces::new(folder, name.clone())?.predict(lifter, config, self.set, &stream, observe)
            }
            None => predict_each(lifter, config, self.set, &stream, observe),
        }
    }
}

/// What the threads of a prediction tell their observer through.
struct Shared<'a> {
    done: Vec<usize>,
    observe: &'a mut (dyn FnMut(Told<'_>) -> Result<()> + Send),
    has_failed: bool,
}

impl Shared<'_> {
    fn tell(&mut self, index: usize, kept: Told<'_>) -> Result<()> {
        if self.has_failed {
            return Err(Error::Stopped);
        }
        match kept {
            Told::At(done) => {
                self.done[index] = done;
                (self.observe)(Told::At(self.done.iter().sum()))
            }
            kept => (self.observe)(kept),
        }
    }
}

/// All parts behind each other; the first error that is not an end because of another.
fn joined(results: Vec<Result<Predictions>>, parts: &[Range<usize>]) -> Result<Predictions> {
    if results.iter().any(Result::is_err) {
        let mut errors: Vec<Error> = results.into_iter().filter_map(Result::err).collect();
        let cause = errors.iter().position(|error| !matches!(error, Error::Stopped)).unwrap_or(0);
        return Err(errors.swap_remove(cause));
    }
    let (mut poses, mut failed, mut clock) = (Vec::new(), Vec::new(), Clock::default());
    for (predictions, part) in results.into_iter().flatten().zip(parts) {
        let seconds = predictions.ms_per_sample * part.len() as f64 / 1000.0;
        clock.add(Clock { samples: part.len(), seconds });
        let before = part.start - parts[0].start;
        failed.extend(predictions.failed.into_iter().map(|sample| before + sample));
        poses.extend(predictions.poses);
    }
    Ok(Predictions { poses, failed, ms_per_sample: clock.ms_per_sample() })
}
