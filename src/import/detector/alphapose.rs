//! AlphaPose: `[{image_id: "0.jpg", keypoints, score, idx}]` (`MVIG-SJTU/AlphaPose:docs/output.md`), COCO's list of
//! results but for the names of images and the people's numbers.

use std::path::{Path, PathBuf};

use super::{COCO_OR_HALPE, Collector, Form, Options, Progress, Tally, coco};
use crate::error::Result;

/// As [`coco::import`], with 17 COCO, 26 or 136 Halpe, or 133 COCO-WholeBody keypoints. Scores above 1, which models that
/// were trained on COCO give, count as 1.
///
/// # Errors
/// If a file cannot be read or is not of this form, or nobody is left.
pub fn import(paths: &[PathBuf], options: &Options, to: &mut Collector<'_>, progress: Progress<'_>) -> Result<()> {
    let read = |path: &Path, options: &Options, tally: &mut Tally| coco::read(path, options, tally, COCO_OR_HALPE);
    let form = Form { has_categories: true, ..Form::new("AlphaPose's results (.json)", read) };
    super::import(paths, options, to, progress, &form)
}
