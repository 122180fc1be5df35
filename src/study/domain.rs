//! Fig. 6: which scenario a trained classifier takes predicted poses for, and a map of what it sees.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::compare::{Predicted, truth as positions};
use super::method::{BASELINE, Method};
use super::{Data, Settings, Step};
use crate::analysis::classifier::{ClassifierConfig, DomainClassifier};
use crate::analysis::tsne::embed;
use crate::data::PoseSet;
use crate::data::hold_back::recordings;
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
    /// The recordings that they come from, none of which it was trained on; none where recordings had to be cut.
    pub unseen_recordings: Option<[usize; 2]>,
    /// Names of methods and the share of their poses, of the unseen recordings, that is taken for the target's, percent,
    /// for each seed.
    pub shares: Vec<(String, Vec<f64>)>,
    /// The map: whose poses, and the points of their features by t-SNE. Of the first seed.
    pub map: Vec<(Role, Vec<[f64; 2]>)>,
}

/// One recording in so many is kept from the classifier, to judge it on.
const EVERY: usize = 5;
/// Poses of each kind on the map.
const ON_MAP: usize = 250;

/// Trains the classifier on true poses and judges those of Baseline and ISO on recordings that it has not seen.
pub(super) fn domain(
    data: Data<'_>,
    truth: &[f32],
    predicted: &[Predicted],
    (settings, device): (&Settings, &Device),
    observe: &mut dyn FnMut(Step<'_>) -> Result<()>,
) -> Result<Domain> {
    let joints = data.target.joints;
    let width = 3 * joints;
    let source = positions(data.source)?;
    let pick = |poses: &[f32], rows: &[usize]| -> Vec<f32> {
        rows.iter().flat_map(|&row| &poses[row * width..(row + 1) * width]).copied().collect()
    };
    let ([seen_source, unseen_source], of_source) = split(data.source);
    let ([seen_target, unseen_target], of_target) = split(data.target);
    let unseen_recordings = of_source.zip(of_target).map(<[usize; 2]>::from);
    let config = ClassifierConfig {
        width: settings.model.width,
        steps: settings.classifier_steps,
        ..ClassifierConfig::default()
    };
    let total = settings.classifier_steps as usize;
    let told = |done| observe(Step { name: "train the domain classifier", done, total, warning: None });
    let known = (&*pick(&source, &seen_source), &*pick(truth, &seen_target));
    let mut classifier = DomainClassifier::train(known, joints, config, device, told)?;

    let source_judged = classifier.judge(&pick(&source, &unseen_source))?;
    let target_judged = classifier.judge(&pick(truth, &unseen_target))?;
    let accuracy = f64::midpoint(100.0 - source_judged.target_share(), target_judged.target_share());
    let few = |features: &[f32], count: usize| -> Vec<f32> {
        let n = count.min(ON_MAP);
        let width = settings.model.width;
        (0..n).flat_map(|k| &features[k * count / n * width..][..width]).copied().collect()
    };
    let mut clouds = vec![
        (Role::Source, few(&source_judged.features, unseen_source.len())),
        (Role::Truth, few(&target_judged.features, unseen_target.len())),
    ];
    let mut shares = Vec::new();
    let judged = |method: &Method| method.name == BASELINE || method.is_iso();
    for Predicted { method, runs } in predicted.iter().filter(|predicted| judged(&predicted.method)) {
        let mut of_seeds = Vec::new();
        for (seed, run) in runs.iter().enumerate() {
            let judged = classifier.judge(&pick(&run.poses, &unseen_target))?;
            of_seeds.push(judged.target_share());
            if seed == 0 {
                clouds.push((method.role, few(&judged.features, unseen_target.len())));
            }
        }
        shares.push((method.name.clone(), of_seeds));
    }
    observe(Step { name: "t-SNE", done: 0, total: 1, warning: None })?;
    let features: Vec<f32> = clouds.iter().flat_map(|(_, features)| features).copied().collect();
    let points = embed(&features, settings.model.width, 0)?;
    observe(Step { name: "t-SNE", done: 1, total: 1, warning: None })?;
    let mut points = points.into_iter();
    let counts = clouds.iter().map(|(role, features)| (*role, features.len() / settings.model.width));
    let map = counts.map(|(role, count)| (role, points.by_ref().take(count).collect())).collect();
    Ok(Domain { accuracy, unseen: [unseen_source.len(), unseen_target.len()], unseen_recordings, shares, map })
}

/// The poses that the classifier is trained on, and the others with the number of their recordings: every fifth recording,
/// or, where there are not so many, every fifth of ten stretches of the set, which cut recordings. A set of less than five
/// poses is judged by what was trained on.
fn split(set: &PoseSet) -> ([Vec<usize>; 2], Option<usize>) {
    let recordings = recordings(set).filter(|of| of.iter().max().is_some_and(|&last| last + 1 >= EVERY));
    let stretch = set.len().div_ceil(2 * EVERY).max(1);
    let part = |pose: usize| recordings.as_ref().map_or(pose / stretch, |of| of[pose]);
    let (unseen, seen): (Vec<_>, Vec<_>) = (0..set.len()).partition(|&pose| part(pose) % EVERY == EVERY - 1);
    let count = recordings.as_ref().map(|of| unseen.iter().map(|&pose| of[pose]).collect::<BTreeSet<_>>().len());
    (if unseen.is_empty() { [seen.clone(), seen] } else { [seen, unseen] }, count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Scenario, synthetic};

    #[test]
    fn recordings_are_whole_on_one_side() {
        let set = synthetic(Scenario::Source, 320, 0, 16).unwrap();
        let ([seen, unseen], count) = split(&set);
        assert_eq!((seen.len(), unseen.len(), count), (256, 64, Some(4)));
        let ids = set.sequence.as_ref().unwrap();
        assert!(unseen.iter().all(|&pose| seen.iter().all(|&other| ids[other] != ids[pose])));
        let ([seen, unseen], count) = split(&PoseSet { sequence: None, ..set });
        assert_eq!((seen.len(), unseen.len(), unseen[0], count), (256, 64, 128, None));
        let ([seen, unseen], _) = split(&synthetic(Scenario::Source, 3, 0, 16).unwrap());
        assert_eq!((seen.len(), unseen.len()), (3, 3));
    }
}
