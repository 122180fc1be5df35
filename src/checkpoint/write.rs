//! A checkpoint as the bytes of a `.safetensors` file. The safetensors crate would write metadata in the order of a
//! `HashMap`, another one each time; here equal checkpoints give equal files.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::{Tensor, sums};

/// The only type that is written.
const DTYPE: &str = "F32";

/// Writes the tensors with the metadata and the checksums of both.
pub(super) fn write(
    to: &mut impl Write,
    mut metadata: BTreeMap<&str, String>,
    tensors: &BTreeMap<String, &Tensor>,
) -> io::Result<()> {
    let sum = |(name, tensor): (&String, &&Tensor)| {
        (name.clone(), sums::of_tensor(name, DTYPE, &tensor.shape, &bytes(tensor)))
    };
    sums::add(&mut metadata, tensors.iter().map(sum));
    let header = header(&metadata, tensors)?;
    to.write_all(&(header.len() as u64).to_le_bytes())?;
    to.write_all(&header)?;
    tensors.values().try_for_each(|tensor| to.write_all(&bytes(tensor)))
}

/// The header: a JSON object of the metadata and of where each tensor lies, in the order of names. Spaces behind it put
/// the first tensor at a multiple of 8 bytes, as the format wants it.
fn header(metadata: &BTreeMap<&str, String>, tensors: &BTreeMap<String, &Tensor>) -> io::Result<Vec<u8>> {
    let mut header = format!("{{\"__metadata__\":{}", serde_json::to_string(metadata)?);
    let mut end = 0;
    for (name, tensor) in tensors {
        let start = end;
        end += size_of_val(&*tensor.data);
        let (name, shape) = (serde_json::to_string(name)?, serde_json::to_string(&tensor.shape)?);
        header += &format!(",{name}:{{\"dtype\":\"{DTYPE}\",\"shape\":{shape},\"data_offsets\":[{start},{end}]}}");
    }
    header.push('}');
    let mut header = header.into_bytes();
    header.resize(header.len().next_multiple_of(8), b' ');
    Ok(header)
}

fn bytes(tensor: &Tensor) -> Vec<u8> {
    tensor.data.iter().flat_map(|value| value.to_le_bytes()).collect()
}
