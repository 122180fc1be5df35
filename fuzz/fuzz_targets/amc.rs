//! Any bytes as an ASF skeleton and, behind a line of three dashes, its AMC motion.
#![no_main]

use isopose_fuzz::import::motion::{Options, import};
use isopose_fuzz::with_named_file;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let cut = bytes.windows(5).position(|window| window == b"\n---\n").unwrap_or(bytes.len() / 2);
    let (skeleton, motion) = bytes.split_at(cut);
    with_named_file(skeleton, ".asf", |asf| {
        with_named_file(motion.strip_prefix(b"\n---\n").unwrap_or(motion), ".amc", |amc| {
            let paths = [asf.clone(), amc.clone()];
            if let Ok(motion) = import(&paths, &Options::default(), &mut Vec::new(), &mut |_, _| Ok(())) {
                motion.validate(amc).expect("what is imported is valid");
            }
        });
    });
});
