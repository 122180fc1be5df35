//! Motion files.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use super::super::{Outcome, options};
use super::Files;
use crate::import::motion::{self, Options, Unit, Up};

/// What both kinds have.
#[derive(Debug, Args)]
struct Common {
    #[command(flatten)]
    files: Files,
    /// The unit of lengths [default: the one that gives the skeleton the size of a person]
    #[arg(long, value_name = "U", value_parser = options::named::<Unit>())]
    unit: Option<Unit>,
    /// Thins clips to this many frames in a second, the files' own over a whole number
    #[arg(long, value_name = "FPS", value_parser = options::positive::<f64>)]
    fps: Option<f64>,
    /// Says which joint is which: lines such as `Hip = "Hips"` or `Spine = ["Spine", "Spine1"]`
    #[arg(long, value_name = "FILE.toml")]
    joint_map: Option<PathBuf>,
    /// The person [default: the name of each file's folder]
    #[arg(long, value_name = "NAME")]
    subject: Option<String>,
    /// The kind of activity [default: the name of each file's folder]
    #[arg(long, value_name = "NAME")]
    category: Option<String>,
}

impl Common {
    fn options(&self) -> Options {
        Options {
            unit: self.unit,
            fps: self.fps,
            joint_map: self.joint_map.clone(),
            subject: self.subject.clone(),
            category: self.category.clone(),
            tolerance: self.files.tolerance(),
            ..Options::default()
        }
    }
}

/// BVH motion, by forward kinematics: CMU, cgspeed, Mixamo and Biovision names, others by --joint-map
#[derive(Debug, Args)]
pub(super) struct Bvh {
    #[command(flatten)]
    common: Common,
    /// The axis that points up
    #[arg(long, value_name = "A", default_value = "y", value_parser = options::named::<Up>())]
    up: Up,
}

impl Bvh {
    pub(super) fn run(&self, out: &mut dyn Write) -> Outcome {
        let options = Options { up: self.up, ..self.common.options() };
        self.common.files.motion(out, self.common.joint_map.as_deref(), |paths, warnings, progress| {
            motion::import(paths, &options, warnings, progress)
        })
    }
}

/// AMC motion with its ASF skeleton, by forward kinematics
#[derive(Debug, Args)]
pub(super) struct Amc {
    #[command(flatten)]
    common: Common,
    /// Frames in a second, which the files do not say [default: 120]
    #[arg(long, value_name = "FPS", value_parser = options::positive::<f64>)]
    amc_fps: Option<f64>,
}

impl Amc {
    pub(super) fn run(&self, out: &mut dyn Write) -> Outcome {
        let options = Options { amc_fps: self.amc_fps, ..self.common.options() };
        self.common.files.motion(out, self.common.joint_map.as_deref(), |paths, warnings, progress| {
            motion::import(paths, &options, warnings, progress)
        })
    }
}
