//! Recorded states: one training step and runs of adaptation, computed elsewhere in float64, with
//! every random number that went in. Replaying one shows that this engine computes the same.
//!
//! A state is a `.safetensors` file written by the PyTorch reference. With J joints, B copies, T
//! iterations, N samples and n training poses, its keys are
//!
//! | key | content |
//! |---|---|
//! | `param/<name>` | the start, under the names of [`expected_tensors`] |
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
//! A discriminator tensor's gradient is that of its own objective, before the ascent's change of sign.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::path::{Path, PathBuf};

use safetensors::Dtype;
use serde_json::Value;

use crate::checkpoint::{Archive, Tensor, expected_tensors};
use crate::config::{ModelConfig, reference_count, reference_number};
use crate::error::{Error, Result};

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
        let bytes = std::fs::read(path).map_err(|source| Error::io(path, "read", source))?;
        Self::from_bytes(path, &bytes)
    }

    /// Parses and checks the content of a recorded state; `name` stands for it in messages.
    ///
    /// # Errors
    /// If this is no safetensors file, its options are unknown or not supported, a parameter at the
    /// start is missing or misshapen, or a value is not finite; the error names the option or tensor.
    pub fn from_bytes(name: &Path, bytes: &[u8]) -> Result<Self> {
        let archive = Archive::parse(name, bytes)?;
        if archive.metadata.get("format").is_some_and(|format| format.starts_with("isopose-")) {
            let fix = "use a recorded state; a checkpoint is for `eval --checkpoint`";
            return Err(Error::file(name, "metadata format", "this is a checkpoint, not a recorded state", fix));
        }
        let bad = |why: String| Error::file(name, "metadata config", why, "record the state again");
        let Some(json) = archive.metadata.get("config") else {
            return Err(bad("there is none, so this is no recorded state".to_owned()));
        };
        let json: Value = serde_json::from_str(json).map_err(|error| bad(error.to_string()))?;
        let model = ModelConfig::from_reference_json(&json).map_err(bad)?;
        model.validate().map_err(bad)?;
        check_variant(&json).map_err(bad)?;
        let real = |key, default| reference_number(&json, key, default).map(|value| value as f32).map_err(bad);
        let count = |key, default| match reference_count(&json, key, default).map_err(bad)? {
            0 => Err(bad(format!("{key} is 0"))),
            count => Ok(count),
        };
        let mut tensors = BTreeMap::new();
        for (key, info) in &archive.tensors {
            let data = archive.values(key, info, &[Dtype::F64, Dtype::F32, Dtype::U8])?;
            if let Some(index) = data.iter().position(|value| !value.is_finite()) {
                let problem = format!("value {index} is {}, not finite", data[index]);
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
            skip: count("skip", 10)?,
            path: name.to_owned(),
            model,
            tensors,
        };
        for (parameter, shape) in expected_tensors(&state.model) {
            let key = format!("param/{parameter}");
            let found = state.tensor(&key)?.0;
            if found != shape {
                let problem = format!("expected shape {shape:?}, found {found:?}");
                return Err(Error::file(name, key, problem, "use a file whose tensors fit its config"));
            }
        }
        Ok(state)
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
    use std::collections::HashMap;

    use super::*;

    /// A state of parameters only, all `value`, and one more tensor.
    fn bytes(config: &str, value: f32, extra: &str) -> Vec<u8> {
        let model = ModelConfig { width: 4, ..ModelConfig::default() };
        let mut tensors = BTreeMap::new();
        for (name, shape) in expected_tensors(&model) {
            let data = vec![value; shape.iter().product()];
            tensors.insert(format!("param/{name}"), Tensor { shape, data });
        }
        tensors.insert(extra.to_owned(), Tensor { shape: vec![], data: vec![1.5] });
        let metadata = HashMap::from([("config".to_owned(), config.to_owned())]);
        safetensors::serialize(&tensors, Some(metadata)).unwrap()
    }

    fn refusal(config: &str, value: f32) -> String {
        RecordedState::from_bytes(Path::new("state"), &bytes(config, value, "x")).unwrap_err().to_string()
    }

    #[test]
    fn a_written_state_is_read() {
        let bytes = bytes(r#"{"W": 4, "B": 3, "alpha": 0.5}"#, 0.25, "param_1/x");
        let state = RecordedState::from_bytes(Path::new("state"), &bytes).unwrap();
        assert_eq!((state.copies, state.iterations, state.skip), (3, 10, 10));
        assert_eq!((state.alpha, state.dropout, state.model.joints), (0.5, 0.5, 16));
        assert_eq!(state.tensor("param/disc.out.weight").unwrap(), (&[1, 4][..], &[0.25; 4][..]));
        assert_eq!(state.keys_under("param_1/").collect::<Vec<_>>(), [("x", &[1.5][..])]);
        assert_eq!(state.with_prefix("param/").len(), expected_tensors(&state.model).len());
        assert!(state.tensor("y").unwrap_err().to_string().contains("state: y: there is no such tensor"));
    }

    #[test]
    fn wrong_states_are_refused() {
        assert!(refusal(r#"{"W": 8}"#, 0.0).contains("expected shape [8, 32], found [4, 32]"));
        assert!(refusal(r#"{"W": 4, "J": 17}"#, 0.0).contains("param/extractor.stem.weight"));
        assert!(refusal(r#"{"W": 4, "T": 0}"#, 0.0).contains("T is 0"));
        assert!(refusal(r#"{"W": 4, "order": "d_first"}"#, 0.0).contains("order is"));
        assert!(refusal(r#"{"W": 4}"#, f32::NAN).contains("param/disc.out.bias: value 0 is NaN"));
        assert!(refusal("{", 0.0).contains("metadata config"));
        let whole = bytes(r#"{"W": 4}"#, 0.0, "x");
        for length in [0, 9, whole.len() - 1] {
            let error = RecordedState::from_bytes(Path::new("state"), &whole[..length]).unwrap_err();
            assert!(error.to_string().contains("truncated"));
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
            let relifts = state.model.ssl == crate::config::Ssl::Cycle;
            assert_eq!(state.keys_under("train/mask/").count(), if relifts { 24 } else { 16 });
            assert!(state.keys_under("train/loss/").count() >= if relifts { 9 } else { 7 });
        }
    }
}
