//! MPI-INF-3DHP: the training set's `annot.mat`, the test set's `annot_data.mat`, and PoseAug's and P-STMO's files made
//! of them.

mod cameras;
mod community;
mod official;

use std::path::{Path, PathBuf};

use super::{
    Collector, Label, Progress,
    damaged::Damaged,
    frames::{Frames, rows},
    matlab,
    motion::Unit,
    sources,
};
use crate::{
    error::{Error, Result},
    format::{Value, hdf5::Hdf5, mat, npz::Npz},
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
    /// Takes the frames of the test set that are not valid too, if they have an activity; and all of a file that does
    /// not say which are valid.
    pub all_frames: bool,
    /// Cameras of the training set, 0 to 13; if empty, those of [`VNECT_CAMERAS`].
    pub cameras: Vec<usize>,
    /// Every how many frames one is taken; 0 counts as 1.
    pub stride: usize,
    /// The unit of the positions; without it millimetres, and metres of PoseAug's file.
    pub unit: Option<Unit>,
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
/// Test recordings say which frames are valid (`valid_frame`, in P-STMO's file `valid` too): 0 or 1 for each. Where none
/// says it, only `all_frames` takes them. Frames without positions (all 0, or no number) are left out, and damaged files
/// while they are few.
///
/// # Errors
/// If a file cannot be read, is not of these forms or of another than the first, its folders do not name it, it cannot
/// follow an option that is not the default, a recording is there twice or does not fit into memory, or nothing is left.
pub fn import(paths: &[PathBuf], options: &Options, to: &mut Collector<'_>, progress: Progress<'_>) -> Result<()> {
    let wanted = |path: &Path| ["annot.mat", "annot_data.mat"].contains(&sources::name(path));
    let files = sources::find(paths, "annot.mat or annot_data.mat", wanted, to)?;
    let mut first: Option<(Kind, &Path)> = None;
    let mut damaged = Damaged::among(files.len(), "file", to.tolerance().strict);
    for (done, path) in files.iter().enumerate() {
        // What is damaged shows here, before anything of the file is added.
        let opened = Kind::of(path).and_then(|kind| Ok((kind, Opened::of(kind, path, options, to)?)));
        let Some((kind, opened)) = damaged.sift(opened)? else { continue };
        let (before, other) = *first.get_or_insert((kind, path));
        if before != kind {
            let (path, fix) = (path.as_path(), "import it apart: name the folders or files of one kind, such as");
            let problem = format!(
                "it is of another kind than the files before: {}, where {} is {}",
                kind.name(),
                other.display(),
                before.name()
            );
            let folder = path.parent().unwrap_or(path).display();
            return Err(Error::file(path, "kind", problem, format!("{fix} {folder}")));
        }
        to.source_of(kind.fields(options).map(|field| (path.as_path(), field)))?;
        match opened {
            Opened::Test(test) => test.add(path, options, to)?,
            Opened::Train(train) => train.add(path, options, to)?,
            Opened::PoseAug => community::poseaug(path, options, to)?,
            Opened::Pstmo(data) => community::pstmo(path, &data, options, to)?,
        }
        progress(done + 1, files.len())?;
    }
    to.warn_all(damaged.tell()?);
    sources::check_any(to, paths, &options.asked())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Test,
    Train,
    PoseAug,
    Pstmo,
}

/// A file whose content is there.
enum Opened {
    Test(official::Test),
    Train(official::Train),
    PoseAug,
    Pstmo(Value),
}

impl Opened {
    fn of(kind: Kind, path: &Path, options: &Options, to: &Collector<'_>) -> Result<Self> {
        Ok(match kind {
            Kind::Test => Self::Test(official::Test::open(path, options, to)?),
            Kind::Train => Self::Train(official::Train::open(path, options)?),
            Kind::PoseAug => Self::PoseAug,
            Kind::Pstmo => Self::Pstmo(Npz::open(path)?.object_into("data", to.scratch()?)?),
        })
    }
}

impl Kind {
    fn of(path: &Path) -> Result<Self> {
        let is_mat = path.extension().is_some_and(|extension| extension == "mat");
        match sources::name(path) {
            // A file of the training set that was saved again as 7.3 has cells, one of the test set arrays of four axes.
            "annot.mat" if mat::is_v73(path)? => {
                let file = Hdf5::open(path)?;
                let is_test = file.has("valid_frame") || file.shape("annot2").is_ok_and(|shape| shape.len() == 4);
                if is_test { Ok(Self::Test) } else { Err(matlab::is_7_3(path)) }
            }
            // What is no MATLAB file at all says so.
            "annot_data.mat" if !mat::is_v73(path)? => Err(mat::load(path).err().unwrap_or_else(|| matlab::is_7(path))),
            _ if is_mat => Ok(if mat::is_v73(path)? { Self::Test } else { Self::Train }),
            _ => {
                const GIVE: &str = "give annot_data.mat, annot.mat, or PoseAug's or P-STMO's files";
                let npz = Npz::open(path)?;
                sources::refuse_crops(&npz, GIVE)?;
                match (npz.has("pose3d"), npz.has("data")) {
                    (true, _) => Ok(Self::PoseAug),
                    (_, true) => Ok(Self::Pstmo),
                    _ => Err(npz.error("data", "neither this nor 'pose3d' is there", GIVE)),
                }
            }
        }
    }

    /// For messages.
    fn name(self) -> &'static str {
        match self {
            Self::Test => "the test set",
            Self::Train => "the training set",
            Self::PoseAug => "PoseAug's file",
            Self::Pstmo => "P-STMO's file",
        }
    }

    /// Those of keypoints and positions.
    fn fields(self, options: &Options) -> [&'static str; 2] {
        match self {
            Self::Test | Self::Train => ["annot2", options.annotation.field()],
            Self::PoseAug => ["pose2d", "pose3d"],
            Self::Pstmo => ["data_2d", "data_3d"],
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
