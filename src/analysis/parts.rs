//! Metrics by body part (Fig. 7) and by group of poses: action or sequence.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::metrics::{Metrics, Score};
use crate::pose::Skeleton;

/// The eight body parts of Fig. 7 and their joints. The paper names the parts alone. Thorax counts as spine and
/// Neck/Nose, where there is one, as head. The root is in no part: every pose is centred on it, so its error is 0.
pub(crate) const PARTS: [(&str, &[&str]); 8] = [
    ("hip", &["RHip", "LHip"]),
    ("spine", &["Spine", "Thorax"]),
    ("shoulder", &["LShoulder", "RShoulder"]),
    ("head", &["Neck/Nose", "Head"]),
    ("elbow", &["LElbow", "RElbow"]),
    ("wrist", &["LWrist", "RWrist"]),
    ("knee", &["RKnee", "LKnee"]),
    ("ankle", &["RFoot", "LFoot"]),
];

/// The metrics of each part's joints, in the order of [`PARTS`].
///
/// `errors_mm` is (N, `joints`), flat, as [`crate::metrics::joint_errors`] gives them. Empty unless J is 16 or 17.
#[must_use]
pub(crate) fn by_part(errors_mm: &[f64], joints: usize) -> Vec<Score> {
    let Some(skeleton) = Skeleton::of(joints) else { return Vec::new() };
    let score = |(label, part): (&'static str, &[&str])| {
        let belongs = |joint: usize| skeleton.names.get(joint).is_some_and(|name| part.contains(name));
        let picked = errors_mm.chunks_exact(joints).flat_map(|pose| pose.iter().enumerate());
        let errors: Vec<f64> = picked.filter(|(joint, _)| belongs(*joint)).map(|(_, &error)| error).collect();
        Score { label, metrics: Metrics::of_errors(&errors) }
    };
    PARTS.into_iter().map(score).collect()
}

/// The metrics of the poses of one action or sequence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Group {
    /// Its name, or its id where it has none.
    pub name: String,
    /// How many poses it has.
    pub poses: usize,
    /// The metrics over all joints.
    pub metrics: Metrics,
}

/// The metrics of each group of poses, by ascending id, so the order of the poses does not matter.
///
/// `errors_mm` is (N, `joints`), flat, `ids` (N) the group of each pose, `names` the name of each id. Of unequal
/// lengths the shorter counts.
#[must_use]
pub(crate) fn by_group(errors_mm: &[f64], joints: usize, ids: &[i32], names: &[String]) -> Vec<Group> {
    let mut errors: BTreeMap<i32, Vec<f64>> = BTreeMap::new();
    for (pose, &id) in errors_mm.chunks_exact(joints.max(1)).zip(ids) {
        errors.entry(id).or_default().extend_from_slice(pose);
    }
    let name = |id: i32| usize::try_from(id).ok().and_then(|id| names.get(id)).cloned();
    let group = |(id, errors): (i32, Vec<f64>)| Group {
        name: name(id).unwrap_or_else(|| id.to_string()),
        poses: errors.len() / joints.max(1),
        metrics: Metrics::of_errors(&errors),
    };
    errors.into_iter().map(group).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Errors of five poses, the same as the NumPy script's, root at 0.
    fn errors(joints: usize) -> Vec<f64> {
        (0..5 * joints).map(|i| if i % joints == 0 { 0.0 } else { (37 * i % 301) as f64 }).collect()
    }

    #[test]
    fn parts_agree_with_numpy() {
        // e (5, J), x = e[:, joints of the part by name]:
        // (x.mean(), (x < 150).mean() * 100, np.mean([(x < 5 * t).mean() * 100 for t in range(31)]))
        #[rustfmt::skip]
        let expected = [
            (16, [
                [102.6, 90.0, 41.61290322580645],
                [257.5, 0.0, 0.0],
                [104.5, 60.0, 34.516129032258064],
                [72.2, 80.0, 69.6774193548387],
                [141.5, 50.0, 20.967741935483872],
                [178.5, 50.0, 9.67741935483871],
                [109.5, 60.0, 32.58064516129032],
                [146.5, 50.0, 19.35483870967742],
            ]),
            (17, [
                [146.5, 60.0, 20.0],
                [120.8, 70.0, 45.16129032258065],
                [185.4, 30.0, 12.580645161290322],
                [104.5, 80.0, 32.25806451612903],
                [162.2, 40.0, 23.548387096774192],
                [169.1, 40.0, 24.516129032258064],
                [183.5, 30.0, 10.0],
                [160.3, 40.0, 21.29032258064516],
            ]),
        ];
        for (joints, parts) in expected {
            let scores = by_part(&errors(joints), joints);
            assert_eq!(scores.len(), parts.len());
            for (Score { label, metrics }, expected) in scores.iter().zip(parts) {
                // Sums of 31 percentages, each rounded to some 1e-14.
                for (got, expected) in [metrics.mpjpe_mm, metrics.pck, metrics.auc].iter().zip(expected) {
                    assert!((got - expected).abs() < 1e-11, "{joints} {label}: {got} {expected}");
                }
            }
        }
    }

    #[test]
    fn every_joint_but_the_root_has_one_part() {
        for joints in [16, 17] {
            let skeleton = Skeleton::of(joints).unwrap();
            for (joint, name) in skeleton.names.iter().enumerate() {
                let parts = PARTS.iter().filter(|(_, part)| part.contains(name)).count();
                assert_eq!(parts, usize::from(joint != 0), "{name}");
            }
        }
        let named = Skeleton::of(17).unwrap().names;
        assert!(PARTS.iter().flat_map(|(_, part)| *part).all(|name| named.contains(name)));
        assert!(by_part(&errors(16), 14).is_empty());
        assert!(by_part(&[], 16).iter().all(|score| score.metrics == Metrics::default()));
    }

    #[test]
    fn groups_are_sorted_by_id_and_named() {
        let errors = errors(16);
        let names = ["walk", "sit"].map(str::to_owned);
        let groups = by_group(&errors, 16, &[1, 0, 7, 1, -1], &names);
        let summary: Vec<_> = groups.iter().map(|group| (group.name.as_str(), group.poses)).collect();
        assert_eq!(summary, [("-1", 1), ("walk", 1), ("sit", 2), ("7", 1)]);
        let sit = [&errors[..16], &errors[48..64]].concat();
        assert_eq!(groups[2].metrics, Metrics::of_errors(&sit));
        assert_ne!(groups[2].metrics, groups[1].metrics);
        assert!(by_group(&[], 16, &[1], &names).is_empty() && by_group(&errors, 16, &[], &names).is_empty());
        assert_eq!(by_group(&errors, 0, &[1], &names)[0].poses, 1);
    }
}
