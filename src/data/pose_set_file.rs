//! The file of a pose set: one `.npz` that `np.load` alone can read.

use std::{borrow::Cow, path::Path};

use super::PoseSet;
use super::pose_writer::{COLUMNS, Column, write};
use crate::{
    error::Result,
    format::npz::{Array, Npz, little_endian},
    pose::Skeleton,
};

impl PoseSet {
    /// Reads a pose set.
    ///
    /// # Errors
    /// If the file is not a readable `.npz`, an array has the wrong type or shape, or [`PoseSet::validate`] fails.
    pub fn load(path: &Path) -> Result<Self> {
        let mut npz = Npz::open(path)?;
        let keypoints = npz.f32("keypoints")?;
        let [n, joints, 2] = keypoints.shape[..] else {
            let problem = format!("shape {:?}", keypoints.shape);
            return Err(npz.error("keypoints", problem, "give (N, J, 2): pixel x and y of J joints of N poses"));
        };
        let Some(skeleton) = Skeleton::of(joints) else {
            let problem = format!("{joints} joints (shape {:?})", keypoints.shape);
            return Err(npz.error("keypoints", problem, "convert to the 16 or 17 joints of Human3.6M"));
        };
        let mut set = Self { keypoints: keypoints.values, ..Self::empty(skeleton) };
        set.confidence = floats(&mut npz, "confidence", &[n, joints])?;
        set.positions = floats(&mut npz, "positions", &[n, joints, 3])?;
        set.image_size = image_size(&mut npz, n)?;
        set.intrinsics = intrinsics(&mut npz, n)?;
        set.sequence = ids(&mut npz, "sequence", n)?;
        set.frame = ids(&mut npz, "frame", n)?;
        set.subject = ids(&mut npz, "subject", n)?;
        set.action = ids(&mut npz, "action", n)?;
        set.sequence_names = names(&mut npz, "sequence_names")?;
        set.subject_names = names(&mut npz, "subject_names")?;
        set.action_names = names(&mut npz, "action_names")?;
        if npz.has("joint_names") {
            set.joint_names = npz.strings("joint_names")?;
        }
        set.mark_missing();
        set.validate(path)?;
        Ok(set)
    }

    /// A keypoint at exactly (0, 0) is missing, whatever its confidence: many writers put there what they did not find. In
    /// data about a joint, of which every pose has it there, it is that joint.
    fn mark_missing(&mut self) {
        let (joints, points) = (self.joints, self.keypoints.as_chunks::<2>().0);
        let is_origin: Vec<bool> = (0..joints)
            .map(|joint| points.iter().skip(joint).step_by(joints).all(|point| *point == [0.0; 2]))
            .collect();
        let is_missing = |(i, point): (usize, &[f32; 2])| *point == [0.0; 2] && !is_origin[i % joints];
        let missing: Vec<usize> = points.iter().enumerate().filter(|pair| is_missing(*pair)).map(|(i, _)| i).collect();
        if let (false, count) = (missing.is_empty(), points.len()) {
            let confidence = self.confidence.get_or_insert_with(|| vec![1.0; count]);
            missing.into_iter().for_each(|i| confidence[i] = 0.0);
        }
    }

    /// Writes a pose set, after [`PoseSet::validate`]; the file appears whole or not at all.
    ///
    /// # Errors
    /// If the set is not valid or the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        self.validate(path)?;
        let columns = self.columns();
        let whole = columns.iter().map(|(column, bytes)| {
            let bytes = bytes.as_deref();
            let is_one = bytes.is_some_and(|bytes| column.has_one_row(bytes, None));
            (column, bytes.map(|bytes| (is_one, bytes)))
        });
        write(path, self, self.len(), whole)
    }

    /// The arrays with a row for each pose, in the file's order, and their elements, little-endian.
    pub(super) fn columns(&self) -> [(Column, Option<Cow<'_, [u8]>>); COLUMNS] {
        let joints = self.joints;
        let sizes = self.image_size.as_ref().map(|sizes| sizes.as_flattened());
        let cameras = self.intrinsics.as_ref().map(|cameras| cameras.as_flattened());
        let [sequence, frame, subject, action] = self.labels().map(|(name, ids, _)| column(name, "<i4", &[], ids));
        [
            column("keypoints", "<f4", &[joints, 2], Some(&self.keypoints)),
            column("confidence", "<f4", &[joints], self.confidence.as_deref()),
            column("positions", "<f4", &[joints, 3], self.positions.as_deref()),
            of_cameras(column("image_size", "<i4", &[2], sizes)),
            of_cameras(column("intrinsics", "<f4", &[4], cameras)),
            sequence,
            frame,
            subject,
            action,
        ]
    }

    /// The names that the numbers of this array index.
    pub(super) fn names(&self, column: &str) -> &[String] {
        self.labels().into_iter().find(|(name, ..)| *name == column).map_or(&[], |(.., names)| names)
    }
}

fn column<'a, T: bytemuck::NoUninit>(
    name: &'static str,
    descr: &'static str,
    row: &[usize],
    values: Option<&'a [T]>,
) -> (Column, Option<Cow<'a, [u8]>>) {
    let bytes = values.map(|values| little_endian(bytemuck::cast_slice(values)));
    (Column { name, descr, row: row.to_vec(), is_of_cameras: false }, bytes)
}

fn of_cameras<T>((column, bytes): (Column, T)) -> (Column, T) {
    (Column { is_of_cameras: true, ..column }, bytes)
}

fn floats(npz: &mut Npz, name: &str, shape: &[usize]) -> Result<Option<Vec<f32>>> {
    if !npz.has(name) {
        return Ok(None);
    }
    let array = npz.f32(name)?;
    if array.shape != shape {
        return Err(npz.error(name, format!("shape {:?}", array.shape), format!("give {shape:?}, as keypoints have")));
    }
    Ok(Some(array.values))
}

fn ids(npz: &mut Npz, name: &str, n: usize) -> Result<Option<Vec<i32>>> {
    if !npz.has(name) {
        return Ok(None);
    }
    let array = npz.i32(name)?;
    if array.shape != [n] {
        return Err(npz.error(name, format!("shape {:?}", array.shape), format!("give one number a pose: ({n},)")));
    }
    Ok(Some(array.values))
}

fn names(npz: &mut Npz, name: &str) -> Result<Vec<String>> {
    if npz.has(name) { npz.strings(name) } else { Ok(Vec::new()) }
}

fn image_size(npz: &mut Npz, n: usize) -> Result<Option<Vec<[i32; 2]>>> {
    if !npz.has("image_size") {
        return Ok(None);
    }
    let array = npz.i32("image_size")?;
    of_each_pose(npz, "image_size", array, n, "width, height").map(Some)
}

fn intrinsics(npz: &mut Npz, n: usize) -> Result<Option<Vec<[f32; 4]>>> {
    if !npz.has("intrinsics") {
        return Ok(None);
    }
    let array = npz.f32("intrinsics")?;
    of_each_pose(npz, "intrinsics", array, n, "fx, fy, cx, cy in pixels").map(Some)
}

/// The rows of an array that has one for each of `n` poses or one for all.
fn of_each_pose<T: Copy, const D: usize>(
    npz: &Npz,
    name: &str,
    Array { shape, values }: Array<T>,
    n: usize,
    what: &str,
) -> Result<Vec<[T; D]>> {
    let rows = values.as_chunks().0;
    match (&shape[..], rows) {
        ([width], [all]) if *width == D => Ok(vec![*all; n]),
        ([count, width], rows) if (*count, *width) == (n, D) => Ok(rows.to_vec()),
        _ => Err(npz.error(name, format!("shape {shape:?}"), format!("give ({D},) or ({n}, {D}): {what}"))),
    }
}
