//! Any bytes as a MATLAB file.
#![no_main]

use isopose_fuzz::format::mat;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    drop(mat::read(bytes, 1 << 24));
});
