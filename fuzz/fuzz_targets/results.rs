//! Any bytes as a result of a study: scores by name, as deep as they like.
#![no_main]

use std::collections::BTreeMap;
use std::path::Path;

use isopose_fuzz::study::read;
use isopose_fuzz::with_file;

/// As a study's results hold scores.
#[derive(serde::Deserialize)]
#[serde(untagged)]
enum Result {
    Score { mpjpe_mm: f64, pck: f64, auc: f64 },
    Named(BTreeMap<String, Result>),
    Listed(Vec<Option<Result>>),
}

fn check(result: &Result) {
    match result {
        Result::Score { mpjpe_mm, pck, auc } => {
            assert!(*mpjpe_mm >= 0.0 && [pck, auc].iter().all(|share| (0.0..=100.0).contains(*share)));
        }
        Result::Named(all) => all.values().for_each(check),
        Result::Listed(all) => all.iter().flatten().for_each(check),
    }
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    with_file(bytes, |path: &Path| match read::<Result>(path) {
        Ok(result) => check(&result),
        Err(error) => assert!(error.to_string().starts_with(&*path.to_string_lossy()), "{error}"),
    });
});
