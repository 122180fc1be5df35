//! `isopose`: a hand-written GPU compute engine for Inference Stage Optimization of 3D human pose lifting.

pub mod adapt;
pub mod analysis;
pub mod bench;
pub mod checkpoint;
pub mod cli;
pub mod config;
pub mod cpu;
pub mod data;
pub mod error;
pub mod evaluate;
pub mod format;
pub mod gpu;
pub mod import;
pub mod inspect;
pub mod kernel;
pub mod kernels;
pub mod metrics;
mod named;
pub mod nn;
pub mod plan;
pub mod pose;
pub mod report;
pub mod study;
mod system;
pub mod task;
pub mod train;
pub mod tune;
pub mod verify;

pub use error::{Error, Result};
pub use named::Named;
