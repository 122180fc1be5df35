//! Inference Stage Optimization: adapt to each target pose, then predict it (Sec. 3.2.2, Algorithm 1).
//!
//! A [`Lifter`] is a trained model on a device. Its [`Adapter`]s adapt, each as its [`Policy`] says. A [`Track`] is a
//! person before a camera: keypoints in, poses out.

mod adapter;
mod config;
mod lifter;
mod plan;
mod policy;
mod recover;
mod running;
mod snapshot;
mod track;

pub use adapter::{Adapter, Lot};
pub use config::AdaptConfig;
pub use lifter::Lifter;
#[doc(hidden)]
pub use plan::{AdaptIds, AdaptPlan, adapt_plan};
pub use policy::{MODES, Mode, Policy, Start};
pub(crate) use recover::Mended;
pub use snapshot::Snapshot;
pub use track::{Pose, Track};
