//! Any bytes as a pickle.
#![no_main]

use isopose_fuzz::format::pickle;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    drop(pickle::read(bytes, 1 << 24));
});
