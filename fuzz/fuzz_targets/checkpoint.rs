//! A safetensors file of any bytes that is given right checksums, as docs/formats.md describes them: what stands behind
//! them must bear what it reads, too.
#![no_main]

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use crc32fast::Hasher;
use isopose_fuzz::checkpoint::Checkpoint;
use safetensors::SafeTensors;

fn sum(parts: &[&[u8]]) -> u32 {
    let mut hasher = Hasher::new();
    parts.iter().for_each(|part| hasher.update(part));
    hasher.finalize()
}

/// The same file with the metadata `format`, `checksums` and `checksum`.
fn summed(bytes: &[u8]) -> Option<Vec<u8>> {
    let (_, header) = SafeTensors::read_metadata(bytes).ok()?;
    let tensors = SafeTensors::deserialize(bytes).ok()?.tensors();
    let mut metadata: HashMap<String, String> = header.metadata().clone().unwrap_or_default();
    metadata.retain(|name, _| !name.starts_with("checksum"));
    metadata.insert("format".into(), "isopose-2".into());
    let mut sums: BTreeMap<String, u32> = BTreeMap::new();
    for (name, tensor) in &tensors {
        let dtype = tensor.dtype().to_string();
        let rank = (tensor.shape().len() as u64).to_le_bytes();
        let shape: Vec<u8> = tensor.shape().iter().flat_map(|extent| (*extent as u64).to_le_bytes()).collect();
        let parts = [name.as_bytes(), b"\0", dtype.as_bytes(), b"\0", &rank, &shape, tensor.data()];
        sums.insert(name.clone(), sum(&parts));
    }
    for (name, text) in &metadata {
        sums.insert(format!("metadata {name}"), sum(&[name.as_bytes(), b"\0", text.as_bytes()]));
    }
    let sums = serde_json::to_string(&sums).ok()?;
    metadata.insert("checksum".into(), sum(&[b"checksums\0", sums.as_bytes()]).to_string());
    metadata.insert("checksums".into(), sums);
    safetensors::serialize(tensors, Some(metadata)).ok()
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some(bytes) = summed(bytes) else { return };
    if let Err(error) = Checkpoint::from_bytes(Path::new("fuzzed"), &bytes) {
        let error = error.to_string();
        assert!(error.starts_with("fuzzed: ") && !error.contains("checksum differs"), "{error}");
    }
});
