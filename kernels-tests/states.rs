//! Recorded float64 states, replayed on both executors.

use std::path::Path;

use isopose::gpu::Device;
use isopose::verify::{Check, RecordedState, own_states, replay};

use crate::device::devices;

fn failures(name: &str, state: &RecordedState, devices: &[Device]) -> Vec<String> {
    let mut failed = Vec::new();
    for device in devices {
        let checks = replay(name, state, device).unwrap();
        assert!(checks.len() >= 20, "{name} on {}: only {} checks were made", device.name(), checks.len());
        let bad = checks.iter().filter(|check| !check.pass);
        let line = |g: &Check| format!("{name}: {} on {}: {:e}, limit {:e}", g.name, device.name(), g.error, g.limit);
        failed.extend(bad.map(line));
    }
    failed
}

pub(crate) fn own_states_replay(devices: &[Device]) {
    let states = own_states().unwrap();
    assert_eq!(states.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["own", "own_geometry"]);
    let failed = states.iter().map(|(name, state)| failures(name, state, devices)).collect::<Vec<_>>().concat();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn the_own_states_replay() {
    own_states_replay(&devices());
}

#[test]
fn the_shared_states_replay() {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/fixtures"));
    let Ok(entries) = std::fs::read_dir(folder) else {
        eprintln!("SKIPPED the_shared_states_replay: there are no recorded states at {}", folder.display());
        return;
    };
    let mut failed = Vec::new();
    let mut count = 0;
    for path in entries.map(|entry| entry.unwrap().path()).filter(|p| p.extension().is_some_and(|e| e == "safetensors"))
    {
        count += 1;
        let state = match RecordedState::load(&path) {
            Err(error) if error.to_string().contains("which is not known") => {
                eprintln!("SKIPPED the_shared_states_replay: {error}");
                continue;
            }
            state => state.unwrap(),
        };
        failed.extend(failures(&path.file_stem().unwrap().to_string_lossy(), &state, &devices()));
    }
    assert!(count > 0, "{} holds no states", folder.display());
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
