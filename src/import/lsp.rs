//! Leeds Sports Pose and its extended training set, 2D only: `joints.mat`.

use std::path::{Path, PathBuf};

use super::{Collector, Label, Pose, Progress, layout::LSP_14, matlab, sources};
use crate::{
    error::{Error, Result},
    format::Value,
    named::named_enum,
};

named_enum! {
    /// Some of the images.
    pub enum Split {
        /// The first 1000 of LSP; all of the extended set.
        Train = "train",
        /// Those of LSP after the first 1000.
        Test = "test",
    }
}

/// LSP's training images come first.
const TRAIN: usize = 1000;

/// Imports LSP: a sequence of one frame for each image (`lsp/im0001` or `lspet/im00001`), without positions and without
/// the size of the image. There is no Neck/Nose: of 17 joints it is missing.
///
/// `paths` are `joints.mat` of LSP (3, 14, 2000) or of the extended set (14, 3, 10000), or folders of them. The two
/// disagree on what the third number means, and a joint that LSP calls occluded is annotated all the same. So a joint
/// has confidence 1 if both of its coordinates are positive, else 0. Images without any joint are left out.
///
/// # Errors
/// If a file cannot be read or is not of these forms, the extended set is asked for a test split, an image is there
/// twice, or no image is left.
pub fn import(paths: &[PathBuf], split: Option<Split>, to: &mut Collector<'_>, progress: Progress<'_>) -> Result<()> {
    let files = sources::find(paths, "joints.mat", |path| sources::name(path) == "joints.mat", to)?;
    for (done, path) in files.iter().enumerate() {
        to.source_of([(path.as_path(), "joints"); 2])?;
        read(path, split, to)?;
        progress(done + 1, files.len())?;
    }
    sources::check_any(
        to,
        paths,
        &split.map_or("images with a joint".into(), |split| format!("images with a joint of split {split}")),
    )
}

fn read(path: &Path, split: Option<Split>, to: &mut Collector<'_>) -> Result<()> {
    let file = matlab::load(path)?;
    let wrong = |problem: String, fix: &str| Error::file(path, "joints", problem, fix);
    let Some(array) = file.get("joints").and_then(Value::numbers) else {
        return Err(wrong("there is no such array".into(), "give the joints.mat of LSP or LSP-extended"));
    };
    // Distances between joints and between x and y; images lie next to each other.
    let (images, joint, axis, extended) = match array.shape[..] {
        [3, 14, images] => (images, images, 14 * images, false),
        [14, 3, images] => (images, 3 * images, images, true),
        _ => return Err(wrong(format!("its shape is {:?}", array.shape), "give (3, 14, N) or (14, 3, N)")),
    };
    let chosen = match split {
        Some(Split::Test) if extended => {
            return Err(wrong("LSP-extended has no test images".into(), "leave it out, or import all"));
        }
        Some(Split::Train) if !extended => 0..images.min(TRAIN),
        Some(Split::Test) => TRAIN..images,
        _ => 0..images,
    };
    for image in chosen {
        let xy: [[f32; 2]; 14] =
            std::array::from_fn(|j| std::array::from_fn(|a| array.values[image + j * joint + a * axis]));
        let annotated = xy.map(|[x, y]| if x > 0.0 && y > 0.0 { 1.0 } else { 0.0 });
        let (keypoints, confidence) = LSP_14.keypoints(&xy, &annotated);
        if confidence.iter().all(|confidence| *confidence <= 0.0) {
            to.leave_out();
            continue;
        }
        let number = image + 1;
        let name = if extended { format!("lspet/im{number:05}") } else { format!("lsp/im{number:04}") };
        let label = Label { sequence: to.new_sequence(&name, path)?, ..Label::default() };
        let confidence = Some(confidence);
        let pose = Pose { keypoints, confidence, positions: None, image_size: None, intrinsics: None };
        to.push(&pose, label)?;
    }
    Ok(())
}

#[cfg(test)]
#[path = "lsp_tests.rs"]
mod tests;
