//! MPI-INF-3DHP: the training set's `annot.mat`, the test set's `annot_data.mat`, and PoseAug's and P-STMO's files made
//! of them.

mod community;
mod official;

use std::path::{Path, PathBuf};

use super::{Collector, Label, Layout, Pose, Progress, sources};
use crate::{
    data::PoseSet,
    error::{Error, Result},
    format::{mat, npz::Npz},
};

/// The five cameras at chest height and the three above that VNect was trained on.
pub const VNECT_CAMERAS: [usize; 8] = [0, 1, 2, 4, 5, 6, 7, 8];

/// Which of the two 3D annotations is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Annotation {
    /// `univ_annot3`: everyone as tall as one skeleton. The official evaluation takes it; it does not project to the
    /// keypoints.
    #[default]
    Universal,
    /// `annot3`: the true size, which projects to the keypoints.
    True,
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The annotation of the official files; those made of them have only one.
    pub annotation: Annotation,
    /// Takes the frames of the test set that are not valid too, if they have an activity.
    pub all_frames: bool,
    /// Cameras of the training set, 0 to 13; if empty, those of [`VNECT_CAMERAS`].
    pub cameras: Vec<usize>,
    /// Every how many frames one is taken; 0 counts as 1.
    pub stride: usize,
    /// 16 or 17.
    pub joints: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { annotation: Annotation::default(), all_frames: false, cameras: Vec::new(), stride: 1, joints: 17 }
    }
}

impl Options {
    /// Checks that none is given that this file cannot follow; `followed` are those of its kind.
    fn check(&self, path: &Path, followed: &[&str]) -> Result<()> {
        let given = [
            ("--annotation", self.annotation != Annotation::default(), "the universal annotation is the only one"),
            ("--all-frames", self.all_frames, "no frame is marked invalid"),
            ("--camera", !self.cameras.is_empty(), "there are no cameras to choose from"),
        ];
        match given.iter().find(|(name, given, _)| *given && !followed.contains(name)) {
            None => Ok(()),
            Some((name, _, problem)) => Err(Error::file(path, *name, *problem, "leave the option out")),
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
///   the width of their image, which it does not tell: they are taken as of 2048 x 2048 pixels;
/// - P-STMO's `data_test_3dhp.npz` and `data_train_3dhp.npz`: universal annotation.
///
/// # Errors
/// If a file cannot be read, is not of these forms or of another than the first, its folders do not name it, it cannot
/// follow an option that is not the default, a recording is there twice or does not fit into memory, or nothing is left.
pub fn import(paths: &[PathBuf], options: &Options, progress: Progress<'_>) -> Result<PoseSet> {
    let wanted = |path: &Path| ["annot.mat", "annot_data.mat"].contains(&sources::name(path));
    let files = sources::find(paths, "annot.mat or annot_data.mat", wanted)?;
    let mut collector = Collector::new(options.joints);
    let mut first = None;
    for (done, path) in files.iter().enumerate() {
        let kind = Kind::of(path)?;
        if *first.get_or_insert(kind) != kind {
            return Err(Error::file(path, "kind", "it is of another kind than the files before", "import it apart"));
        }
        match kind {
            Kind::Test => official::test(path, options, &mut collector)?,
            Kind::Train => official::train(path, options, &mut collector)?,
            Kind::PoseAug => community::poseaug(path, options, &mut collector)?,
            Kind::Pstmo => community::pstmo(path, options, &mut collector)?,
        }
        progress(done + 1, files.len());
    }
    sources::finish(collector, paths, &options.asked())
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

/// Frames of one camera.
struct Frames<'a> {
    path: &'a Path,
    /// For messages: `TS3/annot3`.
    field: String,
    layout: &'static Layout,
    keypoints: &'a [[f32; 2]],
    positions: &'a [[f32; 3]],
    per_metre: f32,
    image_size: [i32; 2],
    /// The number of the first.
    first: usize,
}

impl Frames<'_> {
    /// Adds the frames that are `wanted`, with the label of each.
    fn add(&self, collector: &mut Collector, wanted: impl Fn(usize) -> Option<Label>) -> Result<()> {
        let joints = self.layout.joints.len();
        if self.keypoints.len() / joints != self.positions.len() / joints {
            let problem =
                format!("{} frames in 3D, {} in 2D", self.positions.len() / joints, self.keypoints.len() / joints);
            return Err(Error::file(self.path, &self.field, problem, "download the file again"));
        }
        let frames = self.keypoints.chunks_exact(joints).zip(self.positions.chunks_exact(joints));
        let poses = (self.first..).take(frames.len()).filter(|frame| wanted(*frame).is_some()).count();
        collector.room_for(poses, self.path, &self.field)?;
        for (frame, (keypoints, positions)) in (self.first..).zip(frames) {
            let Some(label) = wanted(frame) else { continue };
            let (points, confidence) = self.layout.keypoints(keypoints, &[1.0; 28]);
            let positions = sources::positions(self.path, &self.field, frame, self.layout, positions, self.per_metre)?;
            let pose = Pose {
                keypoints: points,
                confidence: Some(confidence),
                positions: Some(positions),
                image_size: Some(self.image_size),
            };
            collector.push(&pose, Label { frame: frame as i32, ..label });
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "mpi_inf_3dhp_tests.rs"]
mod tests;
