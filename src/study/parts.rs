//! A study's long steps, kept in pieces, and done by several processes at the same time.

use std::ops::Range;

use super::run::{Observer, Work};
use super::{Data, Folder, Run, Step};
use crate::adapt::{AdaptConfig, Lifter, Policy, Start};
use crate::data::PoseSet;
use crate::error::Result;
use crate::evaluate::{Pieces, Predictions, Shard, Stream, Told, predict};
use crate::gpu::Device;
use crate::named::named_enum;

named_enum! {
    /// A step of a study that several processes can share.
    pub enum Only {
        /// The models: of all seeds and tasks each process trains every N-th.
        Train = "train",
        /// The predictions of trained models: each process predicts its part of the samples, of a stream all or nothing.
        Predict = "predict",
    }
}

/// Does a part of one step of a study, in the study's folder, which other processes share. When all parts are there,
/// [`run`](super::run()) goes on from them.
///
/// # Errors
/// As [`run`](super::run()); [`Error::File`](crate::Error::File) for a model that is not trained yet.
pub fn run_part(
    folder: &Folder,
    data: Data<'_>,
    device: &Device,
    (only, shard): (Only, Shard),
    observe: Observer<'_>,
) -> Result<()> {
    let work = Work { folder, data, settings: &folder.manifest().settings, device };
    let own = |unit: usize| unit % shard.count() == shard.index();
    let models = work.settings.trained();
    let methods = work.settings.methods();
    for (at, seed) in work.seeds().enumerate() {
        match only {
            Only::Train => {
                for (_, model) in models.iter().enumerate().filter(|(place, _)| own(at * models.len() + place)) {
                    let _lock = folder.take(&format!("seed-{seed}-{}", model.name))?;
                    work.train(seed, *model, observe)?;
                }
            }
            Only::Predict => {
                for (place, method) in methods.iter().enumerate() {
                    let all = 0..data.target.len();
                    let range = match method.mode.start() {
                        Start::Carry if !own(at * methods.len() + place) => continue,
                        Start::Carry => all,
                        _ => shard.part(all),
                    };
                    let file = method.file_of(seed);
                    if folder.has_predictions(&file) {
                        continue;
                    }
                    let _lock = folder.take(&format!("{file}-{}-{}", range.start, range.end))?;
                    let lifter = work.lifter(seed, method)?;
                    let (label, config) = (format!("seed {seed}: {}", method.name), work.config(seed, method, &lifter));
                    work.pieces((&file, &label), (&lifter, &config), data.target, Some(range), observe)?;
                }
            }
        }
    }
    Ok(())
}

impl Work<'_> {
    /// Predicts a set, keeping what is done as the pieces `name`; `label` is what is told. A sample
    /// that adaptation cannot take is predicted as trained.
    pub(super) fn keep(
        &self,
        (name, label): (&str, &str),
        (lifter, config): (&Lifter, &AdaptConfig),
        set: &PoseSet,
        observe: Observer<'_>,
    ) -> Result<Run> {
        let Predictions { mut poses, failed, ms_per_sample } =
            self.pieces((name, label), (lifter, config), set, None, observe)?;
        if !failed.is_empty() {
            let warning = format!("{} samples could not be adapted to: they are predicted as trained", failed.len());
            observe(Step { name: label, done: set.len(), total: set.len(), warning: Some(&warning) })?;
            let as_trained = AdaptConfig { flip: config.flip, ..Policy::BASELINE.into() };
            for &sample in &failed {
                // Among the others: what it lacks, frames before it may tell.
                let alone = Stream { range: Some(sample..sample + 1), ..Stream::default() };
                let pose = predict(lifter, &as_trained, set, &alone, |_| Ok(()))?.poses;
                poses[3 * set.joints * sample..][..3 * set.joints].copy_from_slice(&pose);
            }
        }
        Ok(Run { poses, as_trained: failed.len(), ms_per_sample })
    }

    fn pieces(
        &self,
        (name, label): (&str, &str),
        (lifter, config): (&Lifter, &AdaptConfig),
        set: &PoseSet,
        range: Option<Range<usize>>,
        observe: Observer<'_>,
    ) -> Result<Predictions> {
        let total = range.as_ref().map_or(set.len(), ExactSizeIterator::len);
        let stream = Stream { range, ..Stream::default() };
        let mut done = 0;
        Pieces::new(&self.folder.pieces(), name)?.predict(lifter, config, set, &stream, |told| match told {
            Told::At(at) => {
                done = at;
                observe(Step { name: label, done, total, warning: None })
            }
            // Told at the end, with their number.
            Told::Failed(..) => Ok(()),
            Told::NotSaved(error) => {
                let warning = format!("not saved, to be tried again: {error}");
                observe(Step { name: label, done, total, warning: Some(&warning) })
            }
        })
    }
}
