//! Predictions of several methods compared with the truth and with each other.

use serde::{Deserialize, Serialize};

use super::Run;
use super::gallery::{Selection, gallery};
use super::method::Method;
use crate::analysis::bootstrap::{RESAMPLES, paired_bootstrap};
use crate::analysis::distribution::{histogram, wasserstein};
use crate::analysis::parts::{by_group, by_part};
use crate::analysis::ratios::{Limb, RATIO_BINS, asymmetry, ratios};
use crate::data::PoseSet;
use crate::data::hold_back::recordings;
use crate::error::{Error, Result};
use crate::metrics::{Metrics, Protocol, ProtocolSet, joint_errors};
use crate::named::Named;
use crate::pose::root_centred;
use crate::report::Role;

/// What a method predicted, once for each seed.
#[derive(Clone, Debug, PartialEq)]
pub struct Predicted {
    /// The method.
    pub method: Method,
    /// Its predictions, one for each seed.
    pub runs: Vec<Run>,
}

/// The set's root-centred poses (N, 3J), metres, to compare with.
///
/// # Errors
/// [`Error::Setting`] for a set without poses or positions.
pub fn truth(set: &PoseSet) -> Result<Vec<f32>> {
    match &set.positions {
        Some(positions) if !set.is_empty() => Ok(root_centred(positions, set.joints)),
        _ => Err(Error::setting("positions", "a study needs poses in 3D, of the source and of the target")),
    }
}

/// What came out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// J.
    pub joints: usize,
    /// N.
    pub samples: usize,
    /// The recordings that the samples come from, where that is known.
    pub recordings: Option<usize>,
    /// The scores, a method at a time.
    pub methods: Vec<Scored>,
    /// What each method gains over those that it is compared with.
    pub gains: Vec<Gain>,
    /// The two methods that the rest looks at: without adaptation and with.
    pub pair: Option<Pair>,
}

/// The scores of a method.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scored {
    /// Its name.
    pub name: String,
    /// Whose numbers these are.
    pub role: Role,
    /// One for each seed.
    pub runs: Vec<Scores>,
}

/// The scores of one run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// Every joint, under each protocol.
    pub protocols: Vec<(Protocol, Metrics)>,
    /// The 14 joints of 3DPW's evaluation, Procrustes-aligned (Table 2).
    pub fourteen_pa: Option<Metrics>,
    /// Samples that adaptation could not take: they are predicted as trained.
    #[serde(default, skip_serializing_if = "is_none")]
    pub as_trained: usize,
    /// Time of a sample, milliseconds.
    pub ms_per_sample: f64,
}

fn is_none(count: &usize) -> bool {
    *count == 0
}

/// How much lower a method's error is than another's, over all samples and averaged over the seeds, with 95 % intervals
/// of a paired bootstrap over recordings. Above 0 is better.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gain {
    /// The method.
    pub method: String,
    /// The other.
    pub against: String,
    /// Of MPJPE (US), millimetres.
    pub mpjpe_mm: Difference,
    /// Of PCK (US), percentage points.
    pub pck: Difference,
    /// Of MPJPE (US) for each seed, millimetres.
    pub mpjpe_mm_of_seeds: Vec<f64>,
}

/// From fewer recordings a bootstrap's 95 % interval misses the truth in more than a tenth of the cases.
pub(super) const MIN_RECORDINGS: usize = 10;

/// A difference and its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// Over the samples themselves.
    pub mean: f64,
    /// Its ends; none where there are fewer than ten recordings.
    pub interval: Option<[f64; 2]>,
}

impl Difference {
    /// Whether the interval lies above 0 (greater), below it (less) or holds it (equal); none without an interval.
    #[must_use]
    pub fn sign(&self) -> Option<std::cmp::Ordering> {
        use std::cmp::Ordering::{Equal, Greater, Less};
        self.interval.map(|[low, high]| match (low > 0.0, high < 0.0) {
            (true, _) => Greater,
            (_, true) => Less,
            _ => Equal,
        })
    }
}

/// Two methods and the truth, looked at closely.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pair {
    /// Their names.
    pub names: [String; 2],
    /// Whose numbers these are.
    pub roles: [Role; 2],
    /// Limb ratios (Fig. 5).
    pub limbs: Vec<LimbShape>,
    /// Left-right asymmetry of arms and legs: of both methods, one for each seed, and of the truth, percent.
    pub asymmetry: Vec<(String, [Vec<f64>; 2], f64)>,
    /// PCK by body part (Fig. 7), US, averaged over the seeds.
    pub parts: Vec<Part>,
    /// PCK by action.
    pub actions: Vec<Part>,
    /// PCK by sequence.
    pub sequences: Vec<Part>,
    /// Samples to look at, of the first seed.
    pub gallery: Vec<Selection>,
}

/// The ratio of a limb's upper to its lower bone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LimbShape {
    /// Which limb.
    pub limb: Limb,
    /// Percentages of the poses in the bins of [`RATIO_BINS`], of both methods (first seed) and the truth.
    pub histograms: [Vec<f64>; 3],
    /// 1-Wasserstein distance from the truth's ratios of both methods, one for each seed.
    pub distances: [Vec<f64>; 2],
}

/// A part of the joints or of the samples and the scores (US) of both methods in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// Its name.
    pub name: String,
    /// Samples in it.
    pub samples: usize,
    /// PCK of both methods, percent.
    pub pck: [f64; 2],
    /// MPJPE of both methods, millimetres.
    #[serde(default)]
    pub mpjpe_mm: [f64; 2],
}

impl Comparison {
    /// Compares predictions of the samples of `set`, whose root-centred positions are `truth` (N, 3J); the methods
    /// called `pair` are looked at closely.
    #[must_use]
    pub fn new(set: &PoseSet, truth: &[f32], predicted: &[Predicted], pair: [&str; 2]) -> Self {
        let methods = predicted.iter().map(|method| scores(method, truth, set.joints)).collect();
        let errors: Vec<Vec<PoseErrors>> = predicted
            .iter()
            .map(|method| method.runs.iter().map(|run| PoseErrors::of(&run.poses, truth, set.joints)).collect())
            .collect();
        let find = |name: &str| predicted.iter().position(|predicted| predicted.method.name == name);
        let clusters = recordings(set);
        let recordings = clusters.as_ref().map(|clusters| clusters.iter().max().map_or(0, |last| last + 1));
        let clusters = clusters.filter(|_| recordings.is_some_and(|count| count >= MIN_RECORDINGS));
        let clusters: Option<Vec<i32>> = clusters.map(|ids| ids.into_iter().map(|id| id as i32).collect());
        let mut gains = Vec::new();
        for (Predicted { method, .. }, errors_here) in predicted.iter().zip(&errors) {
            for (name, other) in method.against.iter().filter_map(|name| Some((name, find(name)?))) {
                gains.push(gain(&method.name, name, errors_here, &errors[other], clusters.as_deref()));
            }
        }
        let chosen = pair.map(find);
        let pair = match chosen {
            [Some(a), Some(b)] if a != b => {
                Some(look_closely(set, truth, [&predicted[a], &predicted[b]], [&errors[a], &errors[b]]))
            }
            _ => None,
        };
        Self { joints: set.joints, samples: set.len(), recordings, methods, gains, pair }
    }

    /// The scores of the method called `name`.
    #[must_use]
    pub fn method(&self, name: &str) -> Option<&Scored> {
        self.methods.iter().find(|method| method.name == name)
    }
}

impl Scored {
    /// The metrics of each run under `protocol`.
    pub fn under(&self, protocol: Protocol) -> impl Iterator<Item = Metrics> {
        self.runs.iter().filter_map(move |run| run.protocols.iter().find(|(p, _)| *p == protocol).map(|(_, m)| *m))
    }
}

fn scores(method: &Predicted, truth: &[f32], joints: usize) -> Scored {
    let run = |run: &Run| {
        let under = |protocol| (protocol, crate::metrics::evaluate(&run.poses, truth, joints, protocol));
        let fourteen = ProtocolSet::ThreeDpw.scores(&run.poses, truth, joints);
        let fourteen_pa = fourteen.into_iter().find(|score| score.label == "pa").map(|score| score.metrics);
        Scores {
            protocols: Protocol::ALL.iter().map(|&protocol| under(protocol)).collect(),
            fourteen_pa,
            as_trained: run.as_trained,
            ms_per_sample: run.ms_per_sample,
        }
    };
    Scored { name: method.method.name.clone(), role: method.method.role, runs: method.runs.iter().map(run).collect() }
}

/// Errors of one run, US.
struct PoseErrors {
    /// (N, J), millimetres.
    joints: Vec<f64>,
    /// MPJPE of each pose, millimetres.
    mpjpe_mm: Vec<f64>,
    /// PCK of each pose, percent.
    pck: Vec<f64>,
}

impl PoseErrors {
    fn of(poses: &[f32], truth: &[f32], joints: usize) -> Self {
        let errors = joint_errors(poses, truth, joints, Protocol::Us);
        let of_poses = |f: fn(&[f64]) -> f64| errors.chunks_exact(joints).map(f).collect();
        Self {
            mpjpe_mm: of_poses(|pose| Metrics::of_errors(pose).mpjpe_mm),
            pck: of_poses(|pose| Metrics::of_errors(pose).pck),
            joints: errors,
        }
    }
}

fn gain(method: &str, against: &str, ours: &[PoseErrors], theirs: &[PoseErrors], sequences: Option<&[i32]>) -> Gain {
    let difference = |more: &[PoseErrors], less: &[PoseErrors], pick: fn(&PoseErrors) -> &[f64]| {
        let [more, less] = [more, less].map(|runs| average(&runs.iter().map(pick).collect::<Vec<_>>()));
        // Poses of one recording are not independent: without recordings there is no telling.
        let interval = sequences.and_then(|ids| paired_bootstrap(&more, &less, Some(ids), RESAMPLES, BOOTSTRAP_SEED));
        Difference { mean: mean(&more) - mean(&less), interval: interval.map(|interval| [interval.low, interval.high]) }
    };
    let of_seeds = ours.iter().zip(theirs).map(|(ours, theirs)| mean(&theirs.mpjpe_mm) - mean(&ours.mpjpe_mm));
    Gain {
        method: method.to_owned(),
        against: against.to_owned(),
        mpjpe_mm: difference(theirs, ours, |errors| &errors.mpjpe_mm),
        pck: difference(ours, theirs, |errors| &errors.pck),
        mpjpe_mm_of_seeds: of_seeds.collect(),
    }
}

const BOOTSTRAP_SEED: u64 = 0;

/// The mean over runs of each sample.
fn average(runs: &[&[f64]]) -> Vec<f64> {
    let samples = runs.iter().map(|run| run.len()).min().unwrap_or(0);
    (0..samples).map(|k| runs.iter().map(|run| run[k]).sum::<f64>() / runs.len() as f64).collect()
}

/// The mean, 0 of nothing.
pub(super) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

fn look_closely(set: &PoseSet, truth: &[f32], methods: [&Predicted; 2], errors: [&[PoseErrors]; 2]) -> Pair {
    let joints = set.joints;
    let first = |k: usize| methods[k].runs.first().map_or(&[][..], |run| &run.poses[..]);
    let limbs = Limb::ALL.iter().map(|&limb| limb_shape(limb, joints, truth, methods)).collect();
    let sides = [("arms", Limb::LeftArm, Limb::RightArm), ("legs", Limb::LeftLeg, Limb::RightLeg)];
    let asymmetry = sides.map(|(name, left, right)| {
        let of = |poses: &[f32]| asymmetry(poses, joints, left, right).unwrap_or_default();
        (name.to_owned(), methods.map(|method| method.runs.iter().map(|run| of(&run.poses)).collect()), of(truth))
    });
    let breakdown = |of: &dyn Fn(&[f64]) -> PartScores| {
        let means = errors.map(|runs| mean_over_runs(runs.iter().map(|run| of(&run.joints)).collect()));
        let [ours, theirs] = means;
        let part = |((name, samples, a), (_, _, b)): ((_, _, Metrics), (_, _, Metrics))| Part {
            name,
            samples,
            pck: [a.pck, b.pck],
            mpjpe_mm: [a.mpjpe_mm, b.mpjpe_mm],
        };
        ours.into_iter().zip(theirs).map(part).collect::<Vec<_>>()
    };
    let grouped = |ids: &Option<Vec<i32>>, names: &[String]| match ids {
        None => Vec::new(),
        Some(ids) => breakdown(&|errors| {
            let groups = by_group(errors, joints, ids, names);
            groups.into_iter().map(|group| (group.name, group.poses, group.metrics)).collect()
        }),
    };
    let mpjpe = |k: usize| errors[k].first().map_or(&[][..], |run| &run.mpjpe_mm[..]);
    Pair {
        names: methods.map(|predicted| predicted.method.name.clone()),
        roles: methods.map(|predicted| predicted.method.role),
        limbs,
        asymmetry: asymmetry.to_vec(),
        parts: breakdown(&|errors| {
            let parts = by_part(errors, joints).into_iter();
            parts.map(|score| (score.label.to_owned(), set.len(), score.metrics)).collect()
        }),
        actions: grouped(&set.action, &set.action_names),
        sequences: grouped(&set.sequence, &set.sequence_names),
        gallery: gallery(set, truth, [first(0), first(1)], [mpjpe(0), mpjpe(1)]),
    }
}

fn limb_shape(limb: Limb, joints: usize, truth: &[f32], methods: [&Predicted; 2]) -> LimbShape {
    let of = |poses: &[f32]| ratios(poses, joints, limb);
    let real = of(truth);
    let shape = |ratios: &[f64]| histogram(ratios, &RATIO_BINS);
    let found = methods.map(|method| method.runs.iter().map(|run| of(&run.poses)).collect::<Vec<_>>());
    let first = |k: usize| found[k].first().map_or_else(Vec::new, |ratios| shape(ratios));
    let distances = [0, 1].map(|k: usize| found[k].iter().filter_map(|ratios| wasserstein(ratios, &real)).collect());
    LimbShape { limb, histograms: [first(0), first(1), shape(&real)], distances }
}

/// Name, samples and scores of each part.
type PartScores = Vec<(String, usize, Metrics)>;

/// The mean of each part over the runs.
fn mean_over_runs(runs: Vec<PartScores>) -> PartScores {
    let of = |part: usize, pick: fn(&Metrics) -> f64| {
        mean(&runs.iter().filter_map(|run| Some(pick(&run.get(part)?.2))).collect::<Vec<_>>())
    };
    let first = runs.first().into_iter().flatten().enumerate();
    let mean = |(part, (name, samples, _)): (usize, &(String, usize, Metrics))| {
        let metrics =
            Metrics { mpjpe_mm: of(part, |m| m.mpjpe_mm), pck: of(part, |m| m.pck), auc: of(part, |m| m.auc) };
        (name.clone(), *samples, metrics)
    };
    first.map(mean).collect()
}
