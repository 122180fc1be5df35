//! Checksums of everything that a checkpoint of this crate's own holds, so that no damage to one goes unnoticed.
//!
//! The metadata `checksums` are a JSON object: the CRC-32 of every tensor and of every other metadata under its name,
//! `checksum` their own. A tensor's is taken over its name, type, shape and bytes. A CRC-32 finds every damage of up to
//! three bits, and every one that is no longer than 32 bits; of all others one in 4 billion gets past it.

use std::collections::{BTreeMap, HashMap};

use crc32fast::Hasher;

use super::Archive;
use crate::error::{Error, Result};

/// Names of the metadata: of the sums, and of the sum over these.
const SUMS: &str = "checksums";
const OWN: &str = "checksum";

/// The format's word where a file has sums, and where it has none.
pub(super) const WITH_SUMS: &str = "isopose-2";
pub(super) const WITHOUT_SUMS: &str = "isopose-1";

/// The CRC-32 of a tensor of this name, type (as files name it) and shape.
pub(super) fn of_tensor(name: &str, dtype: &str, shape: &[usize], bytes: &[u8]) -> u32 {
    let mut sum = Hasher::new();
    // Shape and bytes come last: what ends where is never in doubt.
    for part in [name, dtype] {
        sum.update(part.as_bytes());
        sum.update(&[0]);
    }
    sum.update(&(shape.len() as u64).to_le_bytes());
    shape.iter().for_each(|extent| sum.update(&(*extent as u64).to_le_bytes()));
    sum.update(bytes);
    sum.finalize()
}

/// The CRC-32 of metadata.
fn of_text(name: &str, text: &str) -> u32 {
    let mut sum = Hasher::new();
    sum.update(name.as_bytes());
    sum.update(&[0]);
    sum.update(text.as_bytes());
    sum.finalize()
}

/// Adds to the metadata of a file the sums of all that it holds.
pub(super) fn add(metadata: &mut BTreeMap<&str, String>, tensors: impl Iterator<Item = (String, u32)>) {
    let mut sums: BTreeMap<String, u32> = tensors.collect();
    sums.extend(metadata.iter().map(|(name, text)| (metadata_name(name), of_text(name, text))));
    let sums = serde_json::json!(sums).to_string();
    metadata.insert(OWN, of_text(SUMS, &sums).to_string());
    metadata.insert(SUMS, sums);
}

/// What stands for metadata among the sums and in messages. No tensor of a model is called so.
fn metadata_name(name: &str) -> String {
    format!("metadata {name}")
}

/// Checks a file's sums, if it is of a format that has them.
///
/// # Errors
/// If one is missing, too many or differs, or a file has sums that is said to have none. A damaged word for the format
/// so does not switch them off.
pub(super) fn check(archive: &Archive<'_>) -> Result<()> {
    let damaged = |field: &str, problem: &str| {
        let problem = format!("{problem}: the file is damaged");
        let fix = format!(
            "copy it again; one that was edited on purpose is saved with the format {WITHOUT_SUMS}, without `{SUMS}` and \
             `{OWN}`"
        );
        Err(Error::file(archive.path, field, problem, fix))
    };
    let text = |name: &str| archive.metadata.get(name);
    let has_sums = text(SUMS).is_some() || text(OWN).is_some();
    match text("format") {
        Some(format) if format == WITH_SUMS => {}
        // What another version wrote is that version's to check: it is refused next.
        Some(format) if format.starts_with("isopose-") && format != WITHOUT_SUMS => return Ok(()),
        _ if has_sums => return damaged("metadata format", &format!("there are checksums, but it is not {WITH_SUMS}")),
        _ => return Ok(()),
    }
    let (Some(sums), Some(own)) = (text(SUMS), text(OWN)) else {
        let missing = if text(SUMS).is_none() { SUMS } else { OWN };
        return damaged(&metadata_name(missing), "it is missing");
    };
    if *own != of_text(SUMS, sums).to_string() {
        return damaged(&metadata_name(SUMS), "their checksum differs");
    }
    let Ok(mut sums) = serde_json::from_str::<HashMap<String, u32>>(sums) else {
        return damaged(&metadata_name(SUMS), "they are no JSON object of numbers");
    };
    let tensors = archive.tensors.iter().map(|(name, info)| {
        let sum = of_tensor(name, &info.dtype.to_string(), &info.shape, archive.bytes(info));
        (name.clone(), sum)
    });
    let others = archive.metadata.iter().filter(|(name, _)| ![SUMS, OWN].contains(&&***name));
    let texts = others.map(|(name, text)| (metadata_name(name), of_text(name, text)));
    for (name, sum) in tensors.chain(texts) {
        match sums.remove(&name) {
            Some(expected) if expected == sum => {}
            Some(_) => return damaged(&name, "its checksum differs"),
            None => return damaged(&name, "it has no checksum"),
        }
    }
    match sums.keys().min() {
        Some(name) => damaged(name, "there is a checksum of it, but not itself"),
        None => Ok(()),
    }
}
