//! Losses by name.

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::tasks;
use crate::config::ModelConfig;

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

/// The losses of one step: the terms of every task of the model, and `g_ssl`, the generator's whole objective (Eq. 4).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Losses {
    terms: Vec<Term>,
}

impl Losses {
    /// The name of the whole objective of the self-supervised tasks.
    pub const OBJECTIVE: &str = "g_ssl";

    /// From a slot of the loss ring, or from means of several.
    #[must_use]
    pub fn of_ring(slot: &[f32], model: &ModelConfig) -> Self {
        let (mut terms, mut rest) = (Vec::new(), slot);
        let mut objective = 0.0;
        for (index, about) in tasks(model).iter().enumerate() {
            let (own, others) = rest.split_at(about.columns.len());
            rest = others;
            for term in (about.terms)(model, own) {
                // The first task is the supervised one.
                objective += if index > 0 && term.weight != 0.0 { term.weight * term.value } else { 0.0 };
                terms.push(term);
            }
        }
        if tasks(model).len() > 1 {
            terms.push(Term { name: Self::OBJECTIVE, value: objective, weight: 0.0 });
        }
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
