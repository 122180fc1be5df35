//! Poses one by one to a pose set, in memory or in a file.

use std::{
    collections::HashMap,
    fs::File,
    path::{Path, PathBuf},
};

use super::{Tolerance, sources::counted};
use crate::data::{Findings, Label, PoseCheck, PoseSet, PoseSetWriter, Summary, Wrong};
use crate::error::{Error, Result};
use crate::format::{memory_limit, npz::scratch};
use crate::pose::{FAR_PIXELS, Intrinsics, Skeleton, is_far};

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

/// Whether a set of so many joints has this one of the 17: all but Neck/Nose.
fn is_kept(slot: usize, joints: usize) -> bool {
    joints == 17 || slot != 9
}

impl Pose {
    /// Whether none of so many joints is there, in 2D or in 3D.
    fn is_nobody(&self, joints: usize) -> bool {
        let none = |values: &[f32]| values.iter().all(|value| *value == 0.0);
        let unsure = |confidence: [f32; 17]| (0..17).all(|slot| confidence[slot] == 0.0 || !is_kept(slot, joints));
        let unseen = self.confidence.is_some_and(unsure) || none(self.keypoints.as_flattened());
        unseen || self.positions.is_some_and(|positions| none(positions.as_flattened()))
    }
}

/// Collects what `read` adds in memory. Sets have 17 joints, or 16: without Neck/Nose. Any other number counts as 17.
///
/// # Errors
/// Those of `read`.
pub fn collect(joints: usize, read: impl FnOnce(&mut Collector<'_>) -> Result<()>) -> Result<PoseSet> {
    collect_told(joints, Tolerance::default(), read).map(|(set, _)| set)
}

/// Reads poses without keeping them, and whatever they are: how many there are, and what is wrong or odd with them.
///
/// # Errors
/// Those of `read`.
pub fn look(joints: usize, read: impl FnOnce(&mut Collector<'_>) -> Result<()>) -> Result<(usize, Vec<String>)> {
    let mut collector = Collector { is_look: true, ..Collector::new(joints, None) };
    collector.tolerate(Tolerance { allow_implausible: true, ..Tolerance::default() });
    collector.read(read)?;
    Ok((collector.len(), collector.warnings))
}

/// As [`collect`], with what is to be told of the poses.
///
/// # Errors
/// Those of `read`, and what is not tolerated.
pub fn collect_told(
    joints: usize,
    tolerance: Tolerance,
    read: impl FnOnce(&mut Collector<'_>) -> Result<()>,
) -> Result<(PoseSet, Vec<String>)> {
    let mut collector = Collector::new(joints, None);
    collector.tolerate(tolerance);
    collector.read(read)?;
    Ok((collector.set, collector.warnings))
}

/// Writes what `read` adds as the pose set `path`, as [`PoseSet::save`] would. Little of it is in memory at any time;
/// meanwhile it is in temporary files beside `path`.
///
/// # Errors
/// Those of `read` and of [`PoseSetWriter`].
pub fn collect_to(path: &Path, joints: usize, read: impl FnOnce(&mut Collector<'_>) -> Result<()>) -> Result<Summary> {
    let mut file = PoseSetWriter::new(path);
    let mut collector = Collector::new(joints, Some(&mut file));
    collector.read(read)?;
    let (last, warnings) = (collector.set, collector.warnings);
    Ok(Summary { warnings, ..file.finish(&last)? })
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
    /// Poses are looked at, not kept.
    is_look: bool,
    tolerance: Tolerance,
    warnings: Vec<String>,
    source: Option<Source>,
}

/// What is known of the poses of one file, or of two.
struct Source {
    /// Where keypoints and positions are: a file, and its field.
    places: [(PathBuf, String); 2],
    check: PoseCheck,
    nobody: usize,
}

impl Source {
    /// Whether the numbers of a pose, which is called `number`, can be those of a place. Importers take what they know as
    /// missing away before.
    fn check_numbers(&self, pose: &Pose, number: usize, joints: usize) -> Result<()> {
        let wrong = |place: usize, joint: usize, problem: String| {
            let (path, field) = &self.places[place];
            let problem = format!("pose {number} of those read, joint {joint} of the 17: {problem}");
            Err(Error::file(path, field, problem, "get the file again, or leave the recording out"))
        };
        let sure = |joint: usize| is_kept(joint, joints) && pose.confidence.is_none_or(|sure| sure[joint] > 0.0);
        let far = |joint: &usize| pose.keypoints[*joint].iter().any(|v| is_far(*v));
        if let Some(joint) = (0..17).filter(|joint| sure(*joint)).find(far) {
            return wrong(0, joint, format!("{:?} is not within {FAR_PIXELS} pixels", pose.keypoints[joint]));
        }
        let lost = |position: &[f32; 3]| position.iter().any(|v| !v.is_finite());
        match pose.positions.and_then(|positions| positions.iter().position(lost)) {
            Some(joint) => wrong(1, joint, "a coordinate is not finite".to_owned()),
            None => Ok(()),
        }
    }
}

impl<'a> Collector<'a> {
    pub(super) fn new(joints: usize, file: Option<&'a mut PoseSetWriter>) -> Self {
        let skeleton = Skeleton::of(joints).or(Skeleton::of(17));
        let set = skeleton.map_or_else(PoseSet::default, PoseSet::empty);
        let (numbers, limit) = (Default::default(), memory_limit());
        Self {
            set,
            written: 0,
            file,
            is_sized: true,
            is_calibrated: true,
            numbers,
            limit,
            is_look: false,
            tolerance: Tolerance::default(),
            warnings: Vec::new(),
            source: None,
        }
    }

    /// Reads all.
    fn read(&mut self, read: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        read(self)?;
        self.look_back()
    }

    /// Says how what is wrong is taken; by default as [`Tolerance::default`].
    pub fn tolerate(&mut self, tolerance: Tolerance) {
        self.tolerance = tolerance;
    }

    /// How what is wrong is taken.
    #[must_use]
    pub fn tolerance(&self) -> Tolerance {
        self.tolerance
    }

    /// From now on poses are of this file; what was found of those of the last one is told.
    ///
    /// # Errors
    /// If those of the last file cannot be a person's, and that is not tolerated.
    pub fn source(&mut self, path: &Path) -> Result<()> {
        self.source_of([(path, "keypoints"), (path, "positions")])
    }

    /// The same with the file and the field of keypoints, and of positions. Those of the last call go on.
    ///
    /// # Errors
    /// As [`Collector::source`].
    pub fn source_of(&mut self, places: [(&Path, &str); 2]) -> Result<()> {
        let places = places.map(|(path, field)| (path.to_owned(), field.to_owned()));
        if self.source.as_ref().is_some_and(|source| source.places == places) {
            return Ok(());
        }
        self.look_back()?;
        self.source = Some(Source { places, check: PoseCheck::default(), nobody: 0 });
        Ok(())
    }

    /// Counts a pose that has no joint, in place of [`Collector::push`].
    pub fn leave_out(&mut self) {
        if let Some(source) = &mut self.source {
            source.nobody += 1;
        }
    }

    /// Tells what was found of the last file's poses.
    fn look_back(&mut self) -> Result<()> {
        let Some(Source { places, check, nobody }) = self.source.take() else { return Ok(()) };
        let [(seen, _), (path, _)] = &places;
        let both =
            if seen == path { String::new() } else { format!("{} with ", seen.display()) } + &path.to_string_lossy();
        let Findings { wrong, odd } = check.findings();
        if let Some(Wrong { field, problem, fix }) = wrong {
            let (path, own) = &places[usize::from(field == "positions")];
            if !self.tolerance.allow_implausible {
                // Data sets have fields of their own, and nothing that says how they are normalised.
                let undo = "have pixels written: undo what normalised them, such as (x + 1) * width / 2";
                let fix = if own != field && fix.contains("`normalised`") { undo.to_owned() } else { fix };
                return Err(Error::file(path, own, problem, format!("{fix}; `allow_implausible` takes it as it is")));
            }
            self.warn(format!("{}: {own}: {problem}", path.display()));
        }
        for odd in odd {
            self.warn(format!("{both}: {odd}"));
        }
        if nobody > 0 {
            self.warn(format!("{both}: {} left out", counted(nobody, "pose without any joint")));
        }
        Ok(())
    }

    /// Tells the user something of the import: a sentence that names the file and counts.
    pub fn warn(&mut self, warning: impl Into<String>) {
        self.warnings.push(warning.into());
    }

    /// The same of several, or of none.
    pub(super) fn warn_all(&mut self, warnings: impl IntoIterator<Item = String>) {
        self.warnings.extend(warnings);
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
    /// If a number is none of a place, or the poses go to a file and cannot be written, or are not valid.
    pub fn push(&mut self, pose: &Pose, label: Label) -> Result<()> {
        if self.source.is_some() && pose.is_nobody(self.set.joints) {
            self.leave_out();
            return Ok(());
        }
        let (number, joints) = (self.len(), self.set.joints);
        if let Some(source) = self.source.as_ref().filter(|_| !self.is_look) {
            source.check_numbers(pose, number, joints)?;
        }
        let set = &mut self.set;
        let slots = || (0..17).filter(|slot| is_kept(*slot, joints));
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
        if let Some(source) = &mut self.source {
            source.check.add(set, set.len() - 1);
        }
        if set.len() < BLOCK || self.file.is_none() && !self.is_look {
            return Ok(());
        }
        if let Some(file) = &mut self.file {
            file.add(set)?;
        }
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
#[path = "collect_tests.rs"]
mod tests;
