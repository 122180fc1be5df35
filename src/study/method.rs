//! The methods of the paper's tables: which model predicts in which mode, and how that is called.

use crate::adapt::{MODES, Mode, Start};
use crate::config::Ssl;
use crate::report::Role;

/// A model that a study trains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trained {
    /// Its name in files.
    pub name: &'static str,
    /// The self-supervised task that it is trained with.
    pub ssl: Ssl,
    /// What tables call that task.
    pub task: &'static str,
}

/// Without self-supervision.
const PLAIN: Trained = Trained { name: "baseline", ssl: Ssl::None, task: "" };
/// Of the paper's ISO.
const CYCLE: Trained = Trained { name: "cyc", ssl: Ssl::Cycle, task: "Cyc" };

/// The models of a study.
pub(super) const TRAINED: [Trained; 3] = [PLAIN, Trained { name: "adv", ssl: Ssl::Adversary, task: "Adv" }, CYCLE];

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
        let role = match (mode.policy.start, model.ssl) {
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
        let against = if mode.policy.adapts() { &[MODES[0].name][..] } else { &[] };
        let model = TRAINED.into_iter().find(|model| model.ssl == ssl).unwrap_or(CYCLE);
        Self::new(mode.name.to_owned(), model, mode, against)
    }

    /// Whether it is what the paper calls ISO where it says no more: the cycle, as a stream.
    #[must_use]
    pub fn is_iso(&self) -> bool {
        self.model.ssl == Ssl::Cycle && self.mode.every_task && self.mode.policy.start == Start::Carry
    }

    /// Whether Table 3 has it: self-supervised tasks compared.
    #[must_use]
    pub fn in_table_3(&self) -> bool {
        self.mode.every_task
    }

    /// Whether Table 4 has it: what adaptation costs.
    #[must_use]
    pub fn in_table_4(&self) -> bool {
        self.model == PLAIN || self.model == CYCLE && self.mode.policy.adapts()
    }
}

/// The methods of Tables 1 to 4, in the order of Table 3: every mode that Table 3 compares of each model, and every other
/// mode of the cycle's.
#[must_use]
pub fn methods() -> Vec<Method> {
    let plain = MODES.iter().filter(|mode| !mode.policy.adapts());
    let mut all: Vec<Method> = plain.map(|mode| Method::new(mode.title.to_owned(), PLAIN, *mode, &[])).collect();
    for model in TRAINED.into_iter().filter(|model| *model != PLAIN) {
        let joint = format!("Joint-{}", model.task);
        for mode in MODES {
            let of_task = format!("{}-{}", mode.title, model.task);
            match (mode.policy.adapts(), mode.every_task) {
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

/// The name of the method without self-supervision.
pub const BASELINE: &str = MODES[0].title;

/// The name of the method that is what the paper calls ISO.
#[must_use]
pub fn iso() -> String {
    methods().into_iter().find(Method::is_iso).map(|method| method.name).unwrap_or_default()
}

/// The name of the method that ISO adapts: the same model as trained.
#[must_use]
pub fn joint() -> String {
    methods().into_iter().find(Method::is_iso).and_then(|method| method.against.into_iter().next()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_are_those_of_the_paper() {
        let names = |keep: fn(&Method) -> bool| {
            methods().into_iter().filter(keep).map(|method| method.name).collect::<Vec<_>>().join(" ")
        };
        let table_3 = "Baseline Joint-Adv Vanilla-Adv Online-Adv Joint-Cyc Vanilla-Cyc Online-Cyc";
        assert_eq!(names(Method::in_table_3), table_3);
        assert_eq!(names(Method::in_table_4), "Baseline Vanilla-Cyc Vanilla-lr Online-Cyc Online-skip");
        assert_eq!((&*iso(), &*joint(), BASELINE), ("Online-Cyc", "Joint-Cyc", "Baseline"));
        let all = methods();
        let known = |name: &String| all.iter().any(|method| method.name == *name);
        assert!(all.iter().flat_map(|method| &method.against).all(known), "methods are compared with methods");
        assert_eq!(all.iter().filter(|method| method.is_iso()).count(), 1);
    }
}
