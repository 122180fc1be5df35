//! Predictions that are kept piece by piece, so that a run which was cut off goes on where it was.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::folder::device_kind;
use super::walk::{Clock, Walk};
use super::{Predictions, Stream, Told, half_finite};
use crate::adapt::{AdaptConfig, Lifter, Snapshot, Start};
use crate::data::PoseSet;
use crate::error::{Error, Result};
use crate::format::npz::{Npz, NpzWriter};
use crate::system::Pauses;

/// Where the pieces of one prediction are. Their files are `NAME-FIRST-END.npz`; what a policy that carries on had learnt
/// at the last end is `NAME-END.state.npz`.
#[derive(Clone, Debug)]
pub struct Pieces {
    folder: PathBuf,
    name: String,
}

/// What earlier runs kept.
struct Found {
    /// (n, 3J), from the first sample on.
    poses: Vec<f32>,
    clock: Clock,
    learnt: Option<Snapshot>,
}

/// What ends the names of two kinds of files.
const PIECE: &str = ".npz";
const STATE: &str = ".state.npz";

/// What mends a piece that cannot be read.
const REDO: &str = "remove the file and go on; its samples are then predicted again";

impl Pieces {
    /// The pieces `name` in a folder, which is made where it is missing. Two processes must not write the same.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub fn new(folder: &Path, name: impl Into<String>) -> Result<Self> {
        fs::create_dir_all(folder).map_err(|source| Error::io(folder, "create", source))?;
        Ok(Self { folder: folder.to_owned(), name: name.into() })
    }

    /// As [`predict_each`](super::predict_each), keeping what is done by time and when `observe` ends the work by [`Error::Stopped`]. What an
    /// earlier run kept is not done again, and the result is the same to the bit, times aside.
    ///
    /// # Errors
    /// As [`predict_each`](super::predict_each); a file that cannot be read or, where the work is ended, written.
    pub fn predict(
        &self,
        lifter: &Lifter,
        config: &AdaptConfig,
        set: &PoseSet,
        stream: &Stream<'_>,
        mut observe: impl FnMut(Told<'_>) -> Result<()>,
    ) -> Result<Predictions> {
        let (range, carries) = (stream.range_of(set)?, config.policy.start == Start::Carry);
        let identity = identity(lifter, config, set, stream);
        let Found { mut poses, mut clock, learnt } = self.found(range.clone(), set.joints, carries, identity)?;
        let Range { start: first, end } = range;
        let mut saved = first + poses.len() / (3 * set.joints);
        observe(Told::At(saved - first))?;
        if saved == end {
            return Ok(Predictions::of(poses, set.joints, clock));
        }
        let mut walk = Walk::new(lifter, config, set, stream)?;
        if saved > first {
            let failed = poses.chunks_exact(3 * set.joints).filter(|pose| pose[0].is_nan()).count();
            walk.go_to(saved, learnt.as_ref(), failed).map_err(|error| match error {
                Error::Setting { setting, problem } => Error::file(&self.state(saved), setting, problem, REDO),
                error => error,
            })?;
        }
        let (mut pauses, mut timed) = (Pauses::new(), Clock::default());
        while let Some(lot) = walk.next_each()? {
            poses.extend(lot.poses);
            let mut failed = lot.failed.iter();
            let told = failed.try_for_each(|(sample, why)| observe(Told::Failed(*sample, why)));
            let told = told.and_then(|()| observe(Told::At(walk.at() - first)));
            let is_stopped = matches!(told, Err(Error::Stopped));
            if is_stopped || walk.at() == end || pauses.is_over() {
                let begun = Instant::now();
                let piece = (saved, &poses[3 * set.joints * (saved - first)..], walk.clock().since(timed));
                match self.save(&walk, piece, set.joints, identity) {
                    Ok(()) => (saved, timed) = (walk.at(), walk.clock()),
                    Err(error) if is_stopped && walk.at() < end => return Err(error),
                    Err(error) => match observe(Told::NotSaved(&error)) {
                        Err(Error::Stopped) if walk.at() < end => return Err(error),
                        Err(Error::Stopped) => {}
                        told => told?,
                    },
                }
                pauses.next(begun);
            }
            match told {
                // What is done is not stopped any more.
                Err(Error::Stopped) if walk.at() == end => {}
                told => told?,
            }
        }
        clock.add(walk.clock());
        Ok(Predictions::of(poses, set.joints, clock))
    }

    /// Removes the pieces: what they are of is kept elsewhere.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn remove(&self) -> Result<()> {
        for name in self.files()? {
            // Best effort: they are not looked at any more.
            let _ = fs::remove_file(self.folder.join(name));
        }
        Ok(())
    }

    /// What earlier runs of the same prediction kept of the range, from its beginning on.
    fn found(
        &self,
        Range { start: first, end }: Range<usize>,
        joints: usize,
        carries: bool,
        identity: u32,
    ) -> Result<Found> {
        let mut chain = vec![first];
        let kept = self.kept()?;
        while let Some(&at) = chain.last() {
            let next = kept.iter().filter(|(from, to)| *from == at && *to > at && *to <= end).map(|(_, to)| *to).max();
            let Some(next) = next else { break };
            chain.push(next);
        }
        // Without what was learnt nothing can follow.
        while carries && chain.last().is_some_and(|&at| at > first && at < end && !self.state(at).exists()) {
            chain.pop();
        }
        let (mut poses, mut clock) = (Vec::new(), Clock::default());
        for pair in chain.windows(2) {
            let path = self.piece(pair[0], pair[1]);
            let mut npz = open(&path)?;
            check_identity(&mut npz, identity)?;
            let positions = npz.f32("positions")?;
            let expected = [pair[1] - pair[0], joints, 3];
            if positions.shape != expected {
                return Err(npz.error("positions", format!("shape {:?}, not {expected:?}", positions.shape), REDO));
            }
            if let Some(problem) = half_finite(&positions.values, joints) {
                return Err(npz.error("positions", problem, REDO));
            }
            let (samples, seconds) = (npz.i32("timed_samples")?, npz.f32("seconds")?);
            let ([samples], [seconds]) = (&samples.values[..], &seconds.values[..]) else {
                return Err(npz.error("seconds", "there is not one number", REDO));
            };
            let Some(samples) = usize::try_from(*samples).ok().filter(|_| seconds.is_finite() && *seconds >= 0.0)
            else {
                return Err(npz.error("seconds", format!("{seconds} for {samples} samples"), REDO));
            };
            clock.add(Clock { samples, seconds: f64::from(*seconds) });
            poses.extend(positions.values);
        }
        let at = chain.last().copied().unwrap_or(first);
        let learnt =
            if carries && at > first && at < end { Some(read_state(&self.state(at), identity)?) } else { None };
        Ok(Found { poses, clock, learnt })
    }

    /// The ranges of the pieces that there are.
    fn kept(&self) -> Result<Vec<(usize, usize)>> {
        let range = |file: &String| {
            let range = file.strip_prefix(&self.name)?.strip_prefix('-')?.strip_suffix(PIECE)?;
            let (from, to) = range.split_once('-')?;
            Some((from.parse().ok()?, to.parse().ok()?))
        };
        Ok(self.files()?.iter().filter_map(range).collect())
    }

    /// The names of the files that there are: `NAME-`, numbers, an ending.
    fn files(&self) -> Result<Vec<String>> {
        let failed = |source| Error::io(&self.folder, "read", source);
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(failed)? {
            let file = entry.map_err(failed)?.file_name().to_string_lossy().into_owned();
            let numbers = file.strip_prefix(&self.name).and_then(|rest| {
                let rest = rest.strip_prefix('-')?;
                rest.strip_suffix(STATE).or_else(|| rest.strip_suffix(PIECE))
            });
            if numbers.is_some_and(|numbers| numbers.chars().all(|c| c.is_ascii_digit() || c == '-')) {
                files.push(file);
            }
        }
        Ok(files)
    }

    /// Writes the poses from `first` on to where the walk is; what was learnt goes first, since a piece is nothing without.
    fn save(
        &self,
        walk: &Walk<'_>,
        (first, poses, clock): (usize, &[f32], Clock),
        joints: usize,
        identity: u32,
    ) -> Result<()> {
        let at = walk.at();
        let learnt = if at < walk.end() { walk.learnt()? } else { None };
        if let Some(learnt) = learnt {
            write_state(&self.state(at), &learnt, identity)?;
        }
        let mut npz = NpzWriter::create(&self.piece(first, at))?;
        npz.i32(IDENTITY, &[1], &[identity.cast_signed()])?;
        npz.f32("positions", &[at - first, joints, 3], poses)?;
        npz.i32("timed_samples", &[1], &[i32::try_from(clock.samples).unwrap_or(i32::MAX)])?;
        npz.f32("seconds", &[1], &[clock.seconds as f32])?;
        npz.finish()?;
        // Best effort: one too many does no harm.
        let _ = fs::remove_file(self.state(first));
        Ok(())
    }

    fn piece(&self, first: usize, end: usize) -> PathBuf {
        self.folder.join(format!("{}-{first}-{end}{PIECE}", self.name))
    }

    fn state(&self, at: usize) -> PathBuf {
        self.folder.join(format!("{}-{at}{STATE}", self.name))
    }
}

/// The array that says what a piece or a state is of.
const IDENTITY: &str = "identity";

/// What a prediction is of: the same for the same model, settings, samples and kind of device, and hardly ever for others.
fn identity(lifter: &Lifter, config: &AdaptConfig, set: &PoseSet, stream: &Stream<'_>) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    let mut text = |what: &dyn std::fmt::Debug| sum.update(format!("{what:?};").as_bytes());
    text(&env!("CARGO_PKG_VERSION"));
    text(&(device_kind(&lifter.device().name()), lifter.model(), config, stream.fill));
    let resets = if config.policy.start == Start::Carry { stream.resets } else { &[] };
    text(&(resets, &set.sequence, &set.frame));
    for (name, tensor) in lifter.parameters() {
        sum.update(name.as_bytes());
        sum.update(bytemuck::cast_slice(&tensor.data));
    }
    sum.update(bytemuck::cast_slice(&set.keypoints));
    sum.update(bytemuck::cast_slice(&set.seen()));
    sum.update(bytemuck::cast_slice(set.intrinsics.as_deref().unwrap_or_default().as_flattened()));
    sum.finalize()
}

/// Opens a piece or a state. Whatever is wrong with it, it can be made again.
fn open(path: &Path) -> Result<Npz> {
    Npz::open(path).map_err(|error| match error {
        Error::File { path, field, problem, .. } => Error::file(&path, field, problem, REDO),
        error => error,
    })
}

fn check_identity(npz: &mut Npz, identity: u32) -> Result<()> {
    match npz.i32(IDENTITY)?.values[..] {
        [found] if found.cast_unsigned() == identity => Ok(()),
        _ => Err(npz.error(
            IDENTITY,
            "it is of another model, other settings, other samples or another kind of device",
            REDO,
        )),
    }
}

/// The names of a state's arrays that are no tensors of the plan.
const COUNTERS: &str = "samples_and_steps";
const STATE_WORDS: &str = "state_words";

fn write_state(path: &Path, learnt: &Snapshot, identity: u32) -> Result<()> {
    let mut npz = NpzWriter::create(path)?;
    npz.i32(IDENTITY, &[1], &[identity.cast_signed()])?;
    let words = |words: &[u32]| words.iter().map(|word| word.cast_signed()).collect::<Vec<_>>();
    npz.i32(COUNTERS, &[2], &words(&[learnt.samples, learnt.steps]))?;
    npz.i32(STATE_WORDS, &[learnt.state.len()], &words(&learnt.state))?;
    for (name, tensor) in &learnt.tensors {
        npz.f32(name, &[tensor.len()], tensor)?;
    }
    npz.finish()
}

fn read_state(path: &Path, identity: u32) -> Result<Snapshot> {
    let mut npz = open(path)?;
    check_identity(&mut npz, identity)?;
    let mut words =
        |name: &str| -> Result<Vec<u32>> { Ok(npz.i32(name)?.values.into_iter().map(i32::cast_unsigned).collect()) };
    let (counters, state) = (words(COUNTERS)?, words(STATE_WORDS)?);
    let (Ok([samples, steps]), Ok(state)) = (<[u32; 2]>::try_from(counters), state.try_into()) else {
        return Err(npz.error(STATE_WORDS, "it has another length than this version's", REDO));
    };
    let names: Vec<String> =
        npz.names().into_iter().filter(|name| ![COUNTERS, STATE_WORDS, IDENTITY].contains(&&**name)).collect();
    let tensors = names.into_iter().map(|name| npz.f32(&name).map(|tensor| (name, tensor.values)));
    Ok(Snapshot { tensors: tensors.collect::<Result<_>>()?, samples, steps, state })
}
