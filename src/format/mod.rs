//! File formats as their owners define them: NumPy, Python's pickles, MATLAB, HDF5. Nothing here knows of poses, and
//! nothing trusts a file: sizes that it claims are never allocated before the bytes are there, and what a file makes of
//! memory is bounded by [`memory_limit`].

#[cfg(test)]
mod fixture_tests;
pub mod hdf5;
pub mod mat;
mod npy;
pub mod npz;
pub mod pickle;
mod stored;
mod value;
mod whole;

pub use npz::Array;
pub use stored::Stored;
pub use value::Value;
pub use whole::write_whole;

/// The most bytes that one file may take in memory: half of what the system can give without swapping, where it says
/// so (Linux), else 4 GiB.
#[must_use]
pub fn memory_limit() -> usize {
    let available =
        crate::system::available_memory().map_or(8 << 30, |bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
    available / 2
}
