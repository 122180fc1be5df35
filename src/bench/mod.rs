//! Speed: what a sample takes, what it must take at the least, and what the machine can do.
//!
//! A [`Workload`] is one mode on one device, with random parameters and synthetic poses: its speed depends on sizes
//! only. [`measure`] times its samples one by one; [`Floor`] is the machine's own speed at copying and at multiplying,
//! and how steady it is; [`crate::plan::Cost`] counts the plan.

mod floor;
mod latency;
mod profile;
mod subject;
mod workload;

pub use floor::Floor;
pub use latency::{Latency, measure};
pub use profile::{KernelTime, by_kernel};
pub use subject::Subject;
pub use workload::{Sizes, Timed, What, Workload};
