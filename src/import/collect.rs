//! Poses one by one to a pose set.

use std::collections::HashMap;

use crate::data::PoseSet;
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
}

impl Collector {
    /// For sets of 17 joints, or of 16: without Neck/Nose. Any other number counts as 17.
    #[must_use]
    pub fn new(joints: usize) -> Self {
        let skeleton = Skeleton::of(joints).or(Skeleton::of(17));
        Self { set: skeleton.map_or_else(PoseSet::default, PoseSet::empty), numbers: Default::default() }
    }

    /// The number of the sequence of this name, new or known.
    pub fn sequence(&mut self, name: &str) -> i32 {
        number(&mut self.numbers[0], &mut self.set.sequence_names, name)
    }

    /// The number of the subject of this name, new or known.
    pub fn subject(&mut self, name: &str) -> i32 {
        number(&mut self.numbers[1], &mut self.set.subject_names, name)
    }

    /// The number of the action of this name, new or known.
    pub fn action(&mut self, name: &str) -> i32 {
        number(&mut self.numbers[2], &mut self.set.action_names, name)
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
