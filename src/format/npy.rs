//! One NumPy array (`.npy`, format versions 1 to 3) as bytes: the header, and the element types that isopose uses.
//! <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>

use std::io::Read;

const MAGIC: &[u8; 6] = b"\x93NUMPY";
/// NumPy itself refuses longer headers by default (10,000 bytes); this is a little more lenient.
const MAX_HEADER: usize = 1 << 16;
/// NumPy's own limit.
const MAX_DIMENSIONS: usize = 64;

/// What an array's header says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// Element type, such as `<f4`.
    pub(super) descr: String,
    pub(super) fortran_order: bool,
    pub(super) shape: Vec<usize>,
    /// Bytes before the first element.
    pub(super) bytes: usize,
}

impl Header {
    /// Reads a header; the error says what is wrong, without naming the file or the array.
    pub(super) fn read(mut from: impl Read) -> Result<Self, String> {
        let truncated = |error: std::io::Error| format!("its header cannot be read ({error})");
        let mut start = [0; 8];
        from.read_exact(&mut start).map_err(truncated)?;
        if start[..6] != *MAGIC {
            return Err("it is not a NumPy array (.npy)".into());
        }
        let (length, prefix) = match start[6] {
            1 => {
                let mut length = [0; 2];
                from.read_exact(&mut length).map_err(truncated)?;
                (usize::from(u16::from_le_bytes(length)), 10)
            }
            2 | 3 => {
                let mut length = [0; 4];
                from.read_exact(&mut length).map_err(truncated)?;
                (u32::from_le_bytes(length) as usize, 12)
            }
            version => return Err(format!("its .npy format version {version} is unknown")),
        };
        if length > MAX_HEADER {
            return Err(format!("its header claims {length} bytes"));
        }
        let mut text = vec![0; length];
        from.read_exact(&mut text).map_err(truncated)?;
        Self::parse(&String::from_utf8_lossy(&text), prefix + length)
    }

    /// Parses `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }`.
    fn parse(text: &str, bytes: usize) -> Result<Self, String> {
        let value = |key: &str| {
            let after = text.split_once(&format!("'{key}'"))?.1;
            Some(after.trim_start().strip_prefix(':')?.trim_start())
        };
        let broken = || format!("its header is not understood: {}", text.chars().take(120).collect::<String>().trim());
        let descr = value("descr").ok_or_else(broken)?;
        let Some(descr) = descr.strip_prefix('\'').and_then(|rest| rest.split('\'').next()) else {
            return Err("it has a structured type (a record array)".into());
        };
        let order = value("fortran_order").ok_or_else(broken)?;
        let shape = value("shape")
            .and_then(|rest| rest.strip_prefix('(')?.split_once(')'))
            .and_then(|(inside, _)| {
                let sizes = inside.split(',').map(str::trim).filter(|size| !size.is_empty());
                sizes.map(|size| size.trim_end_matches('L').parse().ok()).collect::<Option<Vec<usize>>>()
            })
            .ok_or_else(broken)?;
        let fortran_order = order.starts_with("True");
        if !fortran_order && !order.starts_with("False") {
            return Err(broken());
        }
        Ok(Self { descr: descr.into(), fortran_order, shape, bytes })
    }

    /// Writes a version 1 header (a version 2 header is only needed beyond 64 KiB), padded to 64 bytes as NumPy does.
    pub(super) fn to_bytes(descr: &str, shape: &[usize]) -> Vec<u8> {
        let sizes: String = shape.iter().map(|size| format!("{size}, ")).collect();
        // Python writes a tuple of one as "(3,)", and of more without the last comma.
        let sizes = sizes.trim_end_matches(if shape.len() == 1 { " " } else { ", " });
        let mut text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({sizes}), }}");
        let unpadded = MAGIC.len() + 4 + text.len() + 1;
        text.extend(std::iter::repeat_n(' ', unpadded.next_multiple_of(64) - unpadded));
        text.push('\n');
        let mut bytes = MAGIC.to_vec();
        bytes.extend([1, 0]);
        bytes.extend((text.len() as u16).to_le_bytes());
        bytes.extend(text.as_bytes());
        bytes
    }

    /// Number of elements; an error if it does not fit in memory's address range.
    pub(super) fn len(&self) -> Result<usize, String> {
        elements(&self.shape)
    }
}

/// Number of elements of a shape; an error if it does not fit in memory's address range.
pub(super) fn elements(shape: &[usize]) -> Result<usize, String> {
    if shape.len() > MAX_DIMENSIONS {
        return Err(format!("its shape has {} dimensions", shape.len()));
    }
    let product = shape.iter().try_fold(1usize, |product, &size| product.checked_mul(size));
    product.ok_or_else(|| format!("its shape {shape:?} is impossibly large"))
}

/// An element type: what it is, how wide, and whether its bytes are in big-endian order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ElementType {
    pub(super) kind: Kind,
    pub(super) width: usize,
    big_endian: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Bool,
    Signed,
    Unsigned,
    Float,
    /// `width` is 4 bytes for each character.
    Unicode,
    /// A byte for each character: NumPy's `S`.
    Bytes,
}

/// A number as it was stored.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Number {
    Integer(i64),
    Float(f64),
}

impl ElementType {
    /// Parses a type such as `<f4`, `|b1` or `<U12`; the error says why it is refused.
    pub(super) fn parse(descr: &str) -> Result<Self, String> {
        let refused = || format!("its type '{descr}' is not supported");
        let (order, rest) = descr.split_at_checked(1).ok_or_else(refused)?;
        let (kind, size) = rest.split_at_checked(1).ok_or_else(refused)?;
        if kind == "O" {
            return Err("it holds Python objects (a pickle), which are never loaded".into());
        }
        let size: usize = size.parse().map_err(|_| refused())?;
        let (kind, width) = match (kind, size) {
            ("b", 1) => (Kind::Bool, 1),
            ("i", 1 | 2 | 4 | 8) => (Kind::Signed, size),
            ("u", 1 | 2 | 4 | 8) => (Kind::Unsigned, size),
            ("f", 2 | 4 | 8) => (Kind::Float, size),
            ("U", 1..=65_536) => (Kind::Unicode, 4 * size),
            ("S", 1..=65_536) => (Kind::Bytes, size),
            _ => return Err(refused()),
        };
        match order {
            "<" | "|" | "=" => Ok(Self { kind, width, big_endian: false }),
            ">" => Ok(Self { kind, width, big_endian: true }),
            _ => Err(refused()),
        }
    }

    /// The number in `bytes`, which is `width` long. A type that is no number reads as 0.
    pub(super) fn number(self, bytes: &[u8]) -> Number {
        let mut raw = [0; 8];
        raw[..bytes.len().min(8)].copy_from_slice(&bytes[..bytes.len().min(8)]);
        if self.big_endian {
            raw[..self.width.min(8)].reverse();
        }
        let unsigned = u64::from_le_bytes(raw);
        match (self.kind, self.width) {
            (Kind::Float, 2) => Number::Float(half(unsigned as u16)),
            (Kind::Float, 4) => Number::Float(f64::from(f32::from_bits(unsigned as u32))),
            (Kind::Float, _) => Number::Float(f64::from_bits(unsigned)),
            (Kind::Signed, 1) => Number::Integer(i64::from(unsigned as i8)),
            (Kind::Signed, 2) => Number::Integer(i64::from(unsigned as i16)),
            (Kind::Signed, 4) => Number::Integer(i64::from(unsigned as i32)),
            (Kind::Unicode | Kind::Bytes, _) => Number::Integer(0),
            (Kind::Unsigned, 8) => i64::try_from(unsigned).map_or(Number::Float(unsigned as f64), Number::Integer),
            _ => Number::Integer(unsigned as i64),
        }
    }

    /// The numbers in `bytes`, one after the other, as f32.
    pub(super) fn f32(self, bytes: &[u8]) -> Vec<f32> {
        if self == (Self { kind: Kind::Float, width: 4, big_endian: false }) {
            return bytes.as_chunks().0.iter().map(|&value| f32::from_le_bytes(value)).collect();
        }
        let as_f32 = |value: &[u8]| match self.number(value) {
            Number::Float(value) => value as f32,
            Number::Integer(value) => value as f32,
        };
        bytes.chunks_exact(self.width).map(as_f32).collect()
    }

    /// Whether the elements are strings.
    pub(super) fn is_text(self) -> bool {
        matches!(self.kind, Kind::Unicode | Kind::Bytes)
    }

    /// The string in `bytes` (UTF-32 or Latin-1, padded with zeros); `None` if it is not valid Unicode.
    pub(super) fn string(self, bytes: &[u8]) -> Option<String> {
        if self.kind == Kind::Bytes {
            return Some(latin1(bytes).trim_end_matches('\0').to_owned());
        }
        let code = |c: &[u8]| {
            let c = [c[0], c[1], c[2], c[3]];
            if self.big_endian { u32::from_be_bytes(c) } else { u32::from_le_bytes(c) }
        };
        let text: Option<String> = bytes.chunks_exact(4).map(|c| char::from_u32(code(c))).collect();
        text.map(|text| text.trim_end_matches('\0').to_owned())
    }
}

/// Bytes as text, a character each: how Python 2's `str` and MATLAB's oldest `char` are read.
pub(super) fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|&byte| char::from(byte)).collect()
}

/// IEEE 754's half precision.
fn half(bits: u16) -> f64 {
    let fraction = f64::from(bits & 0x3ff) / 1024.0;
    let size = match i32::from(bits >> 10 & 0x1f) {
        0 => fraction * 2f64.powi(-14),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        exponent => (1.0 + fraction) * 2f64.powi(exponent - 15),
    };
    if bits >> 15 == 1 { -size } else { size }
}

/// Reorders elements from Fortran (first index fastest) to C order (last index fastest).
pub(super) fn fortran_to_c<T: Clone>(values: &[T], shape: &[usize]) -> Vec<T> {
    // In Fortran order, an array is the transpose of one in C order.
    let stored: Vec<usize> = shape.iter().rev().copied().collect();
    let axes: Vec<usize> = (0..shape.len()).rev().collect();
    transpose(values, &stored, &axes)
}

/// Elements in C order to those of the transposed array in C order; its axis `i` is the array's axis `axes[i]`.
pub(super) fn transpose<T: Clone>(values: &[T], shape: &[usize], axes: &[usize]) -> Vec<T> {
    if values.is_empty() {
        return Vec::new();
    }
    let stride = |axis: usize| shape.iter().skip(axis + 1).product::<usize>();
    // For each index, from the last: its size and the distance between neighbours.
    let axes: Vec<(usize, usize)> = axes.iter().rev().map(|&axis| (shape[axis], stride(axis))).collect();
    (0..values.len())
        .map(|mut position| {
            let mut from = 0;
            for &(size, stride) in &axes {
                from += position % size * stride;
                position /= size;
            }
            values[from].clone()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_round_trip() {
        for shape in [vec![], vec![3], vec![0, 17, 2], vec![4, 5]] {
            let bytes = Header::to_bytes("<f4", &shape);
            assert_eq!(bytes.len() % 64, 0);
            let header = Header::read(&bytes[..]).unwrap();
            assert_eq!((header.descr.as_str(), &header.shape, header.bytes), ("<f4", &shape, bytes.len()));
            for cut in 0..bytes.len() {
                assert!(Header::read(&bytes[..cut]).is_err());
            }
        }
        let text = |shape: &[usize]| String::from_utf8_lossy(&Header::to_bytes("<f4", shape)[10..]).into_owned();
        assert!(text(&[]).contains("'shape': (), }") && text(&[3]).contains("'shape': (3,), }"));
        assert!(text(&[3, 2]).contains("'shape': (3, 2), }"));
    }

    #[test]
    fn hostile_headers_are_refused() {
        let parse = |text: &str| Header::parse(text, 0);
        let huge = parse("{'descr': '<f4', 'fortran_order': True, 'shape': (4294967296, 4294967296), }").unwrap();
        assert!(huge.fortran_order && huge.len().unwrap_err().contains("impossibly large"));
        assert!(parse("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}").is_err());
        assert!(parse("{'descr': '<f4', 'fortran_order': 7, 'shape': (1,)}").is_err());
        for shape in ["(-1,)", "(1", "1", "(a,)", "(99999999999999999999999,)"] {
            assert!(parse(&format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}}}")).is_err());
        }
        let mut long = b"\x93NUMPY\x02\x00\xff\xff\xff\xff".to_vec();
        long.extend([b' '; 64]);
        assert!(Header::read(&long[..]).unwrap_err().contains("claims"));
    }

    #[test]
    fn element_types_decode() {
        let number = |descr: &str, bytes: &[u8]| ElementType::parse(descr).unwrap().number(bytes);
        assert_eq!(number("<i2", &(-3i16).to_le_bytes()), Number::Integer(-3));
        assert_eq!(number(">i4", &(-70_000i32).to_be_bytes()), Number::Integer(-70_000));
        assert_eq!(number("<i8", &(-5_000_000_000i64).to_le_bytes()), Number::Integer(-5_000_000_000));
        assert_eq!(number("|u1", &[200]), Number::Integer(200));
        assert_eq!(number("|b1", &[1]), Number::Integer(1));
        assert_eq!(number(">f8", &2.5f64.to_be_bytes()), Number::Float(2.5));
        let unicode = ElementType::parse("<U3").unwrap();
        assert_eq!(unicode.string(&[0x65, 0, 0, 0, 0xe9, 0, 0, 0, 0, 0, 0, 0]).unwrap(), "e\u{e9}");
        assert_eq!(unicode.string(&[0xff; 4]), None);
        assert_eq!(ElementType::parse("|S3").unwrap().string(b"a\xe9\0").unwrap(), "a\u{e9}");
        assert_eq!(number("<u8", &u64::MAX.to_le_bytes()), Number::Float(u64::MAX as f64));
        assert!(ElementType::parse("|O").unwrap_err().contains("pickle"));
        for descr in ["", "<", "<f", "<f3", "<c8", "<U0", "<M8[ns]", "é4", "<U99999999"] {
            assert!(ElementType::parse(descr).is_err(), "{descr}");
        }
    }

    #[test]
    fn fortran_order_is_transposed() {
        // [[0, 1, 2], [3, 4, 5]] is stored 0 3 1 4 2 5.
        assert_eq!(fortran_to_c(&[0, 3, 1, 4, 2, 5], &[2, 3]), [0, 1, 2, 3, 4, 5]);
        assert!(fortran_to_c::<u8>(&[], &[2, 0]).is_empty());
        assert_eq!(fortran_to_c(&[9], &[]), [9]);
        // a[i][j][k] = 6 i + 3 j + k, of shape (2, 2, 3), to b[k][i][j].
        let b = transpose(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], &[2, 2, 3], &[2, 0, 1]);
        assert_eq!(b, [0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11]);
    }

    #[test]
    fn half_precision_is_exact() {
        for (bits, value) in [(0x3c00, 1.0), (0xc000, -2.0), (0x3555, 0.333_251_953_125), (0x7bff, 65_504.0)] {
            assert_eq!(half(bits), value);
        }
        assert_eq!((half(0x0001), half(0x83ff)), (2f64.powi(-24), -1023.0 * 2f64.powi(-24)));
        assert!(half(0x7c00) == f64::INFINITY && half(0xfc00) == f64::NEG_INFINITY && half(0x7c01).is_nan());
        assert_eq!(half(0x8000).to_bits(), (-0f64).to_bits());
    }
}
