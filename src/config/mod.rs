//! What a model is and how it is trained: the options of the paper and of its open questions.

mod reference;
mod training;

pub(crate) use reference::{reference_count, reference_number};
pub use training::{Decay, TrainConfig};

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::named::named_enum;

named_enum! {
    /// The self-supervised task trained beside the supervised one (Sec. 3.2.1).
    pub enum Ssl {
        /// None: the paper's Baseline.
        None = "none",
        /// Random projection adversary (Eq. 3).
        Adversary = "adversary",
        /// Adversary and geometric cycle consistency (Eq. 4).
        Cycle = "cycle",
        /// What geometry asks of the FSL head's own lift, and a replay of labelled poses; nothing of it is trained.
        Geometry = "geometry",
    }
}

named_enum! {
    /// How a head's output becomes a pose.
    pub enum Lift {
        /// The output less its root: the paper's.
        Free = "free",
        /// What the image says, put at the depth that the network gives, and corrected by it:
        /// `unproject(x, z) + (dx, dy, 0)`.
        Corrected = "corrected",
    }
}

/// The networks of Sec. 3.3. A model has those that its tasks need ([`Ssl::networks`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// From keypoints to the features that both heads share.
    Extractor,
    /// The head that labels train, and that predicts.
    FslHead,
    /// The head that self-supervision trains.
    SslHead,
    /// What tells inputs from random views of the SSL head's poses.
    Discriminator,
}

impl Network {
    /// How the names of its tensors begin.
    #[must_use]
    pub(crate) fn prefix(self) -> &'static str {
        match self {
            Self::Extractor => "extractor",
            Self::FslHead => "fsl",
            Self::SslHead => "ssl",
            Self::Discriminator => "disc",
        }
    }
}

impl Ssl {
    /// The networks of a model with this task, in the order of a forward pass.
    #[must_use]
    pub fn networks(self) -> &'static [Network] {
        const ALL: &[Network] = &[Network::Extractor, Network::FslHead, Network::SslHead, Network::Discriminator];
        match self {
            Self::None | Self::Geometry => &ALL[..2],
            Self::Adversary | Self::Cycle => ALL,
        }
    }
}

named_enum! {
    /// What a model is for: the settings that go together.
    pub enum Preset {
        /// The paper's networks and tasks, to the letter.
        Paper = "paper",
        /// The corrected lift, rays, training on random views, and the geometry task.
        Geometry = "geometry",
    }
}

#[expect(clippy::derivable_impls, reason = "the macro derives none")]
impl Default for Preset {
    fn default() -> Self {
        Self::Geometry
    }
}

impl Preset {
    /// How models of this preset are trained.
    #[must_use]
    pub fn training(self) -> TrainConfig {
        match self {
            Self::Paper => TrainConfig::default(),
            Self::Geometry => TrainConfig {
                steps: 24_000,
                lr: 1e-3,
                decay: Decay::ToFactor { factor: 0.05 },
                dropout: 0.1,
                random_views: 0.5,
                free_rotation: 0.25,
                limb_mixing: 0.5,
                stem_gain: 14.0,
                ..TrainConfig::default()
            },
        }
    }

    /// The models of this preset, without what the data tell.
    #[must_use]
    pub fn model(self) -> ModelConfig {
        match self {
            Self::Paper => ModelConfig::default(),
            Self::Geometry => ModelConfig {
                width: 256,
                ssl: Ssl::Geometry,
                lift: Lift::Corrected,
                plane_scale: 0.0,
                rays: true,
                lambda_bone: 1.0,
                lambda_view: 1.0,
                reservoir: 1024,
                ..ModelConfig::default()
            },
        }
    }
}

named_enum! {
    /// The camera model that turns a root-centred pose into 2D.
    pub enum Projection {
        /// `x = X_xy / max(X_z + c, min_depth)`.
        Perspective = "perspective",
        /// `x = X_xy / c`; orthographic is `c = 1`.
        WeakPerspective = "weak-perspective",
    }
}

named_enum! {
    /// How a squared norm is reduced over joints and coordinates; the batch is always averaged.
    pub enum Reduction {
        /// The literal reading of Eq. 2 and 4.
        Sum = "sum",
        /// Mean over joints and coordinates too.
        Mean = "mean",
    }
}

named_enum! {
    /// What the generator minimises.
    pub enum Generator {
        /// `-log D(y)`.
        NonSaturating = "non-saturating",
        /// `log(1 - D(y))`, the literal Eq. 3.
        Saturating = "saturating",
    }
}

named_enum! {
    /// How 2D inputs come to the projection's plane.
    pub enum Normalize {
        /// Root-centred and divided by the bone scale: the power mean (exponent 6) of 2D bone lengths
        /// over the expected ones.
        Bone = "bone",
        /// The input is in the plane already.
        Plane = "plane",
    }
}

/// A model: its shape and the losses that shape its adaptation. Kept in the checkpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ModelConfig {
    /// Joints of the skeleton: 16 or 17 (Human3.6M order).
    pub joints: usize,
    /// Features of every hidden layer: a multiple of 4.
    pub width: usize,
    /// Negative slope of the leaky ReLU.
    pub slope: f32,
    /// Added to the variance in batch norm.
    pub bn_eps: f32,
    /// The self-supervised task.
    pub ssl: Ssl,
    /// Camera model of the random projections.
    pub projection: Projection,
    /// Depth of the root in metres (Eq. 3's virtual camera).
    pub depth: f32,
    /// Smallest depth a joint may have, metres.
    pub min_depth: f32,
    /// Reduction of squared norms.
    pub reduction: Reduction,
    /// Generator loss.
    pub generator: Generator,
    /// How a head's output becomes a pose.
    pub lift: Lift,
    /// 2D input normalisation.
    pub normalize: Normalize,
    /// γ, what a bone-normalised input is multiplied by: the bone scale is a power mean of lengths that vary, and so is
    /// biased. 1 is none; 0 before training has measured it.
    pub plane_scale: f32,
    /// Whether poses with known intrinsics are turned, before they are lifted, so that the root lies on the camera's axis.
    pub rays: bool,
    /// Noise on training's and replay's keypoints, of a standard deviation drawn up to this many pixels for a person of
    /// 200 pixels.
    pub noise: f32,
    /// Mean 3D bone lengths of the training set, metres, one per joint after the root.
    pub bone_lengths: Vec<f32>,
    /// λ of Eq. 5.
    pub lambda: f32,
    /// λ2D of Eq. 4.
    pub lambda_2d: f32,
    /// λ3D of Eq. 4.
    pub lambda_3d: f32,
    /// Weight of the geometry task's plane term.
    pub lambda_plane: f32,
    /// Weight of its bone term.
    pub lambda_bone: f32,
    /// Weight of its view term.
    pub lambda_view: f32,
    /// Weight of replay.
    pub lambda_replay: f32,
    /// Labelled poses that the model keeps for replay; with the geometry task only.
    pub reservoir: usize,
    /// A bone term below this, square metres, weighs plane, bone and view terms down; 0 is off.
    pub gate: f32,
}

impl Default for ModelConfig {
    fn default() -> Self {
        Self {
            joints: 16,
            width: 1024,
            slope: 0.01,
            bn_eps: 1e-5,
            ssl: Ssl::Cycle,
            projection: Projection::Perspective,
            depth: 10.0,
            min_depth: 1.0,
            reduction: Reduction::Sum,
            generator: Generator::NonSaturating,
            lift: Lift::Free,
            normalize: Normalize::Bone,
            plane_scale: 1.0,
            rays: false,
            noise: 0.0,
            bone_lengths: Vec::new(),
            lambda: 0.1,
            lambda_2d: 10.0,
            lambda_3d: 0.1,
            lambda_plane: 0.0,
            lambda_bone: 2.0,
            lambda_view: 0.5,
            lambda_replay: 1.0,
            reservoir: 0,
            gate: 0.0,
        }
    }
}

impl ModelConfig {
    /// The preset whose inference modes are this model's.
    #[must_use]
    pub fn preset(&self) -> Preset {
        if self.ssl == Ssl::Geometry { Preset::Geometry } else { Preset::Paper }
    }

    /// Checks every option that would make a model impossible or its numbers meaningless.
    ///
    /// # Errors
    /// A sentence that names the option, its value and what it may be.
    pub fn validate(&self) -> Result<(), String> {
        self.wrong().map_or(Ok(()), |(option, problem)| Err(format!("{option} {problem}")))
    }

    /// Checks the same of options that a user sets.
    ///
    /// # Errors
    /// [`Error::Setting`] naming the option.
    pub fn check(&self) -> crate::error::Result<()> {
        self.wrong().map_or(Ok(()), |(option, problem)| Err(Error::setting(option, format!("it {problem}"))))
    }

    /// The first option that is wrong, and how.
    fn wrong(&self) -> Option<(&'static str, String)> {
        if !matches!(self.joints, 16 | 17) {
            return Some(("joints", format!("is {}, not 16 or 17", self.joints)));
        }
        if !self.width.is_multiple_of(4) || !(4..=16384).contains(&self.width) {
            return Some(("width", format!("is {}, not a multiple of 4 from 4 to 16384", self.width)));
        }
        if !(0.0..=1.0).contains(&self.slope) {
            return Some(("slope", format!("is {}, not from 0 to 1", self.slope)));
        }
        if self.reservoir > 1 << 20 {
            return Some(("reservoir", format!("is {}, not 0 to {}", self.reservoir, 1 << 20)));
        }
        // The paper's tasks go back through the keypoints that they lift again; the corrected lift's own way back ends there.
        if self.lift == Lift::Corrected && !matches!(self.ssl, Ssl::None | Ssl::Geometry) {
            let problem = format!("is {}, which goes with ssl none or geometry, not with {}", self.lift, self.ssl);
            return Some(("lift", problem));
        }
        let positive = |value: f32| value.is_finite() && value > 0.0;
        let settings = [
            ("bn_eps", self.bn_eps),
            ("depth", self.depth),
            ("min_depth", self.min_depth),
            ("plane_scale", self.plane_scale),
        ];
        if let Some((name, value)) = settings.into_iter().find(|&(_, value)| !positive(value)) {
            return Some((name, format!("is {value}, not positive and finite")));
        }
        let weights = [
            ("lambda", self.lambda),
            ("lambda_2d", self.lambda_2d),
            ("lambda_3d", self.lambda_3d),
            ("lambda_plane", self.lambda_plane),
            ("lambda_bone", self.lambda_bone),
            ("lambda_view", self.lambda_view),
            ("lambda_replay", self.lambda_replay),
            ("gate", self.gate),
            ("noise", self.noise),
        ];
        if let Some((name, value)) = weights.into_iter().find(|(_, value)| !(0.0..=f32::MAX).contains(value)) {
            return Some((name, format!("is {value}, not finite and at least 0")));
        }
        // Where neither inputs are normalised by the lengths nor the geometry task judges by them, they may be absent.
        let used = self.normalize == Normalize::Bone || self.ssl == Ssl::Geometry;
        let needed = used || !self.bone_lengths.is_empty();
        if needed && self.bone_lengths.len() != self.joints - 1 {
            let (found, expected) = (self.bone_lengths.len(), self.joints - 1);
            return Some(("bone_lengths", format!("has {found} entries, not {expected} (joints - 1)")));
        }
        // No bone is 10 m long: those were other units.
        if let Some(length) = self.bone_lengths.iter().find(|&&length| !(positive(length) && length < 10.0)) {
            return Some(("bone_lengths", format!("has {length}, not positive and below 10 (metres)")));
        }
        None
    }
}
