//! Parts of an evaluation put together.

use std::path::{Path, PathBuf};

use super::folder::{device_kind, difference};
use super::shard::all_parts;
use super::walk::Clock;
use super::{Folder, Manifest, Predicted, Predictions, Results, Shard};
use crate::adapt::Mode;
use crate::error::{Error, Result};

/// A part of an evaluation, finished.
struct Part {
    path: PathBuf,
    folder: Folder,
    manifest: Manifest,
    results: Results,
}

/// Puts the parts of one evaluation together in `out`, a new folder: what one process would have found, times aside. To the
/// bit, if they were made on one kind of device; else the results name each kind. `progress` is told how many modes of how many are there.
///
/// # Errors
/// A folder has no evaluation, or one that is not finished, or the part of another; a part is missing or there twice; a
/// file cannot be read or written.
pub fn merge(paths: &[PathBuf], out: &Path, mut progress: impl FnMut(usize, usize) -> Result<()>) -> Result<Results> {
    let parts = parts(paths)?;
    let first = &parts[0];
    // Of one kind one name will do; parts of several kinds name each.
    let mut devices = first.manifest.devices.clone();
    for name in parts.iter().flat_map(|part| &part.manifest.devices) {
        if devices.iter().all(|known| device_kind(known) != device_kind(name)) {
            devices.push(name.clone());
        }
    }
    let whole = Manifest { shard: Shard::WHOLE, devices, ..first.manifest.clone() };
    // One that was cut off is done again.
    let begun = Folder::is_at(out) && Folder::read(out)?.0.results()?.is_none();
    if Folder::is_at(out) && !begun {
        let problem = format!("there is an evaluation in {}; give another folder", out.display());
        return Err(Error::setting("out", problem));
    }
    let folder = Folder::open(out, &whole, begun)?;
    let modes = &whole.settings.modes;
    let mut results = Results::new(whole.devices.join(", "));
    progress(0, modes.len())?;
    for (done, &mode) in modes.iter().enumerate() {
        let predicted = joined(&parts, mode)?;
        if predicted.samples.len() != whole.samples {
            let problem = format!("mode {mode}: there are {} samples of {}", predicted.samples.len(), whole.samples);
            return Err(Error::file(&first.path, "sample", problem, "evaluate the parts again"));
        }
        let (joints, guessed) = (predicted.joint_names.len(), predicted.guessed_joints());
        let predictions = Predictions::of(predicted.positions, joints, time(&parts, mode));
        results.add(mode, (&predictions, guessed), (&predicted.truth, joints), whole.settings.protocol_set);
        folder.write(mode, &Predicted { positions: predictions.poses, ..predicted })?;
        progress(done + 1, modes.len())?;
    }
    folder.finish(&results)?;
    Ok(results)
}

/// The parts in their order, all there and of one evaluation.
fn parts(paths: &[PathBuf]) -> Result<Vec<Part>> {
    let mut parts = Vec::new();
    for path in paths {
        let (folder, manifest) = Folder::read(path)?;
        let Some(results) = folder.results()? else {
            let problem = format!("part {} is not finished", manifest.shard);
            return Err(Error::file(path, "results.json", problem, "finish it (`eval.resume`)"));
        };
        parts.push(Part { path: path.clone(), folder, manifest, results });
    }
    all_parts(&mut parts, |part| (part.manifest.shard, &part.path))?;
    let first = &parts[0];
    for part in &parts {
        let (shard, devices) = (first.manifest.shard, first.manifest.devices.clone());
        let alike = Manifest { shard, devices, ..part.manifest.clone() };
        if let Some((what, one, other)) = difference(&first.manifest, &alike) {
            let problem = format!("{what} is {other}, but {one} in {}", first.path.display());
            return Err(Error::file(&part.path, "evaluation.json", problem, "merge parts of one evaluation"));
        }
    }
    Ok(parts)
}

/// What all parts predicted in a mode.
fn joined(parts: &[Part], mode: Mode) -> Result<Predicted> {
    let mut all = Predicted::default();
    for part in parts {
        let next = part.folder.predicted(mode)?;
        let follows = next.samples.iter().enumerate().all(|(i, &sample)| sample as usize == all.samples.len() + i);
        if !follows {
            let problem = format!("mode {mode}: its samples do not begin where the part before ends");
            return Err(Error::file(&part.path, "sample", problem, "merge parts of one evaluation"));
        }
        let is_first = all.samples.is_empty();
        let differs = [
            ("joint_names", !all.joint_names.is_empty() && next.joint_names != all.joint_names),
            ("truth", !is_first && !next.samples.is_empty() && next.truth.is_empty() != all.truth.is_empty()),
        ];
        if let Some((field, _)) = differs.into_iter().find(|(_, differs)| *differs) {
            let problem = format!("mode {mode}: it is not as in the parts before");
            return Err(Error::file(&part.path, field, problem, "merge parts of one evaluation"));
        }
        all.samples.extend(next.samples);
        all.positions.extend(next.positions);
        all.guessed.extend(next.guessed);
        all.truth.extend(next.truth);
        all.joint_names = next.joint_names;
    }
    Ok(all)
}

/// The time of all parts.
fn time(parts: &[Part], mode: Mode) -> Clock {
    let lines = || parts.iter().filter_map(|part| part.results.results.iter().find(|line| line.mode == mode));
    let ms: f64 = lines().map(|line| line.samples as f64 * line.ms_per_sample).sum();
    Clock { samples: lines().map(|line| line.samples).sum(), seconds: ms / 1000.0 }
}
