//! Detectors' keypoints, 2D only.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use super::super::{Outcome, options};
use super::{Files, Joints};
use crate::error::{Error, Result};
use crate::import::detector::{Normalised, Options, People};
use crate::import::{Collector, Progress};

/// The `import` of a detector's module.
type Reader = fn(&[PathBuf], &Options, &mut Collector<'_>, Progress<'_>) -> Result<()>;

/// A detector's files.
#[derive(Debug, Args)]
pub(super) struct Detector {
    #[command(flatten)]
    files: Files,
    #[command(flatten)]
    joints: Joints,
    #[command(flatten)]
    kept: Kept,
}

/// What is kept of a detector's files.
#[derive(Debug, Args)]
pub(in crate::cli) struct Kept {
    /// The image's size in pixels, for files that do not say
    #[arg(long, value_name = "WxH", value_parser = size)]
    pub(in crate::cli) image_size: Option<[i32; 2]>,
    /// all people, or the one who is seen in the most frames
    #[arg(long, value_name = "P", default_value = "all", value_parser = options::named::<People>())]
    people: People,
    /// A joint of less confidence counts as missing
    #[arg(long, value_name = "C", default_value = "0", value_parser = score)]
    pub(in crate::cli) min_score: f32,
    /// Leaves out people who are seen in fewer frames
    #[arg(long, value_name = "N", default_value = "1", value_parser = options::count::<usize>)]
    min_frames: usize,
    /// The images have nothing to do with each other: nobody is followed from one to the next
    #[arg(long)]
    stills: bool,
    /// The keypoints are shares of the image, not pixels: image (0 to 1), width (-1 to 1 of half the width,
    /// VideoPose3D's) or sides (-1 to 1 of both sides, OpenPose's keypoint_scale 4); needs the image's size
    #[arg(long, value_name = "N", num_args = 0..=1, require_equals = true, default_missing_value = "image",
          value_parser = options::named::<Normalised>())]
    normalised: Option<Normalised>,
    /// The category of people, by name or number, where the file calls them something else
    #[arg(long, value_name = "NAME")]
    category: Option<String>,
}

fn score(text: &str) -> std::result::Result<f32, String> {
    text.parse().ok().filter(|score| (0.0..=1.0).contains(score)).ok_or_else(|| "use a number from 0 to 1".to_owned())
}

fn size(text: &str) -> std::result::Result<[i32; 2], String> {
    let side = |text: &str| text.parse().ok().filter(|side| (1..=1 << 20).contains(side));
    let sides = text.split_once('x').and_then(|(width, height)| Some([side(width)?, side(height)?]));
    sides.ok_or_else(|| "use width x height, such as 1920x1080".to_owned())
}

impl Detector {
    pub(super) fn run(&self, out: &mut dyn Write, import: Reader) -> Outcome {
        self.files.poses(out, self.joints, |paths, to, progress| import(paths, &self.kept.options(), to, progress))
    }
}

impl Kept {
    /// Fails for what only a detector's files have a use for.
    pub(in crate::cli) fn check_unused(&self, by: &str) -> Result<()> {
        let given = [
            ("people", self.people != People::All),
            ("min_frames", self.min_frames > 1),
            ("stills", self.stills),
            ("normalised", self.normalised.is_some()),
            ("category", self.category.is_some()),
        ];
        match given.into_iter().find(|(_, is_given)| *is_given) {
            Some((name, _)) => {
                Err(Error::setting(name, format!("it is for a detector's files, not for {by}; leave it out")))
            }
            None => Ok(()),
        }
    }

    /// The same for importers.
    pub(in crate::cli) fn options(&self) -> Options {
        Options {
            image_size: self.image_size,
            people: self.people,
            min_score: self.min_score,
            min_frames: self.min_frames,
            stills: self.stills,
            normalised: self.normalised,
            category: self.category.clone(),
        }
    }
}
