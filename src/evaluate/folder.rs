//! An evaluation's folder: what is known is on disk, whole, as soon as it is known.
//!
//! `evaluation.json` says what the evaluation is, `predictions/MODE.npz` what it predicted, `results.json` how that scores;
//! `pieces/` is there until it is finished.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Line, Results, Shard, ShardBy, half_finite};
use crate::adapt::Mode;
use crate::data::PoseSet;
use crate::error::{Error, Result};
use crate::format::npz::{Npz, NpzWriter};
use crate::format::{FolderLock, crc32_of, read_json, remove_unfinished, write_json};
use crate::metrics::ProtocolSet;
use crate::pose::Fill;

/// What an evaluation is: with the same manifest it gives the same numbers, times aside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The version of this program.
    pub version: String,
    /// The command line that began it.
    pub command: String,
    /// The devices' names.
    pub devices: Vec<String>,
    /// The model.
    pub checkpoint: InputFile,
    /// The pose set.
    pub data: InputFile,
    /// How many of its poses are evaluated, in all parts.
    pub samples: usize,
    /// The settings.
    pub settings: Settings,
    /// The part of it that this is.
    pub shard: Shard,
}

/// A file that is read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputFile {
    /// Its path, as given.
    pub path: String,
    /// Its CRC-32.
    pub crc32: u32,
}

impl InputFile {
    /// Describes a file.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn of(path: &Path) -> Result<Self> {
        Ok(Self { path: path.display().to_string(), crc32: crc32_of(path)? })
    }
}

/// How samples are chosen, predicted and scored. What is none is each mode's own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "each is the setting of that name of the command line")]
pub struct Settings {
    pub modes: Vec<Mode>,
    pub iterations: Option<usize>,
    pub alpha: Option<f32>,
    pub copies: Option<usize>,
    pub replay: Option<usize>,
    pub flip: bool,
    pub fill: Fill,
    pub seed: u32,
    pub instances: usize,
    pub batch: usize,
    pub protocol_set: ProtocolSet,
    pub reset_at_sequences: bool,
    pub held_back: bool,
    pub limit: Option<usize>,
    pub focal: Option<f64>,
    pub shard_by: Option<ShardBy>,
}

/// The folder of one evaluation, or of one part of it.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// No other process works here, where it may be written.
    _lock: Option<FolderLock>,
}

/// What a mode predicted of some samples, as a file has it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Predicted {
    /// Which samples of the set they are.
    pub samples: Vec<i32>,
    /// (n, 3J), root-centred, metres; NaN for a sample that could not be predicted.
    pub positions: Vec<f32>,
    /// (n, J): 1 for a joint that the data lack.
    pub guessed: Vec<i32>,
    /// (n, 3J): what is true, root-centred, metres; empty where the data do not say.
    pub truth: Vec<f32>,
    /// (J).
    pub joint_names: Vec<String>,
}

/// The files of a folder.
const MANIFEST: &str = "evaluation.json";
const RESULTS: &str = "results.json";
const PREDICTIONS: &str = "predictions";
const PIECES: &str = "pieces";

/// What mends a damaged file.
const REDO: &str = "remove the folder and evaluate again";

impl Folder {
    /// The folder of the evaluation that `manifest` describes: a new one, or with `resume` one that such an evaluation
    /// began.
    ///
    /// # Errors
    /// [`Error::Setting`] for a folder that has an evaluation already or, to resume, another one; [`Error::File`] for one in
    /// which another process works; [`Error::Io`] when it cannot be written.
    pub fn open(path: &Path, manifest: &Manifest, resume: bool) -> Result<Self> {
        let file = path.join(MANIFEST);
        if file.exists() && !resume {
            let problem = format!("there is an evaluation in {}", path.display());
            return Err(Error::setting("out", format!("{problem}; go on with it by `resume`, or give another folder")));
        }
        let predictions = path.join(PREDICTIONS);
        fs::create_dir_all(&predictions).map_err(|source| Error::io(&predictions, "create", source))?;
        let folder = Self { path: path.to_owned(), _lock: Some(FolderLock::take(path)?) };
        if !file.exists() {
            let is_empty = |folder: &Path| fs::read_dir(folder).is_ok_and(|mut files| files.next().is_none());
            if path.join(RESULTS).exists() || !is_empty(&predictions) {
                let problem =
                    format!("there are results in {}, but no {MANIFEST}; give another folder", path.display());
                return Err(Error::setting("out", problem));
            }
            write_json(&file, manifest)?;
            return Ok(folder);
        }
        let pieces = folder.pieces();
        [path, &predictions, &pieces].into_iter().filter(|part| part.exists()).try_for_each(remove_unfinished)?;
        match difference(&read_json(&file, REDO)?, manifest) {
            None => Ok(folder),
            Some((what, then, now)) => {
                let problem = format!("{what} was {then} when the evaluation began and is {now} now");
                let fix = "give it what it began with, or another folder";
                Err(Error::setting("resume", format!("{}: {problem}; {fix}", file.display())))
            }
        }
    }

    /// The folder of an evaluation that is there, and what it is.
    ///
    /// # Errors
    /// There is none, or its file is damaged.
    pub fn read(path: &Path) -> Result<(Self, Manifest)> {
        let file = path.join(MANIFEST);
        if !file.exists() {
            let fix = "give the folder of an evaluation (`eval.out`)";
            return Err(Error::file(path, MANIFEST, "there is no evaluation in this folder", fix));
        }
        Ok((Self { path: path.to_owned(), _lock: None }, read_json(&file, REDO)?))
    }

    /// Whether an evaluation has begun in `path`.
    #[must_use]
    pub fn is_at(path: &Path) -> bool {
        path.join(MANIFEST).exists()
    }

    /// Where pieces of predictions go until all is there.
    #[must_use]
    pub fn pieces(&self) -> PathBuf {
        self.path.join(PIECES)
    }

    /// What the evaluation found, if it is finished.
    ///
    /// # Errors
    /// The file cannot be read or has a score that is none.
    pub fn results(&self) -> Result<Option<Results>> {
        let file = self.path.join(RESULTS);
        if !file.exists() {
            return Ok(None);
        }
        let results: Results = read_json(&file, REDO)?;
        let lacks = |line: &&Line| line.protocol.is_some() && [line.pck, line.auc, line.mpjpe_mm].contains(&None);
        if let Some(line) = results.results.iter().find(lacks) {
            let problem = format!("mode {}: there is a protocol without its scores", line.mode);
            return Err(Error::file(&file, "results", problem, REDO));
        }
        Ok(Some(results))
    }

    /// Ends an evaluation: its results are there, its pieces no longer.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn finish(&self, results: &Results) -> Result<()> {
        write_json(&self.path.join(RESULTS), results)?;
        // Best effort: they are not looked at any more.
        let _ = fs::remove_dir_all(self.pieces());
        Ok(())
    }

    /// Writes what a mode predicted.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, mode: Mode, predicted: &Predicted) -> Result<()> {
        predicted.write(mode, &self.predictions(mode))
    }

    /// Reads what a mode predicted.
    ///
    /// # Errors
    /// There is no such file, or it is damaged.
    pub fn predicted(&self, mode: Mode) -> Result<Predicted> {
        Predicted::read(mode, &self.predictions(mode))
    }

    /// As [`Self::predicted`] of all samples of `set`.
    ///
    /// # Errors
    /// As [`Self::predicted`]; where it is of others.
    pub fn predicted_of(&self, mode: Mode, set: &PoseSet) -> Result<Predicted> {
        let predicted = self.predicted(mode)?;
        if predicted.joint_names.len() == set.joints && predicted.samples.iter().copied().eq(0..set.len() as i32) {
            return Ok(predicted);
        }
        let problem = format!("they are not 0 to {} of {} joints", set.len().saturating_sub(1), set.joints);
        Err(Error::file(&self.predictions(mode), "sample", problem, REDO))
    }

    fn predictions(&self, mode: Mode) -> PathBuf {
        self.path.join(PREDICTIONS).join(format!("{mode}.npz"))
    }
}

impl Predicted {
    /// What was predicted of the samples of `set` from `first` on, with their truth, root-centred (n, 3J) or empty.
    #[must_use]
    pub fn new(set: &PoseSet, first: usize, positions: Vec<f32>, truth: &[f32]) -> Self {
        let joints = set.joints;
        let range = first..first + positions.len() / (3 * joints);
        let seen = set.seen_in(range.clone());
        let guessed = match seen.is_empty() {
            true => vec![0; range.len() * joints],
            false => seen.iter().map(|&seen| i32::from(seen == 0.0)).collect(),
        };
        Self {
            samples: range.map(|sample| sample as i32).collect(),
            positions,
            guessed,
            truth: truth.to_vec(),
            joint_names: set.joint_names.clone(),
        }
    }

    /// How many joints the samples `range` of a set lack.
    #[must_use]
    pub fn guessed_in(set: &PoseSet, range: Range<usize>) -> usize {
        set.seen_in(range).iter().filter(|seen| **seen == 0.0).count()
    }

    /// How many joints the data lack.
    #[must_use]
    pub fn guessed_joints(&self) -> usize {
        self.guessed.iter().filter(|guessed| **guessed != 0).count()
    }

    /// Writes it as what this mode predicted.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, mode: Mode, path: &Path) -> Result<()> {
        let (n, joints) = (self.samples.len(), self.joint_names.len());
        let mut npz = NpzWriter::create(path)?;
        npz.f32("positions", &[n, joints, 3], &self.positions)?;
        npz.i32("guessed", &[n, joints], &self.guessed)?;
        npz.i32("sample", &[n], &self.samples)?;
        if !self.truth.is_empty() {
            npz.f32("truth", &[n, joints, 3], &self.truth)?;
        }
        npz.strings("joint_names", &self.joint_names)?;
        npz.text("mode", mode.name)?;
        npz.finish()
    }

    fn read(mode: Mode, path: &Path) -> Result<Self> {
        let mut npz = Npz::open(path)?;
        if npz.strings("mode")? != [mode.name] {
            return Err(npz.error("mode", format!("it is not {mode}"), REDO));
        }
        let (samples, joint_names) = (npz.i32("sample")?.values, npz.strings("joint_names")?);
        let (n, joints) = (samples.len(), joint_names.len());
        let (positions, guessed) = (npz.f32("positions")?, npz.i32("guessed")?);
        let truth = if npz.has("truth") { npz.f32("truth")?.values } else { Vec::new() };
        let wrong = [
            ("joint_names", joints == 0),
            ("positions", positions.shape != [n, joints, 3]),
            ("guessed", guessed.shape != [n, joints]),
            ("truth", !truth.is_empty() && truth.len() != 3 * n * joints),
        ];
        if let Some((field, _)) = wrong.into_iter().find(|(_, is_wrong)| *is_wrong) {
            return Err(npz.error(field, format!("it does not match {n} samples of {joints} joints"), REDO));
        }
        if let Some(problem) = half_finite(&positions.values, joints) {
            return Err(npz.error("positions", problem, REDO));
        }
        Ok(Self { samples, positions: positions.values, guessed: guessed.values, truth, joint_names })
    }
}

/// The first thing that two manifests do not share, with both values. The command line, the paths and the number of
/// threads may differ.
pub(super) fn difference(begun: &Manifest, now: &Manifest) -> Option<(String, String, String)> {
    let facts = |m: &Manifest| {
        let file = |file: &InputFile| format!("one with CRC {:08x}", file.crc32);
        let mut facts = vec![
            ("the version".to_owned(), m.version.clone()),
            ("the device".to_owned(), m.devices.iter().map(|name| device_kind(name)).collect::<Vec<_>>().join(", ")),
            ("`checkpoint`".to_owned(), file(&m.checkpoint)),
            ("`data`".to_owned(), file(&m.data)),
            ("the number of samples".to_owned(), m.samples.to_string()),
            ("`shard`".to_owned(), m.shard.to_string()),
        ];
        if let Ok(serde_json::Value::Object(settings)) = serde_json::to_value(&m.settings) {
            facts.extend(settings.into_iter().map(|(name, value)| (format!("`{name}`"), value.to_string())));
        }
        facts
    };
    let pairs = facts(begun).into_iter().zip(facts(now));
    pairs.into_iter().find(|(then, now)| then != now).map(|((what, then), (_, now))| (what, then, now))
}

/// A device's name without the number of threads, which changes no bit.
pub(crate) fn device_kind(name: &str) -> &str {
    if name.starts_with("cpu (") { "cpu" } else { name }
}
