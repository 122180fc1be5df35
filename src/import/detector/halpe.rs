//! Halpe's 26 keypoints of the body, or the 136 that begin with them (`Fang-Haoshu/Halpe-FullBody`), in COCO's forms.

use std::path::{Path, PathBuf};

use super::{Collector, Form, HALPE, Options, Progress, Tally, coco};
use crate::error::Result;

/// As [`coco::import`], with Halpe's keypoints.
///
/// # Errors
/// If a file cannot be read or is not of this form, or nobody is left.
pub fn import(paths: &[PathBuf], options: &Options, to: &mut Collector<'_>, progress: Progress<'_>) -> Result<()> {
    let read = |path: &Path, options: &Options, tally: &mut Tally| coco::read(path, options, tally, HALPE);
    let form = Form { has_categories: true, ..Form::new("Halpe keypoints (.json)", read) };
    super::import(paths, options, to, progress, &form)
}
