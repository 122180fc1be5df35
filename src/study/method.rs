//! The methods of a study's tables: which model predicts in which mode, and how that is called.

use crate::adapt::{MODES, Mode, Start};
use crate::config::{Lift, ModelConfig, Preset, Ssl, TrainConfig};
use crate::report::Role;

/// What sets a model apart from one that is trained as the study's settings say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing.
    Nothing,
    /// Poses as recorded: no random views, no free rotation, no mixed limbs.
    Recorded,
    /// Of training's changes to poses the random views alone.
    ViewsOnly,
    /// The free lift, and the plane term that it needs, with weight 1.
    FreeLift,
    /// Poses are not turned to the camera's axis.
    NoRays,
}

/// A model that a study trains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trained {
    /// Its name in files.
    pub name: &'static str,
    /// The self-supervised task that it is trained with.
    pub ssl: Ssl,
    /// What tables call that task, where they tell tasks apart.
    pub task: &'static str,
    /// How else it differs from what the settings say.
    pub change: Change,
}

impl Trained {
    /// A model of the geometry task.
    pub(super) const fn geometry(name: &'static str, change: Change) -> Self {
        Self { name, ssl: Ssl::Geometry, task: "", change }
    }

    /// The settings that it is trained with, where the study's are `model` and `train`.
    #[must_use]
    pub fn settings(&self, model: &ModelConfig, train: &TrainConfig) -> (ModelConfig, TrainConfig) {
        let (mut model, mut train) = (ModelConfig { ssl: self.ssl, ..model.clone() }, train.clone());
        match self.change {
            Change::Nothing => {}
            Change::Recorded => (train.random_views, train.free_rotation, train.limb_mixing) = (0.0, 0.0, 0.0),
            Change::ViewsOnly => (train.free_rotation, train.limb_mixing) = (0.0, 0.0),
            Change::FreeLift => (model.lift, model.lambda_plane) = (Lift::Free, 1.0),
            Change::NoRays => model.rays = false,
        }
        (model, train)
    }
}

/// The paper's Baseline: without self-supervision.
const PLAIN: Trained = Trained { name: "baseline", ssl: Ssl::None, task: "", change: Change::Nothing };
/// Of the paper's weaker task.
const ADVERSARY: Trained = Trained { name: "adv", ssl: Ssl::Adversary, task: "Adv", change: Change::Nothing };
/// Of the paper's ISO.
const CYCLE: Trained = Trained { name: "cyc", ssl: Ssl::Cycle, task: "Cyc", change: Change::Nothing };
/// The Baseline of the geometry preset: it could adapt, but does not.
pub(super) const RECORDED: Trained = Trained::geometry("baseline", Change::Recorded);
/// Between Baseline and [`GEOMETRY`], where training changes poses in more ways.
const VIEWS_ONLY: Trained = Trained::geometry("views-only", Change::ViewsOnly);
/// What the geometry preset adapts.
pub(super) const GEOMETRY: Trained = Trained::geometry("geometry", Change::Nothing);

/// A model in a mode.
#[derive(Clone, Debug, PartialEq)]
pub struct Method {
    /// What tables call it.
    pub name: String,
    /// The model.
    pub model: Trained,
    /// The mode.
    pub mode: Mode,
    /// Whose numbers these are, for colours.
    pub role: Role,
    /// The methods that it is compared with, by name.
    pub against: Vec<String>,
}

impl Method {
    fn new(name: String, model: Trained, mode: Mode, against: &[&str]) -> Self {
        let role = match (mode.start(), model.ssl) {
            (Start::Never, Ssl::None) => Role::Baseline,
            (Start::Never, _) => Role::Joint,
            (Start::Source, _) => Role::Vanilla,
            (Start::Carry, _) => Role::Online,
        };
        Self { name, model, mode, role, against: against.iter().map(ToString::to_string).collect() }
    }

    /// A mode of the one model at hand, trained with `ssl`, under the mode's own name; it is compared with the same model
    /// not adapted.
    #[must_use]
    pub fn of_mode(mode: Mode, ssl: Ssl) -> Self {
        let against = if mode.adapts() { &[MODES[0].name][..] } else { &[] };
        let model = [PLAIN, ADVERSARY, CYCLE, GEOMETRY].into_iter().find(|model| model.ssl == ssl).unwrap_or(CYCLE);
        Self::new(mode.name.to_owned(), model, mode, against)
    }

    /// Whether it is what a preset calls ISO where it says no more: the better task, as a stream.
    #[must_use]
    pub fn is_iso(&self) -> bool {
        matches!(self.model, CYCLE | GEOMETRY) && self.mode.every_task && self.mode.start() == Start::Carry
    }

    /// Whether Table 3 has it: self-supervised tasks compared.
    #[must_use]
    pub fn in_table_3(&self) -> bool {
        self.mode.every_task
    }

    /// Whether Table 4 has it: what adaptation costs.
    #[must_use]
    pub fn in_table_4(&self) -> bool {
        self.name == BASELINE || matches!(self.model, CYCLE | GEOMETRY) && self.mode.adapts()
    }

    /// Whether it says more than the others do where models are trained as `train` says.
    #[must_use]
    pub fn tells(&self, train: &TrainConfig) -> bool {
        self.model != VIEWS_ONLY || train.random_views > 0.0 && (train.limb_mixing > 0.0 || train.free_rotation > 0.0)
    }

    /// Its name, with that of a seed, in files of predictions.
    pub(super) fn file_of(&self, seed: u32) -> String {
        format!("seed-{seed}-{}", self.file_name())
    }

    /// Its name in files.
    #[must_use]
    pub(super) fn file_name(&self) -> String {
        self.name.to_lowercase().replace(", ", "-").replace(' ', "-")
    }
}

/// The methods that a study of `preset` compares, in the order of its tables; of some see [`Method::tells`].
#[must_use]
pub fn methods(preset: Preset) -> Vec<Method> {
    match preset {
        Preset::Paper => of_the_paper(),
        Preset::Geometry => of_geometry(),
    }
}

/// The methods of Tables 1 to 4, in the order of Table 3: every mode that Table 3 compares of each model, and every other
/// mode of the cycle's.
fn of_the_paper() -> Vec<Method> {
    let mut all = vec![Method::new(BASELINE.to_owned(), PLAIN, Mode::BASELINE, &[])];
    for model in [ADVERSARY, CYCLE] {
        let joint = format!("Joint-{}", model.task);
        for mode in MODES {
            let of_task = format!("{}-{}", mode.title, model.task);
            match (mode.adapts(), mode.every_task) {
                (false, _) => all.push(Method::new(joint.clone(), model, *mode, &[BASELINE])),
                (true, true) => all.push(Method::new(of_task, model, *mode, &[&*joint, BASELINE])),
                (true, false) if model == CYCLE => {
                    all.push(Method::new(mode.title.to_owned(), model, *mode, &[&*joint]));
                }
                (true, false) => {}
            }
        }
    }
    all
}

/// The geometry task's model in every mode, after what its training alone gives.
fn of_geometry() -> Vec<Method> {
    const JOINT: &str = "Joint";
    const VIEWS: &str = "Joint, views only";
    let as_trained = |name: &str, model, against: &[&str]| Method::new(name.to_owned(), model, Mode::BASELINE, against);
    let mut all = vec![
        as_trained(BASELINE, RECORDED, &[]),
        as_trained(VIEWS, VIEWS_ONLY, &[BASELINE]),
        as_trained(JOINT, GEOMETRY, &[BASELINE, VIEWS]),
    ];
    let adapting = MODES.iter().filter(|mode| mode.adapts());
    all.extend(adapting.map(|mode| Method::new(mode.title.to_owned(), GEOMETRY, *mode, &[JOINT, BASELINE])));
    all
}

/// The name of the method without self-supervision.
pub const BASELINE: &str = MODES[0].title;

/// The name of the method that is what `preset` calls ISO.
#[must_use]
pub fn iso(preset: Preset) -> String {
    methods(preset).into_iter().find(Method::is_iso).map(|method| method.name).unwrap_or_default()
}

/// The name of the method that ISO adapts: the same model as trained.
#[must_use]
pub fn joint(preset: Preset) -> String {
    let iso = methods(preset).into_iter().find(Method::is_iso);
    iso.and_then(|method| method.against.into_iter().next()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::named::Named;

    fn names(preset: Preset, keep: impl Fn(&Method) -> bool) -> String {
        methods(preset).into_iter().filter(keep).map(|method| method.name).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn methods_are_those_of_the_paper() {
        let names = |keep: fn(&Method) -> bool| names(Preset::Paper, keep);
        let table_3 = "Baseline Joint-Adv Vanilla-Adv Online-Adv Joint-Cyc Vanilla-Cyc Online-Cyc";
        assert_eq!(names(Method::in_table_3), table_3);
        assert_eq!(names(Method::in_table_4), "Baseline Vanilla-Cyc Vanilla-lr Online-Cyc Online-skip");
        assert_eq!((&*iso(Preset::Paper), &*joint(Preset::Paper), BASELINE), ("Online-Cyc", "Joint-Cyc", "Baseline"));
    }

    #[test]
    fn methods_of_geometry_tell_training_from_adaptation() {
        let mixed = Preset::Geometry.training();
        assert!(mixed.limb_mixing > 0.0 && mixed.free_rotation > 0.0);
        let plain = TrainConfig { limb_mixing: 0.0, free_rotation: 0.0, ..mixed.clone() };
        let usual = "Baseline Joint Vanilla Vanilla-lr Online Online-skip";
        assert_eq!(names(Preset::Geometry, |method| method.tells(&plain)), usual);
        let all = usual.replace(" Joint", " Joint, views only Joint");
        assert_eq!(names(Preset::Geometry, |method| method.tells(&mixed)), all);
        assert_eq!((&*iso(Preset::Geometry), &*joint(Preset::Geometry)), ("Online", "Joint"));
        let online = methods(Preset::Geometry).into_iter().find(Method::is_iso).unwrap();
        assert_eq!(online.against, ["Joint", "Baseline"]);

        let config = Preset::Geometry.model();
        let trained = |name: &str| {
            let method = methods(Preset::Geometry).into_iter().find(|method| method.name == name).unwrap();
            method.model.settings(&config, &mixed)
        };
        let (model, train) = trained(BASELINE);
        assert_eq!((train.random_views, train.limb_mixing, train.free_rotation), (0.0, 0.0, 0.0));
        assert_eq!(model, config, "the same lift and rays");
        let (model, train) = trained("Joint, views only");
        assert_eq!((model, train.random_views, train.limb_mixing), (config.clone(), mixed.random_views, 0.0));
        assert_eq!(trained("Joint"), (config.clone(), mixed.clone()));
    }

    #[test]
    fn methods_are_compared_with_methods() {
        for &preset in Preset::ALL {
            let all = methods(preset);
            let known = |name: &String| all.iter().any(|method| method.name == *name);
            assert!(all.iter().flat_map(|method| &method.against).all(known), "{preset}");
            assert_eq!(all.iter().filter(|method| method.is_iso()).count(), 1, "{preset}");
            let mut files: Vec<_> = all.iter().map(Method::file_name).collect();
            assert!(files.iter().all(|name| name.chars().all(|c| c.is_ascii_lowercase() || c == '-')), "{files:?}");
            files.sort();
            files.dedup();
            assert_eq!(files.len(), all.len(), "{preset}");
        }
    }
}
