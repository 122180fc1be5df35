//! Losses by name.

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::{Stage, supervised, tasks};
use crate::config::{ModelConfig, Ssl};

/// A loss of a task.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Term {
    /// Its name.
    pub name: &'static str,
    /// Its value, averaged over the batch.
    pub value: f32,
    /// What it counts in the objective that the extractor descends on, within its task; 0 for one that is only watched.
    pub weight: f32,
}

/// The losses of one step: the terms of every task of the model at that stage and, where there are self-supervised ones,
/// their whole objective: the generator's of Eq. 4, `g_ssl`, or the geometry task's, `total`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Losses {
    terms: Vec<Term>,
}

impl Losses {
    /// From a slot of the loss ring, or from means of several.
    #[must_use]
    pub fn of_ring(slot: &[f32], model: &ModelConfig, stage: Stage) -> Self {
        let (mut terms, mut rest) = (Vec::new(), slot);
        let mut objective = None;
        for about in tasks(model, stage) {
            let (own, others) = rest.split_at(about.columns.len());
            rest = others;
            for term in (about.terms)(model, own) {
                if about.name != supervised::ABOUT.name {
                    *objective.get_or_insert(0.0) += if term.weight != 0.0 { term.weight * term.value } else { 0.0 };
                }
                terms.push(term);
            }
        }
        let name = if model.ssl == Ssl::Geometry { "total" } else { "g_ssl" };
        terms.extend(objective.map(|value| Term { name, value, weight: 0.0 }));
        Self { terms }
    }

    /// Every loss, in the order of the tasks.
    #[must_use]
    pub fn terms(&self) -> &[Term] {
        &self.terms
    }

    /// The loss of that name, if the model's tasks have it.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<f32> {
        self.terms.iter().find(|term| term.name == name).map(|term| term.value)
    }
}

impl Serialize for Losses {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.terms.len()))?;
        self.terms.iter().try_for_each(|term| map.serialize_entry(term.name, &term.value))?;
        map.end()
    }
}
