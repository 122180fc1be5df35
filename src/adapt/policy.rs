//! When to adapt, and how much: policies, and the paper's table of them.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::named::{self, Named};

/// Where a sample's adaptation starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// At the trained parameters, each time: what one sample teaches is forgotten (vanilla).
    Source,
    /// Where the sample before left off (online).
    Carry,
    /// There is none: samples are predicted as trained.
    Never,
}

/// When to adapt, and how much (Sec. 3.2.2, Algorithm 1).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Policy {
    /// Where a sample's adaptation starts.
    pub start: Start,
    /// Adapts to samples 0, every, 2 every, ... of a stream; the others are predicted as adapted so far.
    pub every: usize,
    /// T, optimisation steps on each sample that is adapted to.
    pub iterations: usize,
    /// α, Adam's learning rate.
    pub alpha: f32,
    /// B, random views of a sample in one step.
    pub copies: usize,
}

impl Policy {
    /// Whether samples are adapted to at all.
    #[must_use]
    pub fn adapts(&self) -> bool {
        self.start != Start::Never
    }

    /// Whether each sample starts from the source parameters.
    #[must_use]
    pub fn forgets(&self) -> bool {
        self.start == Start::Source
    }
}

/// A policy by its name: a row of [`MODES`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mode {
    /// Its name, on command lines and in files.
    pub name: &'static str,
    /// What the paper's tables call it.
    pub title: &'static str,
    /// One line on what it does.
    pub about: &'static str,
    /// Whether the paper's Table 3 compares it for every self-supervised task, and Fig. 4 varies T and α of it.
    pub every_task: bool,
    /// What it does.
    pub policy: Policy,
}

/// As trained.
const BASELINE: Policy = Policy { start: Start::Never, iterations: 1, ..VANILLA };
/// Algorithm 1.
const VANILLA: Policy = Policy { start: Start::Source, every: 1, iterations: 10, alpha: 2e-5, copies: 64 };
/// Algorithm 1 as a stream.
const ONLINE: Policy = Policy { start: Start::Carry, iterations: 1, ..VANILLA };

/// The paper's inference modes (Sec. 3.2.2, 4.4), in the order of Table 4. Everything that lists, names or explains modes
/// reads them here; another mode is another row.
pub const MODES: &[Mode] = &[
    Mode {
        name: "baseline",
        title: "Baseline",
        about: "as trained, no adaptation",
        every_task: true,
        policy: BASELINE,
    },
    Mode {
        name: "vanilla",
        title: "Vanilla",
        about: "adapts to each sample from the trained parameters",
        every_task: true,
        policy: VANILLA,
    },
    Mode {
        name: "vanilla-lr",
        title: "Vanilla-lr",
        about: "the faster vanilla: one step at ten times the learning rate",
        every_task: false,
        policy: Policy { iterations: 1, alpha: 2e-4, ..VANILLA },
    },
    Mode {
        name: "online",
        title: "Online",
        about: "adapts to each sample of a stream from where the one before left off",
        every_task: true,
        policy: ONLINE,
    },
    Mode {
        name: "online-skip",
        title: "Online-skip",
        about: "online, adapting to every tenth sample only",
        every_task: false,
        policy: Policy { every: 10, ..ONLINE },
    },
];

impl Policy {
    /// [`Start::Never`].
    pub const BASELINE: Self = BASELINE;
    /// The paper's vanilla ISO: T = 10, α = 2e-5, from the source each time.
    pub const VANILLA: Self = VANILLA;
    /// The paper's online ISO: T = 1, α = 2e-5.
    pub const ONLINE: Self = ONLINE;
}

impl Named for Mode {
    const ALL: &'static [Self] = MODES;

    fn name(self) -> &'static str {
        self.name
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name)
    }
}

impl Serialize for Mode {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.name)
    }
}

impl<'de> Deserialize<'de> for Mode {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        named::deserialize(from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_told_apart_by_their_names() {
        for mode in MODES {
            assert_eq!(Mode::named(mode.name), Some(*mode));
            let json = serde_json::to_string(mode).unwrap();
            assert_eq!(json, format!("\"{mode}\""));
            assert_eq!(serde_json::from_str::<Mode>(&json).unwrap(), *mode);
        }
        assert!(Mode::named("vanila").is_none());
        assert!(serde_json::from_str::<Mode>("\"vanila\"").is_err());
    }
}
