//! Which samples to look at: where one method helped most, changed least and hurt most against another.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::data::PoseSet;
use crate::data::hold_back::recordings;

/// Samples under one heading.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Selection {
    /// The heading.
    pub title: String,
    /// The samples.
    pub samples: Vec<Sample>,
}

/// A sample, and what the methods made of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Its number in the set.
    pub index: usize,
    /// Its recording and frame, in words.
    pub title: String,
    /// MPJPE of both methods, US, mm.
    pub errors_mm: [f64; 2],
    /// Keypoints (J, 2), pixels.
    pub keypoints: Vec<f32>,
    /// Poses (J, 3) of both methods and the truth, root-centred, metres.
    pub poses: [Vec<f32>; 3],
}

/// Samples in a selection.
const EACH: usize = 3;

/// The three selections for the poses (N, 3J) of two methods, whose errors in mm are given for each pose. The samples of a
/// selection come from different recordings where there are enough.
#[must_use]
pub(super) fn gallery(set: &PoseSet, truth: &[f32], poses: [&[f32]; 2], errors_mm: [&[f64]; 2]) -> Vec<Selection> {
    let gain = |index: usize| errors_mm[0][index] - errors_mm[1][index];
    let count = errors_mm[0].len().min(errors_mm[1].len());
    let mut order: Vec<usize> = (0..count).filter(|&index| gain(index).is_finite()).collect();
    order.sort_by(|&a, &b| gain(b).total_cmp(&gain(a)).then(a.cmp(&b)));
    let helped = order.iter().copied().filter(|&index| gain(index) > 0.0);
    let hurt = order.iter().rev().copied().filter(|&index| gain(index) < 0.0);
    let mut by_size = order.clone();
    by_size.sort_by(|&a, &b| gain(a).abs().total_cmp(&gain(b).abs()).then(a.cmp(&b)));
    let width = 3 * set.joints;
    let pose = |poses: &[f32], index: usize| poses[index * width..(index + 1) * width].to_vec();
    let sample = |index: usize| Sample {
        index,
        title: title(set, index),
        errors_mm: errors_mm.map(|errors| errors[index]),
        keypoints: set.keypoints[2 * set.joints * index..][..2 * set.joints].to_vec(),
        poses: [pose(poses[0], index), pose(poses[1], index), pose(truth, index)],
    };
    let selection = |title: &str, samples: Vec<usize>| Selection {
        title: title.to_owned(),
        samples: samples.into_iter().map(sample).collect(),
    };
    vec![
        selection("Helped most", of_many_recordings(set, helped)),
        selection("Changed least", of_many_recordings(set, by_size.into_iter())),
        selection("Hurt most", of_many_recordings(set, hurt)),
    ]
}

/// The first few, each of another recording as far as there are recordings.
fn of_many_recordings(set: &PoseSet, samples: impl Iterator<Item = usize> + Clone) -> Vec<usize> {
    let mut seen = BTreeSet::new();
    let recordings = recordings(set);
    let recording = |index: usize| recordings.as_ref().map_or(index, |of| of[index]);
    let first: Vec<usize> = samples.clone().filter(|&index| seen.insert(recording(index))).take(EACH).collect();
    let rest = samples.filter(|index| !first.contains(index)).take(EACH - first.len());
    first.iter().copied().chain(rest).collect()
}

fn title(set: &PoseSet, index: usize) -> String {
    let name = |ids: &Option<Vec<i32>>, names: &[String]| {
        let id = usize::try_from(*ids.as_ref()?.get(index)?).ok()?;
        names.get(id).cloned()
    };
    let sequence = name(&set.sequence, &set.sequence_names);
    let frame = set.frame.as_ref().map(|frame| format!("frame {}", frame[index]));
    let place = [sequence, frame].into_iter().flatten().collect::<Vec<_>>().join(", ");
    if place.is_empty() { format!("sample {index}") } else { place }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Scenario, synthetic};

    #[test]
    fn groups_hold_the_extremes_of_different_recordings() {
        let set = synthetic(Scenario::Source, 64, 0, 16).unwrap();
        let truth = vec![0.0; 48 * 64];
        let baseline: Vec<f64> = vec![100.0; 64];
        // Sequences of 16 poses. The gain grows with the index: -31.5, -30.5, ..., 31.5.
        let iso: Vec<f64> = (0..64).map(|i| 131.5 - f64::from(i)).collect();
        let groups = gallery(&set, &truth, [&truth, &truth], [&baseline, &iso]);
        let indices = |k: usize| groups[k].samples.iter().map(|s| s.index).collect::<Vec<_>>();
        // Two recordings hold all that was helped, two all that was hurt; a third sample comes from one of them again.
        assert_eq!(indices(0), [63, 47, 62]);
        assert_eq!(indices(1), [31, 32, 15]);
        assert_eq!(indices(2), [0, 16, 1]);
        assert_eq!(groups[0].samples[0].errors_mm, [100.0, 68.5]);
        assert_eq!(groups[0].samples[0].keypoints, set.keypoints[63 * 32..]);
        assert!(groups[0].samples[0].title.contains("frame"), "{}", groups[0].samples[0].title);
    }

    #[test]
    fn nothing_hurt_gives_an_empty_group() {
        let set = synthetic(Scenario::Source, 16, 0, 16).unwrap();
        let truth = vec![0.0; 48 * 16];
        let groups = gallery(&set, &truth, [&truth, &truth], [&[5.0; 16], &[4.0; 16]]);
        assert_eq!(groups.iter().map(|g| g.samples.len()).collect::<Vec<_>>(), [3, 3, 0]);
    }
}
