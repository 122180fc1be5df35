//! Pose sets put behind each other.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::{PoseSet, PoseSetWriter, Summary};
use crate::error::{Error, Result};

/// Writes the poses of `parts` to `out`, in their order, one part in memory at a time. Names are told apart by what they
/// are: a subject or an action of one name is one; a sequence must not go on from one part to the next. `progress` is told
/// how many parts are done.
///
/// # Errors
/// A part cannot be read, has other arrays or joints than the first, or a sequence of an earlier one; writing fails.
pub fn join(parts: &[PathBuf], out: &Path, mut progress: impl FnMut(usize) -> Result<()>) -> Result<Summary> {
    let mut to = PoseSetWriter::new(out);
    let mut all = PoseSet::default();
    for (done, path) in parts.iter().enumerate() {
        let mut set = PoseSet::load(path)?;
        if all.joints != 0 && set.joints != all.joints {
            let problem = format!("{} joints, but {} in {}", set.joints, all.joints, parts[0].display());
            return Err(Error::file(path, "keypoints", problem, "join sets of the same joints"));
        }
        all.joints = set.joints;
        all.joint_names.clone_from(&set.joint_names);
        sequences(&mut set, &mut all, path)?;
        renumber(&mut set.subject, &set.subject_names, &mut all.subject_names);
        renumber(&mut set.action, &set.action_names, &mut all.action_names);
        set.sequence_names.clone_from(&all.sequence_names);
        set.subject_names.clone_from(&all.subject_names);
        set.action_names.clone_from(&all.action_names);
        to.add(&set)?;
        progress(done + 1)?;
        set.clear();
        all = PoseSet { sequence: all.sequence, ..set };
    }
    let last = PoseSet { sequence: all.sequence.as_ref().map(|_| Vec::new()), ..all };
    to.finish(&last)
}

/// Numbers a part's sequences behind those before; `all.sequence` keeps the last number.
fn sequences(set: &mut PoseSet, all: &mut PoseSet, path: &Path) -> Result<()> {
    if let Some(name) = set.sequence_names.iter().find(|name| all.sequence_names.contains(name)) {
        let problem = format!("`{name}` is in an earlier part too");
        return Err(Error::file(path, "sequence_names", problem, "import the files of one sequence together"));
    }
    let Some(numbers) = &mut set.sequence else { return Ok(()) };
    let last = all.sequence.as_ref().and_then(|last| last.first().copied());
    let before = match set.sequence_names.is_empty() {
        true => last.map_or(Some(0), |last| last.checked_add(1)),
        false => i32::try_from(all.sequence_names.len()).ok(),
    };
    for number in numbers.iter_mut() {
        *number = before.and_then(|before| number.checked_add(before)).ok_or_else(|| {
            Error::file(path, "sequence", "its numbers do not fit behind those before", "number sequences from 0")
        })?;
    }
    all.sequence = Some(numbers.iter().max().copied().or(last).into_iter().collect());
    all.sequence_names.append(&mut set.sequence_names);
    Ok(())
}

/// Numbers that index `own` index `all` afterwards, to which new names are added.
fn renumber(numbers: &mut Option<Vec<i32>>, own: &[String], all: &mut Vec<String>) {
    let known: HashMap<String, i32> = all.iter().cloned().zip(0..).collect();
    let of_name = |name: &String| {
        known.get(name).copied().unwrap_or_else(|| {
            all.push(name.clone());
            all.len() as i32 - 1
        })
    };
    let new: Vec<i32> = own.iter().map(of_name).collect();
    let of_number = |number: &mut i32| {
        let renumbered = usize::try_from(*number).ok().and_then(|number| new.get(number).copied());
        *number = renumbered.unwrap_or(*number);
    };
    numbers.iter_mut().flatten().for_each(of_number);
}
