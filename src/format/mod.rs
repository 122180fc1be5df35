//! File formats as their owners define them: NumPy, Python's pickles, MATLAB, HDF5. Nothing here knows of poses, and
//! nothing trusts a file: sizes that it claims are never allocated before the bytes are there, and what a file makes of
//! memory is bounded by [`memory_limit`].

#[cfg(feature = "import")]
mod crc;
#[cfg(test)]
#[cfg(feature = "import")]
mod fixture_tests;
#[cfg(feature = "import")]
pub mod hdf5;
#[cfg(feature = "import")]
mod json;
mod limited;
mod lock;
#[cfg(feature = "import")]
pub mod mat;
#[cfg(feature = "import")]
mod npy;
#[cfg(feature = "import")]
pub mod npz;
#[cfg(feature = "import")]
pub mod pickle;
#[cfg(feature = "import")]
mod stored;
mod unfinished;
#[cfg(feature = "import")]
mod value;
mod whole;

#[cfg(feature = "import")]
pub use {crc::crc32_of, npz::Array, stored::Stored, value::Value};

#[cfg(feature = "import")]
pub(crate) use json::{read_json, write_json};
pub use limited::{HAND_WRITTEN, read_limited, read_text_limited};
pub use lock::FolderLock;
pub use unfinished::remove_unfinished;
pub use whole::{WholeFile, write_whole};

/// The most bytes that one file may take in memory: half of what the system or its container can give without
/// swapping, where it says so (Linux), else 4 GiB.
#[must_use]
pub fn memory_limit() -> usize {
    let available =
        crate::system::available_memory().map_or(8 << 30, |bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
    available / 2
}
