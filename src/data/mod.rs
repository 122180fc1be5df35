//! Pose sets, motion and their files; views of motion; synthetic scenarios.

pub mod hold_back;
mod motion;
#[cfg(feature = "import")]
mod motion_file;
mod observe;
mod pose_set;
#[cfg(feature = "import")]
mod pose_set_file;
#[cfg(feature = "import")]
mod pose_writer;
mod prepare;
mod synthetic;
mod views;

pub use motion::Motion;
pub use pose_set::{Label, PoseSet};
#[cfg(feature = "import")]
pub use pose_writer::{PoseSetWriter, Summary};
pub use prepare::{Prepared, Preparer};
pub use synthetic::{Scenario, synthetic};
pub use views::{Rig, views};
