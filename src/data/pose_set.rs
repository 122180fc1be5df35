//! The pose set: 2D keypoints, with 3D positions where known.

use std::{ops::Range, path::Path};

use crate::{
    error::{Error, Result},
    pose::{FAR_PIXELS, Intrinsics, Skeleton, is_far, to_16, words},
};

/// N poses of J joints, in the order of [`Skeleton::of`]`(J)`. The fields are the file's arrays of the same names.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PoseSet {
    /// J: 16 or 17. In the file it is the shape of `keypoints`.
    pub joints: usize,
    /// (N, J, 2), pixels: x to the right, y down.
    pub keypoints: Vec<f32>,
    /// (N, J), 0 to 1: how sure the detector is.
    pub confidence: Option<Vec<f32>>,
    /// (N, J, 3), metres, camera axes: x right, y down, z forward. Not root-centred.
    pub positions: Option<Vec<f32>>,
    /// (N, 2): width and height of each pose's image in pixels. The file may hold (2), one size for all.
    pub image_size: Option<Vec<[i32; 2]>>,
    /// (N, 4): fx, fy, cx, cy of each pose's camera in pixels, without distortion. The file may hold (4), one camera for
    /// all.
    pub intrinsics: Option<Vec<[f32; 4]>>,
    /// (N): the recording that a pose belongs to; poses of one sequence follow each other in time.
    pub sequence: Option<Vec<i32>>,
    /// (N): the frame number within its sequence.
    pub frame: Option<Vec<i32>>,
    /// (N): the person.
    pub subject: Option<Vec<i32>>,
    /// (N): what the person does.
    pub action: Option<Vec<i32>>,
    /// Names that `sequence` indexes; may be empty.
    pub sequence_names: Vec<String>,
    /// Names that `subject` indexes; may be empty.
    pub subject_names: Vec<String>,
    /// Names that `action` indexes; may be empty.
    pub action_names: Vec<String>,
    /// (J): the names of the joints.
    pub joint_names: Vec<String>,
}

/// Who does what, when.
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

impl PoseSet {
    /// An empty set of J joints with their Human3.6M names; to be filled.
    pub(crate) fn empty(skeleton: &Skeleton) -> Self {
        let joint_names = skeleton.names.iter().map(ToString::to_string).collect();
        Self { joints: skeleton.joints, joint_names, ..Self::default() }
    }

    /// Says of one more pose who does what, when.
    pub(crate) fn push_label(&mut self, label: Label) {
        self.sequence.get_or_insert_default().push(label.sequence);
        self.frame.get_or_insert_default().push(label.frame);
        if let Some(subject) = label.subject {
            self.subject.get_or_insert_default().push(subject);
        }
        if let Some(action) = label.action {
            self.action.get_or_insert_default().push(action);
        }
    }

    /// N, the number of poses.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keypoints.len() / (2 * self.joints).max(1)
    }

    /// Whether there is no pose.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// (N, J): 1 for a joint that is there, 0 for a missing one, of confidence 0. Empty where no pose lacks a joint.
    #[must_use]
    pub fn seen(&self) -> Vec<f32> {
        self.seen_in(0..self.len())
    }

    /// [`Self::seen`] of the poses `range`; empty where none of them lacks a joint.
    pub(crate) fn seen_in(&self, range: Range<usize>) -> Vec<f32> {
        let all = self.confidence.as_deref().unwrap_or_default();
        let part = all.get(range.start * self.joints..range.end * self.joints).unwrap_or_default();
        let part = if part.contains(&0.0) { part } else { &[] };
        part.iter().map(|&confidence| if confidence > 0.0 { 1.0 } else { 0.0 }).collect()
    }

    /// The poses that have every joint, for training: guesses are not to be learnt from.
    #[must_use]
    pub fn complete(&self) -> Self {
        let seen = self.seen();
        if seen.is_empty() {
            return self.clone();
        }
        let whole = seen.chunks_exact(self.joints).enumerate().filter(|(_, pose)| !pose.contains(&0.0));
        self.select(&whole.map(|(pose, _)| pose).collect::<Vec<_>>())
    }

    /// The poses at `indices`, in that order, all names kept. Indices beyond N are left out.
    #[must_use]
    pub fn select(&self, indices: &[usize]) -> Self {
        let n = self.len();
        let rows: Vec<usize> = indices.iter().copied().filter(|&i| i < n).collect();
        fn pick<T: Copy>(rows: &[usize], values: &[T], width: usize) -> Vec<T> {
            rows.iter().flat_map(|&row| &values[row * width..(row + 1) * width]).copied().collect()
        }
        let ids = |values: &Option<Vec<i32>>| values.as_ref().map(|values| pick(&rows, values, 1));
        Self {
            joints: self.joints,
            keypoints: pick(&rows, &self.keypoints, 2 * self.joints),
            confidence: self.confidence.as_ref().map(|values| pick(&rows, values, self.joints)),
            positions: self.positions.as_ref().map(|values| pick(&rows, values, 3 * self.joints)),
            image_size: self.image_size.as_ref().map(|values| pick(&rows, values, 1)),
            intrinsics: self.intrinsics.as_ref().map(|values| pick(&rows, values, 1)),
            sequence: ids(&self.sequence),
            frame: ids(&self.frame),
            subject: ids(&self.subject),
            action: ids(&self.action),
            sequence_names: self.sequence_names.clone(),
            subject_names: self.subject_names.clone(),
            action_names: self.action_names.clone(),
            joint_names: self.joint_names.clone(),
        }
    }

    /// Takes all poses out and keeps the names.
    #[cfg(feature = "import")]
    pub(crate) fn clear(&mut self) {
        self.keypoints.clear();
        [&mut self.confidence, &mut self.positions].into_iter().flatten().for_each(Vec::clear);
        self.image_size.iter_mut().for_each(Vec::clear);
        self.intrinsics.iter_mut().for_each(Vec::clear);
        let ids = [&mut self.sequence, &mut self.frame, &mut self.subject, &mut self.action];
        ids.into_iter().flatten().for_each(Vec::clear);
    }

    /// Index of the first pose of each run of one sequence, in order; the whole set is one run without `sequence`.
    #[must_use]
    pub fn sequence_starts(&self) -> Vec<usize> {
        (0..self.len()).filter(|&pose| self.begins_sequence(pose)).collect()
    }

    /// Whether a pose is the first of a run of one sequence.
    pub(crate) fn begins_sequence(&self, pose: usize) -> bool {
        pose == 0 || self.sequence.as_ref().is_some_and(|sequence| sequence[pose] != sequence[pose - 1])
    }

    /// The same poses with 16 joints (17 without Neck/Nose); a copy if there are 16 already.
    #[must_use]
    pub fn to_16(&self) -> Self {
        let Some(skeleton) = Skeleton::of(16).filter(|_| self.joints == 17) else { return self.clone() };
        Self {
            joints: 16,
            keypoints: to_16(&self.keypoints, 2),
            confidence: self.confidence.as_ref().map(|values| to_16(values, 1)),
            positions: self.positions.as_ref().map(|values| to_16(values, 3)),
            joint_names: Self::empty(skeleton).joint_names,
            ..self.clone()
        }
    }

    /// The intrinsics of one pose's camera, if the set has them.
    #[must_use]
    pub fn camera(&self, pose: usize) -> Option<Intrinsics> {
        self.intrinsics.as_ref()?.get(pose).copied().map(Intrinsics::from)
    }

    /// The first pose whose focal length cannot be one in pixels of its image: below a tenth of the longer side (170
    /// degrees), or above a hundred times it; and what is wrong.
    pub(crate) fn implausible_intrinsics(&self) -> Option<(usize, String)> {
        let (cameras, sizes) = (self.intrinsics.as_ref()?, self.image_size.as_ref()?);
        cameras.iter().zip(sizes).enumerate().find_map(|(pose, (&[fx, fy, ..], size))| {
            let side = size[0].max(size[1]) as f32;
            let wrong =
                [fx, fy].into_iter().find(|focal| *focal > 0.0 && !(0.1 * side..=100.0 * side).contains(focal))?;
            Some((pose, format!("a focal length of {wrong} pixels does not go with an image of {side}")))
        })
    }

    /// The intrinsics of cameras of this focal length, pixels, in the middle of each pose's image; without it, as
    /// [`Intrinsics::guess`] has them. None without `image_size`.
    #[must_use]
    pub fn assumed_intrinsics(&self, focal: Option<f64>) -> Option<Vec<[f32; 4]>> {
        let camera = |&size| focal.map_or_else(|| Intrinsics::guess(size), |focal| Intrinsics::of_focal(focal, size));
        self.image_size.as_ref().map(|sizes| sizes.iter().map(|size| camera(size).into()).collect())
    }

    /// Checks every promise of the fields; `path` is only for the message, which names the pose and the joint.
    ///
    /// # Errors
    /// The first thing that does not hold.
    pub fn validate(&self, path: &Path) -> Result<()> {
        self.check(path, 0)
    }

    /// The same for part of a set: its first pose is called `first` in messages.
    pub(super) fn check(&self, path: &Path, first: usize) -> Result<()> {
        let (n, joints) = (self.len(), self.joints);
        let wrong = |field: &str, problem: String, fix: &str| Err(Error::file(path, field, problem, fix));
        let Some(skeleton) = Skeleton::of(joints) else {
            return wrong("keypoints", format!("{joints} joints"), "convert to the 16 or 17 joints of Human3.6M");
        };
        if n == 0 {
            return wrong("keypoints", "there is no pose".into(), "give at least one");
        }
        if let Some(field) = self.misfit().or((self.joint_names.len() != joints).then_some("joint_names")) {
            return wrong(field, format!("it does not match {n} poses of {joints} joints"), "give every pose one");
        }
        let place = |index: usize, width: usize| {
            let joint = index / width % joints;
            format!("pose {}, joint {joint} ({})", first + index / width / joints, skeleton.names[joint])
        };
        let values = [
            ("keypoints", Some(&self.keypoints), 2, f32::MAX, "finite", "drop the pose or fill in the keypoint"),
            ("positions", self.positions.as_ref(), 3, f32::MAX, "finite", "drop the pose or fill in the joint"),
            ("confidence", self.confidence.as_ref(), 1, 1.0, "between 0 and 1", "rescale the detector's scores"),
        ];
        for (field, values, width, most, required, fix) in values {
            let least = if width == 1 { 0.0 } else { -most };
            // NaN is in no range.
            if let Some(index) = values.and_then(|values| values.iter().position(|v| !(least..=most).contains(v))) {
                let value = values.map_or(f32::NAN, |values| values[index]);
                return wrong(field, format!("{}: {value} is not {required}", place(index, width)), fix);
            }
        }
        let is_known = |joint: usize| self.confidence.as_ref().is_none_or(|confidence| confidence[joint] > 0.0);
        let mut coordinates = self.keypoints.iter().enumerate();
        if let Some((index, value)) = coordinates.find(|(index, value)| is_far(**value) && is_known(index / 2)) {
            let problem = format!("{}: {value} is not within {FAR_PIXELS} pixels", place(index, 2));
            return wrong("keypoints", problem, "give the keypoint confidence 0 if it was not found, or drop the pose");
        }
        if let Some(pose) = self.image_size.iter().flatten().position(|size| size.iter().any(|&side| side <= 0)) {
            return wrong(
                "image_size",
                format!("pose {}: a side is not positive", first + pose),
                "give width and height in pixels",
            );
        }
        if let Some((pose, problem)) = self.implausible_intrinsics() {
            let fix = "give fx, fy, cx, cy in pixels of the image that image_size is of";
            return wrong("intrinsics", format!("pose {}: {problem}", first + pose), fix);
        }
        for (pose, camera) in self.intrinsics.iter().flatten().enumerate() {
            if let Err(problem) = Intrinsics::from(*camera).validate() {
                let fix = "give fx, fy, cx, cy in pixels, or leave the array out";
                return wrong("intrinsics", format!("pose {}: {problem}", first + pose), fix);
            }
        }
        for (field, ids, names) in self.labels() {
            let outside = |&id: &i32| usize::try_from(id).map_or(true, |id| id >= names.len());
            if let Some(pose) = ids.and_then(|ids| ids.iter().position(outside)).filter(|_| !names.is_empty()) {
                let (pose, names) = (first + pose, names.len());
                let problem = format!("pose {pose}: the number has no entry in {field}_names ({names} names)");
                return wrong(field, problem, "number from 0 and name every number");
            }
        }
        self.check_joint_order(skeleton, path)
    }

    /// The first field that has not one entry for each pose.
    pub(super) fn misfit(&self) -> Option<&'static str> {
        let (n, joints) = (self.len(), self.joints);
        let lengths = [
            ("keypoints", Some(self.keypoints.len()), 2 * joints),
            ("confidence", self.confidence.as_ref().map(Vec::len), joints),
            ("positions", self.positions.as_ref().map(Vec::len), 3 * joints),
            ("image_size", self.image_size.as_ref().map(Vec::len), 1),
            ("intrinsics", self.intrinsics.as_ref().map(Vec::len), 1),
        ];
        let label_lengths = self.labels().map(|(name, ids, _)| (name, ids.map(<[i32]>::len), 1));
        let mut all = lengths.into_iter().chain(label_lengths);
        let misfits = |(_, length, width): &(_, Option<usize>, usize)| length.is_some_and(|length| length != n * width);
        all.find(misfits).map(|(field, ..)| field)
    }

    /// Other words for the same joints are fine. The same words in another order, or the joints of another skeleton, mean
    /// garbage predictions.
    fn check_joint_order(&self, skeleton: &Skeleton, path: &Path) -> Result<()> {
        let (given, own) = (words(&self.joint_names), words(skeleton.names));
        let fits = |(given, own): (&String, &String)| {
            given == own || ALSO.iter().any(|(slot, names)| slot == own && names.contains(&given.as_str()))
        };
        let Some(joint) = given.iter().zip(&own).position(|pair| !fits(pair)) else { return Ok(()) };
        let problem = format!("joint {joint} is {} instead of {}", self.joint_names[joint], skeleton.names[joint]);
        let fix = format!(
            "order the joints as {}; if they are so ordered and only called otherwise, leave joint_names out",
            skeleton.names.join(", ")
        );
        Err(Error::file(path, "joint_names", problem, fix))
    }

    pub(super) fn labels(&self) -> [Labels<'_>; 4] {
        [
            ("sequence", self.sequence.as_deref(), &self.sequence_names),
            ("frame", self.frame.as_deref(), &[]),
            ("subject", self.subject.as_deref(), &self.subject_names),
            ("action", self.action.as_deref(), &self.action_names),
        ]
    }
}

/// What the joints of the middle line are called besides, in [`words`].
const ALSO: [(&str, &[&str]); 4] = [
    ("spine", &["spine1", "spine2", "spinem", "belly", "back"]),
    ("thorax", &["neck", "spine3", "midshoulder", "c7"]),
    ("neck_nose", &["neck", "nose", "jaw", "head", "face", "midface"]),
    ("head", &["head_top", "vertex"]),
];

/// A field, its number for each pose, and the names that the numbers index.
pub(super) type Labels<'a> = (&'static str, Option<&'a [i32]>, &'a [String]);

#[cfg(test)]
#[cfg(feature = "import")]
#[path = "pose_set_tests.rs"]
mod tests;
