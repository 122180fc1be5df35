//! Motion files (BVH; ASF with AMC) to [`Motion`].

use std::path::{Path, PathBuf};

use super::{
    Progress, Tolerance,
    amc::{Amc, Asf},
    bvh::Bvh,
    clips::{Clips, Reader, Refusal},
    damaged::Damaged,
    motion_files::{Files, is_a},
};
use crate::{
    data::Motion,
    error::Result,
    named::{Named, named_enum},
};

named_enum! {
    /// The unit of a file's lengths, from the finest: in that order a person's size tells them apart.
    pub enum Unit {
        /// Millimetres.
        Millimetres = "mm",
        /// Centimetres, as Mixamo has them.
        Centimetres = "cm",
        /// Inches, as Biovision had them.
        Inches = "in",
        /// CMU's unit, 1/0.45 inch, also in the BVH conversions of its files.
        Cmu = "cmu",
        /// Metres.
        Metres = "m",
    }
}

named_enum! {
    /// The axis that points up in the file.
    #[derive(Default)]
    pub enum Up {
        /// Y, by convention: (x, y, z) becomes (x, -z, y), a rotation by 90 degrees about x.
        #[default]
        Y = "y",
        /// Z: nothing is turned.
        Z = "z",
    }
}

/// What the files do not say.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The unit; without it that of the ASF's `:units`, else the one that gives the skeleton the size of a person.
    pub unit: Option<Unit>,
    /// The axis that points up.
    pub up: Up,
    /// Frames in a second to thin all clips to: the files' own over a whole number.
    pub fps: Option<f64>,
    /// Frames in a second of AMC files, which do not say; CMU's are 120, few are 60.
    pub amc_fps: Option<f64>,
    /// A TOML file that says which joint is which: `Hip = "Hips"`, or `Spine = ["Spine", "Spine1"]` for the
    /// middle of two.
    pub joint_map: Option<PathBuf>,
    /// The person; without it the name of each file's folder.
    pub subject: Option<String>,
    /// The kind of activity; without it the name of each file's folder.
    pub category: Option<String>,
    /// How what is wrong with a file is taken.
    pub tolerance: Tolerance,
}

impl Unit {
    /// Its length.
    #[must_use]
    pub fn millimetres(self) -> f64 {
        match self {
            Self::Millimetres => 1.0,
            Self::Centimetres => 10.0,
            Self::Metres => 1000.0,
            Self::Inches => 25.4,
            Self::Cmu => 25.4 / 0.45,
        }
    }

    /// The unit in which a length is that of a person from the ankle to the top of the head.
    #[must_use]
    pub fn of_person(length: f64) -> Option<Self> {
        Self::ALL.iter().copied().find(|unit| Self::is_person(length * unit.millimetres()))
    }

    /// Whether so many millimetres are.
    pub(super) fn is_person(length: f64) -> bool {
        (1000.0..2200.0).contains(&length)
    }
}

/// Reads files, or folders of them in the order of their names: each becomes a clip with the name of its file. An
/// AMC file's skeleton is among the paths or lies beside it: the one by whose name the motion's starts, as `14.asf` for
/// `14_07.amc`, or the only one that the paths name.
///
/// In a folder, litter is passed over, and damaged files are left out while they are at most a tenth of all, unless
/// `strict`. A clip that another file has already is kept once. `warnings` gets a sentence for all of that, and for
/// what is odd about the motion ([`Motion::findings`]).
///
/// The first frame of a CMU clip in cgspeed's BVH conversion is a T-pose, which is kept as all others.
///
/// # Errors
/// If a file is wrong or cannot be a person's, joints cannot be found, the unit cannot be told, or the clips' frame
/// rates differ.
pub fn import(
    paths: &[PathBuf],
    options: &Options,
    warnings: &mut Vec<String>,
    progress: Progress<'_>,
) -> Result<Motion> {
    let files = Files::find(paths)?;
    warnings.extend(files.warning());
    let all = files.motion.len();
    let mut clips = Clips::new(options);
    let mut damaged = Damaged::among(all, "file", options.tolerance.strict);
    for (done, file) in files.motion.iter().enumerate() {
        progress(done, all)?;
        match clips.keep(|clips| read(&file.path, &files, clips)) {
            Ok(()) => {}
            Err(Refusal::Import(error)) => return Err(error),
            Err(Refusal::File(error)) if file.is_named => return Err(error),
            Err(Refusal::File(error)) => drop(damaged.sift::<()>(Err(error))?),
        }
    }
    progress(all, all)?;
    warnings.extend(damaged.tell()?);
    Ok(clips.finish(warnings))
}

fn read(path: &Path, files: &Files, clips: &mut Clips<'_>) -> std::result::Result<(), Refusal> {
    if is_a(path, "bvh") {
        return clips.add(path, &mut || {
            let mut bvh = Bvh::open(path)?;
            let (tree, fps) = (std::mem::take(&mut bvh.tree), bvh.fps);
            Ok(Reader { tree, fps, unit: None, next: Box::new(move |frame| bvh.next_frame(frame)) })
        });
    }
    let asf = Asf::read(&files.skeleton_of(path)?)?;
    let fps = clips.options.amc_fps.unwrap_or(120.0);
    clips.add(path, &mut || {
        let mut amc = Amc::open(path, &asf)?;
        Ok(Reader {
            tree: asf.tree.clone(),
            fps,
            unit: asf.millimetres,
            next: Box::new(move |frame| amc.next_frame(frame)),
        })
    })
}

#[cfg(test)]
#[path = "motion_tests.rs"]
mod tests;
