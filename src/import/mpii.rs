//! MPII Human Pose, 2D only: the annotations that HRNet and MMPose use (`train.json`, `valid.json`), pytorch-pose's
//! `mpii_annotations.json`, and the data set's own `mpii_human_pose_v1_u12_1.mat`.

mod records;
mod release;

use std::{
    collections::{BTreeSet, HashMap},
    path::{Path, PathBuf},
};

use super::{Collector, Label, Pose, Progress, damaged::Damaged, layout::MPII_16, sources};
use crate::{
    error::{Error, Result},
    format::npz::Npz,
};

/// Imports MPII: a sequence of one frame for each annotated person (`015601864.jpg/0`), without positions and without
/// the size of the image. Joints that are occluded but annotated have confidence 1, absent ones 0. There is no
/// Neck/Nose: of 17 joints it is missing.
///
/// `paths` are `.json` or `.mat` files, or folders of them. In JSON, `joints_vis` is 0 for an absent joint and 1 (or
/// `true`, or COCO's 2) for any other; in pytorch-pose's, a joint at (0, 0) is absent. Persons without any joint, as in
/// the test split, are left out. Someone who stands in several files, or twice in one, with the same joints of the same
/// image, counts once. Of a folder, files of another kind or without joints are passed over; damaged files and records
/// are left out, while they are few.
///
/// # Errors
/// If a file cannot be read, is not of these forms or is given twice, or nobody has a joint.
pub fn import(paths: &[PathBuf], to: &mut Collector<'_>, progress: Progress<'_>) -> Result<()> {
    let wanted = |path: &Path| [".json", ".mat"].iter().any(|extension| sources::name(path).ends_with(extension));
    let files = sources::find(paths, "annotations (.json or .mat)", wanted, to)?;
    let mut damaged = Damaged::among(files.len(), "file", to.tolerance().strict);
    let mut people = People::default();
    let (mut others, mut other) = (Vec::new(), None);
    for (done, path) in files.iter().enumerate() {
        match read(path, to) {
            Ok(persons) => {
                to.source_of([(path.as_path(), "joints"); 2])?;
                for person in persons {
                    people.push(path, &person, to)?;
                }
            }
            Err(Unread::Other(error)) if !paths.contains(path) => {
                others.push(path.clone());
                other.get_or_insert(error);
            }
            Err(Unread::Other(error)) => return Err(error),
            Err(Unread::Damaged(error)) => drop(damaged.sift::<()>(Err(error))?),
        }
        progress(done + 1, files.len())?;
    }
    if let Some(error) = other.filter(|_| others.len() == files.len()) {
        return Err(error);
    }
    to.warn_all(damaged.tell()?);
    to.warn_all(sources::passed_over(&others, "of another kind or split"));
    people.tell(to);
    sources::check_any(to, paths, "persons with a joint")
}

/// Why a file was not read.
enum Unread {
    /// It is whole, but no annotations of joints.
    Other(Error),
    Damaged(Error),
}

fn read(path: &Path, to: &mut Collector<'_>) -> std::result::Result<Vec<Person>, Unread> {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("mat") => release::read(path, to),
        Some("npz") => {
            const GIVE: &str = "give MPII's annotations, .json or .mat";
            let npz = Npz::open(path).map_err(Unread::Damaged)?;
            sources::refuse_crops(&npz, GIVE).map_err(Unread::Other)?;
            Err(Unread::Other(npz.error("joints", "it is no file of annotations", GIVE)))
        }
        _ => records::read(path, to),
    }
}

/// Somebody in an image.
struct Person {
    image: String,
    /// Pixels.
    joints: [[f32; 2]; 16],
    /// 1 for a joint that was annotated, else 0.
    present: [f32; 16],
}

/// Who was added so far.
#[derive(Default)]
struct People {
    /// The keypoints of those in each image, as bits, and the file.
    in_image: HashMap<String, Vec<([u32; 51], usize)>>,
    files: Vec<PathBuf>,
    /// Those who were there already, and the files that have them.
    again: usize,
    shared: BTreeSet<usize>,
}

impl People {
    fn push(&mut self, path: &Path, person: &Person, to: &mut Collector<'_>) -> Result<()> {
        let (keypoints, confidence) = MPII_16.keypoints(&person.joints, &person.present);
        if confidence.iter().all(|confidence| *confidence <= 0.0) {
            to.leave_out();
            return Ok(());
        }
        if self.files.last().is_none_or(|last| last != path) {
            self.files.push(path.to_owned());
        }
        let file = self.files.len() - 1;
        let mut bits = [0; 51];
        let values = keypoints.as_flattened().iter().chain(&confidence);
        bits.iter_mut().zip(values).for_each(|(bits, value)| *bits = value.to_bits());
        let known = self.in_image.entry(person.image.clone()).or_default();
        if let Some((_, first)) = known.iter().find(|(other, _)| *other == bits) {
            self.again += 1;
            self.shared.extend([*first, file]);
            return Ok(());
        }
        let name = format!("{}/{}", person.image, known.len());
        known.push((bits, file));
        let label = Label { sequence: to.sequence(&name), ..Label::default() };
        let confidence = Some(confidence);
        let pose = Pose { keypoints, confidence, positions: None, image_size: None, intrinsics: None };
        to.push(&pose, label)
    }

    /// Says who counts once.
    fn tell(self, to: &mut Collector<'_>) {
        let Some(first) = self.shared.first().map(|file| self.files[*file].display().to_string()) else { return };
        let names: Vec<&str> = self.shared.iter().map(|file| sources::name(&self.files[*file])).collect();
        let count = sources::counted(self.again, "person");
        to.warn(format!("{first}: {count} there more than once (in {}), and counted once", names.join(", ")));
    }
}

#[cfg(test)]
#[path = "mpii_tests.rs"]
mod tests;
