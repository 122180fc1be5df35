//! Data sets.

use std::io::Write;

use clap::Args;

use super::super::{Outcome, options};
use super::{Files, Joints};
use crate::error::Error;
use crate::import::motion::Unit;
use crate::import::{h36m, lsp, mpi_inf_3dhp, mpii, threedpw};

/// Human3.6M: data_3d_h36m.npz, with a data_2d_h36m_*.npz or keypoints projected anew; or the .h5 files
#[derive(Debug, Args)]
pub(super) struct H36m {
    #[command(flatten)]
    files: Files,
    #[command(flatten)]
    joints: Joints,
    /// Subjects of a split: train is S1, S5, S6, S7, S8, test S9, S11
    #[arg(long, value_name = "NAME", value_parser = ["train", "test"], conflicts_with = "subject")]
    split: Option<String>,
    /// Takes this subject; may be given more than once
    #[arg(long, value_name = "S")]
    subject: Vec<String>,
    /// Takes this action, such as Walking; may be given more than once
    #[arg(long, value_name = "A")]
    action: Vec<String>,
    /// Takes this camera; may be given more than once
    #[arg(long, value_name = "ID", value_parser = h36m::CAMERAS)]
    camera: Vec<String>,
    /// Takes every K-th frame of 50 a second
    #[arg(long, value_name = "K", default_value = "1", value_parser = options::count::<usize>)]
    stride: usize,
    /// The unit of the file's positions [default: the data set's]
    #[arg(long, value_name = "U", value_parser = options::named::<Unit>())]
    unit: Option<Unit>,
}

impl H36m {
    pub(super) fn run(&self, out: &mut dyn Write) -> Outcome {
        let of_split: &[&str] = match self.split.as_deref() {
            Some("train") => &["S1", "S5", "S6", "S7", "S8"],
            Some(_) => &["S9", "S11"],
            None => &[],
        };
        let options = h36m::Options {
            subjects: of_split.iter().map(ToString::to_string).chain(self.subject.iter().cloned()).collect(),
            actions: self.action.clone(),
            cameras: self.camera.clone(),
            stride: self.stride,
            unit: self.unit,
        };
        self.files.poses(out, self.joints, |paths, to, progress| h36m::import(paths, &options, to, progress))
    }
}

/// MPI-INF-3DHP: annot_data.mat (test), annot.mat (training), test_3dhp.npz, data_{train,test}_3dhp.npz
#[derive(Debug, Args)]
pub(super) struct MpiInf3dhp {
    #[command(flatten)]
    files: Files,
    #[command(flatten)]
    joints: Joints,
    /// univ: scaled to the height of a common skeleton, as the official evaluation has it; true: as measured
    #[arg(long, value_name = "A", default_value = "univ", value_parser = options::named::<mpi_inf_3dhp::Annotation>())]
    annotation: mpi_inf_3dhp::Annotation,
    /// Takes the test frames that are not valid too, and all of a file that does not mark them
    #[arg(long)]
    all_frames: bool,
    /// Takes this camera of the training set, 0 to 13; may be given more than once [default: VNect's eight]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(0..14))]
    camera: Vec<u8>,
    /// Takes every K-th frame
    #[arg(long, value_name = "K", default_value = "1", value_parser = options::count::<usize>)]
    stride: usize,
    /// The unit of the file's positions [default: the data set's]
    #[arg(long, value_name = "U", value_parser = options::named::<Unit>())]
    unit: Option<Unit>,
}

impl MpiInf3dhp {
    pub(super) fn run(&self, out: &mut dyn Write) -> Outcome {
        let options = mpi_inf_3dhp::Options {
            annotation: self.annotation,
            all_frames: self.all_frames,
            cameras: self.camera.iter().map(|&camera| usize::from(camera)).collect(),
            stride: self.stride,
            unit: self.unit,
        };
        self.files.poses(out, self.joints, |paths, to, progress| mpi_inf_3dhp::import(paths, &options, to, progress))
    }
}

/// 3DPW: sequenceFiles/*.pkl (SMPL's joints, an approximation), or .npz files of regressed joints
#[derive(Debug, Args)]
pub(super) struct ThreeDpw {
    #[command(flatten)]
    files: Files,
    #[command(flatten)]
    joints: Joints,
    /// The folder below PATH: train, validation or test
    #[arg(long, value_name = "NAME", value_parser = ["train", "validation", "test"])]
    split: Option<String>,
    /// projected: the 3D joints in the image; detected: the file's poses2d
    #[arg(long, value_name = "K", default_value = "projected", value_parser = options::named::<threedpw::Keypoints>())]
    keypoints: threedpw::Keypoints,
    /// Takes every K-th frame of 30 a second
    #[arg(long, value_name = "K", default_value = "1", value_parser = options::count::<usize>)]
    stride: usize,
    /// The unit of the file's positions [default: the data set's]
    #[arg(long, value_name = "U", value_parser = options::named::<Unit>())]
    unit: Option<Unit>,
}

impl ThreeDpw {
    pub(super) fn run(&self, out: &mut dyn Write) -> Outcome {
        let options = threedpw::Options { keypoints: self.keypoints, stride: self.stride, unit: self.unit };
        self.files.poses(out, self.joints, |paths, to, progress| match &self.split {
            None => threedpw::import(paths, &options, to, progress),
            Some(split) => {
                let folders: Vec<_> = paths.iter().map(|path| path.join(split)).collect();
                if let Some(path) = folders.iter().find(|folder| !folder.is_dir()) {
                    let fix = "give the folder sequenceFiles, or leave --split out";
                    return Err(Error::file(path, "--split", "there is no such folder", fix));
                }
                threedpw::import(&folders, &options, to, progress)
            }
        })
    }
}

/// MPII: HRNet's JSON or the RELEASE .mat; 2D only
#[derive(Debug, Args)]
pub(super) struct Mpii {
    #[command(flatten)]
    files: Files,
    #[command(flatten)]
    joints: Joints,
}

impl Mpii {
    pub(super) fn run(&self, out: &mut dyn Write) -> Outcome {
        self.files.poses(out, self.joints, mpii::import)
    }
}

/// Leeds Sports Pose and its extension: joints.mat; 2D only
#[derive(Debug, Args)]
pub(super) struct Lsp {
    #[command(flatten)]
    files: Files,
    #[command(flatten)]
    joints: Joints,
    /// The first or the last 1000 images
    #[arg(long, value_name = "NAME", value_parser = options::named::<lsp::Split>())]
    split: Option<lsp::Split>,
}

impl Lsp {
    pub(super) fn run(&self, out: &mut dyn Write) -> Outcome {
        self.files.poses(out, self.joints, |paths, to, progress| lsp::import(paths, self.split, to, progress))
    }
}
