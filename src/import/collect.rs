//! Poses one by one to a pose set, in memory or in a file.

use std::{collections::HashMap, fs::File, path::Path};

use crate::data::{Label, PoseSet, PoseSetWriter, Summary};
use crate::error::{Error, Result};
use crate::format::{memory_limit, npz::scratch};
use crate::pose::{Intrinsics, Skeleton};

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
    /// The camera's, if known.
    pub intrinsics: Option<Intrinsics>,
}

/// Collects what `read` adds in memory. Sets have 17 joints, or 16: without Neck/Nose. Any other number counts as 17.
///
/// # Errors
/// Those of `read`.
pub fn collect(joints: usize, read: impl FnOnce(&mut Collector<'_>) -> Result<()>) -> Result<PoseSet> {
    let mut collector = Collector::new(joints, None);
    read(&mut collector)?;
    Ok(collector.set)
}

/// Writes what `read` adds as the pose set `path`, as [`PoseSet::save`] would. Little of it is in memory at any time;
/// meanwhile it is in temporary files beside `path`.
///
/// # Errors
/// Those of `read` and of [`PoseSetWriter`].
pub fn collect_to(path: &Path, joints: usize, read: impl FnOnce(&mut Collector<'_>) -> Result<()>) -> Result<Summary> {
    let mut file = PoseSetWriter::new(path);
    let mut collector = Collector::new(joints, Some(&mut file));
    read(&mut collector)?;
    let last = collector.set;
    file.finish(&last)
}

/// So many poses are written at once.
const BLOCK: usize = 4096;

/// Collects poses that all have the same optional parts; the first pose decides which. The set has image sizes and
/// intrinsics only where every pose has them.
pub struct Collector<'a> {
    /// All poses; where there is a file, those that are not yet in it.
    set: PoseSet,
    written: usize,
    file: Option<&'a mut PoseSetWriter>,
    /// Whether all poses so far have an image size, and intrinsics.
    is_sized: bool,
    is_calibrated: bool,
    numbers: [HashMap<String, i32>; 3],
    /// Bytes that the poses may take in memory.
    limit: usize,
}

impl<'a> Collector<'a> {
    fn new(joints: usize, file: Option<&'a mut PoseSetWriter>) -> Self {
        let skeleton = Skeleton::of(joints).or(Skeleton::of(17));
        let set = skeleton.map_or_else(PoseSet::default, PoseSet::empty);
        let (numbers, limit) = (Default::default(), memory_limit());
        Self { set, written: 0, file, is_sized: true, is_calibrated: true, numbers, limit }
    }

    /// How many a pose has: 16 or 17.
    #[must_use]
    pub fn joints(&self) -> usize {
        self.set.joints
    }

    /// A temporary file for what an importer cannot keep in memory, if the poses go to a file.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn scratch(&self) -> Result<Option<File>> {
        self.file.as_ref().map(|file| scratch(file.path())).transpose()
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

    /// Checks that so many more poses fit into memory, if that is where they go, before they are read.
    ///
    /// # Errors
    /// If they do not: names `field` of the file that claims to have them.
    pub fn room_for(&self, poses: usize, path: &Path, field: &str) -> Result<()> {
        // Keypoints, confidence and positions; the size of the image, the intrinsics and the label.
        let each = size_of::<f32>() * (6 * self.set.joints + 10);
        if self.file.is_some() || poses.saturating_add(self.len()).saturating_mul(each) <= self.limit {
            return Ok(());
        }
        let problem = format!("{poses} poses more than the {} so far do not fit into memory", self.len());
        Err(Error::file(path, field, problem, "take every K-th frame with `stride`, or import in parts"))
    }

    /// Adds a pose. The label's numbers come from [`Collector::sequence`] and its neighbours.
    ///
    /// # Errors
    /// If the poses go to a file and cannot be written, or are not valid.
    pub fn push(&mut self, pose: &Pose, label: Label) -> Result<()> {
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
        all_or_none(&mut self.is_sized, &mut set.image_size, pose.image_size);
        all_or_none(&mut self.is_calibrated, &mut set.intrinsics, pose.intrinsics.map(<[f32; 4]>::from));
        set.push_label(label);
        let Some(file) = self.file.as_mut().filter(|_| set.len() >= BLOCK) else { return Ok(()) };
        file.add(set)?;
        self.written += set.len();
        set.clear();
        Ok(())
    }

    /// Poses so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.written + self.set.len()
    }

    /// Whether there is none yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Adds a value to a column that exists for as long as all poses have one.
fn all_or_none<T>(all: &mut bool, column: &mut Option<Vec<T>>, value: Option<T>) {
    match value.filter(|_| *all) {
        Some(value) => column.get_or_insert_default().push(value),
        None => (*all, *column) = (false, None),
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
        let mut collector = Collector { limit: 10 * 4 * (6 * 17 + 10), ..Collector::new(17, None) };
        let path = Path::new("a.h5");
        collector.room_for(10, path, "S1/Walking").unwrap();
        let keypoints = [[0.0; 2]; 17];
        let pose = Pose { keypoints, confidence: None, positions: None, image_size: None, intrinsics: None };
        collector.push(&pose, Label::default()).unwrap();
        collector.room_for(9, path, "S1/Walking").unwrap();
        for poses in [10, usize::MAX / 8, usize::MAX] {
            let error = collector.room_for(poses, path, "S1/Walking").unwrap_err().to_string();
            assert!(error.starts_with(&format!("a.h5: S1/Walking: {poses} poses more than the 1 so far")), "{error}");
        }
    }

    /// Pose `i` of many; every tenth is of another sequence, and `sized` has an image size and intrinsics.
    fn pose(i: usize, sized: bool) -> (Pose, Label) {
        let value = i as f32;
        let keypoints = std::array::from_fn(|joint| [value, joint as f32]);
        let image_size = sized.then_some([640, 480]);
        let (confidence, positions) = (Some([0.5; 17]), Some([[value; 3]; 17]));
        let intrinsics =
            sized.then_some(Intrinsics { focal: [600.0, 601.0], center: [320.0, 240.0 + f64::from(value)] });
        let pose = Pose { keypoints, confidence, positions, image_size, intrinsics };
        (pose, Label { sequence: (i / 10) as i32, frame: (i % 10) as i32, subject: Some(0), action: None })
    }

    #[test]
    fn many_poses_go_to_a_file_in_blocks() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("set.npz");
        let n = 2 * BLOCK + 100;
        // The first poses with an image size, which all others lack; all; none.
        for with_size in [BLOCK + 7, n, 0] {
            let add = |to: &mut Collector<'_>| {
                to.subject("S1");
                for i in 0..n {
                    to.sequence(&format!("walk {}", i / 10));
                    let (pose, label) = pose(i, i < with_size);
                    to.push(&pose, label)?;
                    assert_eq!(to.len(), i + 1);
                    assert!(to.file.is_none() || to.set.len() < BLOCK, "{} poses in memory", to.set.len());
                }
                Ok(())
            };
            let (set, summary) = (collect(16, add).unwrap(), collect_to(&path, 16, add).unwrap());
            assert_eq!((set.image_size.is_some(), set.intrinsics.is_some()), (with_size == n, with_size == n));
            assert_eq!((summary.poses, summary.sequences, summary.joints), (n, n.div_ceil(10), 16));
            assert_eq!(PoseSet::load(&path).unwrap(), set);
        }
    }

    #[test]
    fn memory_is_no_limit_for_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("set.npz");
        let room = |to: &mut Collector<'_>| {
            to.limit = 1000;
            to.room_for(BLOCK, Path::new("a.h5"), "S1/Walking")?;
            assert!(to.scratch()?.is_some());
            (0..BLOCK).map(|i| pose(i, true)).try_for_each(|(pose, label)| {
                to.sequence(&label.sequence.to_string());
                to.subject("S1");
                to.push(&pose, label)
            })
        };
        assert_eq!(collect_to(&path, 17, room).unwrap().poses, BLOCK);
        assert!(collect(17, room).unwrap_err().to_string().contains("do not fit into memory"));
        assert!(collect(17, |to| to.scratch().map(|file| assert!(file.is_none()))).is_ok());
        // What fails leaves the file as it was.
        let before = std::fs::read(&path).unwrap();
        let stops = collect_to(&path, 17, |to| {
            room(to)?;
            Err(Error::Usage("stop".into()))
        });
        assert!(stops.is_err() && std::fs::read(&path).unwrap() == before);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_new_sequence_is_new() {
        let (mut collector, path) = (Collector::new(16, None), Path::new("a.npz"));
        assert_eq!(
            [collector.new_sequence("TS1", path).unwrap(), collector.new_sequence("TS2", path).unwrap()],
            [0, 1]
        );
        let error = collector.new_sequence("TS1", path).unwrap_err().to_string();
        assert!(error.contains("a.npz: TS1: ") && error.contains("imported already"), "{error}");
        assert_eq!(collector.sequence("TS2"), 1);
    }
}
