//! The options of the PyTorch reference: what stands in the files that it writes.

use super::{Generator, Lift, ModelConfig, Normalize, Projection, Reduction, Ssl};

impl ModelConfig {
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
                "geo" => Ssl::Geometry,
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
            lift: match choice("lift", "free")? {
                "free" => Lift::Free,
                "corrected" => Lift::Corrected,
                other => return unknown("lift", other),
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
            plane_scale: real("plane_scale", 1.0)?,
            rays: false,
            noise: 0.0,
            lambda_plane: real("lam_plane", 0.0)?,
            lambda_bone: real("lam_bone", 2.0)?,
            lambda_view: real("lam_view", 0.5)?,
            lambda_replay: real("lam_replay", 1.0)?,
            reservoir: 0,
            gate: real("gate", 0.0)?,
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
