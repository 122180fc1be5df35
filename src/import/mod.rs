//! From the field's files to pose sets and motion: data sets, motion files, detectors' keypoints.
//!
//! Each kind of file has a module with an `import` function. All convert to the 17 joints of Human3.6M by a [`Layout`].
//! Those of pose sets add poses to a [`Collector`]: [`collect()`] gives it memory, [`collect_to`] a file.

mod amc;
mod bvh;
mod collect;
pub mod detector;
mod frames;
pub mod h36m;
mod joint_names;
mod kinematics;
mod layout;
mod lines;
pub mod lsp;
pub mod motion;
pub mod mpi_inf_3dhp;
pub mod mpii;
mod sources;
pub mod threedpw;

pub use collect::{Collector, Pose, collect, collect_to};
pub use layout::Layout;

use crate::data::Label;

/// Is told how much of the work is done, and how much there is, in any unit.
pub type Progress<'a> = &'a mut dyn FnMut(usize, usize);
