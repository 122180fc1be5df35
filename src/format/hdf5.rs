//! HDF5 files, and with them MATLAB's `.mat` of version 7.3: numeric arrays by name. MATLAB writes the
//! sizes of an array last first. The file is read by pieces, not mapped: one that shrinks meanwhile is an error.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
};

use hdf5_reader::{
    ByteOrder, Dataset, Datatype, H5Type, Hdf5File, OpenOptions, SliceInfo, SliceInfoElem, error::Error as Hdf5Error,
};

use super::{Array, memory_limit, npy::ElementType};
use crate::error::{Error, Result};

/// Groups in groups: deeper ones are not listed.
const MAX_DEPTH: usize = 32;

/// Deflate makes bytes at most so many times fewer.
const MOST_DEFLATED: u64 = 1032;

/// An open HDF5 file.
pub struct Hdf5 {
    path: PathBuf,
    file: Hdf5File,
    bytes: u64,
}

impl Hdf5 {
    /// Opens a file.
    ///
    /// # Errors
    /// If it cannot be opened, or is no HDF5 file.
    pub fn open(path: &Path) -> Result<Self> {
        // The reader's own errors do not tell an absent file from a damaged one.
        let file = std::fs::File::open(path).map_err(|error| Error::io(path, "open", error))?;
        let bytes = file.metadata().map_err(|error| Error::io(path, "read", error))?.len();
        let options =
            OpenOptions::default().with_max_read_bytes(memory_limit()).with_max_chunk_bytes(memory_limit() / 4);
        let file = Hdf5File::open_with_options(path, options).map_err(|error| {
            let problem = format!("it is no readable HDF5 file ({error})");
            Error::file(path, "file", problem, "check that it was copied whole")
        })?;
        Ok(Self { path: path.to_owned(), file, bytes })
    }

    /// Whether there is a dataset of this name, such as `group/keypoints`.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.file.dataset(name).is_ok()
    }

    /// Names and shapes of all datasets, those of nested groups included.
    ///
    /// # Errors
    /// If a group is damaged.
    pub fn datasets(&self) -> Result<Vec<(String, Vec<usize>)>> {
        let failed = |name: &str, error: Hdf5Error| {
            let name = if name.is_empty() { "/" } else { name };
            Error::file(
                &self.path,
                name,
                format!("the group cannot be read ({error})"),
                "check that it was copied whole",
            )
        };
        let mut found = Vec::new();
        let mut seen = HashSet::new();
        let mut groups = vec![(String::new(), 0, self.file.root_group().map_err(|error| failed("/", error))?)];
        while let Some((name, depth, group)) = groups.pop() {
            // A group may hold itself.
            if depth > MAX_DEPTH || !seen.insert(group.address()) {
                continue;
            }
            let (inside, datasets) = group.members().map_err(|error| failed(&name, error))?;
            for dataset in datasets {
                let dataset_name = format!("{name}{}", dataset.name().trim_start_matches('/'));
                let shape = self.sizes(&dataset_name, &dataset)?;
                found.push((dataset_name, shape));
            }
            groups.extend(inside.into_iter().map(|group| (format!("{name}{}/", group.name()), depth + 1, group)));
        }
        found.sort();
        Ok(found)
    }

    /// The shape of a dataset.
    ///
    /// # Errors
    /// If it is missing.
    pub fn shape(&self, name: &str) -> Result<Vec<usize>> {
        self.sizes(name, &self.dataset(name)?)
    }

    /// Reads a dataset of any numeric type as f32.
    ///
    /// # Errors
    /// If it is missing, damaged, of another type or larger than [`memory_limit`].
    pub fn f32(&self, name: &str) -> Result<Array<f32>> {
        let dataset = self.numeric(name)?;
        let shape = self.sizes(name, &dataset)?;
        self.check_size(name, &dataset, &shape)?;
        let values = dataset.read_array::<Rounded>().map_err(|error| self.failed(name, &error))?;
        Ok(Array { shape, values: values.iter().map(|value| value.0).collect() })
    }

    /// Reads `count` rows from `first` on: a slice of the first dimension.
    ///
    /// # Errors
    /// As [`Self::f32`], or if there are not as many rows.
    pub fn rows(&self, name: &str, first: usize, count: usize) -> Result<Array<f32>> {
        self.slice(name, 0, first, count)
    }

    /// Reads `count` values of the index of dimension `axis`, from `first` on.
    ///
    /// # Errors
    /// As [`Self::f32`], or if there are not as many.
    pub fn slice(&self, name: &str, axis: usize, first: usize, count: usize) -> Result<Array<f32>> {
        let dataset = self.numeric(name)?;
        let mut shape = self.sizes(name, &dataset)?;
        self.check_claim(name, &dataset, &shape)?;
        let available = shape.get(axis).copied().unwrap_or(0);
        let Some(end) = first.checked_add(count).filter(|&end| end <= available) else {
            let what = if axis == 0 { "rows" } else { "columns" };
            let problem = format!("{what} {first} and {count} on are wanted where there are {available}");
            return Err(self.error(name, problem, "check that the arrays of the file belong together"));
        };
        if let Some(size) = shape.get_mut(axis) {
            *size = count;
        }
        self.check_size(name, &dataset, &shape)?;
        let mut slice = SliceInfo::all(shape.len());
        if let Some(range) = slice.selections.get_mut(axis) {
            *range = SliceInfoElem::Slice { start: first as u64, end: end as u64, step: 1 };
        }
        if count == 0 {
            return Ok(Array { shape, values: Vec::new() });
        }
        let values = dataset.read_slice::<Rounded>(&slice).map_err(|error| self.failed(name, &error))?;
        Ok(Array { shape, values: values.iter().map(|value| value.0).collect() })
    }

    /// A content error about the dataset `name` of this file.
    #[must_use]
    pub fn error(&self, name: &str, problem: impl Into<String>, fix: impl Into<String>) -> Error {
        Error::file(&self.path, name, problem, fix)
    }

    fn failed(&self, name: &str, error: &Hdf5Error) -> Error {
        self.error(name, format!("it cannot be read ({error})"), "check that the file was copied whole")
    }

    fn dataset(&self, name: &str) -> Result<Dataset> {
        self.file.dataset(name).map_err(|error| {
            let problem = format!("the dataset is missing or damaged ({error})");
            self.error(name, problem, "list what the file holds with h5ls")
        })
    }

    fn numeric(&self, name: &str) -> Result<Dataset> {
        let dataset = self.dataset(name)?;
        if element_type(dataset.dtype()).is_none() {
            return Err(self.error(name, "it does not hold numbers", "save it as a numeric array"));
        }
        Ok(dataset)
    }

    fn sizes(&self, name: &str, dataset: &Dataset) -> Result<Vec<usize>> {
        let sizes: std::result::Result<_, _> = dataset.shape().iter().map(|&size| usize::try_from(size)).collect();
        sizes.map_err(|_| self.error(name, "its shape is impossibly large", "check that the file was copied whole"))
    }

    /// Checked before a part is read: the whole may be larger than memory, but what the file does not have would be
    /// read as zeros without end.
    fn check_claim(&self, name: &str, dataset: &Dataset, shape: &[usize]) -> Result<()> {
        let width = dataset.raw_element_size().map_err(|error| self.failed(name, &error))?;
        let bytes = shape.iter().try_fold(width as u64, |bytes, &size| bytes.checked_mul(size as u64));
        if bytes.is_none_or(|bytes| bytes / MOST_DEFLATED > self.bytes) {
            let problem = format!("its shape {shape:?} cannot be in a file of {} bytes", self.bytes);
            return Err(self.error(name, problem, "check that the file was copied whole"));
        }
        Ok(())
    }

    /// Checked before reading: as stored and as f32, it must fit.
    fn check_size(&self, name: &str, dataset: &Dataset, shape: &[usize]) -> Result<()> {
        let width = dataset.raw_element_size().map_err(|error| self.failed(name, &error))?;
        let bytes = shape.iter().try_fold(width.saturating_add(8), |bytes, &size| bytes.checked_mul(size));
        if bytes.is_none_or(|bytes| bytes > memory_limit()) {
            let problem = format!("its shape {shape:?} needs more than {} bytes of memory, the limit", memory_limit());
            return Err(self.error(name, problem, "free memory, or split the file"));
        }
        Ok(())
    }
}

/// A number of any type, as f32.
#[derive(Debug, Clone, Copy)]
struct Rounded(f32);

impl H5Type for Rounded {
    fn hdf5_type() -> Datatype {
        f32::hdf5_type()
    }

    fn from_bytes(bytes: &[u8], stored: &Datatype) -> hdf5_reader::error::Result<Self> {
        let element = element_type(stored).filter(|element| element.width == bytes.len());
        let number = element.and_then(|element| element.f32(bytes).first().copied());
        number.map(Self).ok_or_else(|| Hdf5Error::InvalidData("an element is no number".into()))
    }

    fn element_size(stored: &Datatype) -> usize {
        element_type(stored).map_or(size_of::<f32>(), |element| element.width)
    }

    fn decode_vec(raw: &[u8], stored: &Datatype, count: usize) -> Option<hdf5_reader::error::Result<Vec<Self>>> {
        let element = element_type(stored)?;
        let bytes = raw.get(..count.checked_mul(element.width)?)?;
        Some(Ok(element.f32(bytes).into_iter().map(Self).collect()))
    }
}

/// The element type of numbers, and of enumerations: h5py stores truth values as such.
fn element_type(stored: &Datatype) -> Option<ElementType> {
    let (kind, size, order) = match stored {
        Datatype::Enum { base, .. } => match **base {
            Datatype::FixedPoint { size, signed, byte_order } => (if signed { 'i' } else { 'u' }, size, byte_order),
            _ => return None,
        },
        Datatype::FixedPoint { size, signed, byte_order } => (if *signed { 'i' } else { 'u' }, *size, *byte_order),
        Datatype::FloatingPoint { size, byte_order } => ('f', *size, *byte_order),
        _ => return None,
    };
    let order = if matches!(order, ByteOrder::BigEndian) { '>' } else { '<' };
    ElementType::parse(&format!("{order}{kind}{size}")).ok()
}

#[cfg(test)]
#[path = "hdf5_tests.rs"]
mod tests;
