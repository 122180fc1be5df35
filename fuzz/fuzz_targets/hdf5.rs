//! Any bytes as an HDF5 file: all its datasets, whole and by rows.
#![no_main]

use isopose_fuzz::{format::hdf5::Hdf5, with_file};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    with_file(bytes, |path| {
        let Ok(file) = Hdf5::open(path) else { return };
        for (name, shape) in file.datasets().unwrap_or_default() {
            // A dataset that was never written reads as zeros, of any size that memory holds.
            if shape.iter().try_fold(1usize, |product, &size| product.checked_mul(size)).is_none_or(|n| n > 1 << 20) {
                continue;
            }
            drop((file.f32(&name), file.rows(&name, 1, 2), file.slice(&name, 1, 1, 2)));
        }
    });
});
