//! `.npz` files: zip archives of named NumPy arrays. Read without trusting a header, written so that a reader never
//! sees half a file. Readable by `np.load(path, allow_pickle=False)`.

mod dying;
mod rows;

use std::{
    borrow::Cow,
    fs::File,
    io::{self, BufReader, BufWriter, Read, Seek, Write},
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;
use zip::{CompressionMethod, ZipArchive, ZipWriter, read::ZipFile, result::ZipError, write::SimpleFileOptions};

use super::{
    Value, memory_limit,
    npy::{ElementType, Header, Number, fortran_to_c},
    pickle,
    stored::Store,
    whole,
};
use crate::error::{Error, Result};
use dying::Dying;
pub use rows::RowReader;

const PLAIN: &str = "save it as a plain numeric or string array (no pickle)";
const DAMAGED: &str = "the file is damaged; copy or write it again";

/// An array in C order.
#[derive(Debug, Clone, PartialEq)]
pub struct Array<T> {
    /// Sizes of its dimensions; empty for a scalar.
    pub shape: Vec<usize>,
    /// Its elements, the last index fastest.
    pub values: Vec<T>,
}

/// An open `.npz` file.
pub struct Npz {
    path: PathBuf,
    archive: ZipArchive<BufReader<File>>,
}

impl Npz {
    /// Opens a file and reads its list of arrays.
    ///
    /// # Errors
    /// If it cannot be opened, or is not a (whole) zip archive.
    pub fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|error| Error::io(path, "open", error))?;
        let archive = ZipArchive::new(BufReader::new(file)).map_err(|error| match error {
            ZipError::Io(source) => Error::io(path, "read", source),
            other => Error::file(
                path,
                "archive",
                format!("not a readable .npz ({other})"),
                "check that the file was copied whole; write it with np.savez",
            ),
        })?;
        Ok(Self { path: path.to_owned(), archive })
    }

    /// Whether the file has an array of this name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.archive.index_for_name(&file_name(name)).is_some()
    }

    /// The names of all arrays.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.archive.file_names().filter_map(|name| Some(name.ok()?.strip_suffix(".npy")?.to_owned())).collect()
    }

    /// Type, shape and bytes of an array of numbers or strings, in the file's order.
    ///
    /// # Errors
    /// If the array is missing, damaged or of another type.
    pub(crate) fn raw(&mut self, name: &str) -> Result<(String, Vec<usize>, Vec<u8>)> {
        let (header, _, bytes) = self.payload(name)?;
        Ok((header.descr, header.shape, bytes))
    }

    /// Type and shape of an array, such as `<f4` and (100, 17, 2). Only its header is read.
    ///
    /// # Errors
    /// If the array is missing or its header is damaged.
    pub fn describe(&mut self, name: &str) -> Result<(String, Vec<usize>)> {
        let mut entry = member(&mut self.archive, &self.path, name)?;
        let header = Header::read(&mut entry).map_err(|problem| Error::file(&self.path, name, problem, DAMAGED))?;
        Ok((header.descr, header.shape))
    }

    /// Reads an array of Python objects, as `np.savez` stores what is no array of numbers. Of one without dimensions,
    /// such as a dict, the object itself.
    ///
    /// # Errors
    /// If the array is missing, holds no objects, or [`pickle::read`] refuses it.
    pub fn object(&mut self, name: &str) -> Result<Value> {
        self.object_into(name, None)
    }

    /// The same with a temporary file, into which large arrays of numbers go instead of memory: [`Value::Stored`].
    ///
    /// # Errors
    /// As [`Npz::object`], or if the temporary file cannot be written.
    pub fn object_into(&mut self, name: &str, scratch: Option<File>) -> Result<Value> {
        let mut entry = member(&mut self.archive, &self.path, name)?;
        let error = |problem: String, fix: &str| Error::file(&self.path, name, problem, fix);
        let header = Header::read(&mut entry).map_err(|problem| error(problem, DAMAGED))?;
        if header.descr != "|O" {
            let problem = format!("type '{}' where Python objects are expected", header.descr);
            return Err(error(problem, "save it as np.savez stores a dict"));
        }
        let value = pickle::read_into(entry, memory_limit(), scratch.map(Store::new));
        match value.map_err(|problem| error(problem, "save it again, of numbers, text, lists and dicts only"))? {
            Value::Objects(Array { shape, mut values }) if shape.is_empty() => Ok(values.pop().unwrap_or(Value::None)),
            value => Ok(value),
        }
    }

    /// A content error about the array `name` of this file.
    #[must_use]
    pub fn error(&self, name: &str, problem: impl Into<String>, fix: impl Into<String>) -> Error {
        Error::file(&self.path, name, problem, fix)
    }

    /// Reads numbers of any supported type (bool, i8 to i64, u8 to u64, f16 to f64) as f32.
    ///
    /// # Errors
    /// If the array is missing, damaged or of another type.
    pub fn f32(&mut self, name: &str) -> Result<Array<f32>> {
        self.numbers(name, |element, bytes| Ok(element.f32(bytes)))
    }

    /// Reads whole numbers of any supported integer type, or bool, as i32.
    ///
    /// # Errors
    /// If the array is missing, damaged, of another type, or has a number beyond i32.
    pub fn i32(&mut self, name: &str) -> Result<Array<i32>> {
        let convert = |(index, number)| match number {
            Number::Float(_) => Err(("it holds floating-point numbers".into(), "convert it with .astype(np.int32)")),
            Number::Integer(value) => i32::try_from(value)
                .map_err(|_| (format!("element {index} is {value}"), "use numbers that fit in 32 bits")),
        };
        self.numbers(name, |element, bytes| {
            bytes.chunks_exact(element.width).map(|bytes| element.number(bytes)).enumerate().map(convert).collect()
        })
    }

    /// Reads a one-dimensional array of strings (`<U..`); a scalar reads as one string.
    ///
    /// # Errors
    /// If the array is missing, damaged or of another type.
    pub fn strings(&mut self, name: &str) -> Result<Vec<String>> {
        const FIX: &str = "save it as np.array([...], dtype=str)";
        let (header, element, bytes) = self.payload(name)?;
        if !element.is_text() {
            return Err(self.error(name, format!("type '{}' where strings are expected", header.descr), FIX));
        }
        if header.shape.len() > 1 {
            return Err(self.error(name, format!("shape {:?} where one dimension is expected", header.shape), FIX));
        }
        let strings: Option<Vec<String>> = bytes.chunks_exact(element.width).map(|c| element.string(c)).collect();
        strings.ok_or_else(|| self.error(name, "a string is not valid Unicode", FIX))
    }

    fn numbers<T: Copy>(
        &mut self,
        name: &str,
        convert: impl Fn(ElementType, &[u8]) -> std::result::Result<Vec<T>, (String, &'static str)>,
    ) -> Result<Array<T>> {
        let (header, element, bytes) = self.payload(name)?;
        if element.is_text() {
            return Err(self.error(name, "strings where numbers are expected", "save it as a numeric array"));
        }
        let mut values = convert(element, &bytes).map_err(|(problem, fix)| self.error(name, problem, fix))?;
        if header.fortran_order {
            values = fortran_to_c(&values, &header.shape);
        }
        Ok(Array { shape: header.shape, values })
    }

    /// The header of an array and exactly the bytes that it announces. Memory grows with the bytes that are really
    /// there, whatever the headers of the array and of the archive claim.
    fn payload(&mut self, name: &str) -> Result<(Header, ElementType, Vec<u8>)> {
        let path = &self.path;
        let mut entry = member(&mut self.archive, path, name)?;
        let unusable = |problem: String| Error::file(path, name, problem, PLAIN);
        let header = Header::read(&mut entry).map_err(unusable)?;
        let element = ElementType::parse(&header.descr).map_err(unusable)?;
        let expected = header.len().and_then(|len| {
            len.checked_mul(element.width).ok_or_else(|| format!("its shape {:?} is impossibly large", header.shape))
        });
        let expected = expected.map_err(unusable)?;
        // The bytes, and the values that are made of them.
        let values = header.len().map_err(unusable)?.saturating_mul(size_of::<f32>());
        let (needed, limit) = (expected.saturating_add(values), memory_limit());
        if needed > limit {
            let problem = format!("it takes {} MB, and {} MB may be taken", needed >> 20, limit >> 20);
            return Err(Error::file(path, name, problem, "free memory, or split the file"));
        }
        let expected = expected as u64;
        let mut bytes = Vec::new();
        // One byte more than expected: it must not be there, and asking for it makes the archive check its CRC.
        (&mut entry)
            .take(expected.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(|error| Error::file(path, name, error.to_string(), DAMAGED))?;
        if bytes.len() as u64 != expected {
            let held = if bytes.len() as u64 > expected { "more".into() } else { bytes.len().to_string() };
            let problem = format!("shape {:?} needs {expected} bytes but the file holds {held}", header.shape);
            return Err(Error::file(path, name, problem, DAMAGED));
        }
        Ok((header, element, bytes))
    }
}

/// Writes a `.npz` file: to a temporary file beside it, renamed over it by [`NpzWriter::finish`].
pub struct NpzWriter {
    path: PathBuf,
    zip: ZipWriter<Dying<BufWriter<NamedTempFile>>>,
}

impl NpzWriter {
    /// Starts a file that will appear at `path`. Dropped before `finish`, it leaves nothing behind.
    ///
    /// # Errors
    /// If the folder cannot be written to.
    pub fn create(path: &Path) -> Result<Self> {
        let (path, file) = whole::begin(path)?;
        Ok(Self { path, zip: ZipWriter::new(Dying::new(BufWriter::new(file))) })
    }

    /// Adds an array of f32, uncompressed: deflate takes 8 % off poses, and forty times as long.
    ///
    /// # Errors
    /// If writing fails, or `shape` does not have as many elements as `values`.
    pub fn f32(&mut self, name: &str, shape: &[usize], values: &[f32]) -> Result<()> {
        self.add(name, "<f4", shape, values.len(), &little_endian(bytemuck::cast_slice(values)))
    }

    /// Adds an array of i32.
    ///
    /// # Errors
    /// As [`NpzWriter::f32`].
    pub fn i32(&mut self, name: &str, shape: &[usize], values: &[i32]) -> Result<()> {
        self.add(name, "<i4", shape, values.len(), &little_endian(bytemuck::cast_slice(values)))
    }

    /// Adds a one-dimensional array of strings.
    ///
    /// # Errors
    /// If writing fails.
    pub fn strings<S: AsRef<str>>(&mut self, name: &str, values: &[S]) -> Result<()> {
        let longest = values.iter().map(|value| value.as_ref().chars().count()).max().unwrap_or(0).max(1);
        let bytes: Vec<u8> = values
            .iter()
            .flat_map(|value| value.as_ref().chars().chain(std::iter::repeat('\0')).take(longest))
            .flat_map(|c| u32::from(c).to_le_bytes())
            .collect();
        self.add(name, &format!("<U{longest}"), &[values.len()], values.len(), &bytes)
    }

    /// Adds one string, an array without dimensions.
    ///
    /// # Errors
    /// If writing fails.
    pub fn text(&mut self, name: &str, value: &str) -> Result<()> {
        let bytes: Vec<u8> = value.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect();
        let (longest, none) = (value.chars().count().max(1), [0; size_of::<u32>()]);
        let bytes = if bytes.is_empty() { &none } else { &bytes[..] };
        self.add(name, &format!("<U{longest}"), &[], 1, bytes)
    }

    /// Adds an array of the numbers of `descr`, such as `<f4` or `<i8`, whose elements are the next bytes of `from`.
    ///
    /// # Errors
    /// If reading or writing fails, or `descr` is no type.
    pub(crate) fn copy(&mut self, name: &str, descr: &str, shape: &[usize], from: impl Read) -> Result<()> {
        let failed = |error| Error::io(&self.path, "write", error);
        let element = ElementType::parse(descr).map_err(|problem| Error::file(&self.path, name, problem, PLAIN))?;
        let bytes = (shape.iter().product::<usize>() * element.width) as u64;
        start(&mut self.zip, name, descr, shape, bytes).map_err(failed)?;
        let copied = io::copy(&mut from.take(bytes), &mut self.zip).map_err(failed)?;
        if copied == bytes { Ok(()) } else { Err(failed(io::ErrorKind::UnexpectedEof.into())) }
    }

    fn add(&mut self, name: &str, descr: &str, shape: &[usize], count: usize, bytes: &[u8]) -> Result<()> {
        if shape.iter().product::<usize>() != count {
            let problem = format!("shape {shape:?} does not match {count} values");
            return Err(Error::file(&self.path, name, problem, "give every pose the same number of values"));
        }
        let started = start(&mut self.zip, name, descr, shape, bytes.len() as u64);
        started.and_then(|()| self.zip.write_all(bytes)).map_err(|error| Error::io(&self.path, "write", error))
    }

    /// Completes the file, brings it to the disk and renames it to its path.
    ///
    /// # Errors
    /// If writing or renaming fails; what was at the path before is then still there.
    pub fn finish(self) -> Result<()> {
        let failed = |error: io::Error| Error::io(&self.path, "write", error);
        let buffer = self.zip.finish().map_err(|error| failed(error.into()))?.into_inner().map_err(failed)?;
        let file = buffer.into_inner().map_err(|error| failed(error.into_error()))?;
        whole::put(&self.path, file)
    }
}

/// Starts an array of so many bytes: its entry of the archive and its header.
fn start(
    zip: &mut ZipWriter<impl Write + Seek>,
    name: &str,
    descr: &str,
    shape: &[usize],
    bytes: u64,
) -> io::Result<()> {
    let method = if descr == "<f4" { CompressionMethod::Stored } else { CompressionMethod::Deflated };
    // Beyond 4 GiB, header included, sizes take 64 bits.
    let options = SimpleFileOptions::default().compression_method(method).large_file(bytes > u64::from(u32::MAX / 2));
    zip.start_file(file_name(name), options)?;
    zip.write_all(&Header::to_bytes(descr, shape))
}

/// A temporary file in the folder of `path`, which no one else sees and which is gone when it is closed.
pub(crate) fn scratch(path: &Path) -> Result<File> {
    tempfile::tempfile_in(whole::folder(path)).map_err(|error| Error::io(path, "write", error))
}

fn file_name(name: &str) -> String {
    format!("{name}.npy")
}

/// The stored array of this name, to be read from its start.
fn member<'a>(
    archive: &'a mut ZipArchive<BufReader<File>>,
    path: &Path,
    name: &str,
) -> Result<ZipFile<'a, BufReader<File>>> {
    archive.by_name(&file_name(name)).map_err(|error| match error {
        ZipError::FileNotFound => Error::file(path, name, "the array is missing", "add it with np.savez"),
        other => Error::file(path, name, other.to_string(), DAMAGED),
    })
}

/// Numbers of 32 bits as they are stored.
pub(crate) fn little_endian(bits: &[u32]) -> Cow<'_, [u8]> {
    if cfg!(target_endian = "little") {
        return Cow::Borrowed(bytemuck::cast_slice(bits));
    }
    Cow::Owned(bits.iter().flat_map(|bits| bits.to_le_bytes()).collect())
}

#[cfg(test)]
#[path = "npz_tests.rs"]
mod tests;
