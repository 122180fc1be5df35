//! Halpe's 26 keypoints of the body, or the 136 that begin with them (`Fang-Haoshu/Halpe-FullBody`), in COCO's forms.

use std::path::PathBuf;

use super::{HALPE, Options, Progress, coco};
use crate::{data::PoseSet, error::Result};

/// As [`coco::import`], with Halpe's keypoints.
///
/// # Errors
/// If a file cannot be read or is not of this form, or nobody is left.
pub fn import(paths: &[PathBuf], options: &Options, progress: Progress<'_>) -> Result<PoseSet> {
    super::import(paths, options, progress, |path, _| coco::read(path, HALPE))
}
