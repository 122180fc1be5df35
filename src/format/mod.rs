//! File formats as their owners define them: NumPy, Python's pickles, MATLAB, HDF5. Nothing here knows of poses, and
//! nothing trusts a file: sizes that it claims are never allocated before the bytes are there, and what a file makes of
//! memory is bounded by [`memory_limit`].

#[cfg(test)]
#[cfg(feature = "import")]
mod fixture_tests;
#[cfg(feature = "import")]
pub mod hdf5;
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
#[cfg(feature = "import")]
mod value;
mod whole;

#[cfg(feature = "import")]
pub use {npz::Array, stored::Stored, value::Value};

pub use whole::{WholeFile, write_whole};

/// The most bytes that one file may take in memory: half of what the system or its container can give without
/// swapping, where it says so (Linux), else 4 GiB.
#[cfg(feature = "import")]
#[must_use]
pub fn memory_limit() -> usize {
    let available =
        crate::system::available_memory().map_or(8 << 30, |bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
    available / 2
}
