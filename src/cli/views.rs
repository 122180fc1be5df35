//! `isopose views`.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::{Outcome, options};
use crate::data::{Motion, Rig, views};

/// Make a pose set of motion capture by placing cameras around it
#[derive(Debug, Args)]
pub(super) struct Views {
    /// The motion: 17 joints, millimetres, Z up
    #[arg(long, value_name = "FILE.npz")]
    motion: PathBuf,
    /// h36m: the four cameras of Human3.6M; wild: one random camera a clip
    #[arg(long, value_parser = options::named::<Rig>())]
    rig: Rig,
    /// Seed of the wild cameras
    #[arg(long, value_name = "S", default_value_t = 0)]
    seed: u64,
    /// Takes every K-th frame of a clip
    #[arg(long, value_name = "K", default_value = "1", value_parser = options::count::<usize>)]
    stride: usize,
    /// Joints of the skeleton: 16 or 17 (Human3.6M order)
    #[arg(long, value_name = "J", default_value = "16", value_parser = options::joints)]
    joints: usize,
    /// The pose set to write
    #[arg(long, value_name = "FILE.npz")]
    out: PathBuf,
}

impl Views {
    pub(super) fn run(&self, out: &mut dyn Write) -> Outcome {
        options::check_writable(&self.out, "--out", &[&self.motion])?;
        let motion = Motion::load(&self.motion)?;
        let set = views(&motion, self.rig, self.seed, self.stride, self.joints)?;
        set.save(&self.out)?;
        let sequences = set.sequence_starts().len();
        writeln!(out, "{}: {} poses in {sequences} sequences", self.out.display(), set.len())?;
        Ok(ExitCode::SUCCESS)
    }
}
