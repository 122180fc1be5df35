//! Columns of numbers as little text: differences, their bytes by significance, deflate, base64.

use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;

use crate::error::{Error, Result};

/// The bits of a float's mantissa that are kept, with the leading one: more than four digits.
const MANTISSA: u32 = 14;

/// Columns, one after the other. `data.js` reads them in the same order.
pub(super) struct Coder {
    deflate: ZlibEncoder<Vec<u8>>,
}

impl Coder {
    pub(super) fn new() -> Self {
        Self { deflate: ZlibEncoder::new(Vec::new(), Compression::new(7)) }
    }

    /// Numbers that differ little from the one before, the first from 0.
    pub(super) fn shorts(&mut self, values: impl Iterator<Item = i16>) -> Result<()> {
        let mut before = 0i16;
        self.planes(values.map(|value| {
            let step = value.wrapping_sub(before);
            before = value;
            zigzag(step).to_le_bytes()
        }))
    }

    /// As [`Self::shorts`], of 32 bits.
    pub(super) fn wholes(&mut self, values: impl Iterator<Item = i32>) -> Result<()> {
        let mut before = 0i32;
        self.planes(values.map(|value| {
            let step = value.wrapping_sub(before);
            before = value;
            (((step << 1) ^ (step >> 31)) as u32).to_le_bytes()
        }))
    }

    /// Flags.
    pub(super) fn bytes(&mut self, values: impl Iterator<Item = u8>) -> Result<()> {
        self.planes(values.map(|value| [value]))
    }

    /// A bit a joint.
    pub(super) fn bits(&mut self, values: impl Iterator<Item = u32>) -> Result<()> {
        self.planes(values.map(u32::to_le_bytes))
    }

    /// Numbers of any size, rounded to [`MANTISSA`] bits; NaN for none.
    pub(super) fn floats(&mut self, values: impl Iterator<Item = f32>) -> Result<()> {
        self.planes(values.map(|value| rounded(value).to_bits().to_le_bytes()))
    }

    /// The text.
    pub(super) fn finish(self) -> Result<String> {
        Ok(base64(&self.deflate.finish().map_err(failed)?))
    }

    /// The first byte of every number, then the second of every number, and so on: high bytes are alike.
    fn planes<const N: usize>(&mut self, values: impl Iterator<Item = [u8; N]>) -> Result<()> {
        let values: Vec<[u8; N]> = values.collect();
        for place in 0..N {
            let plane: Vec<u8> = values.iter().map(|bytes| bytes[place]).collect();
            self.deflate.write_all(&plane).map_err(failed)?;
        }
        Ok(())
    }
}

/// Deflating into memory does not fail.
fn failed(error: std::io::Error) -> Error {
    Error::Usage(format!("the page's data cannot be deflated: {error}"))
}

/// Small numbers of either sign as small numbers.
fn zigzag(step: i16) -> u16 {
    ((step << 1) ^ (step >> 15)) as u16
}

/// The nearest float with fewer bits.
pub(super) fn rounded(value: f32) -> f32 {
    let dropped = f32::MANTISSA_DIGITS - MANTISSA;
    let bits = value.to_bits();
    match value.is_finite() {
        // A carry into the exponent is right: the next power of two. At the very end it gives infinity.
        true => f32::from_bits((bits + (1 << (dropped - 1))) >> dropped << dropped),
        false => f32::NAN,
    }
}

/// Bytes in the alphabet of RFC 4648, padded.
pub(super) fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let all = group.iter().fold(0, |all, &byte| all << 8 | u32::from(byte)) << (8 * (3 - group.len()));
        for place in 0..4 {
            let letter = LETTERS[(all >> (18 - 6 * place)) as usize & 63];
            text.push(if place > group.len() { '=' } else { char::from(letter) });
        }
    }
    text
}
