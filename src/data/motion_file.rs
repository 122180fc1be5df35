//! The file of motion: one `.npz`.

use std::path::Path;

use super::Motion;
use super::motion::JOINTS;
use crate::{
    error::{Error, Result},
    format::npz::{Npz, NpzWriter},
    pose::Skeleton,
};

impl Motion {
    /// Reads a motion file. Arrays that are no field of [`Motion`] are ignored.
    ///
    /// # Errors
    /// If the file is not a readable `.npz`, is not in millimetres with Z up, or [`Motion::validate`] fails.
    pub fn load(path: &Path) -> Result<Self> {
        let mut npz = Npz::open(path)?;
        for (name, expected) in [("unit", "mm"), ("up_axis", "z")] {
            if npz.has(name) {
                let found = npz.strings(name)?.join(" ");
                if found != expected {
                    let fix = format!("convert the positions and set it to '{expected}'");
                    return Err(npz.error(name, format!("'{found}'"), fix));
                }
            }
        }
        let positions = npz.f32("positions")?;
        if !matches!(positions.shape[..], [_, JOINTS, 3]) {
            let problem = format!("shape {:?}", positions.shape);
            return Err(npz.error("positions", problem, "give (N, 17, 3): the 17 joints of Human3.6M"));
        }
        let starts = npz.i32("clip_start")?.values;
        let Ok(clip_start) = starts.iter().map(|&start| usize::try_from(start)).collect() else {
            return Err(npz.error("clip_start", "a number is negative", "count frames from 0"));
        };
        let motion = Self {
            positions: positions.values,
            clip_start,
            clip_names: npz.strings("clip_names")?,
            subject: npz.i32("subject")?.values,
            subject_names: npz.strings("subject_names")?,
            category: npz.i32("category")?.values,
            category_names: npz.strings("category_names")?,
            frame: npz.i32("frame")?.values,
            fps: npz.f32("fps")?.values.first().copied().unwrap_or(0.0),
        };
        motion.validate(path)?;
        Ok(motion)
    }

    /// Writes a motion file, after [`Motion::validate`]; the file appears whole or not at all.
    ///
    /// # Errors
    /// If the motion is not valid or the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        self.validate(path)?;
        let n = self.len();
        let index = |value: usize| {
            i32::try_from(value).map_err(|_| Error::file(path, "clip_start", "too many frames", "split the file"))
        };
        let clip_start = self.clip_start.iter().map(|&start| index(start)).collect::<Result<Vec<i32>>>()?;
        let mut npz = NpzWriter::create(path)?;
        npz.f32("positions", &[n, JOINTS, 3], &self.positions)?;
        npz.i32("clip_start", &[clip_start.len()], &clip_start)?;
        npz.strings("clip_names", &self.clip_names)?;
        npz.i32("subject", &[n], &self.subject)?;
        npz.strings("subject_names", &self.subject_names)?;
        npz.i32("category", &[n], &self.category)?;
        npz.strings("category_names", &self.category_names)?;
        npz.i32("frame", &[n], &self.frame)?;
        npz.f32("fps", &[], &[self.fps])?;
        npz.strings("unit", &["mm"])?;
        npz.strings("up_axis", &["z"])?;
        npz.strings("joint_names", Skeleton::of(JOINTS).map_or(&[], |skeleton| skeleton.names))?;
        npz.finish()
    }
}
