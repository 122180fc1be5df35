//! Motion capture: joint positions in the world, clip by clip.

use std::{ops::Range, path::Path};

use crate::error::{Error, Result};

/// N frames of 17 joints (Human3.6M order) in a world with Z up. The fields are the file's arrays of the same names.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Motion {
    /// (N, 17, 3), millimetres, right-handed, Z up.
    pub positions: Vec<f32>,
    /// (clips + 1): the first frame of each clip, and N.
    pub clip_start: Vec<usize>,
    /// (clips): the names of the clips.
    pub clip_names: Vec<String>,
    /// (N): the person, an index into `subject_names`.
    pub subject: Vec<i32>,
    /// The names of the persons.
    pub subject_names: Vec<String>,
    /// (N): the kind of activity, an index into `category_names`.
    pub category: Vec<i32>,
    /// The names of the activities.
    pub category_names: Vec<String>,
    /// (N): the sample number within the clip, at `fps`.
    pub frame: Vec<i32>,
    /// Frames in a second.
    pub fps: f32,
}

pub(super) const JOINTS: usize = 17;

impl Motion {
    /// N, the number of frames.
    #[must_use]
    pub fn len(&self) -> usize {
        self.positions.len() / (3 * JOINTS)
    }

    /// Whether there is no frame.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The frames of each clip.
    pub fn clips(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        self.clip_start.windows(2).map(|pair| pair[0]..pair[1])
    }

    /// The joints of one frame in metres.
    #[must_use]
    pub fn joints_m(&self, frame: usize) -> [[f64; 3]; JOINTS] {
        let values = &self.positions[frame * 3 * JOINTS..][..3 * JOINTS];
        std::array::from_fn(|joint| std::array::from_fn(|axis| f64::from(values[3 * joint + axis]) / 1000.0))
    }

    /// Checks lengths, indices and that all positions are finite; `path` is only for the message.
    ///
    /// # Errors
    /// The first thing that does not hold.
    pub fn validate(&self, path: &Path) -> Result<()> {
        let n = self.len();
        let wrong = |field: &str, problem: String, fix: &str| Err(Error::file(path, field, problem, fix));
        if n == 0 || self.positions.len() != n * 3 * JOINTS {
            return wrong("positions", "there is no whole frame of 17 joints".into(), "give (N, 17, 3), N at least 1");
        }
        if let Some(index) = self.positions.iter().position(|value| !value.is_finite()) {
            let problem = format!("frame {}, joint {}: not finite", index / (3 * JOINTS), index / 3 % JOINTS);
            return wrong("positions", problem, "drop the frame or fill in the joint");
        }
        let ordered = self.clip_start.is_sorted();
        if self.clip_start.first() != Some(&0) || self.clip_start.last() != Some(&n) || !ordered {
            return wrong(
                "clip_start",
                format!("it does not rise from 0 to {n}"),
                "give each clip's first frame, then N",
            );
        }
        if self.clip_names.len() + 1 != self.clip_start.len() {
            let problem = format!("{} names for {} clips", self.clip_names.len(), self.clip_start.len() - 1);
            return wrong("clip_names", problem, "give every clip one name");
        }
        if !(self.fps > 0.0 && self.fps.is_finite()) {
            return wrong("fps", format!("{}", self.fps), "give the frames in a second");
        }
        for (field, ids, names) in [
            ("subject", &self.subject, Some(&self.subject_names)),
            ("category", &self.category, Some(&self.category_names)),
            ("frame", &self.frame, None),
        ] {
            if ids.len() != n {
                return wrong(field, format!("{} numbers for {n} frames", ids.len()), "give every frame one");
            }
            let unnamed =
                |&id: &i32| names.is_some_and(|names| usize::try_from(id).map_or(true, |id| id >= names.len()));
            if let Some(frame) = ids.iter().position(unnamed) {
                let problem = format!("frame {frame}: {} has no entry in {field}_names", ids[frame]);
                return wrong(field, problem, "number from 0 and name every number");
            }
        }
        Ok(())
    }
}

/// Motion for the tests of this module and of its users.
#[cfg(test)]
pub(super) mod examples {
    use super::*;

    /// Two clips of upright stick figures; in the second the person runs along x, 0.5 m a frame.
    pub(crate) fn motion() -> Motion {
        let frame = |x: f32| {
            (0..JOINTS).flat_map(move |joint| {
                [x + 30.0 * (joint % 3) as f32, 15.0 * (joint % 5) as f32, 300.0 + 80.0 * joint as f32]
            })
        };
        Motion {
            positions: (0..4)
                .flat_map(|_| frame(7000.0))
                .chain((0..20).flat_map(|i| frame(500.0 * i as f32)))
                .collect(),
            clip_start: vec![0, 4, 24],
            clip_names: vec!["stand".into(), "run".into()],
            subject: [vec![1; 4], vec![0; 20]].concat(),
            subject_names: vec!["A".into(), "B".into()],
            category: [vec![0; 4], vec![1; 20]].concat(),
            category_names: vec!["still".into(), "moving".into()],
            frame: (0..4).chain(0..20).collect(),
            fps: 30.0,
        }
    }

    /// The real motion capture beside the repository, where there is some.
    #[cfg(feature = "import")]
    pub(crate) fn mocap(name: &str) -> Option<Motion> {
        let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data/mocap")).join(name);
        if !path.exists() {
            eprintln!("SKIPPED: no motion capture at {}", path.display());
            return None;
        }
        Some(Motion::load(&path).unwrap())
    }
}

#[cfg(test)]
mod tests {
    use super::{examples::*, *};

    #[cfg(feature = "import")]
    #[test]
    fn round_trips() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("motion.npz");
        motion().save(&path).unwrap();
        assert_eq!(Motion::load(&path).unwrap(), motion());
        let whole = std::fs::read(&path).unwrap();
        for sixteenth in 0..16 {
            std::fs::write(&path, &whole[..whole.len() * sixteenth / 16]).unwrap();
            assert!(Motion::load(&path).is_err());
        }
    }

    #[cfg(feature = "import")]
    #[test]
    fn reads_the_motion_capture() {
        let Some(source) = mocap("source.npz") else { return };
        assert_eq!((source.len(), source.clips().count(), source.subject_names.len()), (34_323, 124, 12));
        // The file's README: ankle to head 1.44 to 1.75 m, standing ankles 60 to 90 mm above the floor.
        let joints = source.joints_m(0);
        assert!(joints[10][2] > 1.3 && joints[3][2] < 0.3, "head up, foot down, in metres");
        let target = mocap("target_dev.npz").unwrap();
        assert_eq!((target.len(), target.fps), (9060, 15.0));
    }

    #[test]
    fn validation_names_what_is_wrong() {
        let problem = |change: fn(&mut Motion)| {
            let mut motion = motion();
            change(&mut motion);
            motion.validate(Path::new("m.npz")).unwrap_err().to_string()
        };
        for (error, expected) in [
            (problem(|m| m.positions[3 * 17 * 5 + 4] = f32::NAN), "m.npz: positions: frame 5, joint 1: not finite"),
            (problem(|m| m.positions.clear()), "no whole frame"),
            (problem(|m| m.clip_start[1] = 99), "clip_start: it does not rise from 0 to 24"),
            (problem(|m| m.clip_start[2] = 23), "clip_start"),
            (problem(|m| m.clip_start.clear()), "clip_start"),
            (problem(|m| drop(m.clip_names.pop())), "clip_names: 1 names for 2 clips"),
            (problem(|m| m.subject[6] = 2), "subject: frame 6: 2 has no entry"),
            (problem(|m| m.category[0] = -1), "category: frame 0"),
            (problem(|m| m.frame.truncate(23)), "frame: 23 numbers for 24 frames"),
            (problem(|m| m.fps = f32::NAN), "fps"),
        ] {
            assert!(error.contains(expected), "{error}");
        }
    }
}
