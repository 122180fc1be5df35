//! From the field's files to pose sets and motion: data sets, motion files, detectors' keypoints.
//!
//! Each kind of file has a module with an `import` function. All convert to the 17 joints of Human3.6M by a [`Layout`].
//! Those of pose sets add poses to a [`Collector`]: [`collect()`] gives it memory, [`collect_to`] a file.

mod amc;
mod bones;
mod bvh;
mod clips;
mod collect;
mod damaged;
pub mod detector;
mod frames;
pub mod h36m;
mod joint_guess;
mod joint_names;
mod kinematics;
mod layout;
mod lines;
pub mod lsp;
mod marks;
mod matlab;
pub mod motion;
mod motion_files;
pub mod mpi_inf_3dhp;
pub mod mpii;
mod sources;
mod stated;
pub mod threedpw;

pub use collect::{Collector, Pose, collect, collect_to, collect_told, look};
use layout::Layout;
pub(crate) use sources::search;

use crate::data::Label;
use crate::error::Result;

/// How an import takes what is wrong with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tolerance {
    /// One damaged record ends the import; else it is left out, with a warning, while there are few.
    pub strict: bool,
    /// What cannot be a person is taken all the same, with a warning.
    pub allow_implausible: bool,
}

/// Is told how much of the work is done, and how much there is, in any unit.
pub type Progress<'a> = &'a mut dyn FnMut(usize, usize) -> Result<()>;
