//! `isopose`: a hand-written GPU compute engine for Inference Stage Optimization (ISO) of 3D human pose lifting, in Rust
//! and WGSL.
//!
//! A network lifts 2D joints to 3D. At inference it takes self-supervised steps on each pose before it predicts it, and so
//! adapts to people, poses and cameras that it never saw.
//!
//! ```
//! use isopose::adapt::{Lifter, Mode};
//! use isopose::config::{ModelConfig, Preset, TrainConfig};
//! use isopose::data::{Scenario, synthetic};
//! use isopose::gpu::{Device, ShaderChecks};
//! use isopose::train::Trainer;
//!
//! # fn main() -> isopose::Result<()> {
//! // `auto` takes a GPU where there is one; 0 threads are `RAYON_NUM_THREADS`, or one for each core.
//! let device = Device::open("cpu", 0, ShaderChecks::Off)?;
//!
//! // A tiny model of synthetic poses. `Lifter::open` reads a checkpoint instead.
//! let poses = synthetic(Scenario::Source, 320, 0, 16)?;
//! let model = ModelConfig { width: 16, ..Preset::Geometry.model() };
//! let settings = TrainConfig { steps: 30, batch: 16, ..Preset::Geometry.training() };
//! let mut trainer = Trainer::new(&poses, &model, &settings, &device)?;
//! trainer.run(settings.steps, 10, |step, losses| println!("step {step}: {:?}", losses.get("fsl")))?;
//! let trained = trainer.checkpoint(Vec::new())?;
//!
//! // A person before a camera: 16 keypoints in pixels a frame, of confidence 0 where a joint was not found.
//! let lifter = Lifter::new(trained.model, trained.parameters, &device)?;
//! let adapter = lifter.adapter(Mode::ONLINE.policy(lifter.model()))?;
//! let mut track = adapter.track();
//! let mut confidence = [1.0; 16];
//! confidence[3] = 0.0;
//! for keypoints in poses.keypoints.as_chunks::<2>().0.chunks(16).take(3) {
//!     let pose = track.push(keypoints, Some(&confidence))?;
//!     println!("the head is {:?} m from the hip; guessed: {:?}", pose.joints[9], pose.guessed);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! | to | see |
//! |---|---|
//! | open a model, adapt, predict | [`adapt`] |
//! | train one | [`train`], [`config`], [`checkpoint`] |
//! | predict and score a whole set | [`evaluate`], [`metrics`] |
//! | have poses | [`data`], [`pose`]; with feature `import` the field's files, `import` |
//! | study what adaptation does | with feature `report`, `study` and `report` |
//! | choose a device, and know that it is right | [`gpu`], [`verify`], [`tune`] |
//! | write kernels and programs of one's own | [`kernel`], [`kernels`], [`plan`] |
//!
//! Features, all on by default: `import` reads and writes data sets, `report` makes studies and their reports, `cli` is
//! the program. Without them nothing of command lines, plots, HDF5 or archives is compiled.

// What one trains, adapts, predicts and scores with.
pub mod adapt;
pub mod checkpoint;
pub mod config;
pub mod data;
pub mod evaluate;
pub mod lift;
pub mod metrics;
pub mod pose;
pub mod train;

// Files in, pages out.
#[cfg(feature = "import")]
pub mod import;
#[cfg(feature = "import")]
pub mod inspect;
#[cfg(feature = "report")]
pub mod report;
#[cfg(feature = "report")]
pub mod study;

// The engine, from the device down to the kernels.
pub mod gpu;
pub mod kernel;
pub mod kernels;
pub mod plan;
pub mod tune;
pub mod verify;

// Hidden: what they promise is for the program, the tests, the benchmarks and the fuzzer, which are crates of their own.
#[doc(hidden)]
pub mod bench;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;
#[doc(hidden)]
pub mod cpu;
#[doc(hidden)]
pub mod format;
#[doc(hidden)]
pub mod nn;
#[doc(hidden)]
pub mod task;

#[cfg(feature = "report")]
mod analysis;
mod error;
mod named;
mod system;

pub use error::{Error, Result};
pub use named::Named;
pub use task::{Losses, Term};
