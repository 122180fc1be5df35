//! This project's own files.

use std::path::Path;

use super::Contents;
use crate::checkpoint::{Checkpoint, RESERVOIR};
use crate::config::Ssl;
use crate::data::{Findings, Motion, PoseCheck, PoseSet, Wrong};
use crate::error::Result;
use crate::pose::{Skeleton, mean_bone_lengths};

/// A set and what is wrong or odd with its poses.
pub(super) fn pose_set(set: &PoseSet) -> Contents {
    let mut contents = facts(set);
    let Findings { wrong, odd } = PoseCheck::of(set).findings();
    contents.warnings.extend(wrong.map(|Wrong { field, problem, .. }| format!("{field}: {problem}")));
    contents.warnings.extend(odd);
    contents
}

/// What a set holds.
pub(super) fn facts(set: &PoseSet) -> Contents {
    let mut contents = Contents::new(if set.positions.is_some() { "pose set with 3D" } else { "pose set, 2D only" });
    contents.fact("poses", set.len());
    contents.fact("joints", set.joints);
    contents.fact("sequences", set.sequence_starts().len());
    for (name, names) in [("subjects", &set.subject_names), ("actions", &set.action_names)] {
        if !names.is_empty() {
            contents.fact(name, format!("{}: {}", names.len(), shortened(names)));
        }
    }
    for (axis, name) in ["keypoints x, pixels", "keypoints y, pixels"].into_iter().enumerate() {
        let known = |joint: usize| set.confidence.as_ref().is_none_or(|confidence| confidence[joint] > 0.0);
        let values = set.keypoints.iter().skip(axis).step_by(2).enumerate();
        contents.fact(name, range(values.filter(|(joint, _)| known(*joint)).map(|(_, value)| value)));
    }
    image_size(set, &mut contents);
    intrinsics(set, &mut contents);
    confidence(set, &mut contents);
    if let Some(positions) = &set.positions {
        contents.fact("distance from the camera, metres", range(positions.iter().skip(2).step_by(3 * set.joints)));
        bones(set, positions, &mut contents);
    }
    contents
}

fn image_size(set: &PoseSet, contents: &mut Contents) {
    let Some(sizes) = &set.image_size else { return };
    let mut distinct = sizes.clone();
    distinct.sort_unstable();
    distinct.dedup();
    let names: Vec<String> = distinct.iter().map(|[width, height]| format!("{width}x{height}")).collect();
    contents.fact("image sizes", shortened(&names));
}

fn intrinsics(set: &PoseSet, contents: &mut Contents) {
    let guessed = set.assumed_intrinsics(None);
    let (cameras, from) = match (&set.intrinsics, &guessed) {
        (Some(cameras), _) => (cameras, "given"),
        (None, Some(cameras)) => (cameras, "guessed of the image sizes"),
        (None, None) => return contents.fact("intrinsics", "none"),
    };
    let mut names: Vec<String> = Vec::new();
    let mut last = None;
    for camera in cameras {
        // Poses of one camera follow each other, and cameras are few.
        if last.replace(camera) != Some(camera) {
            let [fx, fy, cx, cy] = camera.map(rounded);
            let name = format!("focal length {fx} x {fy}, middle {cx} x {cy}");
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    contents.fact("intrinsics", format!("{from}: {}", shortened(&names)));
}

fn confidence(set: &PoseSet, contents: &mut Contents) {
    let Some(confidence) = &set.confidence else { return };
    contents.fact("confidence", range(confidence.iter()));
    let names = Skeleton::of(set.joints).map_or(&[][..], |skeleton| skeleton.names);
    let missing: Vec<(usize, &str)> = names
        .iter()
        .enumerate()
        .map(|(joint, name)| {
            (confidence.iter().skip(joint).step_by(set.joints).filter(|sure| **sure == 0.0).count(), *name)
        })
        .filter(|(count, _)| *count > 0)
        .collect();
    if missing.is_empty() {
        return;
    }
    let shown: Vec<String> = missing.iter().map(|(count, name)| format!("{name} {count}")).collect();
    contents.fact("missing joints", shown.join(", "));
}

fn bones(set: &PoseSet, positions: &[f32], contents: &mut Contents) {
    let Some(skeleton) = Skeleton::of(set.joints) else { return };
    let lengths = mean_bone_lengths(positions, skeleton);
    let sum: f32 = lengths.iter().sum();
    contents.fact("sum of the bones, metres", rounded(sum));
}

/// `warnings`: what was found of it.
pub(super) fn motion(motion: &Motion, warnings: Vec<String>) -> Contents {
    let mut contents = Contents::new("motion");
    contents.fact("frames", motion.len());
    contents.fact("clips", motion.clips().count());
    contents.fact("frames in a second", rounded(motion.fps));
    contents.fact("seconds", rounded(motion.len() as f32 / motion.fps));
    for (name, names) in [("subjects", &motion.subject_names), ("categories", &motion.category_names)] {
        contents.fact(name, format!("{}: {}", names.len(), shortened(names)));
    }
    contents.fact("heights of joints, millimetres", range(motion.positions.iter().skip(2).step_by(3)));
    contents.warnings = warnings;
    contents
}

pub(super) fn checkpoint(path: &Path) -> Result<Contents> {
    let (Checkpoint { model, parameters, optimiser, training }, told) = Checkpoint::load_told(path)?;
    let mut contents = Contents::new("model");
    contents.warnings.extend(told.notes());
    contents.fact("joints", model.joints);
    contents.fact("width", model.width);
    contents.fact("self-supervision", model.ssl.to_string());
    let learnt = parameters.iter().filter(|(name, _)| !RESERVOIR.contains(&&***name));
    contents.fact("parameters", learnt.map(|(_, tensor)| tensor.data.len()).sum::<usize>());
    contents.fact("lift", model.lift.to_string());
    contents.fact("turns cameras to people", model.rays);
    if model.ssl == Ssl::Geometry {
        contents.fact("poses kept for replay", model.reservoir);
        contents.fact("gate, square metres", rounded(model.gate));
    }
    if model.bone_lengths.is_empty() {
        contents
            .warnings
            .push("there are no mean bone lengths: keypoints must be in the projection's plane".to_owned());
    }
    match training {
        None => contents.warnings.push("there is no training state: it cannot be resumed".to_owned()),
        Some(training) => {
            contents.fact("trained steps", format!("{} of {}", training.step, training.config.steps));
            contents.fact("training poses", training.poses);
            contents.fact("sequences held back", training.held_back.len());
            contents.fact("can be resumed", optimiser.is_some());
        }
    }
    Ok(contents)
}

/// The first few names.
fn shortened(names: &[String]) -> String {
    const SHOWN: usize = 8;
    let more = if names.len() > SHOWN { ", ..." } else { "" };
    format!("{}{more}", names[..names.len().min(SHOWN)].join(", "))
}

/// Least and most.
fn range<'a>(values: impl Iterator<Item = &'a f32>) -> [f64; 2] {
    let (least, most) =
        values.fold((f32::INFINITY, f32::NEG_INFINITY), |(least, most), v| (least.min(*v), most.max(*v)));
    [rounded(least), rounded(most)]
}

/// Three digits after the point.
fn rounded(value: f32) -> f64 {
    (f64::from(value) * 1000.0).round() / 1000.0
}
