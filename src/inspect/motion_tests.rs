use std::path::PathBuf;

use super::*;
use crate::import::{
    Tolerance,
    motion::{Options, import},
};

fn fixture(name: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/kernels-tests/fixtures/motion")).join(name)
}

#[test]
fn info_warns_as_import_does() {
    let folder = tempfile::tempdir().unwrap();
    let saved = folder.path().join("motion.npz");
    for name in ["bones_in_offset.bvh", "bones_in_channels.bvh", "cgspeed.bvh", "14_07.amc"] {
        let mut warnings = Vec::new();
        let motion = import(&[fixture(name)], &Options::default(), &mut warnings, &mut |_, _| Ok(())).unwrap();
        assert_eq!(inspect(&fixture(name)).unwrap().warnings, warnings, "{name}");
        // The motion says all but what was in the file.
        motion.save(&saved).unwrap();
        warnings.retain(|warning| !warning.contains("OFFSET"));
        assert_eq!(inspect(&saved).unwrap().warnings, warnings, "{name}");
    }
}

#[test]
fn info_describes_what_import_refuses() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("late.bvh");
    let text = std::fs::read_to_string(fixture("bones_in_offset.bvh")).unwrap();
    // In the last frame the spine, the first joint after the root's six numbers, moves by its position.
    let last = text.lines().last().unwrap();
    let mut words: Vec<&str> = last.split_whitespace().collect();
    words[6..9].copy_from_slice(&["10", "10", "10"]);
    std::fs::write(&path, text.replace(last.trim_end(), &words.join(" "))).unwrap();
    let refused = import(std::slice::from_ref(&path), &Options::default(), &mut Vec::new(), &mut |_, _| Ok(()))
        .unwrap_err()
        .to_string();
    assert!(refused.contains("late.bvh: frame 3: 'Spine' has the position (10, 10, 10)"), "{refused}");
    // All joints lie on the hips then.
    let warnings = inspect(&path).unwrap().warnings.join("\n");
    assert!(warnings.contains("; positions replace OFFSET") && warnings.contains("bones have no length"), "{warnings}");

    let tolerance = Tolerance { allow_implausible: true, ..Tolerance::default() };
    let unit = Some(crate::import::motion::Unit::Metres);
    let options = Options { unit, tolerance, ..Options::default() };
    let motion = import(&[fixture("mixamo.bvh")], &options, &mut Vec::new(), &mut |_, _| Ok(())).unwrap();
    let saved = folder.path().join("motion.npz");
    motion.save(&saved).unwrap();
    let warnings = inspect(&saved).unwrap().warnings;
    assert!(warnings[0].starts_with("clip 'mixamo': the bones add up to ") && warnings[0].contains("to about 5.3"));
}
