//! Round trips, files from elsewhere, and every way a file can be wrong.

use std::borrow::Cow;
use std::fs;

use safetensors::tensor::View;

use super::sound::GAINED;
use super::*;
use crate::config::{Projection, Reduction};

/// The format without checksums, which the tests write by hand.
const FORMAT: &str = sums::WITHOUT_SUMS;

impl View for &Tensor {
    fn dtype(&self) -> Dtype {
        Dtype::F32
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        self.data.iter().flat_map(|value| value.to_le_bytes()).collect()
    }

    fn data_len(&self) -> usize {
        self.data.len() * size_of::<f32>()
    }
}

fn model(ssl: Ssl) -> ModelConfig {
    ModelConfig { joints: 17, width: 8, ssl, bone_lengths: vec![0.1; 16], lambda: 0.3, ..ModelConfig::default() }
}

pub(super) fn checkpoint(ssl: Ssl) -> Checkpoint {
    let model = model(ssl);
    let mut parameters = Tensors::new();
    for (i, (name, shape)) in expected_tensors(&model).into_iter().enumerate() {
        let data = (0..shape.iter().product()).map(|k| (i + k) as f32 * 0.37).collect();
        parameters.insert(name, Tensor { shape, data });
    }
    Checkpoint { model, parameters, optimiser: None, training: None }
}

pub(super) fn resumable() -> Checkpoint {
    let mut c = checkpoint(Ssl::Cycle);
    let mut trained = c.parameters.clone();
    trained.retain(|name, _| !name.contains(".running_"));
    c.optimiser = Some(Moments { exp_avg: trained.clone(), exp_avg_sq: trained });
    c.training = Some(TrainingState {
        config: TrainConfig::default(),
        step: 7,
        poses: 9,
        checksum: Some(u64::MAX),
        held_back: vec![3, -1],
    });
    c
}

/// Writes a file around [`Checkpoint::save`]'s checks.
fn write(c: &Checkpoint, metadata: &[(&str, &str)]) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    let metadata = metadata.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    fs::write(file.path(), safetensors::serialize(c.named(), Some(metadata)).unwrap()).unwrap();
    file
}

/// The message of the error that a change to a sound checkpoint leads to, on load.
fn refusal(ssl: Ssl, change: impl FnOnce(&mut Checkpoint)) -> String {
    let mut c = checkpoint(ssl);
    change(&mut c);
    let config = serde_json::to_string(&c.model).unwrap();
    let file = write(&c, &[("format", FORMAT), ("config", &config)]);
    Checkpoint::load(file.path()).unwrap_err().to_string()
}

fn bytes_refusal(bytes: &[u8]) -> String {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), bytes).unwrap();
    Checkpoint::load(file.path()).unwrap_err().to_string()
}

#[test]
fn what_is_saved_is_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    for c in [checkpoint(Ssl::Cycle), checkpoint(Ssl::None), resumable()] {
        // The second and third replace the file before.
        c.save(&path).unwrap();
        assert_eq!(Checkpoint::load(&path).unwrap(), c);
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "a temporary file was left behind");
}

#[test]
fn a_refused_checkpoint_leaves_the_old_file() {
    let file = write(&checkpoint(Ssl::None), &[]);
    let before = fs::read(file.path()).unwrap();
    let mut c = checkpoint(Ssl::None);
    c.parameters.get_mut("fsl.out.bias").unwrap().data[1] = f32::NAN;
    assert!(c.save(file.path()).unwrap_err().to_string().contains("fsl.out.bias: value 1 is NaN"));
    c.parameters.get_mut("fsl.out.bias").unwrap().data.clear();
    assert!(c.save(file.path()).unwrap_err().to_string().contains("0 values"));
    assert_eq!(fs::read(file.path()).unwrap(), before);
}

#[test]
fn files_from_elsewhere_load() {
    let c = checkpoint(Ssl::Adversary);
    let json =
        r#"{"J": 17, "W": 8, "ssl": "adv", "proj": "ortho", "c": 3, "lam2d": 4.5, "lean": false, "center": true}"#;
    let loaded = Checkpoint::load(write(&c, &[("format", "pt"), ("config", json)]).path()).unwrap();
    assert_eq!(loaded.parameters, c.parameters);
    let m = &loaded.model;
    assert_eq!((m.ssl, m.projection, m.depth), (Ssl::Adversary, Projection::WeakPerspective, 1.0));
    assert_eq!((m.normalize, m.reduction, m.lambda_2d), (Normalize::Plane, Reduction::Mean, 4.5));

    for (ssl, inferred) in [(Ssl::Cycle, Ssl::Cycle), (Ssl::None, Ssl::None)] {
        let mut c = checkpoint(ssl);
        let counter = Tensor { shape: vec![], data: vec![5.0] };
        c.parameters.insert("fsl.rb.bn1.num_batches_tracked".to_owned(), counter);
        let m = Checkpoint::load(write(&c, &[]).path()).unwrap().model;
        assert_eq!((m.joints, m.width, m.ssl, m.normalize), (17, 8, inferred, Normalize::Plane));
    }
    for bad in ["[]", "{", r#"{"J": 17.5}"#, r#"{"ssl": "x"}"#, r#"{"center": false}"#, r#"{"bones": [null]}"#] {
        let file = write(&c, &[("config", bad)]);
        assert!(Checkpoint::load(file.path()).unwrap_err().to_string().contains("metadata config"), "{bad}");
    }
}

#[test]
fn doubles_are_rounded_and_integers_refused() {
    let c = checkpoint(Ssl::None);
    let bytes = |dtype, width: usize| {
        let data: Vec<_> = c.parameters.iter().map(|(name, t)| (name, t, vec![0; t.data.len() * width])).collect();
        let views = data.iter().map(|(name, t, bytes)| {
            (*name, safetensors::tensor::TensorView::new(dtype, t.shape.clone(), bytes).unwrap())
        });
        safetensors::serialize(views, None).unwrap()
    };
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), bytes(Dtype::F64, 8)).unwrap();
    assert!(Checkpoint::load(file.path()).unwrap().parameters["fsl.out.weight"].data.iter().all(|v| *v == 0.0));
    assert!(bytes_refusal(&bytes(Dtype::I32, 4)).contains("extractor.rb0.bn1.bias: its type is I32"));
}

#[test]
fn wrong_content_is_named() {
    let cycle = |change: fn(&mut Checkpoint)| refusal(Ssl::Cycle, change);
    let nan = cycle(|c| c.parameters.get_mut("disc.out.weight").unwrap().data[3] = f32::INFINITY);
    assert!(nan.contains("disc.out.weight: value 3 is inf"), "{nan}");
    let negative = cycle(|c| c.parameters.get_mut("ssl.rb.bn2.running_var").unwrap().data[0] = -1.0);
    assert!(negative.contains("at least 0"), "{negative}");
    let shape = cycle(|c| c.parameters.get_mut("fsl.out.weight").unwrap().shape = vec![8, 51]);
    assert!(shape.contains("fsl.out.weight: expected shape [51, 8], found [8, 51]"), "{shape}");
    let missing = cycle(|c| c.parameters.retain(|name, _| !name.starts_with("ssl.rb.bn1")));
    assert!(missing.contains("ssl.rb.bn1.weight: this tensor is missing"), "{missing}");
    assert!(cycle(|c| c.model.ssl = Ssl::None).contains("disc.out.bias: this tensor is no part"));
    assert!(cycle(|c| c.model.width = 6).contains("config: width is 6"));
    assert!(cycle(|c| c.model.joints = 0).contains("config: joints is 0"));
    assert!(cycle(|c| c.model.bone_lengths.truncate(3)).contains("bone_lengths has 3 entries, not 16"));
    let adam =
        cycle(|c| drop(c.parameters.insert("adam.exp_avg.x".to_owned(), Tensor { shape: vec![0], data: vec![] })));
    assert!(adam.contains("no training metadata"), "{adam}");
    let recorded = cycle(|c| drop(c.parameters.insert("param/x".to_owned(), Tensor { shape: vec![0], data: vec![] })));
    assert!(recorded.contains("recorded state"), "{recorded}");
    let newer = write(&checkpoint(Ssl::None), &[("format", "isopose-9")]);
    assert!(Checkpoint::load(newer.path()).unwrap_err().to_string().contains("isopose-9 is not known"));
    let state = write(&checkpoint(Ssl::None), &[("training", "{}")]);
    assert!(Checkpoint::load(state.path()).unwrap_err().to_string().contains("metadata training: missing field"));
}

#[test]
fn own_files_have_their_options_and_old_ones_load() {
    let c = checkpoint(Ssl::Cycle);
    let load = |metadata: &[(&str, &str)]| Checkpoint::load_told(write(&c, metadata).path());
    let damaged = load(&[("format", FORMAT)]).unwrap_err().to_string();
    assert!(damaged.contains("metadata config: it is missing"), "{damaged}");
    let whole = serde_json::to_value(&c.model).unwrap();
    let options: Vec<String> = whole.as_object().unwrap().keys().cloned().collect();
    for option in &options {
        let mut config = whole.clone();
        config.as_object_mut().unwrap().remove(option);
        match load(&[("format", FORMAT), ("config", &config.to_string())]) {
            Ok((loaded, told)) => {
                assert!(GAINED.contains(&&**option) && loaded.model == c.model && !told.options, "{option}")
            }
            Err(error) => assert!(error.to_string().contains(&format!("metadata config: {option} is missing"))),
        }
    }
    // As the first version of the format wrote it.
    let mut first = whole;
    first.as_object_mut().unwrap().retain(|option, _| !GAINED.contains(&&**option));
    assert_eq!(load(&[("format", FORMAT), ("config", &first.to_string())]).unwrap().0.model, c.model);
    assert!(GAINED.iter().all(|gained| options.iter().any(|option| option == gained)));
    assert!(load(&[("format", FORMAT), ("config", "[]")]).is_err());
    let nameless = load(&[("config", &first.to_string())]).unwrap_err().to_string();
    assert!(nameless.contains("options of this program's, but the metadata `format` is not isopose-1"), "{nameless}");
    assert!(load(&[]).unwrap().1.options, "a file from elsewhere without options");
}

#[test]
fn training_of_before_the_checksum_loads() {
    let training = TrainingState { checksum: None, ..resumable().training.unwrap() };
    let json = serde_json::to_string(&training).unwrap();
    assert!(!json.contains("checksum"), "{json}");
    assert_eq!(serde_json::from_str::<TrainingState>(&json).unwrap(), training);
}

#[test]
fn damaged_training_metadata_is_the_files_fault() {
    let c = resumable();
    let changes: [fn(&mut TrainingState); 5] = [
        |t| t.config.batch = 0,
        |t| t.config.dropout = 1.0,
        |t| t.config.lr = 0.0,
        |t| t.config.bn_momentum = 5.0,
        |t| t.poses = 0,
    ];
    let config = serde_json::to_string(&c.model).unwrap();
    for change in changes {
        let mut training = c.training.clone().unwrap();
        change(&mut training);
        let training = serde_json::to_string(&training).unwrap();
        let file = write(&c, &[("format", FORMAT), ("config", &config), ("training", &training)]);
        let error = Checkpoint::load(file.path()).unwrap_err();
        let text = error.to_string();
        assert!(text.contains(&*file.path().to_string_lossy()) && text.contains("metadata training: "), "{text}");
        assert_eq!(error.exit_code(), 1);
    }
}

#[test]
fn damaged_and_hostile_files_are_refused() {
    let missing = Checkpoint::load(Path::new("no/such.safetensors")).unwrap_err().to_string();
    assert!(missing.starts_with("no/such.safetensors: cannot read"), "{missing}");
    let whole = fs::read(write(&checkpoint(Ssl::Cycle), &[]).path()).unwrap();
    for length in [0, 7, 8, 100, whole.len() / 2, whole.len() - 1] {
        assert!(bytes_refusal(&whole[..length]).contains("truncated"), "{length} bytes");
    }
    for header in [
        "x",
        "[]",
        "{}",
        r#"{"a":{"dtype":"F32","shape":[18446744073709551615,2],"data_offsets":[0,8]}}"#,
        r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#,
        r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,99999999]}}"#,
        r#"{"extractor.stem.weight":{"dtype":"F32","shape":[0,4],"data_offsets":[0,0]}}"#,
        r#"{"extractor.stem.weight":{"dtype":"F32","shape":[0,18446744073709551615],"data_offsets":[0,0]}}"#,
    ] {
        let bytes = [&(header.len() as u64).to_le_bytes(), header.as_bytes()].concat();
        assert!(!bytes_refusal(&bytes).is_empty());
    }
    assert!(bytes_refusal(&[0xff; 64]).contains("header"));
}

/// A file as PyTorch programs write it: each of `tensors` with its name and type as `change` makes them of its own, and a
/// batch norm's counter of whole numbers.
fn elsewhere(c: &Checkpoint, change: impl Fn(&str) -> (String, Dtype)) -> Vec<u8> {
    let encode = |dtype, values: &[f32]| -> Vec<u8> {
        match dtype {
            Dtype::F16 => values.iter().flat_map(|value| f16_bits(*value).to_le_bytes()).collect(),
            Dtype::BF16 => values.iter().flat_map(|value| ((value.to_bits() >> 16) as u16).to_le_bytes()).collect(),
            _ => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        }
    };
    let mut stored: Vec<(String, Dtype, Vec<usize>, Vec<u8>)> = Vec::new();
    for (name, tensor) in &c.parameters {
        let (name, dtype) = change(name);
        stored.push((name, dtype, tensor.shape.clone(), encode(dtype, &tensor.data)));
    }
    let counter = change("fsl.rb.bn1.num_batches_tracked").0;
    stored.push((counter, Dtype::I64, Vec::new(), 7i64.to_le_bytes().to_vec()));
    let views = stored.iter().map(|(name, dtype, shape, bytes)| {
        (name, safetensors::tensor::TensorView::new(*dtype, shape.clone(), bytes).unwrap())
    });
    safetensors::serialize(views, None).unwrap()
}

/// A number that f16 has, not subnormal.
fn f16_bits(value: f32) -> u16 {
    let bits = value.to_bits();
    match value {
        0.0 => 0,
        _ if !value.is_finite() => (bits >> 16) as u16 & 0x8000 | 0x7c00 | u16::from(value.is_nan()),
        _ => (bits >> 16) as u16 & 0x8000 | ((bits >> 13) - (112 << 10)) as u16 & 0x7fff,
    }
}

/// A model of numbers that half precision has.
fn coarse() -> Checkpoint {
    let mut c = checkpoint(Ssl::None);
    for tensor in c.parameters.values_mut() {
        tensor.data.iter_mut().enumerate().for_each(|(i, value)| *value = (i % 100) as f32 * 0.25);
    }
    c
}

fn load_elsewhere(c: &Checkpoint, change: impl Fn(&str) -> (String, Dtype)) -> Result<(Checkpoint, Told)> {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), elsewhere(c, change)).unwrap();
    Checkpoint::load_told(file.path())
}

#[test]
fn wrappers_of_pytorch_are_taken_off() {
    let c = checkpoint(Ssl::Cycle);
    for prefix in ["", "module.", "_orig_mod.", "module._orig_mod.", "_orig_mod.module."] {
        let (loaded, told) = load_elsewhere(&c, |name| (format!("{prefix}{name}"), Dtype::F32)).unwrap();
        assert_eq!((&loaded.parameters, loaded.model.ssl), (&c.parameters, Ssl::Cycle), "{prefix}");
        assert_eq!(told, Told { options: true, prefix: prefix.to_owned(), widened: Vec::new() });
        let is_told = told.notes().iter().any(|note| note.contains(&format!("without the `{prefix}` before")));
        assert_eq!(is_told, !prefix.is_empty());
    }
}

#[test]
fn names_that_are_wrapped_in_part_are_refused() {
    let c = checkpoint(Ssl::None);
    let refused = |with: fn(&str) -> bool, [one, other]: [&str; 2]| {
        let change = |name: &str| (format!("{}{name}", if with(name) { one } else { other }), Dtype::F32);
        load_elsewhere(&c, change).unwrap_err().to_string()
    };
    let one = refused(|name| name == "fsl.out.bias", ["", "module."]);
    assert!(one.contains("`module.` stands before its name, but nothing before that of fsl.out.bias"), "{one}");
    let all_but_one = refused(|name| name == "fsl.out.bias", ["module.", ""]);
    assert!(all_but_one.contains("module.fsl.out.bias: `module.` stands before"), "{all_but_one}");
    let nested = refused(|name| name == "fsl.out.bias", ["module.", "module._orig_mod."]);
    assert!(nested.contains("but `module._orig_mod.` before that of module._orig_mod.extractor"), "{nested}");
    // Two that would become one.
    let mut twice = checkpoint(Ssl::None);
    let bias = twice.parameters["fsl.out.bias"].clone();
    twice.parameters.insert("module.fsl.out.bias".to_owned(), bias);
    let twice = load_elsewhere(&twice, |name| (name.to_owned(), Dtype::F32)).unwrap_err().to_string();
    assert!(twice.contains("module.fsl.out.bias: `module.` stands before its name, but nothing"), "{twice}");
}

#[test]
fn half_precision_is_widened_and_told() {
    let c = coarse();
    for (heads, extractor, widened) in [
        (Dtype::F16, Dtype::F16, &["F16"][..]),
        (Dtype::BF16, Dtype::BF16, &["BF16"]),
        (Dtype::F16, Dtype::BF16, &["BF16", "F16"]),
        (Dtype::F32, Dtype::F16, &["F16"]),
        (Dtype::F32, Dtype::F32, &[]),
    ] {
        let change = |name: &str| (name.to_owned(), if name.starts_with("fsl.") { heads } else { extractor });
        let (loaded, told) = load_elsewhere(&c, change).unwrap();
        assert_eq!(loaded.parameters, c.parameters, "{heads}, {extractor}");
        assert_eq!(told.widened, widened);
        assert_eq!(told.notes().iter().any(|note| note.contains("half precision")), !widened.is_empty());
    }
    for (value, name) in [(f32::NAN, "NaN"), (f32::INFINITY, "inf"), (f32::NEG_INFINITY, "-inf")] {
        let mut c = coarse();
        c.parameters.get_mut("fsl.out.bias").unwrap().data[2] = value;
        for dtype in [Dtype::F16, Dtype::BF16] {
            let error = load_elsewhere(&c, |name| (name.to_owned(), dtype)).unwrap_err().to_string();
            assert!(error.contains(&format!("fsl.out.bias: value 2 is {name}, not finite")), "{error}");
        }
    }
}
