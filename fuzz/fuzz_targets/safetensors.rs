//! Any bytes as a recorded state, and as a checkpoint.
#![no_main]

use std::path::Path;

use isopose_fuzz::checkpoint::Checkpoint;
use isopose_fuzz::verify::recorded::RecordedState;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let name = Path::new("fuzzed");
    for outcome in [RecordedState::from_bytes(name, bytes).map(drop), Checkpoint::from_bytes(name, bytes).map(drop)] {
        if let Err(error) = outcome {
            assert!(error.to_string().starts_with("fuzzed: "), "{error}");
        }
    }
});
