//! Fig. 6: which scenario a trained classifier takes predicted poses for, and a map of what it sees.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::compare::Predicted;
use super::run::{ISO, positions};
use super::{Data, Settings, Step};
use crate::analysis::classifier::{ClassifierConfig, DomainClassifier};
use crate::analysis::tsne::embed;
use crate::data::{PoseSet, hold_back};
use crate::error::Result;
use crate::gpu::Device;
use crate::report::Role;

/// What the classifier says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Domain {
    /// Mean accuracy on true poses of both scenarios that it was not trained on, percent.
    pub accuracy: f64,
    /// Poses of the source and of the target that it was not trained on.
    pub unseen: [usize; 2],
    /// Names of methods and the share of their poses, of the unseen recordings, that is taken for the target's, percent,
    /// for each seed.
    pub shares: Vec<(String, Vec<f64>)>,
    /// The map: whose poses, and the points of their features by t-SNE. Of the first seed.
    pub map: Vec<(Role, Vec<[f64; 2]>)>,
}

/// The part of the recordings that the classifier is judged on.
const KEPT: f64 = 0.2;
/// Poses of each kind on the map.
const ON_MAP: usize = 250;

/// Trains the classifier on true poses and judges those of Baseline and ISO on recordings that it has not seen.
pub(super) fn domain(
    data: Data<'_>,
    truth: &[f32],
    predicted: &[Predicted],
    (settings, device): (&Settings, &Device),
    observe: &mut dyn FnMut(Step<'_>),
) -> Result<Domain> {
    let joints = data.target.joints;
    let width = 3 * joints;
    let source = positions(data.source)?;
    let pick = |poses: &[f32], rows: &[usize]| -> Vec<f32> {
        rows.iter().flat_map(|&row| &poses[row * width..(row + 1) * width]).copied().collect()
    };
    let [seen_source, unseen_source] = split(data.source);
    let [seen_target, unseen_target] = split(data.target);
    let config = ClassifierConfig {
        width: settings.model.width,
        steps: settings.classifier_steps,
        ..ClassifierConfig::default()
    };
    let total = settings.classifier_steps as usize;
    let told = |done| observe(Step { name: "train the domain classifier", done, total });
    let known = (&*pick(&source, &seen_source), &*pick(truth, &seen_target));
    let mut classifier = DomainClassifier::train(known, joints, config, device, told)?;

    let of_source = classifier.judge(&pick(&source, &unseen_source))?;
    let of_target = classifier.judge(&pick(truth, &unseen_target))?;
    let accuracy = f64::midpoint(100.0 - of_source.target_share(), of_target.target_share());
    let few = |features: &[f32], count: usize| -> Vec<f32> {
        let n = count.min(ON_MAP);
        let width = settings.model.width;
        (0..n).flat_map(|k| &features[k * count / n * width..][..width]).copied().collect()
    };
    let mut clouds = vec![
        (Role::Source, few(&of_source.features, unseen_source.len())),
        (Role::Truth, few(&of_target.features, unseen_target.len())),
    ];
    let mut shares = Vec::new();
    for (name, role) in [("Baseline", Role::Baseline), (ISO, Role::Online)] {
        let Some(method) = predicted.iter().find(|method| method.name == name) else { continue };
        let mut of_seeds = Vec::new();
        for (seed, run) in method.runs.iter().enumerate() {
            let judged = classifier.judge(&pick(&run.poses, &unseen_target))?;
            of_seeds.push(judged.target_share());
            if seed == 0 {
                clouds.push((role, few(&judged.features, unseen_target.len())));
            }
        }
        shares.push((name.to_owned(), of_seeds));
    }
    observe(Step { name: "t-SNE", done: 0, total: 1 });
    let features: Vec<f32> = clouds.iter().flat_map(|(_, features)| features).copied().collect();
    let points = embed(&features, settings.model.width, 0)?;
    observe(Step { name: "t-SNE", done: 1, total: 1 });
    let mut points = points.into_iter();
    let counts = clouds.iter().map(|(role, features)| (*role, features.len() / settings.model.width));
    let map = counts.map(|(role, count)| (role, points.by_ref().take(count).collect())).collect();
    Ok(Domain { accuracy, unseen: [unseen_source.len(), unseen_target.len()], shares, map })
}

/// The poses that the classifier is trained on, and the others: every fifth recording, or, where there are not so many,
/// every fifth of ten stretches of the set. A set of less than five poses is judged by what was trained on.
fn split(set: &PoseSet) -> [Vec<usize>; 2] {
    let kept = hold_back::choose(set, Path::new(""), KEPT);
    let stretch = set.len().div_ceil(10).max(1);
    let is_unseen = |pose: &usize| match (&kept, &set.sequence) {
        (Ok(kept), Some(sequence)) => kept.binary_search(&sequence[*pose]).is_ok(),
        _ => pose / stretch % 5 == 4,
    };
    let (unseen, seen): (Vec<_>, Vec<_>) = (0..set.len()).partition(is_unseen);
    if unseen.is_empty() { [seen.clone(), seen] } else { [seen, unseen] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Scenario, synthetic};

    #[test]
    fn recordings_are_whole_on_one_side() {
        let set = synthetic(Scenario::Source, 320, 0, 16).unwrap();
        let [seen, unseen] = split(&set);
        assert_eq!((seen.len(), unseen.len()), (256, 64));
        let ids = set.sequence.as_ref().unwrap();
        assert!(unseen.iter().all(|&pose| seen.iter().all(|&other| ids[other] != ids[pose])));
        let [seen, unseen] = split(&PoseSet { sequence: None, ..set });
        assert_eq!((seen.len(), unseen.len(), unseen[0]), (256, 64, 128));
        let [seen, unseen] = split(&synthetic(Scenario::Source, 3, 0, 16).unwrap());
        assert_eq!((seen.len(), unseen.len()), (3, 3));
    }
}
