//! What the parts of the geometry preset are worth: each changed alone, of the first seed.

use serde::{Deserialize, Serialize};

use super::method::{Change, GEOMETRY, RECORDED, Trained};
use super::run::{Observer, Work};
use crate::adapt::{Lifter, Mode, Policy};
use crate::checkpoint::{Checkpoint, RESERVOIR, Tensor};
use crate::config::{ModelConfig, Preset};
use crate::error::{Error, Result};
use crate::metrics::Metrics;

/// A change, and what it gives on the samples of the sweeps as one stream, US.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ablation {
    /// What is changed, in words.
    pub change: String,
    /// Whether the model was trained anew with the change; else the study's own adapts in another way.
    pub trained: bool,
    /// The model as trained; none where training diverged.
    pub joint: Option<Metrics>,
    /// Online; none where training or adaptation diverged.
    pub online: Option<Metrics>,
}

/// What is changed when the study's model adapts.
type Adapted = fn(&mut ModelConfig, &mut Policy);

/// Name in files, in words, and the change; the first is none.
const ADAPTED: &[(&str, &str, Adapted)] = &[
    ("full", "nothing", |_, _| ()),
    ("no-bone", "without bone", |model, _| model.lambda_bone = 0.0),
    ("no-view", "without view", |model, _| model.lambda_view = 0.0),
    ("no-replay", "without replay (R = 0)", |_, policy| policy.replay = 0),
    ("replay-alone", "replay alone", |model, _| (model.lambda_bone, model.lambda_view) = (0.0, 0.0)),
    ("plane-1", "with the plane term, weight 1", |model, _| model.lambda_plane = 1.0),
    ("no-gate", "without the gate", |model, _| model.gate = 0.0),
    ("bolder", "bone with weight 2, view 0.5, twice the α", |model, policy| {
        (model.lambda_bone, model.lambda_view) = (2.0, 0.5);
        policy.alpha *= 2.0;
    }),
    ("reservoir-256", "a reservoir of 256 poses", |model, _| model.reservoir = model.reservoir.min(256)),
    ("rows-2", "B = R = 2", |model, policy| rows(model, policy, 2)),
    ("rows-16", "B = R = 16", |model, policy| rows(model, policy, 16)),
    ("t-2", "T = 2", |_, policy| policy.iterations = 2),
];

/// In words, and the model with the change.
const TRAINED: &[(&str, Trained)] = &[
    ("free lift, plane with weight 1", Trained::geometry("free-lift", Change::FreeLift)),
    ("without rays", Trained::geometry("no-rays", Change::NoRays)),
    ("trained on poses as recorded, without random views", RECORDED),
];

/// So many views, and as many replayed poses where the model keeps any.
fn rows(model: &ModelConfig, policy: &mut Policy, rows: usize) {
    (policy.copies, policy.replay) = (rows, if model.reservoir == 0 { 0 } else { rows });
}

/// Every change that changes something; none of the paper's preset.
pub(super) fn ablations(work: &Work<'_>, observe: Observer<'_>) -> Result<Vec<Ablation>> {
    let settings = work.settings;
    if settings.preset != Preset::Geometry {
        return Ok(Vec::new());
    }
    let few = work.few()?;
    let score = |what: &str, lifter: &Lifter, policy, observe: Observer<'_>| {
        work.score((&format!("ablation: {what}"), lifter, policy), &few, observe)
    };
    let joint = |lifter: &Lifter, what: &str, observe: Observer<'_>| {
        score(what, lifter, settings.policy(Mode::BASELINE, lifter.model()), observe)
    };
    let seed = settings.train.seed;
    let Checkpoint { model, parameters, .. } = Checkpoint::load(&work.model(seed, GEOMETRY))?;
    let own = settings.policy(Mode::ONLINE, &model);
    let mut all: Vec<Ablation> = Vec::new();
    for &(name, change, apply) in ADAPTED {
        let (mut changed, mut policy) = (model.clone(), own);
        apply(&mut changed, &mut policy);
        if !all.is_empty() && (&changed, policy) == (&model, own) {
            continue;
        }
        all.push(work.folder.result(&format!("ablation-{name}"), || {
            let mut parameters = parameters.clone();
            for name in RESERVOIR {
                parameters.entry(name.to_owned()).and_modify(|tensor| keep(tensor, changed.reservoir));
            }
            let lifter = Lifter::new(changed, parameters, work.device)?;
            let joint = match all.first() {
                Some(full) => full.joint,
                None => joint(&lifter, change, observe)?,
            };
            let online = score(change, &lifter, policy, observe)?;
            Ok(Ablation { change: change.to_owned(), trained: false, joint, online })
        })?);
    }
    let plain = GEOMETRY.settings(&settings.model, &settings.train);
    let changing = |(_, of): &&(&str, Trained)| of.settings(&settings.model, &settings.train) != plain;
    for &(change, of) in TRAINED.iter().filter(changing) {
        all.push(work.folder.result(&format!("ablation-{}", of.name), || {
            let mut ablation = Ablation { change: change.to_owned(), trained: true, joint: None, online: None };
            match work.train(seed, of, observe) {
                Err(Error::Diverged(_)) => return Ok(ablation),
                trained => trained?,
            }
            let lifter = Lifter::open(&work.model(seed, of), work.device)?;
            ablation.joint = joint(&lifter, change, observe)?;
            ablation.online = score(change, &lifter, settings.policy(Mode::ONLINE, lifter.model()), observe)?;
            Ok(ablation)
        })?);
    }
    Ok(all)
}

/// Keeps so many rows, evenly spread.
fn keep(tensor: &mut Tensor, rows: usize) {
    let [found, ref inner @ ..] = tensor.shape[..] else { return };
    if rows < found {
        let size = inner.iter().product::<usize>();
        let row = |k: usize| &tensor.data[k * found / rows * size..][..size];
        tensor.data = (0..rows).flat_map(row).copied().collect();
        tensor.shape[0] = rows;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_change_is_one_of_its_own() {
        let model = ModelConfig { gate: 0.1, ..Preset::Geometry.model() };
        let own = Mode::ONLINE.policy(&model);
        let mut seen: Vec<(ModelConfig, Policy)> = Vec::new();
        for (_, change, apply) in ADAPTED {
            let (mut model, mut policy) = (model.clone(), own);
            apply(&mut model, &mut policy);
            assert!(!seen.contains(&(model.clone(), policy)), "{change}");
            seen.push((model, policy));
        }
        assert_eq!(seen[0], (model, own));
        let (model, train) = (Preset::Geometry.model(), Preset::Geometry.training());
        let plain = GEOMETRY.settings(&model, &train);
        assert!(TRAINED.iter().all(|(_, of)| of.settings(&model, &train) != plain));
    }

    #[test]
    fn kept_rows_are_evenly_spread() {
        let mut tensor = Tensor { shape: vec![5, 2], data: (0..10u8).map(f32::from).collect() };
        keep(&mut tensor, 7);
        assert_eq!(tensor.shape, [5, 2]);
        keep(&mut tensor, 2);
        assert_eq!((tensor.shape, tensor.data), (vec![2, 2], vec![0.0, 1.0, 4.0, 5.0]));
    }
}
