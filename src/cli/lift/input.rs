//! What is lifted: a pose set, a detector's files, or lines.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::super::import::Kept;
use super::super::interrupt;
use super::super::options::{self, CameraOptions};
use super::super::output;
use super::super::words::Words;
use crate::config::ModelConfig;
use crate::data::PoseSet;
use crate::error::{Error, Result};
use crate::format::npz::Npz;
use crate::import::detector::Detector;
use crate::import::{Tolerance, collect_told};
use crate::named::Named;

/// The form of the input.
#[derive(Clone, Copy, Debug)]
pub(super) enum Format {
    /// To be seen from the input.
    Auto,
    /// A pose set.
    Poseset,
    /// A detector's.
    Detector(Detector),
    /// JSON lines.
    Jsonl,
}

impl Named for Format {
    const ALL: &'static [Self] = &[
        Self::Auto,
        Self::Poseset,
        Self::Detector(Detector::Coco),
        Self::Detector(Detector::Openpose),
        Self::Detector(Detector::Mmpose),
        Self::Detector(Detector::Alphapose),
        Self::Detector(Detector::Detectron),
        Self::Detector(Detector::Mediapipe),
        Self::Detector(Detector::Halpe),
        Self::Jsonl,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Poseset => "poseset",
            Self::Detector(detector) => detector.name(),
            Self::Jsonl => "jsonl",
        }
    }
}

/// What is lifted.
pub(super) enum Input {
    /// Poses in memory.
    Set {
        set: Box<PoseSet>,
        /// Whether its intrinsics are a guess.
        is_guess: bool,
    },
    /// Lines as they come.
    Lines(Box<dyn Read + Send>),
}

impl Input {
    /// Opens what is given.
    pub(super) fn open(
        path: &Path,
        format: Format,
        (kept, tolerance): (&Kept, Tolerance),
        camera: &CameraOptions,
        model: &ModelConfig,
    ) -> Result<Self> {
        if path == Path::new("-") {
            return match format {
                Format::Auto | Format::Jsonl => {
                    kept.check_unused("JSON lines")?;
                    Ok(Self::Lines(Box::new(io::stdin())))
                }
                other => {
                    let problem =
                        format!("standard input takes JSON lines, not {}; give a file or a folder", other.name());
                    Err(Error::setting("format", problem))
                }
            };
        }
        let format = if let Format::Auto = format { guessed(path)? } else { format };
        let set = match format {
            Format::Jsonl => {
                kept.check_unused("JSON lines")?;
                let file = File::open(path).map_err(|error| Error::io(path, "open", error))?;
                return Ok(Self::Lines(Box::new(file)));
            }
            Format::Auto | Format::Poseset => {
                kept.check_unused("a pose set")?;
                pose_set(path, kept.image_size)?
            }
            Format::Detector(detector) => imported(path, detector, (kept, tolerance), model)?,
        };
        camera.note_without_effect(&[&set]);
        let is_guess = set.intrinsics.is_none() && camera.focal.is_none();
        Ok(Self::Set { set: Box::new(camera.complete(set, path, model.rays)?), is_guess })
    }
}

/// A pose set in pixels, of images of that size where it does not say its own.
fn pose_set(path: &Path, image_size: Option<[i32; 2]>) -> Result<PoseSet> {
    let mut set = options::pose_set(path)?;
    match (&set.image_size, image_size) {
        (Some(_), Some(_)) => output::note("--image-size is without effect: the pose set has its own"),
        (None, Some(size)) => set.image_size = Some(vec![size; set.len()]),
        (_, None) => {}
    }
    if set.keypoints.chunks_exact(2 * set.joints.max(1)).all(|pose| pose[..2] == [0.0; 2]) {
        let problem = "the hip of every pose is at (0, 0): these are no pixels of an image";
        return Err(Error::file(path, "keypoints", problem, "give pixels; `eval` predicts such a set"));
    }
    Ok(set)
}

fn imported(
    path: &Path,
    detector: Detector,
    (kept, tolerance): (&Kept, Tolerance),
    model: &ModelConfig,
) -> Result<PoseSet> {
    let mut progress: Option<output::Progress> = None;
    let mut told = |done, total| {
        progress.get_or_insert_with(|| output::Progress::start("read", total)).update(done, "");
        interrupt::check()
    };
    let paths = [path.to_owned()];
    let (set, warnings) =
        collect_told(model.joints, tolerance, |to| detector.import(&paths, &kept.options(), to, &mut told))?;
    drop(progress);
    let words = Words::typed();
    warnings.iter().for_each(|warning| output::note(&format!("warning: {}", words.said(warning))));
    Ok(set)
}

/// The form that a file or folder has.
fn guessed(path: &Path) -> Result<Format> {
    let unknown = |problem: &str| Err(Error::file(path, "format", problem, "say its `format`"));
    if path.is_dir() {
        return match Detector::of_folder(path)? {
            Some((detector, _)) => Ok(Format::Detector(detector)),
            None => unknown("there is no JSON of a detector in this folder"),
        };
    }
    // A pipe, such as a shell's <(detector).
    if path.metadata().is_ok_and(|found| !found.is_file()) {
        return Ok(Format::Jsonl);
    }
    let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    match &*extension {
        "jsonl" | "ndjson" => Ok(Format::Jsonl),
        "json" => match Detector::of_file(path)? {
            Some((detector, _)) => Ok(Format::Detector(detector)),
            None => unknown("this is the JSON of no detector that is known"),
        },
        "npz" => {
            let mut npz = Npz::open(path)?;
            // Detectron's are of objects, or of people by joints by x, y, logit and probability.
            let is_pixels = |(descr, shape): (String, Vec<usize>)| descr != "|O" && shape.last() == Some(&2);
            let is_set = npz.has("keypoints") && npz.describe("keypoints").is_ok_and(is_pixels);
            Ok(if is_set { Format::Poseset } else { Format::Detector(Detector::Detectron) })
        }
        _ if !path.exists() => {
            let source = io::Error::from(io::ErrorKind::NotFound);
            Err(Error::io(path, "open", source))
        }
        _ => unknown("this is none of .npz, .json, .jsonl and no folder"),
    }
}
