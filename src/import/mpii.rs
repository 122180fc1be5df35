//! MPII Human Pose, 2D only: the annotations that HRNet and MMPose use (`train.json`, `valid.json`), and the data set's
//! own `mpii_human_pose_v1_u12_1.mat`.

use std::{
    collections::HashMap,
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::{Collector, Label, Pose, Progress, layout::MPII_16, sources};
use crate::{
    error::{Error, Result},
    format::{Value, mat, memory_limit},
};

/// Imports MPII: a sequence of one frame for each annotated person (`015601864.jpg/0`), without positions and without
/// the size of the image. Joints that are occluded but annotated have confidence 1, absent ones 0. There is no
/// Neck/Nose: of 17 joints it is missing.
///
/// `paths` are `.json` or `.mat` files, or folders of them. Persons without any joint, as in the test split, are left
/// out.
///
/// # Errors
/// If a file cannot be read, is not of these forms or is given twice, or nobody has a joint.
pub fn import(paths: &[PathBuf], to: &mut Collector<'_>, progress: Progress<'_>) -> Result<()> {
    let wanted = |path: &Path| [".json", ".mat"].iter().any(|extension| sources::name(path).ends_with(extension));
    let files = sources::find(paths, "annotations (.json or .mat)", wanted)?;
    let mut people = People { to, in_image: HashMap::new() };
    for (done, path) in files.iter().enumerate() {
        if path.extension().is_some_and(|extension| extension == "mat") {
            release(path, &mut people)?;
        } else {
            annotations(path, &mut people)?;
        }
        progress(done + 1, files.len());
    }
    sources::check_any(people.to, paths, "persons with a joint")
}

struct People<'a, 'b> {
    to: &'a mut Collector<'b>,
    /// How many there are of each image.
    in_image: HashMap<String, usize>,
}

impl People<'_, '_> {
    fn push(&mut self, image: &str, joints: &[[f32; 2]; 16], present: &[f32; 16]) -> Result<()> {
        let (keypoints, confidence) = MPII_16.keypoints(joints, present);
        if confidence.iter().all(|confidence| *confidence <= 0.0) {
            return Ok(());
        }
        let number = self.in_image.entry(image.to_owned()).or_default();
        let label = Label { sequence: self.to.sequence(&format!("{image}/{number}")), ..Label::default() };
        *number += 1;
        let confidence = Some(confidence);
        let pose = Pose { keypoints, confidence, positions: None, image_size: None, intrinsics: None };
        self.to.push(&pose, label)
    }
}

/// One person of the JSON files; other fields (centre and scale of the box) are not needed.
#[derive(Deserialize)]
struct Annotation {
    image: String,
    joints: [[f32; 2]; 16],
    joints_vis: [f32; 16],
}

fn annotations(path: &Path, people: &mut People<'_, '_>) -> Result<()> {
    const FIX: &str = "give HRNet's train.json or valid.json, a list of {image, joints, joints_vis}";
    // A parsed value may take so many times its text.
    let most = memory_limit() / 64;
    let (mut text, file) = (Vec::new(), File::open(path).map_err(|source| Error::io(path, "open", source))?);
    file.take(most as u64 + 1).read_to_end(&mut text).map_err(|source| Error::io(path, "read", source))?;
    if text.len() > most {
        return Err(Error::file(path, "annotations", format!("over {most} bytes, too many for the memory"), FIX));
    }
    let records: Vec<serde_json::Value> =
        serde_json::from_slice(&text).map_err(|error| Error::file(path, "annotations", error.to_string(), FIX))?;
    drop(text);
    for (i, record) in records.into_iter().enumerate() {
        let person: Annotation = serde_json::from_value(record)
            .map_err(|error| Error::file(path, format!("annotations[{i}]"), error.to_string(), FIX))?;
        if let Some(joint) = person.joints_vis.iter().position(|visible| ![0.0, 1.0].contains(visible)) {
            let problem = format!("joint {joint} has {}, neither 0 nor 1", person.joints_vis[joint]);
            return Err(Error::file(path, format!("annotations[{i}].joints_vis"), problem, FIX));
        }
        people.push(&person.image, &person.joints, &person.joints_vis)?;
    }
    Ok(())
}

/// `RELEASE.annolist(i).annorect(r).annopoints.point(k)`; counted from 1 in messages, as MATLAB does.
fn release(path: &Path, people: &mut People<'_, '_>) -> Result<()> {
    const FIX: &str = "give mpii_human_pose_v1_u12_1.mat as it was released";
    let file = mat::load(path)?;
    let images = file.get("RELEASE").and_then(|release| release.get("annolist")).map_or(&[][..], structs);
    if images.is_empty() {
        return Err(Error::file(path, "RELEASE.annolist", "there is no such struct", FIX));
    }
    for (i, image) in images.iter().enumerate() {
        let Some(name) = image.get("image").and_then(|image| image.get("name")).and_then(Value::text) else {
            let field = format!("annolist({}).image.name", i + 1);
            return Err(Error::file(path, field, "there is no such text", FIX));
        };
        for (r, person) in image.get("annorect").map_or(&[][..], structs).iter().enumerate() {
            let points = person.get("annopoints").and_then(|points| points.get("point")).map_or(&[][..], structs);
            let (mut joints, mut present) = ([[0.0; 2]; 16], [0.0; 16]);
            for (k, point) in points.iter().enumerate() {
                let number = |field| point.get(field).and_then(Value::number);
                let slot = number("id").filter(|id| (0.0..16.0).contains(id)).map(|id| id as usize);
                let (Some(slot), Some(x), Some(y)) = (slot, number("x"), number("y")) else {
                    let field = format!("annolist({}).annorect({}).annopoints.point({})", i + 1, r + 1, k + 1);
                    return Err(Error::file(path, field, "it has no x, y and id from 0 to 15", FIX));
                };
                joints[slot] = [x as f32, y as f32];
                present[slot] = 1.0;
            }
            people.push(name, &joints, &present)?;
        }
    }
    Ok(())
}

/// The elements of a struct array, which one of size 1 is too.
fn structs(value: &Value) -> &[Value] {
    if value.entries().is_empty() { value.items() } else { std::slice::from_ref(value) }
}

#[cfg(test)]
#[path = "mpii_tests.rs"]
mod tests;
