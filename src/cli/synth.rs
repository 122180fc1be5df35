//! `isopose synth`.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::{Outcome, options};
use crate::data::{Scenario, synthetic};

/// Make a pose set of synthetic people, to try everything without any data set
#[derive(Debug, Args)]
pub(super) struct Synth {
    /// source: everyday adults in the studio of Human3.6M; target: everybody doing anything anywhere
    #[arg(long, value_parser = options::named::<Scenario>())]
    scenario: Scenario,
    /// Poses to make
    #[arg(long, value_name = "N", value_parser = options::count::<usize>)]
    poses: usize,
    /// Seed of people, actions and cameras
    #[arg(long, value_name = "S", default_value_t = 0)]
    seed: u64,
    /// Joints of the skeleton: 16 or 17 (Human3.6M order)
    #[arg(long, value_name = "J", default_value = "16", value_parser = options::joints)]
    joints: usize,
    /// The pose set to write
    #[arg(long, value_name = "FILE.npz")]
    out: PathBuf,
}

impl Synth {
    pub(super) fn run(&self, out: &mut dyn Write) -> Outcome {
        options::check_writable(&self.out, "--out", &[])?;
        let set = synthetic(self.scenario, self.poses, self.seed, self.joints)?;
        set.save(&self.out)?;
        let sequences = set.sequence_starts().len();
        writeln!(out, "{}: {} poses in {sequences} sequences", self.out.display(), set.len())?;
        Ok(ExitCode::SUCCESS)
    }
}
