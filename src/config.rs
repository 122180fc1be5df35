//! What a model is and how it is trained: the options of the paper and of its open questions.

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
            Self::None => &ALL[..2],
            Self::Adversary | Self::Cycle => ALL,
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
    /// 2D input normalisation.
    pub normalize: Normalize,
    /// Mean 3D bone lengths of the training set, metres, one per joint after the root.
    pub bone_lengths: Vec<f32>,
    /// λ of Eq. 5.
    pub lambda: f32,
    /// λ2D of Eq. 4.
    pub lambda_2d: f32,
    /// λ3D of Eq. 4.
    pub lambda_3d: f32,
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
            normalize: Normalize::Bone,
            bone_lengths: Vec::new(),
            lambda: 0.1,
            lambda_2d: 10.0,
            lambda_3d: 0.1,
        }
    }
}

impl ModelConfig {
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
        let positive = |value: f32| value.is_finite() && value > 0.0;
        let settings = [("bn_eps", self.bn_eps), ("depth", self.depth), ("min_depth", self.min_depth)];
        if let Some((name, value)) = settings.into_iter().find(|&(_, value)| !positive(value)) {
            return Some((name, format!("is {value}, not positive and finite")));
        }
        let weights = [("lambda", self.lambda), ("lambda_2d", self.lambda_2d), ("lambda_3d", self.lambda_3d)];
        if let Some((name, value)) = weights.into_iter().find(|(_, value)| !(0.0..=f32::MAX).contains(value)) {
            return Some((name, format!("is {value}, not finite and at least 0")));
        }
        // Without bone normalisation the lengths are not used, and may be absent.
        let needed = self.normalize == Normalize::Bone || !self.bone_lengths.is_empty();
        if needed && self.bone_lengths.len() != self.joints - 1 {
            let (found, expected) = (self.bone_lengths.len(), self.joints - 1);
            return Some(("bone_lengths", format!("has {found} entries, not {expected} (joints - 1)")));
        }
        if let Some(length) = self.bone_lengths.iter().find(|&&length| !positive(length)) {
            return Some(("bone_lengths", format!("has {length}, not positive and finite")));
        }
        None
    }

    /// Translates the options of the PyTorch reference: the JSON of its `Cfg`. A missing key has the
    /// reference's default, an unknown one is ignored. The result is not validated.
    ///
    /// # Errors
    /// A sentence that names the key whose value is of the wrong kind, or not supported here.
    pub(crate) fn from_reference_json(json: &serde_json::Value) -> Result<Self, String> {
        if !json.is_object() {
            return Err("it is not a JSON object".to_owned());
        }
        let real = |key, default| reference_number(json, key, default).map(|value| value as f32);
        let choice = |key, default: &'static str| match json.get(key) {
            None => Ok(default),
            Some(value) => value.as_str().ok_or(format!("{key} is {value}, not a string")),
        };
        let unknown = |key, value: &str| Err(format!("{key} is {value:?}, which is not known"));

        // Two options that this engine fixes: any other value would change every prediction.
        if json.get("center").is_some_and(|value| value.as_bool() != Some(true)) {
            return Err("center is not true: poses with a free root are not supported".to_owned());
        }
        if reference_number(json, "bone_pow", 6.0)? != 6.0 {
            return Err("bone_pow is not 6: other power means are not supported".to_owned());
        }
        let (projection, depth) = match choice("proj", "persp")? {
            "persp" => (Projection::Perspective, real("c", 10.0)?),
            "weak" => (Projection::WeakPerspective, real("c", 10.0)?),
            "ortho" => (Projection::WeakPerspective, 1.0),
            other => return unknown("proj", other),
        };
        let bones = match json.get("bones") {
            None => &[][..],
            Some(value) => value.as_array().ok_or(format!("bones is {value}, not a list"))?,
        };
        let bone = |value: &serde_json::Value| value.as_f64().ok_or(format!("bones has {value}, not a number"));
        Ok(Self {
            joints: reference_count(json, "J", 16)?,
            width: reference_count(json, "W", 1024)?,
            slope: real("slope", 0.01)?,
            bn_eps: real("bn_eps", 1e-5)?,
            ssl: match choice("ssl", "cyc")? {
                "cyc" => Ssl::Cycle,
                "adv" => Ssl::Adversary,
                "none" => Ssl::None,
                other => return unknown("ssl", other),
            },
            projection,
            depth,
            min_depth: real("zmin", 1.0)?,
            reduction: match choice("reduction", "mean")? {
                "mean" => Reduction::Mean,
                "sum" => Reduction::Sum,
                other => return unknown("reduction", other),
            },
            generator: match choice("gan", "sat")? {
                "sat" => Generator::Saturating,
                "nonsat" => Generator::NonSaturating,
                other => return unknown("gan", other),
            },
            normalize: match choice("norm", "plane")? {
                "plane" => Normalize::Plane,
                "bone" => Normalize::Bone,
                other => return unknown("norm", other),
            },
            bone_lengths: bones.iter().map(|value| Ok(bone(value)? as f32)).collect::<Result<_, String>>()?,
            lambda: real("lam", 0.1)?,
            lambda_2d: real("lam2d", 10.0)?,
            lambda_3d: real("lam3d", 0.1)?,
        })
    }
}

/// The number under `key` in the reference's options, or `default` where there is none.
pub(crate) fn reference_number(json: &serde_json::Value, key: &str, default: f64) -> Result<f64, String> {
    match json.get(key) {
        None => Ok(default),
        Some(value) => value.as_f64().ok_or(format!("{key} is {value}, not a number")),
    }
}

/// The whole number under `key` in the reference's options, or `default` where there is none.
pub(crate) fn reference_count(json: &serde_json::Value, key: &str, default: usize) -> Result<usize, String> {
    match json.get(key) {
        None => Ok(default),
        Some(value) => {
            let count = value.as_u64().and_then(|count| usize::try_from(count).ok());
            count.ok_or(format!("{key} is {value}, not a whole number"))
        }
    }
}

/// How the learning rate falls during training.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Decay {
    /// `lr · gamma^(step / steps)`.
    Exponential {
        /// Factor per `steps`.
        gamma: f32,
        /// Steps per factor.
        steps: f32,
    },
    /// Exponential from `lr` down to `lr · factor` at the last step of the run.
    ToFactor {
        /// Final factor.
        factor: f32,
    },
}

impl Decay {
    /// Fails unless every number is finite and above 0.
    ///
    /// # Errors
    /// A sentence that names the number.
    pub fn validate(self) -> Result<(), String> {
        let numbers = match self {
            Self::Exponential { gamma, steps } => [("gamma", gamma), ("steps", steps)],
            Self::ToFactor { factor } => [("factor", factor); 2],
        };
        match numbers.into_iter().find(|(_, number)| !(number.is_finite() && *number > 0.0)) {
            Some((name, number)) => Err(format!("{name} is {number}; use a number above 0")),
            None => Ok(()),
        }
    }
}

/// One training run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrainConfig {
    /// Poses per step.
    pub batch: usize,
    /// Optimisation steps of the whole run.
    pub steps: u32,
    /// Initial learning rate.
    pub lr: f32,
    /// Its decay.
    pub decay: Decay,
    /// Dropout probability.
    pub dropout: f32,
    /// Momentum of batch norm's running statistics.
    pub bn_momentum: f32,
    /// Mirror each drawn pose with probability one half.
    pub flip: bool,
    /// Seed of the initial weights, the order of poses, the views and the dropout masks.
    pub seed: u32,
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            batch: 64,
            steps: 3000,
            lr: 2e-4,
            decay: Decay::Exponential { gamma: 0.96, steps: 100_000.0 },
            dropout: 0.5,
            bn_momentum: 0.1,
            flip: true,
            seed: 0,
        }
    }
}

impl TrainConfig {
    /// Fails for settings that cannot be trained.
    ///
    /// # Errors
    /// [`Error::Setting`] naming the setting and the fix.
    pub fn validate(&self) -> crate::error::Result<()> {
        let wrong = |setting, problem: String| Err(Error::setting(setting, problem));
        if self.steps == 0 {
            return wrong("steps", "it is 0; use at least 1".to_owned());
        }
        if !(2..=1 << 16).contains(&self.batch) {
            return wrong("batch", format!("it is {}; batch norm needs 2 to 65536", self.batch));
        }
        if !(0.0..1.0).contains(&self.dropout) {
            return wrong("dropout", format!("it is {}; use 0 to below 1", self.dropout));
        }
        if !(self.lr.is_finite() && self.lr > 0.0) {
            return wrong("lr", format!("it is {}; use a positive number", self.lr));
        }
        self.decay.validate().map_err(|problem| Error::setting("decay", problem))?;
        if !(0.0..=1.0).contains(&self.bn_momentum) {
            return wrong("bn_momentum", format!("it is {}; use 0 to 1", self.bn_momentum));
        }
        Ok(())
    }
}
