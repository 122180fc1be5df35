//! `.npz` files: zip archives of named NumPy arrays. Read without trusting a header, written so that a reader never
//! sees half a file. Readable by `np.load(path, allow_pickle=False)`.

use std::{
    fs::File,
    io::{BufReader, BufWriter, Read, Write},
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;
use zip::{ZipArchive, ZipWriter, result::ZipError, write::SimpleFileOptions};

use super::npy::{ElementType, Header, Kind, Number, fortran_to_c};
use crate::error::{Error, Result};

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
        self.archive.index_for_name(&member(name)).is_some()
    }

    /// A content error about the array `name` of this file.
    #[must_use]
    pub fn error(&self, name: &str, problem: impl Into<String>, fix: impl Into<String>) -> Error {
        Error::file(&self.path, name, problem, fix)
    }

    /// Reads numbers of any supported type (bool, i8 to i64, u8 to u32, f32, f64) as f32.
    ///
    /// # Errors
    /// If the array is missing, damaged or of another type.
    pub fn f32(&mut self, name: &str) -> Result<Array<f32>> {
        self.numbers(name, |_, number| match number {
            Number::Float(value) => Ok(value as f32),
            Number::Integer(value) => Ok(value as f32),
        })
    }

    /// Reads whole numbers of any supported integer type, or bool, as i32.
    ///
    /// # Errors
    /// If the array is missing, damaged, of another type, or has a number beyond i32.
    pub fn i32(&mut self, name: &str) -> Result<Array<i32>> {
        self.numbers(name, |element, number| match number {
            Number::Float(_) => Err(("it holds floating-point numbers".into(), "convert it with .astype(np.int32)")),
            Number::Integer(value) => i32::try_from(value)
                .map_err(|_| (format!("element {element} is {value}"), "use numbers that fit in 32 bits")),
        })
    }

    /// Reads a one-dimensional array of strings (`<U..`); a scalar reads as one string.
    ///
    /// # Errors
    /// If the array is missing, damaged or of another type.
    pub fn strings(&mut self, name: &str) -> Result<Vec<String>> {
        const FIX: &str = "save it as np.array([...], dtype=str)";
        let (header, element, bytes) = self.payload(name)?;
        if element.kind != Kind::Unicode {
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
        convert: impl Fn(usize, Number) -> std::result::Result<T, (String, &'static str)>,
    ) -> Result<Array<T>> {
        let (header, element, bytes) = self.payload(name)?;
        if element.kind == Kind::Unicode {
            return Err(self.error(name, "strings where numbers are expected", "save it as a numeric array"));
        }
        let values: std::result::Result<Vec<T>, _> =
            bytes.chunks_exact(element.width).enumerate().map(|(i, c)| convert(i, element.number(c))).collect();
        let mut values = values.map_err(|(problem, fix)| self.error(name, problem, fix))?;
        if header.fortran_order {
            values = fortran_to_c(&values, &header.shape);
        }
        Ok(Array { shape: header.shape, values })
    }

    /// The header of an array and exactly the bytes that it announces. Memory grows with the bytes that are really
    /// there, whatever the headers of the array and of the archive claim.
    fn payload(&mut self, name: &str) -> Result<(Header, ElementType, Vec<u8>)> {
        const DAMAGED: &str = "the file is damaged; copy or write it again";
        let path = &self.path;
        let mut entry = self.archive.by_name(&member(name)).map_err(|error| match error {
            ZipError::FileNotFound => Error::file(path, name, "the array is missing", "add it with np.savez"),
            other => Error::file(path, name, other.to_string(), DAMAGED),
        })?;
        let unusable = |problem: String| {
            Error::file(path, name, problem, "save it as a plain numeric or string array (no pickle)")
        };
        let header = Header::read(&mut entry).map_err(unusable)?;
        let element = ElementType::parse(&header.descr).map_err(unusable)?;
        let expected = header.len().and_then(|len| {
            len.checked_mul(element.width).ok_or_else(|| format!("its shape {:?} is impossibly large", header.shape))
        });
        let expected = expected.map_err(unusable)? as u64;
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
    zip: ZipWriter<BufWriter<NamedTempFile>>,
}

impl NpzWriter {
    /// Starts a file that will appear at `path`. Dropped before `finish`, it leaves nothing behind.
    ///
    /// # Errors
    /// If the folder cannot be written to.
    pub fn create(path: &Path) -> Result<Self> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut builder = tempfile::Builder::new();
        // Temporary files are private by default; this one is to have the permissions of any new file.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let file = builder.tempfile_in(folder).map_err(|error| Error::io(path, "write", error))?;
        Ok(Self { path: path.to_owned(), zip: ZipWriter::new(BufWriter::new(file)) })
    }

    /// Adds an array of f32.
    ///
    /// # Errors
    /// If writing fails, or `shape` does not have as many elements as `values`.
    pub fn f32(&mut self, name: &str, shape: &[usize], values: &[f32]) -> Result<()> {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.add(name, "<f4", shape, values.len(), &bytes)
    }

    /// Adds an array of i32.
    ///
    /// # Errors
    /// As [`NpzWriter::f32`].
    pub fn i32(&mut self, name: &str, shape: &[usize], values: &[i32]) -> Result<()> {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.add(name, "<i4", shape, values.len(), &bytes)
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

    fn add(&mut self, name: &str, descr: &str, shape: &[usize], count: usize, bytes: &[u8]) -> Result<()> {
        if shape.iter().product::<usize>() != count {
            let problem = format!("shape {shape:?} does not match {count} values");
            return Err(Error::file(&self.path, name, problem, "give every pose the same number of values"));
        }
        let failed = |error: std::io::Error| Error::io(&self.path, "write", error);
        let options = SimpleFileOptions::default()
            .compression_method(zip::CompressionMethod::Deflated)
            .large_file(bytes.len() > u32::MAX as usize / 2);
        self.zip.start_file(member(name), options).map_err(|error| failed(error.into()))?;
        self.zip.write_all(&Header::to_bytes(descr, shape)).map_err(failed)?;
        self.zip.write_all(bytes).map_err(failed)
    }

    /// Completes the file, brings it to the disk and renames it to its path.
    ///
    /// # Errors
    /// If writing or renaming fails; what was at the path before is then still there.
    pub fn finish(self) -> Result<()> {
        let failed = |error: std::io::Error| Error::io(&self.path, "write", error);
        let buffer = self.zip.finish().map_err(|error| failed(error.into()))?;
        let file = buffer.into_inner().map_err(|error| failed(error.into_error()))?;
        file.as_file().sync_all().map_err(failed)?;
        file.persist(&self.path).map_err(|error| failed(error.error))?;
        Ok(())
    }
}

fn member(name: &str) -> String {
    format!("{name}.npy")
}

#[cfg(test)]
#[path = "npz_tests.rs"]
mod tests;
