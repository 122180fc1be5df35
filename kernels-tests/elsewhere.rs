//! Models as other programs leave them: every command that reads one takes it alike, and says what it took.

use std::path::Path;
use std::process::Command;

use isopose::adapt::Lifter;
use isopose::gpu::Device;
use isopose::inspect::inspect;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use serde_json::Value;

use crate::models::{checkpoint, model};

/// Writes the model of one file into another, all its tensors wrapped and of a type that keeps an f32's upper half; as
/// docs/formats.md says to save what was changed, without the checksums of what it was.
fn rewrite(from: &Path, to: &Path, prefix: &str, half: bool) {
    let bytes = std::fs::read(from).unwrap();
    let mut metadata = SafeTensors::read_metadata(&bytes).unwrap().1.metadata().clone().unwrap();
    metadata.retain(|name, _| !name.starts_with("checksum"));
    metadata.insert("format".to_owned(), "isopose-1".to_owned());
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let kept = |data: &[u8]| match half {
        true => data.as_chunks::<4>().0.iter().flat_map(|value| [value[2], value[3]]).collect(),
        false => data.to_vec(),
    };
    let stored: Vec<(String, Vec<usize>, Vec<u8>)> = tensors
        .iter()
        .map(|(name, view)| (format!("{prefix}{name}"), view.shape().to_vec(), kept(view.data())))
        .collect();
    let dtype = if half { Dtype::BF16 } else { Dtype::F32 };
    let views = stored.iter().map(|(name, shape, data)| (name, TensorView::new(dtype, shape.clone(), data).unwrap()));
    std::fs::write(to, safetensors::serialize(views, Some(metadata)).unwrap()).unwrap();
}

/// What `eval` prints, the times aside, and what it says on standard error.
fn evaluated(folder: &Path, model: &str) -> (Vec<Value>, String) {
    let line = "eval --data target.npz --mode baseline --device cpu --threads 1 --json --checkpoint";
    let mut command = Command::new(env!("CARGO_BIN_EXE_isopose"));
    let output = command.current_dir(folder).args(line.split(' ')).arg(model).output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{text}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let errors = report["results"].as_array().unwrap().iter().map(|result| result["mpjpe_mm"].clone()).collect();
    (errors, text)
}

#[test]
fn wrapped_and_half_models_are_read_alike_everywhere() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    checkpoint(&model(16, 16)).save(&at("own.safetensors")).unwrap();
    rewrite(&at("own.safetensors"), &at("coarse.safetensors"), "", true);
    rewrite(&at("own.safetensors"), &at("wrapped.safetensors"), "module.", false);
    rewrite(&at("own.safetensors"), &at("both.safetensors"), "module._orig_mod.", true);
    let synth = "synth --scenario target --poses 8 --joints 16 --out target.npz";
    let mut command = Command::new(env!("CARGO_BIN_EXE_isopose"));
    assert!(command.current_dir(folder.path()).args(synth.split(' ')).output().unwrap().status.success());

    let names = ["own.safetensors", "wrapped.safetensors", "coarse.safetensors", "both.safetensors"];
    let [own, wrapped, coarse, both] = names.map(|name| evaluated(folder.path(), name));
    assert_eq!(own.0, wrapped.0);
    assert_eq!(coarse.0, both.0);
    let words = ["`module.`", "`module._orig_mod.`", "half precision (BF16)"];
    let expected = [[false; 3], [true, false, false], [false, false, true], [false, true, true]];
    for ((name, (_, said)), expected) in names.iter().zip([own, wrapped, coarse, both]).zip(expected) {
        assert_eq!(words.map(|word| said.contains(word)), expected, "eval {name}: {said}");
        let warnings = inspect(&at(name)).unwrap().warnings.join("\n");
        assert_eq!(words.map(|word| warnings.contains(word)), expected, "info {name}: {warnings}");
        assert_eq!(Lifter::open(&at(name), &Device::Cpu(1)).unwrap().model().width, 16);
    }
}
