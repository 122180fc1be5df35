//! A safetensors file as a table of tensors, and its values as f64.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use safetensors::tensor::{Metadata, TensorInfo};
use safetensors::{Dtype, SafeTensorError, SafeTensors};

use crate::error::{Error, Result};

/// A parsed safetensors file whose tensors are known to lie within it.
pub(crate) struct Archive<'a> {
    /// For messages.
    pub(crate) path: &'a Path,
    pub(crate) metadata: HashMap<String, String>,
    pub(crate) tensors: BTreeMap<String, TensorInfo>,
    data: &'a [u8],
}

impl<'a> Archive<'a> {
    pub(crate) fn parse(path: &'a Path, bytes: &'a [u8]) -> Result<Self> {
        let (length, parsed): (usize, Metadata) =
            SafeTensors::read_metadata(bytes).map_err(|error| header(path, error))?;
        let tensors = parsed.tensors().into_iter().map(|(name, info)| (name, info.clone())).collect();
        // Behind the header's length, 8 bytes, and the header.
        let data = &bytes[8 + length..];
        Ok(Self { path, metadata: parsed.metadata().clone().unwrap_or_default(), tensors, data })
    }

    /// The bytes of a tensor of this file.
    pub(super) fn bytes(&self, info: &TensorInfo) -> &'a [u8] {
        &self.data[info.data_offsets.0..info.data_offsets.1]
    }

    /// A tensor's values, if it is of one of the types `allowed` (F32, F64, F16, BF16 or U8).
    pub(crate) fn values(&self, name: &str, info: &TensorInfo, allowed: &[Dtype]) -> Result<Vec<f64>> {
        if !allowed.contains(&info.dtype) {
            let problem = format!("its type is {}, not one of {allowed:?}", info.dtype);
            return Err(Error::file(self.path, name, problem, "convert it, for example with tensor.float()"));
        }
        let bytes = self.bytes(info);
        Ok(match info.dtype {
            Dtype::F32 => bytes.as_chunks().0.iter().map(|value| f32::from_le_bytes(*value).into()).collect(),
            Dtype::F64 => bytes.as_chunks().0.iter().map(|value| f64::from_le_bytes(*value)).collect(),
            Dtype::F16 => bytes.as_chunks().0.iter().map(|value| f64_of_f16(u16::from_le_bytes(*value))).collect(),
            Dtype::BF16 => bytes.as_chunks().0.iter().map(|value| f64_of_bf16(u16::from_le_bytes(*value))).collect(),
            _ => bytes.iter().map(|value| f64::from(*value)).collect(),
        })
    }
}

/// IEEE 754's binary16: a sign, 5 bits of exponent, 10 of fraction.
fn f64_of_f16(bits: u16) -> f64 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
    let magnitude = match exponent {
        // Zero and subnormal numbers: without the leading one.
        0 => fraction * 2f64.powi(-24),
        0x1f if fraction == 0.0 => f64::INFINITY,
        0x1f => f64::NAN,
        _ => (1024.0 + fraction) * 2f64.powi(exponent - 25),
    };
    if bits >> 15 == 1 { -magnitude } else { magnitude }
}

/// The upper half of an f32.
fn f64_of_bf16(bits: u16) -> f64 {
    f32::from_bits(u32::from(bits) << 16).into()
}

/// What the safetensors crate found wrong, in this crate's words.
fn header(path: &Path, error: SafeTensorError) -> Error {
    let (field, problem) = match error {
        SafeTensorError::InvalidOffset(name) => (name, "its bytes overlap others or leave a gap".to_owned()),
        error => ("header".to_owned(), error.to_string()),
    };
    Error::file(path, field, problem, "the file is truncated, damaged or no .safetensors file: copy or export it again")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_precision_is_widened_exactly() {
        for (bits, value) in [
            (0x0000, 0.0),
            (0x0001, 5.960_464_477_539_063e-8),
            (0x03ff, 6.097_555_160_522_461e-5),
            (0x0400, 6.103_515_625e-5),
            (0x3555, 0.333_251_953_125),
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x8001, -5.960_464_477_539_063e-8),
            (0x7bff, 65504.0),
            (0x7c00, f64::INFINITY),
            (0xfc00, f64::NEG_INFINITY),
        ] {
            assert_eq!(f64_of_f16(bits), value, "{bits:#06x}");
            assert_eq!(f64::from(f64_of_f16(bits) as f32), value, "{bits:#06x} in f32");
        }
        assert!([0x7c01, 0x7e00, 0xffff].into_iter().all(|bits| f64_of_f16(bits).is_nan()));
        assert!(f64_of_f16(0x8000).is_sign_negative());
        // Numbers of one sign are in the order of their bits.
        assert!((0..0x7c00).all(|bits| f64_of_f16(bits) < f64_of_f16(bits + 1)));
    }

    #[test]
    fn brain_floats_are_widened_exactly() {
        for (bits, value) in [
            (0x0001, 9.183_549_615_799_121e-41),
            (0x0080, f64::from(f32::MIN_POSITIVE)),
            (0x3eab, 0.333_984_375),
            (0x3f80, 1.0),
            (0xc000, -2.0),
            (0x7f7f, 3.389_531_389_251_535_5e38),
            (0xff80, f64::NEG_INFINITY),
        ] {
            assert_eq!(f64_of_bf16(bits), value, "{bits:#06x}");
        }
        assert!(f64_of_bf16(0x7fc0).is_nan());
    }
}
