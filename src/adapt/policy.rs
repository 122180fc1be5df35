//! When to adapt, and how much: policies, and the table of them.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::config::{ModelConfig, Preset};
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
    /// R, labelled poses replayed in one step, for models whose task replays.
    pub replay: usize,
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

/// Policies by their name: a row of [`MODES`].
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
    /// What it does with the paper's tasks.
    pub paper: Policy,
    /// What it does with the geometry task, at a width of 256: see [`Self::policy`].
    pub geometry: Policy,
}

impl Mode {
    /// What it does with `model`. With the geometry task α falls with the width, and a model that keeps
    /// no poses replays none.
    #[must_use]
    pub fn policy(&self, model: &ModelConfig) -> Policy {
        let Policy { alpha, replay, .. } = self.geometry;
        match model.preset() {
            Preset::Paper => self.paper,
            Preset::Geometry => Policy {
                alpha: alpha_of_width(alpha, model.width),
                replay: if model.reservoir == 0 { 0 } else { replay },
                ..self.geometry
            },
        }
    }

    /// Where a sample's adaptation starts, with any task.
    #[must_use]
    pub fn start(&self) -> Start {
        self.paper.start
    }

    /// Whether samples are adapted to at all.
    #[must_use]
    pub fn adapts(&self) -> bool {
        self.paper.adapts()
    }
}

/// α at a width, from that at 256: Adam moves every weight as far, so that the sums of a wider layer move further.
/// Measured at 256 and 512, see "α by width" in `docs/geometry.md`.
fn alpha_of_width(at_256: f32, width: usize) -> f32 {
    at_256 * (256.0 / width as f32).powf(0.87).min(2.0)
}

/// As trained.
const BASELINE: Policy = Policy { start: Start::Never, iterations: 1, ..VANILLA };
/// Algorithm 1.
const VANILLA: Policy = Policy { start: Start::Source, every: 1, iterations: 10, alpha: 2e-5, copies: 64, replay: 0 };
/// Algorithm 1 as a stream.
const ONLINE: Policy = Policy { start: Start::Carry, iterations: 1, ..VANILLA };
/// The geometry task's usual step.
const GEOMETRY: Policy = Policy { alpha: 1e-4, copies: 8, replay: 8, ..VANILLA };
/// The same as a stream.
const GEOMETRY_ONLINE: Policy = Policy { start: Start::Carry, iterations: 1, alpha: 5e-5, ..GEOMETRY };

impl Mode {
    /// Baseline.
    pub const BASELINE: Self = Self {
        name: "baseline",
        title: "Baseline",
        about: "as trained, no adaptation",
        every_task: true,
        paper: BASELINE,
        geometry: Policy { start: Start::Never, iterations: 1, ..GEOMETRY },
    };
    /// Vanilla.
    pub const VANILLA: Self = Self {
        name: "vanilla",
        title: "Vanilla",
        about: "adapts to each sample from the trained parameters",
        every_task: true,
        paper: VANILLA,
        geometry: GEOMETRY,
    };
    /// Vanilla-lr.
    pub const VANILLA_LR: Self = Self {
        name: "vanilla-lr",
        title: "Vanilla-lr",
        about: "the faster vanilla: one step at a higher learning rate",
        every_task: false,
        paper: Policy { iterations: 1, alpha: 2e-4, ..VANILLA },
        geometry: Policy { iterations: 1, alpha: 2e-4, ..GEOMETRY },
    };
    /// Online.
    pub const ONLINE: Self = Self {
        name: "online",
        title: "Online",
        about: "adapts to each sample of a stream from where the one before left off",
        every_task: true,
        paper: ONLINE,
        geometry: GEOMETRY_ONLINE,
    };
    /// Online-skip.
    pub const ONLINE_SKIP: Self = Self {
        name: "online-skip",
        title: "Online-skip",
        about: "online, adapting to every tenth sample only",
        every_task: false,
        paper: Policy { every: 10, ..ONLINE },
        geometry: Policy { every: 10, iterations: 4, alpha: 1e-4, ..GEOMETRY_ONLINE },
    };
}

/// The inference modes of the paper (Sec. 3.2.2, 4.4), in the order of its Table 4. Everything that lists, names or
/// explains modes reads them here; another mode is another row.
pub const MODES: &[Mode] = &[Mode::BASELINE, Mode::VANILLA, Mode::VANILLA_LR, Mode::ONLINE, Mode::ONLINE_SKIP];

impl Policy {
    /// [`Start::Never`].
    pub const BASELINE: Self = BASELINE;
    /// The paper's vanilla ISO: T = 10, α = 2e-5, from the source each time; for models of the paper's tasks. What a
    /// model's own is, [`Mode::policy`] says.
    pub const VANILLA: Self = VANILLA;
    /// The paper's online ISO: T = 1, α = 2e-5; as [`Self::VANILLA`].
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

    /// What those rely on that read the table.
    #[test]
    fn one_mode_does_not_adapt_and_one_is_the_stream_that_every_task_has() {
        assert!(!MODES[0].adapts() && MODES.iter().filter(|mode| !mode.adapts()).count() == 1);
        let streams = MODES.iter().filter(|mode| mode.every_task && mode.start() == Start::Carry);
        assert_eq!(streams.count(), 1);
    }

    #[test]
    fn a_mode_starts_alike_with_every_task() {
        for mode in MODES {
            assert_eq!((mode.paper.start, mode.paper.every), (mode.geometry.start, mode.geometry.every), "{mode}");
        }
    }

    #[test]
    fn alpha_falls_with_the_width() {
        let alpha = |width| alpha_of_width(1e-4, width);
        assert_eq!(alpha(256), 1e-4);
        assert!((2.8e-5..3.2e-5).contains(&alpha(1024)), "{}", alpha(1024));
        assert!(alpha(8) <= 2e-4);
    }

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
