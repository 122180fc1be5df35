//! Halpe's 26 keypoints of the body, or the 136 that begin with them (`Fang-Haoshu/Halpe-FullBody`), in COCO's forms.

use std::path::PathBuf;

use super::{Collector, HALPE, Options, Progress, coco};
use crate::error::Result;

/// As [`coco::import`], with Halpe's keypoints.
///
/// # Errors
/// If a file cannot be read or is not of this form, or nobody is left.
pub fn import(paths: &[PathBuf], options: &Options, to: &mut Collector<'_>, progress: Progress<'_>) -> Result<()> {
    super::import(paths, options, to, progress, |path, _| coco::read(path, HALPE))
}
