//! Speed: what a sample takes, what it must take at the least, and what the machine can do.
//!
//! A [`Workload`] is one mode on one device, with random parameters and synthetic poses: its speed depends on sizes
//! only. [`measure`] times its samples one by one; a [`Meter`] finds the [`Floor`] of its [`Work`] on the same device;
//! [`Machine`] is how fast and how steady that is by itself; [`crate::plan::Cost`] counts the plan.

mod floor;
mod latency;
mod machine;
mod profile;
mod subject;
mod workload;

pub use floor::{Floor, Meter, ProductRate, Rates, Shape, Work};
pub use latency::{Latency, measure};
pub use machine::Machine;
pub use profile::{KernelTime, by_kernel};
pub use subject::Subject;
pub use workload::{Sizes, Timed, What, Workload};
