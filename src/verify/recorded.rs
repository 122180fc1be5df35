//! Recorded states: one training step and runs of adaptation, computed elsewhere in float64, with
//! every random number that went in. Replaying one shows that this engine computes the same.
//!
//! A state is a `.safetensors` file written by the PyTorch reference. With J joints, B copies, T
//! iterations, N samples and n training poses, its keys are
//!
//! | key | content |
//! |---|---|
//! | `param/<name>` | the start, under the names of [`crate::checkpoint::expected_tensors`] |
//! | `train/x`, `train/X` | training poses `[n, J, 2]` and their truth `[n, J, 3]` |
//! | `train/az`, `train/el` | angles of the virtual cameras `[n]`, radians |
//! | `train/mask/NN` | dropout masks, 1 where a feature is kept, in the order in which layers are called |
//! | `train/loss/<term>` | loss terms of the step, scalars |
//! | `train/grad/<name>`, `train/param_1/<name>` | its gradients, and the parameters after it |
//! | `iso/xs`, `iso/gt` | test poses `[N, J, 2]` and their truth `[N, J, 3]` |
//! | `iso/az`, `iso/el` | angles `[N, T, B]` |
//! | `baseline/pred` | predictions without adaptation `[N, J, 3]` |
//! | `{vanilla,online}/loss/<term>` | `[N, T]`, for online `[N, 1]` |
//! | `{vanilla,online}/grad_1/<name>`, `…/param_1/<name>` | of the first iteration of the first sample |
//! | `{vanilla,online}/param_T/<name>` | after T iterations; for online after the last sample, of one each |
//! | `{vanilla,online}/pred`, `…/pred_noflip` | predictions `[N, J, 3]` with and without flip averaging |
//! | `skip/pred` | predictions of online adaptation of every `skip`-th sample |
//! | `metric/pred`, `metric/gt`, `metric/{US,GS,PA}/{mpjpe,pck,auc}` | poses and their scores |
//!
//! A state of the geometry task has no `train/az`, `train/el`, `train/loss/total` and `metric/`; with R replayed poses it
//! also has
//!
//! | key | content |
//! |---|---|
//! | `iso/rx`, `iso/rX` | them as they enter the network `[N, T, R, J, 2]` and their truth `[N, T, R, J, 3]` |
//!
//! A discriminator tensor's gradient is that of its own objective, before the ascent's change of sign.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::path::{Path, PathBuf};

use safetensors::Dtype;
use serde_json::Value;

use super::layout::{Sizes, expected_keys};
use crate::checkpoint::{Archive, Tensor};
use crate::config::{ModelConfig, Ssl, reference_count, reference_number};
use crate::error::{Error, Result};
use crate::format::{memory_limit, read_limited};

/// What to do about a tensor that is not as the config has it.
const FIT: &str = "use a file whose tensors fit its config";

/// A recorded state: its options and its tensors as f64.
#[derive(Clone, Debug)]
pub struct RecordedState {
    /// The model and its losses.
    pub model: ModelConfig,
    /// Dropout probability of the training step.
    pub dropout: f32,
    /// Momentum of batch norm's running statistics in the training step.
    pub bn_momentum: f32,
    /// Learning rate of the training step.
    pub lr: f32,
    /// Learning rate of adaptation.
    pub alpha: f32,
    /// B, copies of a sample in a mini-batch.
    pub copies: usize,
    /// T, iterations per sample of vanilla adaptation.
    pub iterations: usize,
    /// R, poses replayed in a step of the geometry task.
    pub replayed: usize,
    /// Online-skip adapts one sample of so many.
    pub skip: usize,
    path: PathBuf,
    tensors: BTreeMap<String, (Vec<usize>, Vec<f64>)>,
}

impl RecordedState {
    /// Reads and checks a recorded state.
    ///
    /// # Errors
    /// If the file cannot be read, or see [`Self::from_bytes`].
    pub fn load(path: &Path) -> Result<Self> {
        Self::from_bytes(path, &read_limited(path, memory_limit())?)
    }

    /// Parses and checks the content of a recorded state; `name` stands for it in messages.
    ///
    /// # Errors
    /// If this is no safetensors file, its options are unknown or not supported, a tensor is missing,
    /// misshapen or too many, or a value is not finite in f32; the error names the option or tensor.
    pub fn from_bytes(name: &Path, bytes: &[u8]) -> Result<Self> {
        let archive = Archive::parse(name, bytes)?;
        if archive.metadata.get("format").is_some_and(|format| format.starts_with("isopose-")) {
            let fix = "use a recorded state; a checkpoint is for `eval`";
            return Err(Error::file(name, "metadata format", "this is a checkpoint, not a recorded state", fix));
        }
        let bad = |why: String| Error::file(name, "metadata config", why, "record the state again");
        let Some(json) = archive.metadata.get("config") else {
            return Err(bad("there is none, so this is no recorded state".to_owned()));
        };
        let json: Value = serde_json::from_str(json).map_err(|error| bad(error.to_string()))?;
        let unknown = |why: String| Error::file(name, "metadata config", why, "use a version that has this option");
        let model = ModelConfig::from_reference_json(&json).map_err(unknown)?;
        model.validate().map_err(bad)?;
        check_variant(&json).map_err(unknown)?;
        let real = |key, default| reference_number(&json, key, default).map(|value| value as f32).map_err(bad);
        let count = |key, default| match reference_count(&json, key, default).map_err(bad)? {
            0 => Err(bad(format!("{key} is 0"))),
            count => Ok(count),
        };
        let mut tensors = BTreeMap::new();
        for (key, info) in &archive.tensors {
            let data = archive.values(key, info, &[Dtype::F64, Dtype::F32, Dtype::U8])?;
            // The engine works in f32: what overflows there could be compared with nothing.
            if let Some(index) = data.iter().position(|value| !(*value as f32).is_finite()) {
                let problem = format!("value {index} is {:e}, not finite (in f32)", data[index]);
                return Err(Error::file(name, key, problem, "record the state again"));
            }
            tensors.insert(key.clone(), (info.shape.clone(), data));
        }
        let state = Self {
            dropout: real("p", 0.5)?,
            bn_momentum: real("bn_momentum", 0.1)?,
            lr: real("lr", 2e-4)?,
            alpha: real("alpha", 2e-5)?,
            copies: count("B", 64)?,
            iterations: count("T", 10)?,
            replayed: if model.ssl == Ssl::Geometry { count("R", 8)? } else { 0 },
            skip: count("skip", 10)?,
            path: name.to_owned(),
            model,
            tensors,
        };
        state.check_options().map_err(bad)?;
        state.check_keys()?;
        Ok(state)
    }

    fn check_options(&self) -> std::result::Result<(), String> {
        if self.model.ssl == Ssl::None {
            return Err("ssl is none, and then there is no adaptation to replay".to_owned());
        }
        if !(0.0..1.0).contains(&self.dropout) {
            return Err(format!("p is {}, not at least 0 and below 1", self.dropout));
        }
        if !(0.0..=1.0).contains(&self.bn_momentum) {
            return Err(format!("bn_momentum is {}, not from 0 to 1", self.bn_momentum));
        }
        let rates = [("lr", self.lr), ("alpha", self.alpha)];
        match rates.into_iter().find(|(_, rate)| !(rate.is_finite() && *rate > 0.0)) {
            Some((name, rate)) => Err(format!("{name} is {rate}, not positive and finite")),
            None => Ok(()),
        }
    }

    /// Every tensor that the task has is there in its shape, and no other.
    fn check_keys(&self) -> Result<()> {
        let wrong = |key: &str, problem: String, fix: &str| Err(Error::file(&self.path, key, problem, fix));
        let joints = self.model.joints;
        // The numbers of poses are told by these three. Batch norm over two rows has no
        // gradient, and over a few it leaves mostly rounding.
        let rows = |key: &str, coordinates: usize, least: usize| match self.tensor(key)?.0 {
            &[rows, j, c] if (j, c) == (joints, coordinates) && rows >= least => Ok(rows),
            found => {
                let problem = format!("expected shape [{least} or more, {joints}, {coordinates}], found {found:?}");
                Err(Error::file(&self.path, key, problem, FIT))
            }
        };
        let sizes = Sizes {
            train: rows("train/x", 2, 8)?,
            samples: rows("iso/xs", 2, 1)?,
            scored: if self.model.ssl == Ssl::Geometry { 0 } else { rows("metric/pred", 3, 1)? },
            iterations: self.iterations,
            copies: self.copies,
            replayed: self.replayed,
            dropout: self.dropout > 0.0,
        };
        let expected: BTreeMap<_, _> = expected_keys(&self.model, &sizes).into_iter().collect();
        for (key, shape) in &expected {
            let (found, values) = self.tensor(key)?;
            if found != shape {
                return wrong(key, format!("expected shape {shape:?}, found {found:?}"), FIT);
            }
            let is_mask = key.starts_with("train/mask/");
            if let Some(index) = values.iter().position(|&value| is_mask && value != 0.0 && value != 1.0) {
                return wrong(key, format!("value {index} is {}, not 0 or 1", values[index]), "record the state again");
            }
        }
        // What is not known would not be compared, and what is not compared must not look right.
        match self.tensors.keys().find(|key| !expected.contains_key(*key)) {
            Some(key) => wrong(key, "a recorded state of this config has no such tensor".to_owned(), FIT),
            None => Ok(()),
        }
    }

    /// Shape and values, in row-major order, of the tensor under `key`.
    ///
    /// # Errors
    /// If there is none.
    pub fn tensor(&self, key: &str) -> Result<(&[usize], &[f64])> {
        let found = self.tensors.get(key).map(|(shape, data)| (shape.as_slice(), data.as_slice()));
        found.ok_or_else(|| Error::file(&self.path, key, "there is no such tensor", "record the state again"))
    }

    /// Names, without `prefix`, and values of all tensors whose key starts with it, sorted by name.
    pub fn keys_under<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a [f64])> {
        self.under(prefix).map(|(name, _, data)| (name, data))
    }

    /// The tensors whose key starts with `prefix`, without it and rounded to f32: with `param/` those
    /// of a checkpoint.
    #[must_use]
    pub fn with_prefix(&self, prefix: &str) -> BTreeMap<String, Tensor> {
        let round = |data: &[f64]| data.iter().map(|value| *value as f32).collect();
        self.under(prefix)
            .map(|(name, shape, data)| (name.to_owned(), Tensor { shape: shape.to_vec(), data: round(data) }))
            .collect()
    }

    /// Puts other values under a key, past the checks of a file.
    #[cfg(test)]
    pub(super) fn set(&mut self, key: &str, change: impl Fn(f64) -> f64) {
        let values = self.tensors.get_mut(key).map(|(_, values)| values);
        values.into_iter().flatten().for_each(|value| *value = change(*value));
    }

    fn under<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a [usize], &'a [f64])> {
        let from = self.tensors.range::<str, _>((Bound::Included(prefix), Bound::Unbounded));
        from.map_while(move |(key, (shape, data))| Some((key.strip_prefix(prefix)?, shape.as_slice(), data.as_slice())))
    }
}

/// Refuses a state recorded with a variant of the algorithm that this engine does not have: replaying
/// it would look like a wrong result.
fn check_variant(json: &Value) -> std::result::Result<(), String> {
    let only = [
        ("order", Value::from("simul")),
        ("bn_affine", Value::from(false)),
        ("ssl_dropout", Value::from(false)),
        ("online_adam", Value::from("carry")),
    ];
    for (key, supported) in only {
        if let Some(value) = json.get(key).filter(|value| **value != supported) {
            return Err(format!("{key} is {value}, and only {supported} is supported"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Lift;
    use crate::verify::OWN_STATES;
    use crate::verify::hostile_tests::bytes_of;

    fn parse(bytes: &[u8]) -> Result<RecordedState> {
        RecordedState::from_bytes(Path::new("state"), bytes)
    }

    /// What is said of an own state, the paper's or the geometry task's, with an option changed.
    fn refusal(own: usize, option: &str, value: Value) -> String {
        let mut bytes = bytes_of(&OWN_STATES[own]);
        bytes.config[option] = value;
        parse(&bytes.serialize()).unwrap_err().to_string()
    }

    #[test]
    fn a_written_state_is_read() {
        let [state, geometry] = OWN_STATES.each_ref().map(|own| own.state().unwrap());
        assert_eq!((state.copies, state.iterations, state.skip), (3, 4, 2));
        assert_eq!((state.alpha, state.dropout, state.model.joints), (2e-5, 0.5, 16));
        assert_eq!(state.tensor("param/disc.out.weight").unwrap().0, [1, 8]);
        assert_eq!(state.keys_under("metric/US/").map(|(name, _)| name).collect::<Vec<_>>(), ["auc", "mpjpe", "pck"]);
        let parameters = crate::checkpoint::expected_tensors(&state.model).len();
        assert_eq!(state.with_prefix("param/").len(), parameters);
        assert!(state.tensor("y").unwrap_err().to_string().contains("state.safetensors: y: there is no such tensor"));

        assert_eq!((geometry.copies, geometry.replayed, geometry.alpha), (3, 4, 1e-4));
        assert_eq!((geometry.model.lift, geometry.model.plane_scale), (Lift::Corrected, 0.95));
        assert!(geometry.model.lambda_plane > 0.0);
        // The gate weighs some samples down and others not.
        let (_, bones) = geometry.tensor("vanilla/loss/bone").unwrap();
        let open = bones.iter().filter(|bone| **bone > f64::from(geometry.model.gate)).count();
        assert!(0 < open && open < bones.len(), "{open} of {}", bones.len());
    }

    #[test]
    fn wrong_options_are_refused() {
        let wrong = [
            ("W", Value::from(12), "expected shape [1, 12], found [1, 8]"),
            ("J", 17.into(), "bone_lengths has 15 entries, not 16"),
            ("T", 0.into(), "T is 0"),
            ("T", 5.into(), "iso/az: expected shape [4, 5, 3], found [4, 4, 3]"),
            ("B", u64::MAX.into(), "iso/az: expected shape"),
            ("ssl", "adv".into(), "a recorded state of this config has no such tensor"),
            ("ssl", "none".into(), "ssl is none"),
            ("ssl", "geo".into(), "iso/rX: there is no such tensor"),
            ("ssl", "rot".into(), "metadata config: ssl is \"rot\", which is not known; use a version"),
            ("order", "d_first".into(), "order is"),
            ("p", 0.into(), "train/mask/00: a recorded state of this config has no such tensor"),
            ("p", 1.into(), "p is 1, not at least 0 and below 1"),
            ("bn_momentum", (-0.5).into(), "bn_momentum is -0.5"),
            ("lr", 1e300.into(), "lr is inf"),
            ("alpha", 0.into(), "alpha is 0"),
            ("c", 1e300.into(), "depth is inf"),
        ];
        for (option, value, message) in wrong {
            let said = refusal(0, option, value);
            assert!(said.starts_with("state: ") && said.contains(message), "{option}: {said}");
        }
        let wrong = [
            ("R", Value::from(0), "R is 0"),
            ("R", 5.into(), "iso/rX: expected shape [4, 4, 5, 16, 3], found [4, 4, 4, 16, 3]"),
            ("lift", "flat".into(), "lift is \"flat\", which is not known"),
            ("plane_scale", 0.into(), "plane_scale is 0"),
            ("gate", (-1).into(), "gate is -1"),
            ("lam_view", 1e300.into(), "lambda_view is inf"),
            ("ssl", "cyc".into(), "lift is corrected, which goes with"),
        ];
        for (option, value, message) in wrong {
            let said = refusal(1, option, value);
            assert!(said.starts_with("state: ") && said.contains(message), "{option}: {said}");
        }
        let whole = bytes_of(&OWN_STATES[0]).serialize();
        for length in [0, 9, whole.len() - 1] {
            assert!(parse(&whole[..length]).unwrap_err().to_string().contains("truncated"));
        }
        assert!(RecordedState::load(Path::new("no/such")).is_err());
    }

    #[test]
    #[allow(clippy::print_stderr, reason = "a test that checks nothing must say so")]
    fn the_shared_states_load() {
        let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/fixtures"));
        let Ok(entries) = std::fs::read_dir(folder) else {
            eprintln!("SKIPPED the_shared_states_load: there are no recorded states at {}", folder.display());
            return;
        };
        let files = entries.map(|entry| entry.unwrap().path());
        for path in files.filter(|path| path.extension().is_some_and(|ext| ext == "safetensors")) {
            let state = RecordedState::load(&path).unwrap();
            let (shape, _) = state.tensor("iso/az").unwrap();
            assert_eq!(shape[1..], [state.iterations, state.copies]);
            let (masks, losses) = match state.model.ssl {
                Ssl::Cycle => (24, 10),
                Ssl::Geometry => (8, 1),
                _ => (16, 8),
            };
            assert_eq!(state.keys_under("train/mask/").count(), masks);
            assert_eq!(state.keys_under("train/loss/").count(), losses, "{}", path.display());
        }
    }
}
