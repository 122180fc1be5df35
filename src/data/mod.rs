//! Pose sets, motion and their files; views of motion; synthetic scenarios.

pub mod hold_back;
pub mod motion;
mod observe;
pub mod pose_set;
pub mod synthetic;
pub mod views;

pub use motion::Motion;
pub use pose_set::PoseSet;
pub use synthetic::{Scenario, synthetic};
pub use views::{Rig, views};
