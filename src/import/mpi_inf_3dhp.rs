//! MPI-INF-3DHP: the training set's `annot.mat`, the test set's `annot_data.mat`, and PoseAug's and P-STMO's files made
//! of them.

mod cameras;
mod community;
mod official;

use std::path::{Path, PathBuf};

use super::{
    Collector, Label, Progress,
    frames::{Frames, rows},
    sources,
};
use crate::{
    error::{Error, Result},
    format::{mat, npz::Npz},
    named::named_enum,
};

/// The five cameras at chest height and the three above that VNect was trained on.
pub const VNECT_CAMERAS: [usize; 8] = [0, 1, 2, 4, 5, 6, 7, 8];

named_enum! {
    /// Which of the two 3D annotations is taken.
    #[derive(Default)]
    pub enum Annotation {
        /// `univ_annot3`: everyone as tall as one skeleton. The official evaluation takes it; it does not project to the
        /// keypoints.
        #[default]
        Universal = "univ",
        /// `annot3`: the true size, which projects to the keypoints.
        True = "true",
    }
}

impl Annotation {
    fn field(self) -> &'static str {
        match self {
            Self::Universal => "univ_annot3",
            Self::True => "annot3",
        }
    }
}

/// What to import.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options {
    /// The annotation of the official files; those made of them have only one.
    pub annotation: Annotation,
    /// Takes the frames of the test set that are not valid too, if they have an activity.
    pub all_frames: bool,
    /// Cameras of the training set, 0 to 13; if empty, those of [`VNECT_CAMERAS`].
    pub cameras: Vec<usize>,
    /// Every how many frames one is taken; 0 counts as 1.
    pub stride: usize,
}

impl Options {
    /// Checks that none is given that this file cannot follow; `followed` are those of its kind.
    fn check(&self, path: &Path, followed: &[&str]) -> Result<()> {
        let given = [
            ("annotation", self.annotation != Annotation::default(), "the universal annotation is the only one"),
            ("all_frames", self.all_frames, "no frame is marked invalid"),
            ("camera", !self.cameras.is_empty(), "there are no cameras to choose from"),
        ];
        match given.iter().find(|(name, given, _)| *given && !followed.contains(name)) {
            None => Ok(()),
            Some((name, _, problem)) => Err(Error::file(path, format!("option `{name}`"), *problem, "leave it out")),
        }
    }

    fn wants(&self, camera: usize) -> bool {
        if self.cameras.is_empty() { VNECT_CAMERAS.contains(&camera) } else { self.cameras.contains(&camera) }
    }

    /// For messages.
    fn asked(&self) -> String {
        let cameras = if self.cameras.is_empty() { &VNECT_CAMERAS[..] } else { &self.cameras };
        format!("cameras of a training set: {cameras:?}, all frames of a test set: {}", self.all_frames)
    }
}

/// Imports MPI-INF-3DHP. Keypoints are the annotated ones, confidence 1; frames are numbered from 0.
///
/// `paths` are files of one of these kinds, or folders of the first two:
/// - `TS1/annot_data.mat` to `TS6`, the test set: a sequence for each, with its activities;
/// - `S1/Seq1/annot.mat`, the training set: a sequence for each camera, `S1/Seq1@0`;
/// - PoseAug's `test_3dhp.npz`: 16 joints, positions relative to the hip, which stay so. Its keypoints are divided by
///   the width of their image, which it does not tell: they are taken as of 2048 x 2048 pixels, of no known camera;
/// - P-STMO's `data_test_3dhp.npz` and `data_train_3dhp.npz`: universal annotation.
///
/// # Errors
/// If a file cannot be read, is not of these forms or of another than the first, its folders do not name it, it cannot
/// follow an option that is not the default, a recording is there twice or does not fit into memory, or nothing is left.
pub fn import(paths: &[PathBuf], options: &Options, to: &mut Collector<'_>, progress: Progress<'_>) -> Result<()> {
    let wanted = |path: &Path| ["annot.mat", "annot_data.mat"].contains(&sources::name(path));
    let files = sources::find(paths, "annot.mat or annot_data.mat", wanted)?;
    let mut first = None;
    for (done, path) in files.iter().enumerate() {
        let kind = Kind::of(path)?;
        if *first.get_or_insert(kind) != kind {
            return Err(Error::file(path, "kind", "it is of another kind than the files before", "import it apart"));
        }
        match kind {
            Kind::Test => official::test(path, options, to)?,
            Kind::Train => official::train(path, options, to)?,
            Kind::PoseAug => community::poseaug(path, options, to)?,
            Kind::Pstmo => community::pstmo(path, options, to)?,
        }
        progress(done + 1, files.len());
    }
    sources::check_any(to, paths, &options.asked())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Test,
    Train,
    PoseAug,
    Pstmo,
}

impl Kind {
    fn of(path: &Path) -> Result<Self> {
        if path.extension().is_some_and(|extension| extension == "mat") {
            return Ok(if mat::is_v73(path)? { Self::Test } else { Self::Train });
        }
        let npz = Npz::open(path)?;
        match (npz.has("pose3d"), npz.has("data")) {
            (true, _) => Ok(Self::PoseAug),
            (_, true) => Ok(Self::Pstmo),
            _ => Err(npz.error("data", "neither this nor 'pose3d' is there", "give PoseAug's or P-STMO's files")),
        }
    }
}

/// The size of the test set's images: studio, then outdoors.
fn test_image_size(sequence: &str) -> [i32; 2] {
    if matches!(sequence, "TS5" | "TS6") { [1920, 1080] } else { TRAIN_IMAGE_SIZE }
}

const TRAIN_IMAGE_SIZE: [i32; 2] = [2048, 2048];

#[cfg(test)]
#[path = "mpi_inf_3dhp_tests.rs"]
mod tests;
