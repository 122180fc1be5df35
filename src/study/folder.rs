//! A study's folder: what is known is on disk, whole, as soon as it is known.
//!
//! `study.json` says what the study is; `models/` has checkpoints, `predictions/` poses, `results/` numbers, one file for
//! each step, and `results.json` everything that the report shows. A step whose file is there is not done again.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Settings, kept};
use crate::error::{Error, Result};
use crate::evaluate::device_kind;
use crate::format::npz::{Npz, NpzWriter};
use crate::format::{FolderLock, crc32_of, read_json, remove_unfinished, write_json};

/// What a study is: with the same manifest it gives the same numbers, times aside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The version of this program.
    pub version: String,
    /// The command line that began the study.
    pub command: String,
    /// The device's name.
    pub device: String,
    /// The data set to train on.
    pub source: DataFile,
    /// The data set to adapt to.
    pub target: DataFile,
    /// The settings.
    pub settings: Settings,
}

impl Manifest {
    /// A checksum of what decides the numbers, which results bear that they may be known again.
    #[must_use]
    pub fn identity(&self) -> u32 {
        let file = |file: &DataFile| (file.poses, file.crc32);
        let (source, target, device) = (file(&self.source), file(&self.target), device_kind(&self.device));
        // Text of numbers, strings and lists: it cannot fail.
        let text = serde_json::to_vec(&(&self.version, device, source, target, &self.settings));
        text.map_or(0, |text| crc32fast::hash(&text))
    }
}

/// A data set's file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataFile {
    /// Its path, as given.
    pub path: String,
    /// Its number of poses.
    pub poses: usize,
    /// Its CRC-32.
    pub crc32: u32,
}

impl DataFile {
    /// Describes a file of `poses` poses.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn of(path: &Path, poses: usize) -> Result<Self> {
        Ok(Self { path: path.display().to_string(), poses, crc32: crc32_of(path)? })
    }
}

/// Predictions of one method and seed.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Root-centred poses (N, 3J), metres.
    pub poses: Vec<f32>,
    /// How many of them adaptation could not take: they are predicted as trained.
    pub as_trained: usize,
    /// Time of a sample, milliseconds.
    pub ms_per_sample: f64,
}

/// The array that says what study predictions are of.
const STUDY: &str = "study";

/// The array that counts the samples which are predicted as trained, where there are some.
const AS_TRAINED: &str = "predicted_as_trained";

const PARTS: [&str; 3] = ["models", "predictions", "results"];
/// The folder of one study.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
    manifest: Manifest,
    /// No other process works here, until the last clone is gone.
    _lock: Arc<FolderLock>,
}

impl Folder {
    /// The folder of the study that `manifest` describes: a new one, or with `resume` one that such a study began.
    ///
    /// # Errors
    /// [`Error::Setting`] for a folder that has a study already or, to resume, another one; [`Error::File`] for one in which
    /// another process works; [`Error::Io`] when it cannot be written.
    pub fn open(path: &Path, manifest: &Manifest, resume: bool) -> Result<Self> {
        let file = path.join("study.json");
        if file.exists() && !resume {
            let problem = format!("there is a study in {}", path.display());
            let fix = "go on with it by `resume`, or give another folder";
            return Err(Error::setting("out", format!("{problem}; {fix}")));
        }
        Self::open_locked(path, manifest, FolderLock::take)
    }

    /// As [`Self::open`] to resume, for one of several processes that work in the folder at the same time.
    ///
    /// # Errors
    /// As [`Self::open`]; where another process has the folder alone.
    pub fn open_shared(path: &Path, manifest: &Manifest) -> Result<Self> {
        Self::open_locked(path, manifest, FolderLock::share)
    }

    /// Keeps other processes that share the folder from the work `name`.
    ///
    /// # Errors
    /// [`Error::File`] where another process does it.
    pub fn take(&self, name: &str) -> Result<FolderLock> {
        FolderLock::take_part(&self.path, name)
    }

    fn open_locked(path: &Path, manifest: &Manifest, lock: impl FnOnce(&Path) -> Result<FolderLock>) -> Result<Self> {
        let file = path.join("study.json");
        fs::create_dir_all(path).map_err(|source| Error::io(path, "create", source))?;
        let lock = Arc::new(lock(path)?);
        if file.exists() {
            let begun: Manifest = read_json(&file, "give another folder")?;
            return match difference(&begun, manifest) {
                None => Self { path: path.to_owned(), manifest: begun, _lock: lock }.tidied(),
                Some((what, then, now)) => {
                    let problem = format!("{what} was {then} when the study began and is {now} now");
                    let fix = "give it what it began with, or another folder";
                    Err(Error::setting("resume", format!("{}: {problem}; {fix}", file.display())))
                }
            };
        }
        if PARTS.iter().any(|part| fs::read_dir(path.join(part)).is_ok_and(|mut files| files.next().is_some())) {
            let problem = format!("there are results in {}, but no study.json; give another folder", path.display());
            return Err(Error::setting("out", problem));
        }
        for part in PARTS {
            let part = path.join(part);
            fs::create_dir_all(&part).map_err(|source| Error::io(&part, "create", source))?;
        }
        write_json(&file, manifest)?;
        // Another process may have begun at the same moment: what is there now holds for both.
        let begun: Manifest = read_json(&file, "give another folder")?;
        if let Some((what, then, now)) = difference(&begun, manifest) {
            let problem = format!("{what} is {then} for another process that begins here, {now} for this");
            return Err(Error::setting("out", format!("{problem}; give another folder")));
        }
        Ok(Self { path: path.to_owned(), manifest: manifest.clone(), _lock: lock })
    }

    /// Without what a killed run left half written.
    fn tidied(self) -> Result<Self> {
        for part in PARTS.iter().chain(&["."]) {
            let part = self.path.join(part);
            fs::create_dir_all(&part).map_err(|source| Error::io(&part, "create", source))?;
            remove_unfinished(&part)?;
        }
        if self.pieces().exists() {
            remove_unfinished(&self.pieces())?;
        }
        Ok(self)
    }

    /// What the study is, as it was when it began.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The checkpoint `name`.
    #[must_use]
    pub fn model(&self, name: &str) -> PathBuf {
        self.path.join("models").join(format!("{name}.safetensors"))
    }

    /// Where pieces of predictions go until all is there.
    #[must_use]
    pub fn pieces(&self) -> PathBuf {
        self.path.join("pieces")
    }

    /// Whether there are predictions `name`.
    #[must_use]
    pub fn has_predictions(&self, name: &str) -> bool {
        self.path.join("predictions").join(format!("{name}.npz")).exists()
    }

    /// The result `name`: as an earlier run left it, else as `make` gives it.
    ///
    /// # Errors
    /// Those of `make`; a file that cannot be read or written.
    pub fn result<T: Serialize + DeserializeOwned>(&self, name: &str, make: impl FnOnce() -> Result<T>) -> Result<T> {
        let path = self.path.join("results").join(format!("{name}.json"));
        if !path.exists() {
            kept::write(&path, self.manifest.identity(), &make()?)?;
        }
        // As any later run will read it.
        kept::read(&path, self.manifest.identity())
    }

    /// The predictions `name` of `samples` poses: as an earlier run left them, else as `make` gives them.
    ///
    /// # Errors
    /// Those of `make`; a file that cannot be read or written.
    pub fn predictions(
        &self,
        name: &str,
        [samples, joints]: [usize; 2],
        make: impl FnOnce() -> Result<Run>,
    ) -> Result<Run> {
        let path = self.path.join("predictions").join(format!("{name}.npz"));
        if path.exists() {
            let mut npz = Npz::open(&path)?;
            if !npz.has(STUDY) || npz.i32(STUDY)?.values != [self.manifest.identity().cast_signed()] {
                return Err(npz.error(STUDY, "it is of another study", REDO));
            }
            let positions = npz.f32("positions")?;
            if positions.shape != [samples, joints, 3] {
                let problem = format!("shape {:?}, not {:?}", positions.shape, [samples, joints, 3]);
                return Err(npz.error("positions", problem, REDO));
            }
            if let Some(index) = positions.values.iter().position(|value| !value.is_finite()) {
                let problem = format!("pose {}: {} is not finite", index / (3 * joints), positions.values[index]);
                return Err(npz.error("positions", problem, REDO));
            }
            let ms_per_sample = npz.f32("ms_per_sample")?.values.first().copied().unwrap_or_default();
            if !(ms_per_sample.is_finite() && ms_per_sample >= 0.0) {
                return Err(npz.error("ms_per_sample", format!("{ms_per_sample} is no time"), REDO));
            }
            let as_trained = if npz.has(AS_TRAINED) { npz.i32(AS_TRAINED)?.values } else { Vec::new() };
            let as_trained = as_trained.first().map_or(0, |count| usize::try_from(*count).unwrap_or(usize::MAX));
            return Ok(Run { poses: positions.values, as_trained, ms_per_sample: ms_per_sample.into() });
        }
        let run = make()?;
        let ms_per_sample = run.ms_per_sample as f32;
        let mut npz = NpzWriter::create(&path)?;
        npz.f32("positions", &[run.poses.len() / (3 * joints), joints, 3], &run.poses)?;
        npz.f32("ms_per_sample", &[1], &[ms_per_sample])?;
        npz.i32(STUDY, &[1], &[self.manifest.identity().cast_signed()])?;
        if run.as_trained > 0 {
            npz.i32(AS_TRAINED, &[1], &[i32::try_from(run.as_trained).unwrap_or(i32::MAX)])?;
        }
        npz.finish()?;
        // As it will be read, so that a resumed study has the same digits.
        Ok(Run { ms_per_sample: ms_per_sample.into(), ..run })
    }

    /// Writes what the report shows.
    ///
    /// # Errors
    /// A number is not finite, or the file cannot be written.
    pub fn finish<T: Serialize + DeserializeOwned>(&self, results: &T) -> Result<()> {
        write_json(&self.path.join("results.json"), results)?;
        // Best effort: they are not looked at any more.
        let _ = fs::remove_dir_all(self.pieces());
        FolderLock::remove_parts(&self.path);
        Ok(())
    }

    /// What the finished study in `path` found.
    ///
    /// # Errors
    /// There is no study there, it is not finished, or its file is damaged.
    pub fn read_results<T: DeserializeOwned>(path: &Path) -> Result<T> {
        let file = path.join("results.json");
        if !file.exists() {
            let (problem, fix) = if path.join("study.json").exists() {
                ("the study is not finished", "finish it (`study.resume`)")
            } else {
                ("there is no study in this folder", "give the folder of a study (`study.out`)")
            };
            return Err(Error::file(path, "results.json", problem, fix));
        }
        read_json(&file, REDO)
    }
}

/// The first thing that two manifests do not share, with both values. The command line and the paths may differ: a
/// resumed study has another one, and files move.
fn difference(begun: &Manifest, now: &Manifest) -> Option<(String, String, String)> {
    let facts = |m: &Manifest| {
        let file = |file: &DataFile| format!("{} poses with CRC {:08x}", file.poses, file.crc32);
        let mut facts = vec![
            ("the version".to_owned(), m.version.clone()),
            ("the device".to_owned(), device_kind(&m.device).to_owned()),
            ("the setting preset".to_owned(), m.settings.preset.to_string()),
            ("`source`".to_owned(), file(&m.source)),
            ("`target`".to_owned(), file(&m.target)),
        ];
        if let Ok(serde_json::Value::Object(settings)) = serde_json::to_value(&m.settings) {
            for (name, value) in settings {
                match value {
                    serde_json::Value::Object(inner) => facts.extend(
                        inner
                            .into_iter()
                            .map(|(field, value)| (format!("the setting {name}.{field}"), value.to_string())),
                    ),
                    value => facts.push((format!("the setting {name}"), value.to_string())),
                }
            }
        }
        facts
    };
    let pairs = facts(begun).into_iter().zip(facts(now));
    pairs.into_iter().find(|(then, now)| then != now).map(|((what, then), (_, now))| (what, then, now))
}

/// What mends a damaged file of a study, but for its manifest.
pub(super) const REDO: &str = "remove the file and go on (`study.resume`) with this version";

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(path: &Path) -> Folder {
        let file = || DataFile { path: String::new(), poses: 1, crc32: 0 };
        let settings = Settings {
            model: crate::config::ModelConfig::default(),
            train: crate::config::TrainConfig::default(),
            preset: crate::config::Preset::Paper,
            seeds: 1,
            copies: None,
            replay: None,
            sweep_samples: 1,
            classifier_steps: 1,
            paper_target: None,
            focal: None,
        };
        let [version, command, device] = [String::new(), String::new(), String::new()];
        let manifest = Manifest { version, command, device, source: file(), target: file(), settings };
        Folder::open(path, &manifest, false).unwrap()
    }

    #[test]
    fn numbers_that_are_not_finite_are_neither_read_nor_written() {
        let root = tempfile::tempdir().unwrap();
        let folder = folder(root.path());
        for (wrong, text) in [(f32::NAN, "pose 1: NaN"), (f32::INFINITY, "pose 1: inf")] {
            let run =
                || Ok(Run { poses: [vec![0.5; 50], vec![wrong; 46]].concat(), as_trained: 0, ms_per_sample: 1.0 });
            let name = format!("{wrong}");
            folder.predictions(&name, [2, 16], run).unwrap();
            let error = folder.predictions(&name, [2, 16], run).unwrap_err().to_string();
            assert!(error.contains(&format!("{name}.npz")) && error.contains(text), "{error}");
        }
        let error = folder.result("score", || Ok([1.0, f64::INFINITY])).unwrap_err().to_string();
        assert!(error.contains("score.json") && error.contains("not finite"), "{error}");
        assert_eq!(folder.result("score", || Ok([1.0, 2.0])).unwrap(), [1.0, 2.0]);
        assert!(folder.finish(&[f64::NAN]).is_err());
        assert!(Folder::read_results::<[f64; 1]>(root.path()).unwrap_err().to_string().contains("not finished"));
    }
    #[test]
    fn a_score_that_cannot_be_is_named() {
        let root = tempfile::tempdir().unwrap();
        let folder = folder(root.path());
        folder.result("score", || Ok(crate::metrics::Metrics::default())).unwrap();
        let path = root.path().join("results/score.json");
        for (text, words) in [
            (r#"{"mpjpe_mm": -1, "pck": 0, "auc": 0}"#, "score.json: value.mpjpe_mm: -1 is not at least 0"),
            (r#"{"mpjpe_mm": 1, "pck": 1e9, "auc": 0}"#, "score.json: value.pck: 1000000000 is not a percentage"),
            ("{\n\"mpjpe_mm\": null,\n\"pck\": 0, \"auc\": 0}", "score.json: value: invalid type: null"),
            (r#"{"mpjpe_mm": NaN, "pck": 0, "auc": 0}"#, "line 1 ("),
            (r#"{"mpjpe_mm": 1e999, "pck": 0, "auc": 0}"#, "number out of range"),
        ] {
            // By a hand that knows of checksums.
            let (study, sum) = (folder.manifest().identity(), crc32fast::hash(text.as_bytes()));
            fs::write(&path, format!("{{\"study\": {study}, \"crc32\": {sum}, \"value\": {text}}}")).unwrap();
            let read = folder.result("score", || Ok(crate::metrics::Metrics::default()));
            let error = read.unwrap_err().to_string();
            assert!(error.contains(words) && error.contains(REDO), "{text}: {error}");
        }
    }

    #[test]
    fn a_folder_is_one_process_at_a_time() {
        let root = tempfile::tempdir().unwrap();
        let first = folder(root.path());
        let again = || Folder::open(root.path(), first.manifest(), true);
        let error = again().unwrap_err().to_string();
        let process = format!("process {} on ", std::process::id());
        assert!(error.contains(".isopose-lock: ") && error.contains(&process), "{error}");
        let manifest = first.manifest().clone();
        drop(first);
        // A killed run's: nobody holds it.
        let left = root.path().join("results/.score.json.writing-a1B2c3");
        fs::write(&left, "{").unwrap();
        Folder::open(root.path(), &manifest, true).unwrap();
        assert!(!left.exists());
    }
}
