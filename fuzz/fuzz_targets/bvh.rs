//! Any bytes as a BVH file.
#![no_main]

use isopose_fuzz::import::motion::{Options, import};
use isopose_fuzz::with_named_file;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    with_named_file(bytes, ".bvh", |path| {
        if let Ok(motion) = import(std::slice::from_ref(path), &Options::default(), &mut Vec::new(), &mut |_, _| Ok(())) {
            motion.validate(path).expect("what is imported is valid");
        }
    });
});
