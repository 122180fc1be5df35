//! Any bytes as a `.npz` file: all its arrays, as every type.
#![no_main]

use isopose_fuzz::{format::npz::Npz, with_file};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    with_file(bytes, |path| {
        let Ok(mut file) = Npz::open(path) else { return };
        for name in file.names() {
            drop((file.describe(&name), file.f32(&name), file.i32(&name), file.strings(&name), file.object(&name)));
            if let Ok(mut rows) = file.rows(&name) {
                while rows.read(1000).is_ok_and(|rows| !rows.values.is_empty()) {}
            }
        }
    });
});
