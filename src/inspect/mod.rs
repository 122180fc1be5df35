//! What a file holds, whatever kind it is: pose sets, motion, models, and the field's files that `import` reads.

mod foreign;
mod own;

use std::path::Path;

use serde::Serialize;
use serde_json::Value;

use crate::data::{Motion, PoseSet, sentences};
use crate::error::{Error, Result};
use crate::format::npz::Npz;

/// What a file holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Contents {
    /// What kind of file it is, in words.
    pub kind: String,
    /// Names and values, in the order in which they are to be read; a range is an array of two numbers.
    pub facts: Vec<(String, Value)>,
    /// What a user should look at.
    pub warnings: Vec<String>,
}

impl Contents {
    fn new(kind: impl Into<String>) -> Self {
        Self { kind: kind.into(), facts: Vec::new(), warnings: Vec::new() }
    }

    fn fact(&mut self, name: impl Into<String>, value: impl Serialize) {
        self.facts.push((name.into(), serde_json::json!(value)));
    }
}

/// Looks at a file, or at a folder of a detector's files.
///
/// # Errors
/// If it cannot be read, or is of no known kind.
pub fn inspect(path: &Path) -> Result<Contents> {
    let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    match &*extension {
        "safetensors" => own::checkpoint(path),
        "npz" => npz(path),
        "json" => foreign::json(path),
        _ if path.is_dir() => foreign::folder(path),
        "bvh" | "amc" => foreign::motion(path, &extension),
        "pkl" => foreign::pickle(path),
        "mat" => foreign::matlab(path),
        "h5" | "hdf5" => foreign::hdf5(path),
        _ => Err(Error::file(
            path,
            "kind",
            "this is none of .npz, .safetensors, .json, .bvh, .amc, .pkl, .mat, .h5 and no folder",
            "give a file of one of these kinds",
        )),
    }
}

fn npz(path: &Path) -> Result<Contents> {
    let mut npz = Npz::open(path)?;
    let objects = |npz: &mut Npz, name: &str| npz.describe(name).is_ok_and(|(descr, _)| descr == "|O");
    if npz.has("keypoints") && !objects(&mut npz, "keypoints") {
        return Ok(own::pose_set(&PoseSet::load(path)?));
    }
    if npz.has("clip_start") {
        let motion = Motion::load(path)?;
        return Ok(own::motion(&motion, sentences(motion.findings())));
    }
    foreign::npz(path, npz)
}

#[cfg(test)]
#[path = "motion_tests.rs"]
mod motion_tests;
