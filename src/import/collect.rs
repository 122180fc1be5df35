//! Poses one by one to a pose set.

use std::{collections::HashMap, path::Path};

use crate::data::PoseSet;
use crate::error::{Error, Result};
use crate::format::memory_limit;
use crate::pose::Skeleton;

/// One pose in the order of Human3.6M's 17 joints.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pose {
    /// Pixels: x to the right, y down.
    pub keypoints: [[f32; 2]; 17],
    /// 0 for a missing joint, to 1.
    pub confidence: Option<[f32; 17]>,
    /// Metres, camera axes.
    pub positions: Option<[[f32; 3]; 17]>,
    /// Width and height in pixels, if known.
    pub image_size: Option<[i32; 2]>,
}

/// Who does what, when. The numbers come from [`Collector::sequence`] and its neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Label {
    /// The recording.
    pub sequence: i32,
    /// The frame in it.
    pub frame: i32,
    /// The person, if known.
    pub subject: Option<i32>,
    /// The action, if known.
    pub action: Option<i32>,
}

/// Collects poses that all have the same optional parts; the first pose decides which.
#[derive(Debug)]
pub struct Collector {
    set: PoseSet,
    numbers: [HashMap<String, i32>; 3],
    /// Bytes.
    limit: usize,
}

impl Collector {
    /// For sets of 17 joints, or of 16: without Neck/Nose. Any other number counts as 17.
    #[must_use]
    pub fn new(joints: usize) -> Self {
        let skeleton = Skeleton::of(joints).or(Skeleton::of(17));
        let set = skeleton.map_or_else(PoseSet::default, PoseSet::empty);
        Self { set, numbers: Default::default(), limit: memory_limit() }
    }

    /// The number of the sequence of this name, new or known.
    pub fn sequence(&mut self, name: &str) -> i32 {
        number(&mut self.numbers[0], &mut self.set.sequence_names, name)
    }

    /// The number of the sequence of this name, of which the file has a recording.
    ///
    /// # Errors
    /// If the sequence is known.
    pub fn new_sequence(&mut self, name: &str, path: &Path) -> Result<i32> {
        if self.numbers[0].contains_key(name) {
            let problem = "a sequence of this name has been imported already";
            return Err(Error::file(path, name, problem, "give each recording once"));
        }
        Ok(self.sequence(name))
    }

    /// The number of the subject of this name, new or known.
    pub fn subject(&mut self, name: &str) -> i32 {
        number(&mut self.numbers[1], &mut self.set.subject_names, name)
    }

    /// The number of the action of this name, new or known.
    pub fn action(&mut self, name: &str) -> i32 {
        number(&mut self.numbers[2], &mut self.set.action_names, name)
    }

    /// Checks that so many more poses fit into memory, before they are read.
    ///
    /// # Errors
    /// If they do not: names `field` of the file that claims to have them.
    pub fn room_for(&self, poses: usize, path: &Path, field: &str) -> Result<()> {
        // Keypoints, confidence and positions; the size of the image and the label.
        let each = size_of::<f32>() * (6 * self.set.joints + 6);
        if poses.saturating_add(self.len()).saturating_mul(each) <= self.limit {
            return Ok(());
        }
        let problem = format!("{poses} poses more than the {} so far do not fit into memory", self.len());
        Err(Error::file(path, field, problem, "take every K-th frame with --stride, or import in parts"))
    }

    /// Makes room for this many more poses with 3D.
    pub fn reserve(&mut self, poses: usize) {
        self.set.keypoints.reserve_exact(2 * self.set.joints * poses);
        self.set.positions.get_or_insert_default().reserve_exact(3 * self.set.joints * poses);
    }

    /// Adds a pose.
    pub fn push(&mut self, pose: &Pose, label: Label) {
        let set = &mut self.set;
        // Slot 9 is Neck/Nose, which a set of 16 joints does not have.
        let kept = |slot: &usize| set.joints == 17 || *slot != 9;
        let slots = || (0..17).filter(kept);
        set.keypoints.extend(slots().flat_map(|j| pose.keypoints[j]));
        if let Some(positions) = pose.positions {
            set.positions.get_or_insert_default().extend(slots().flat_map(|j| positions[j]));
        }
        if let Some(confidence) = pose.confidence {
            set.confidence.get_or_insert_default().extend(slots().map(|j| confidence[j]));
        }
        if let Some(size) = pose.image_size {
            set.image_size.get_or_insert_default().push(size);
        }
        set.sequence.get_or_insert_default().push(label.sequence);
        set.frame.get_or_insert_default().push(label.frame);
        if let Some(subject) = label.subject {
            set.subject.get_or_insert_default().push(subject);
        }
        if let Some(action) = label.action {
            set.action.get_or_insert_default().push(action);
        }
    }

    /// Poses so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.set.len()
    }

    /// Whether there is none yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.set.is_empty()
    }

    /// The pose set.
    #[must_use]
    pub fn finish(self) -> PoseSet {
        self.set
    }
}

fn number(numbers: &mut HashMap<String, i32>, names: &mut Vec<String>, name: &str) -> i32 {
    if let Some(&known) = numbers.get(name) {
        return known;
    }
    let new = names.len() as i32;
    names.push(name.to_owned());
    numbers.insert(name.to_owned(), new);
    new
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn poses_that_do_not_fit_are_refused() {
        let mut collector = Collector { limit: 10 * 4 * (6 * 17 + 6), ..Collector::new(17) };
        let path = Path::new("a.h5");
        collector.room_for(10, path, "S1/Walking").unwrap();
        let pose = Pose { keypoints: [[0.0; 2]; 17], confidence: None, positions: None, image_size: None };
        collector.push(&pose, Label::default());
        collector.room_for(9, path, "S1/Walking").unwrap();
        for poses in [10, usize::MAX / 8, usize::MAX] {
            let error = collector.room_for(poses, path, "S1/Walking").unwrap_err().to_string();
            assert!(error.starts_with(&format!("a.h5: S1/Walking: {poses} poses more than the 1 so far")), "{error}");
        }
    }

    #[test]
    fn a_new_sequence_is_new() {
        let (mut collector, path) = (Collector::new(16), Path::new("a.npz"));
        assert_eq!(
            [collector.new_sequence("TS1", path).unwrap(), collector.new_sequence("TS2", path).unwrap()],
            [0, 1]
        );
        let error = collector.new_sequence("TS1", path).unwrap_err().to_string();
        assert!(error.contains("a.npz: TS1: ") && error.contains("imported already"), "{error}");
        assert_eq!(collector.sequence("TS2"), 1);
    }
}
