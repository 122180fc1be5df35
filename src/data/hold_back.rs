//! Keeping sequences of a pose set out of training.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use super::PoseSet;
use crate::error::{Error, Result};

/// The ids of the sequences to keep out: `fraction` of the recordings, evenly spread. What several cameras saw
/// (`clip@camera`) is one recording: a pose must not be trained on from one side and held back from another. `path` is
/// the set's file, for messages.
///
/// # Errors
/// Without `sequence`, or when the fraction is none or all of the recordings.
pub fn choose(set: &PoseSet, path: &Path, fraction: f64) -> Result<Vec<i32>> {
    let sequence = sequence(set, path)?;
    let of_poses = recordings(set).unwrap_or_default();
    let mut groups: Vec<BTreeSet<i32>> = vec![BTreeSet::new(); of_poses.iter().max().map_or(0, |last| last + 1)];
    for (&id, group) in sequence.iter().zip(of_poses) {
        groups[group].insert(id);
    }
    // The k-th one whenever k · fraction passes a whole number: every tenth for 0.1.
    let whole = |k: usize| (k as f64 * fraction + 1e-9) as usize;
    let chosen = groups.iter().enumerate().filter(|(k, _)| whole(k + 1) > whole(*k));
    let mut held_back: Vec<i32> = chosen.flat_map(|(_, ids)| ids.iter().copied()).collect();
    let sequences: usize = groups.iter().map(BTreeSet::len).sum();
    held_back.sort_unstable();
    if held_back.is_empty() || held_back.len() == sequences {
        let problem = format!("a fraction of {fraction} of the {} recordings is none or all of them", groups.len());
        let fix = "choose another fraction (`hold_back`) or give more sequences";
        return Err(Error::file(path, "sequence", problem, fix));
    }
    Ok(held_back)
}

/// The recording of each pose, numbered in order of appearance: its sequence, and all sequences of one clip that several
/// cameras saw (`clip@camera`). None without `sequence`.
#[must_use]
pub fn recordings(set: &PoseSet) -> Option<Vec<usize>> {
    let clip = |id: i32| {
        let name = usize::try_from(id).ok().and_then(|id| set.sequence_names.get(id))?;
        Some(name.rsplit_once('@').map_or(&**name, |(clip, _)| clip))
    };
    let mut numbers: HashMap<(Option<&str>, i32), usize> = HashMap::new();
    let mut number = |id: i32| {
        let next = numbers.len();
        // A sequence without a name is told by its id.
        let name = clip(id);
        *numbers.entry((name, if name.is_some() { 0 } else { id })).or_insert(next)
    };
    set.sequence.as_ref().map(|ids| ids.iter().map(|&id| number(id)).collect())
}

/// The poses of the sequences `held_back`, or all others.
///
/// # Errors
/// Without `sequence`, or when there are none.
pub fn select(set: &PoseSet, path: &Path, held_back: &[i32], inside: bool) -> Result<PoseSet> {
    let sequence = sequence(set, path)?;
    let chosen = |pose: &usize| held_back.contains(&sequence[*pose]) == inside;
    let poses: Vec<usize> = (0..set.len()).filter(chosen).collect();
    if poses.is_empty() {
        let which = if inside { "none of" } else { "only" };
        let problem = format!("there are {which} the checkpoint's held-back sequences");
        return Err(Error::file(path, "sequence", problem, "give the file that the checkpoint was trained on"));
    }
    Ok(set.select(&poses))
}

fn sequence<'a>(set: &'a PoseSet, path: &Path) -> Result<&'a [i32]> {
    set.sequence.as_deref().ok_or_else(|| {
        let problem = "the array is missing, so no sequence can be held back";
        Error::file(path, "sequence", problem, "add the sequence of each pose, or do not hold any back")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Scenario, synthetic};

    /// 20 sequences of 16 poses.
    fn set() -> PoseSet {
        synthetic(Scenario::Source, 320, 0, 16).unwrap()
    }

    #[test]
    fn every_kth_recording_is_held_back() {
        let path = Path::new("d.npz");
        assert_eq!(choose(&set(), path, 0.1).unwrap(), [9, 19]);
        assert_eq!(choose(&set(), path, 0.25).unwrap(), [3, 7, 11, 15, 19]);
        assert_eq!(choose(&set(), path, 0.75).unwrap().len(), 15);
        assert!(choose(&set(), path, 0.01).unwrap_err().to_string().contains("20 recordings"));
        let anonymous = PoseSet { sequence: None, ..set() };
        assert!(choose(&anonymous, path, 0.1).unwrap_err().to_string().contains("d.npz: sequence"));
    }

    #[test]
    fn cameras_of_one_recording_stay_together() {
        let mut set = set();
        set.sequence_names = (0..20).map(|i| format!("clip{}@{}", i / 4, i % 4)).collect();
        assert_eq!(choose(&set, Path::new("d.npz"), 0.2).unwrap(), [16, 17, 18, 19]);
    }

    #[test]
    fn selections_are_complementary() {
        let (set, path) = (set(), Path::new("d.npz"));
        let [inside, outside] = [true, false].map(|inside| select(&set, path, &[9, 19], inside).unwrap());
        assert_eq!((inside.len(), outside.len()), (32, 288));
        assert!(select(&set, path, &[77], true).is_err());
    }
}
