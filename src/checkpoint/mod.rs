//! Model checkpoints: `.safetensors` files that PyTorch's `load_state_dict` understands.
//!
//! Tensors bear their names in the reference's `state_dict`; linear weights are `[out, in]`. With J
//! joints and W features: `stem` is `[W, 2J]`, `fc1` and `fc2` are `[W, W]`, a head's `out` is
//! `[3J, W]`, the discriminator's `[1, W]`. `ssl.*` and `disc.*` are absent where the model has no
//! self-supervised task. A run that can be resumed also has Adam's moments of each trainable tensor,
//! `adam.exp_avg.<name>` and `adam.exp_avg_sq.<name>`. A model of the geometry task also keeps
//! labelled poses to replay, as they enter the network: `replay.keypoints` `[n, J, 2]` and
//! `replay.positions` `[n, J, 3]`, metres from the root.
//!
//! The header's metadata are `format` (`isopose-2`), `config` ([`ModelConfig`] as JSON), to resume `training`
//! ([`TrainingState`] as JSON), and the checksums of all of this, so that damage is found when a file is read; files of the
//! format `isopose-1` have none. A file without `format` comes from elsewhere: its
//! `config`, if any, is read as the PyTorch reference's: the JSON of its `Cfg`. Without a
//! `config`, J, W and whether there is a self-supervised task (then taken to be the cycle) follow from
//! the tensors, inputs are taken to be in the projection's plane, and all else has its default.
//!
//! What PyTorch's wrappers put before the names of all tensors is taken off: `module.` of `DataParallel`, `_orig_mod.` of
//! `torch.compile`, nested too. It must be the same before all. f64 is rounded to f32, f16 and bf16 are widened.
//! [`Checkpoint::load_told`] says what of this a file needed.

mod archive;
mod sound;
mod sums;
#[cfg(test)]
mod sums_tests;
#[cfg(test)]
mod tests;
mod told;
mod wrapper;
mod write;

use std::collections::BTreeMap;
use std::path::Path;

use safetensors::Dtype;
use serde::{Deserialize, Serialize};

use crate::config::{ModelConfig, Network, Normalize, Ssl, TrainConfig};
use crate::error::{Error, Result};
use crate::format::{WholeFile, memory_limit, read_limited};
pub(crate) use archive::Archive;
pub(crate) use sound::check_parameters;
use sound::{Wrong, own_config, wrong_tensor};
pub use told::Told;

/// The words for this crate's formats: the one that is written, and the one that is read too.
const FORMATS: [&str; 2] = [sums::WITH_SUMS, sums::WITHOUT_SUMS];
const MOMENTS: [&str; 2] = ["adam.exp_avg.", "adam.exp_avg_sq."];

/// A dense tensor in row-major order.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Its extents, slowest first.
    pub shape: Vec<usize>,
    /// As many values as the extents multiply to.
    pub data: Vec<f32>,
}

/// Tensors by their `state_dict` names.
pub type Tensors = BTreeMap<String, Tensor>;

/// Adam's moments of each trainable tensor, under its name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Moments {
    /// The running mean of the gradient.
    pub exp_avg: Tensors,
    /// The running mean of its square.
    pub exp_avg_sq: Tensors,
}

impl Moments {
    /// Both, each with what stands before its names in files.
    fn named(&self) -> [(&'static str, &Tensors); 2] {
        let [first, second] = MOMENTS;
        [(first, &self.exp_avg), (second, &self.exp_avg_sq)]
    }
}

/// What a training run needs, besides the tensors, to go on where it stopped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingState {
    /// The run's options.
    pub config: TrainConfig,
    /// Optimisation steps done, which is Adam's step count too.
    pub step: u32,
    /// Poses of the training set: the order in which they are drawn depends on it.
    pub poses: usize,
    /// Checksum of the training set, which files of earlier versions lack.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksum: Option<u64>,
    /// Ids of the sequences kept out of training.
    pub held_back: Vec<i32>,
}

/// A model, and the state of its training where it can be resumed.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// The model's options.
    pub model: ModelConfig,
    /// All of [`expected_tensors`]: what predicts, and what adaptation starts from.
    pub parameters: Tensors,
    /// Where training's Adam is. Adaptation has an Adam of its own and never sees it.
    pub optimiser: Option<Moments>,
    /// Present where training can be resumed.
    pub training: Option<TrainingState>,
}

impl Checkpoint {
    /// Reads and checks a checkpoint; f64 tensors are rounded to f32, f16 and bf16 widened. What wrappers of PyTorch
    /// put before all names, `module.` and `_orig_mod.`, is taken off.
    ///
    /// # Errors
    /// If the file cannot be read, is no safetensors file, or holds anything but one sound model. The
    /// error names the tensor or the metadata at fault.
    pub fn load(path: &Path) -> Result<Self> {
        Self::from_bytes(path, &read_limited(path, memory_limit())?)
    }

    /// Parses and checks the content of a checkpoint; `path` stands for it in messages.
    ///
    /// # Errors
    /// As [`Self::load`], but for reading.
    pub fn from_bytes(path: &Path, bytes: &[u8]) -> Result<Self> {
        Self::read(path, bytes).map(|(checkpoint, _)| checkpoint)
    }

    /// As [`Self::load`]; also what the file was taken for where it does not say, or says otherwise.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn load_told(path: &Path) -> Result<(Self, Told)> {
        Self::read(path, &read_limited(path, memory_limit())?)
    }

    fn read(path: &Path, bytes: &[u8]) -> Result<(Self, Told)> {
        let mut archive = Archive::parse(path, bytes)?;
        sums::check(&archive)?;
        let prefix = wrapper::take_off(&mut archive)?;
        if archive.tensors.keys().any(|name| name.starts_with("param/")) {
            let problem = "this is a recorded state (its tensors are named param/...), not a checkpoint";
            return Err(Error::file(path, "tensors", problem, "give a checkpoint here"));
        }
        let model = read_model(&archive)?;
        let bad = |error: serde_json::Error| {
            Error::file(path, "metadata training", error.to_string(), "use a checkpoint that this version wrote")
        };
        let training =
            archive.metadata.get("training").map(|json| serde_json::from_str(json).map_err(bad)).transpose()?;
        let mut told = Told { options: !archive.metadata.contains_key("config"), prefix, widened: Vec::new() };
        let (mut parameters, mut optimiser) = (Tensors::new(), Moments::default());
        // PyTorch's batch norm counts batches; nothing here needs to know.
        for (name, info) in archive.tensors.iter().filter(|(name, _)| !name.ends_with(".num_batches_tracked")) {
            let data = archive.values(name, info, &[Dtype::F32, Dtype::F64, Dtype::F16, Dtype::BF16])?;
            told.add_type(info.dtype);
            let data = data.into_iter().map(|value| value as f32).collect();
            let (tensors, name) = match MOMENTS.map(|prefix| name.strip_prefix(prefix)) {
                [Some(name), _] => (&mut optimiser.exp_avg, name),
                [_, Some(name)] => (&mut optimiser.exp_avg_sq, name),
                _ => (&mut parameters, &**name),
            };
            tensors.insert(name.to_owned(), Tensor { shape: info.shape.clone(), data });
        }
        let optimiser = Some(optimiser).filter(|moments| *moments != Moments::default());
        let checkpoint = Self { model, parameters, optimiser, training };
        checkpoint.check(path)?;
        Ok((checkpoint, told))
    }

    /// Writes the checkpoint so that `path` holds either its old content or all of the new, even if
    /// the machine stops midway.
    ///
    /// # Errors
    /// If [`Self::load`] would refuse the checkpoint (nothing is written then), or writing fails.
    pub fn save(&self, path: &Path) -> Result<()> {
        self.check(path)?;
        let mut metadata = BTreeMap::from([("format", FORMATS[0].to_owned())]);
        metadata.insert("config", to_json(path, &self.model)?);
        if let Some(training) = &self.training {
            metadata.insert("training", to_json(path, training)?);
        }
        let mut file = WholeFile::create(path)?;
        write::write(&mut file, metadata, &self.named().collect()).map_err(|error| Error::io(path, "write", error))?;
        file.finish()
    }

    /// Everything a sound checkpoint fulfils, for files read and to be written.
    fn check(&self, path: &Path) -> Result<()> {
        self.wrong().map_or(Ok(()), |Wrong { field, problem, fix }| Err(Error::file(path, field, problem, fix)))
    }

    /// The first thing in which it is not sound.
    pub(crate) fn wrong(&self) -> Option<Wrong> {
        let wrong = |field: &str, problem, fix| Some(Wrong { field: field.to_owned(), problem, fix });
        if let Err(why) = self.model.validate() {
            return wrong("config", why, "correct the model's configuration and train it again");
        }
        if self.optimiser.is_some() && self.training.is_none() {
            let problem = "there are Adam moments (adam.*) but no training metadata".to_owned();
            return wrong("tensors", problem, "remove the adam.* tensors, or add the metadata");
        }
        if let Some(training) = &self.training {
            let fix = "the file is damaged: use an earlier checkpoint, or train again";
            if let Err(error) = training.config.validate() {
                return wrong("metadata training", error.to_string(), fix);
            }
            if training.poses == 0 {
                return wrong("metadata training", "poses: it is 0".to_owned(), fix);
            }
        }
        let expected = expected_tensors(&self.model);
        self.parts().find_map(|(prefix, tensors)| wrong_tensor(&expected, prefix, tensors))
    }

    /// Every tensor under its name in files.
    fn named(&self) -> impl Iterator<Item = (String, &Tensor)> {
        let named = |(prefix, tensors)| Tensors::iter(tensors).map(move |(name, t)| (format!("{prefix}{name}"), t));
        self.parts().flat_map(named)
    }

    /// Parameters and moments, each with what stands before its names in files.
    fn parts(&self) -> impl Iterator<Item = (&'static str, &Tensors)> {
        let moments = self.optimiser.iter().flat_map(Moments::named);
        std::iter::once(("", &self.parameters)).chain(moments)
    }
}

/// Names of the poses that a model keeps to replay.
pub const RESERVOIR: [&str; 2] = ["replay.keypoints", "replay.positions"];

/// Names and shapes of a model's tensors, in the order of a forward pass: extractor, supervised head,
/// self-supervised head, discriminator; then what it replays.
#[must_use]
pub fn expected_tensors(model: &ModelConfig) -> Vec<(String, Vec<usize>)> {
    let (width, joints) = (model.width, model.joints);
    let linear = |name: String, out: usize, inputs: usize| {
        vec![(format!("{name}.weight"), vec![out, inputs]), (format!("{name}.bias"), vec![out])]
    };
    let block = |name: String, norm: bool| {
        let mut tensors = Vec::new();
        for i in 1..=2 {
            tensors.extend(linear(format!("{name}.fc{i}"), width, width));
            let parts = if norm { &["weight", "bias", "running_mean", "running_var"][..] } else { &[] };
            tensors.extend(parts.iter().map(|part| (format!("{name}.bn{i}.{part}"), vec![width])));
        }
        tensors
    };
    let stack = |name: &str, norm: bool| {
        let mut tensors = linear(format!("{name}.stem"), width, 2 * joints);
        tensors.extend((0..3).flat_map(|i| block(format!("{name}.rb{i}"), norm)));
        tensors
    };
    let head =
        |name: &str| [block(format!("{name}.rb"), true), linear(format!("{name}.out"), 3 * joints, width)].concat();

    let of_network = |network: &Network| match network {
        Network::Extractor => stack(network.prefix(), true),
        Network::FslHead | Network::SslHead => head(network.prefix()),
        Network::Discriminator => {
            let name = network.prefix();
            [stack(name, false), linear(format!("{name}.out"), 1, width)].concat()
        }
    };
    let reservoir = RESERVOIR.iter().zip([2, 3]).filter(|_| model.ssl == Ssl::Geometry && model.reservoir > 0);
    let reservoir = reservoir.map(|(name, size)| ((*name).to_owned(), vec![model.reservoir, joints, size]));
    model.ssl.networks().iter().flat_map(of_network).chain(reservoir).collect()
}

/// The model's options: this crate's, the reference's, or what the tensors tell.
fn read_model(archive: &Archive) -> Result<ModelConfig> {
    let path = archive.path;
    let bad = |why: String| Error::file(path, "metadata config", why, "correct it or export the model again");
    // Other programs put their own name there, such as "pt".
    let format = archive.metadata.get("format").filter(|format| format.starts_with("isopose-"));
    if let Some(format) = format.filter(|format| !FORMATS.contains(&format.as_str())) {
        let problem = format!("{format} is not known, only {}", FORMATS.join(" and "));
        return Err(Error::file(path, "metadata format", problem, "use the version that wrote the file"));
    }
    match archive.metadata.get("config") {
        Some(json) if format.is_some() => own_config(json).map_err(bad),
        Some(json) => {
            let json: serde_json::Value = serde_json::from_str(json).map_err(|error| bad(error.to_string()))?;
            // Options of this crate's would be taken for the reference's defaults.
            if json.get("joints").is_some() {
                let known = FORMATS[1];
                return Err(bad(format!("it has options of this program's, but the metadata `format` is not {known}")));
            }
            ModelConfig::from_reference_json(&json).map_err(bad)
        }
        None if format.is_some() => Err(bad("it is missing, and every file of this program's has one".to_owned())),
        None => {
            let stem = "extractor.stem.weight";
            let Some(&[width, inputs]) = archive.tensors.get(stem).map(|info| info.shape.as_slice()) else {
                let problem = "there is no such matrix, which would tell the model's size";
                return Err(Error::file(path, stem, problem, "give a checkpoint of a lifting model"));
            };
            let has_ssl = archive.tensors.keys().any(|name| name.starts_with("ssl."));
            let ssl = if has_ssl { Ssl::Cycle } else { Ssl::None };
            Ok(ModelConfig { joints: inputs / 2, width, ssl, normalize: Normalize::Plane, ..ModelConfig::default() })
        }
    }
}

fn to_json(path: &Path, value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::file(path, "metadata", error.to_string(), "report this"))
}
