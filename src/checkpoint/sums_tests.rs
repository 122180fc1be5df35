//! Damage of every kind to a checkpoint with checksums.

use std::collections::HashMap;
use std::fs;

use safetensors::SafeTensors;

use super::tests::{checkpoint, resumable};
use super::*;

/// What [`Checkpoint::save`] writes.
fn saved(c: &Checkpoint) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.safetensors");
    c.save(&path).unwrap();
    fs::read(path).unwrap()
}

fn load(bytes: &[u8]) -> Result<Checkpoint> {
    Checkpoint::from_bytes(Path::new("m.safetensors"), bytes)
}

/// Where the tensors begin.
fn data_start(bytes: &[u8]) -> usize {
    8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize
}

/// The file once more, with other metadata, as Python's safetensors would save it.
fn with_metadata(bytes: &[u8], change: impl FnOnce(&mut HashMap<String, String>)) -> Vec<u8> {
    let (_, header) = SafeTensors::read_metadata(bytes).unwrap();
    let mut metadata = header.metadata().clone().unwrap();
    change(&mut metadata);
    safetensors::serialize(SafeTensors::deserialize(bytes).unwrap().tensors(), Some(metadata)).unwrap()
}

#[test]
fn a_flipped_bit_anywhere_is_an_error() {
    // Small, with every metadata.
    let c = Checkpoint { training: resumable().training, ..checkpoint(Ssl::None) };
    let mut bytes = saved(&c);
    let start = data_start(&bytes);
    assert_eq!(load(&bytes).unwrap(), c);
    // All of the header, and the data here and there: in a tensor, one byte is like another.
    let places = (0..start).flat_map(|at| (0..8).map(move |bit| (at, bit)));
    let places = places.chain((start..bytes.len()).step_by(97).map(|at| (at, at % 8)));
    for (at, bit) in places.collect::<Vec<_>>() {
        bytes[at] ^= 1 << bit;
        let outcome = load(&bytes);
        assert!(outcome.is_err(), "bit {bit} of byte {at} of {start} is not missed");
        if at >= start {
            let error = outcome.unwrap_err().to_string();
            assert!(error.contains("its checksum differs: the file is damaged; copy it again"), "{error}");
        }
        bytes[at] ^= 1 << bit;
    }
}

#[test]
fn the_damaged_tensor_is_named() {
    let mut bytes = saved(&checkpoint(Ssl::None));
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    let error = load(&bytes).unwrap_err().to_string();
    assert!(
        error.starts_with("m.safetensors: fsl.rb.fc2.weight: its checksum differs: the file is damaged"),
        "{error}"
    );
}

#[test]
fn equal_checkpoints_give_equal_files_in_the_formats_layout() {
    let c = resumable();
    let bytes = saved(&c);
    assert_eq!(saved(&c), bytes);
    let start = data_start(&bytes);
    assert_eq!(start % 8, 0, "readers that map the file want the tensors aligned");
    // What the crate itself makes of it: the same tensors, whatever their order, and the same metadata.
    let read = SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(read.len(), c.named().count());
    for (name, tensor) in c.named() {
        let found = read.tensor(&name).unwrap();
        let values: Vec<f32> = found.data().as_chunks().0.iter().map(|value| f32::from_le_bytes(*value)).collect();
        assert_eq!((found.dtype(), found.shape(), values), (Dtype::F32, &*tensor.shape, tensor.data.clone()), "{name}");
    }
    // Python reads the header with any JSON parser and looks for the first byte `{`.
    let header: serde_json::Value = serde_json::from_slice(&bytes[8..start]).unwrap();
    assert_eq!((bytes[8], header["__metadata__"]["format"].as_str()), (b'{', Some("isopose-2")));
    let again = with_metadata(&bytes, |_| {});
    assert_eq!(load(&again).unwrap(), c, "saved by another program with the metadata kept");
    assert_eq!(again.len(), bytes.len());
}

#[test]
fn sums_are_all_there_or_none() {
    let c = checkpoint(Ssl::None);
    let bytes = saved(&c);
    let refusal =
        |change: fn(&mut HashMap<String, String>)| load(&with_metadata(&bytes, change)).unwrap_err().to_string();
    let set = |name: &str, text: &str| {
        let changed = with_metadata(&bytes, |m| drop(m.insert(name.to_owned(), text.to_owned())));
        load(&changed).unwrap_err().to_string()
    };
    assert!(set("format", "isopose-1").contains("metadata format: there are checksums, but it is not isopose-2"));
    assert!(set("format", "pt").contains("there are checksums, but it is not isopose-2"));
    assert!(refusal(|m| drop(m.remove("format"))).contains("there are checksums, but it is not isopose-2"));
    assert!(set("format", "isopose-3").contains("isopose-3 is not known, only isopose-2 and isopose-1"));
    assert!(refusal(|m| drop(m.remove("checksums"))).contains("metadata checksums: it is missing"));
    assert!(refusal(|m| drop(m.remove("checksum"))).contains("metadata checksum: it is missing"));
    assert!(
        refusal(|m| m.retain(|name, _| !name.starts_with("checksum"))).contains("metadata checksums: it is missing")
    );
    assert!(set("checksums", "{}").contains("metadata checksums: their checksum differs"));
    assert!(set("note", "mine").contains("metadata note: it has no checksum"));
    assert!(
        refusal(|m| drop(m.remove("config"))).contains("metadata config: there is a checksum of it, but not itself")
    );
    assert!(refusal(|m| m.get_mut("config").unwrap().push(' ')).contains("metadata config: its checksum differs"));
    // As docs/formats.md says to save what was edited.
    let edited = with_metadata(&bytes, |m| {
        m.retain(|name, _| !name.starts_with("checksum"));
        m.insert("format".to_owned(), "isopose-1".to_owned());
    });
    assert_eq!(load(&edited).unwrap(), c);
}

#[test]
fn a_name_that_stands_twice_is_damage() {
    let bytes = saved(&checkpoint(Ssl::None));
    let start = data_start(&bytes);
    let header = String::from_utf8(bytes[8..start].to_vec()).unwrap();
    // The second tensor of one name hides the first, and a metadata another.
    for (name, other) in
        [("\"fsl.rb.bn1.weight\":", "\"fsl.rb.bn2.weight\":"), ("\"format\":\"isopose-2\"", "\"config\":\"{}\"")]
    {
        let changed = header.replacen(name, other, 1);
        let bytes = [&(changed.len() as u64).to_le_bytes(), changed.as_bytes(), &bytes[start..]].concat();
        assert!(load(&bytes).is_err(), "{name} as {other}");
    }
}
