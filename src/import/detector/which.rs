//! The detectors, each with its reader, and which of them wrote a file or a folder.

use std::path::{Path, PathBuf};

use super::{
    Options, alphapose, coco, detectron, halpe, mediapipe, mmpose, openpose,
    recognise::{self, recognise},
};
use crate::{
    error::{Error, Result},
    import::{Collector, Progress, search},
    named::named_enum,
};

named_enum! {
    /// A detector whose files can be read.
    pub enum Detector {
        /// COCO's results and annotations.
        Coco = "coco",
        /// A JSON a frame.
        Openpose = "openpose",
        /// Demos' and the inferencer's JSON.
        Mmpose = "mmpose",
        /// One JSON, or one an image.
        Alphapose = "alphapose",
        /// VideoPose3D's archives.
        Detectron = "detectron",
        /// Landmarks.
        Mediapipe = "mediapipe",
        /// Annotations of 26 or 136 keypoints.
        Halpe = "halpe",
    }
}

impl Detector {
    /// Adds the poses of files or folders to a collector.
    ///
    /// # Errors
    /// Those of its module's `import`.
    pub fn import(
        self,
        paths: &[PathBuf],
        options: &Options,
        to: &mut Collector<'_>,
        progress: Progress<'_>,
    ) -> Result<()> {
        let read = match self {
            Self::Coco => coco::import,
            Self::Openpose => openpose::import,
            Self::Mmpose => mmpose::import,
            Self::Alphapose => alphapose::import,
            Self::Detectron => detectron::import,
            Self::Mediapipe => mediapipe::import,
            Self::Halpe => halpe::import,
        };
        read(paths, options, to, progress)
    }

    /// Which one wrote a JSON file, and its form in words, as [`recognise`](recognise()) has it.
    ///
    /// # Errors
    /// If the file cannot be read or is no JSON.
    pub fn of_file(path: &Path) -> Result<Option<(Self, &'static str)>> {
        Ok(recognise(path)?.and_then(|form| Some((recognise::detector(form)?, form))))
    }

    /// Which one wrote the JSON files of a folder.
    ///
    /// # Errors
    /// If the folder cannot be read, or holds files of several.
    pub fn of_folder(folder: &Path) -> Result<Option<(Self, &'static str)>> {
        let (mut files, mut litter) = (Vec::new(), Vec::new());
        search(folder, super::is_json, &mut files, &mut litter)?;
        let mut first: Option<(Self, &'static str, PathBuf)> = None;
        for file in files {
            // A damaged file says nothing of the others.
            let Some((detector, form)) = Self::of_file(&file).ok().flatten() else { continue };
            match &first {
                None => first = Some((detector, form, file)),
                Some((known, other, of)) if *known != detector => {
                    let problem = format!("{} is of {other}, {} of {form}", of.display(), file.display());
                    return Err(Error::file(
                        folder,
                        "files",
                        problem,
                        "keep each detector's files in a folder of their own",
                    ));
                }
                Some(_) => {}
            }
        }
        Ok(first.map(|(detector, form, _)| (detector, form)))
    }
}
