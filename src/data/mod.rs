//! Pose sets, motion and their files; views of motion; synthetic scenarios.

mod findings;
pub mod hold_back;
#[cfg(feature = "import")]
mod join;
mod motion;
#[cfg(feature = "import")]
mod motion_file;
mod motion_findings;
mod observe;
mod pose_check;
mod pose_set;
#[cfg(feature = "import")]
mod pose_set_file;
#[cfg(feature = "import")]
mod pose_writer;
mod prepare;
mod synthetic;
mod views;

pub use findings::{Findings, Wrong};
#[cfg(feature = "import")]
pub use join::join;
pub use motion::Motion;
#[cfg(feature = "import")]
pub(crate) use motion_findings::{ClipLook, MotionLook, sentences};
pub use pose_check::PoseCheck;
pub use pose_set::{Label, PoseSet};
#[cfg(feature = "import")]
pub use pose_writer::{PoseSetWriter, Summary};
pub use prepare::{Prepared, Preparer};
pub use synthetic::{Scenario, synthetic};
pub use views::{Rig, views};
