//! Inference Stage Optimization: adapt to each target pose, then predict it (Sec. 3.2.2, Algorithm 1).
//!
//! A [`Lifter`] is a trained model on a device. Its [`Adapter`]s adapt, each as its [`Policy`] says. A [`Track`] is a
//! person before a camera: keypoints in, poses out.

mod adapter;
mod config;
mod lifter;
mod plan;
mod policy;
mod track;

pub use adapter::Adapter;
pub use config::AdaptConfig;
pub use lifter::Lifter;
#[doc(hidden)]
pub use plan::{AdaptIds, AdaptPlan, adapt_plan};
pub use policy::{MODES, Mode, Policy, Start};
pub use track::{Pose, Track};
