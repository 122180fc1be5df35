//! The tracks of an output, for forms of which each person has a file.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nalgebra::Vector3;

use super::check::check;
use super::timeline::{Rhythm, Timeline};
use super::{About, Lifted};
use crate::error::{Error, Result};
use crate::format::WholeFile;
use crate::lift::USUAL_FPS;

/// Files that are named one by one.
const SHOWN: usize = 20;
/// Letters of a sequence's name that a file's name takes.
const LETTERS: usize = 60;

/// Everyone in every frame, in memory: a minute of a person at 30 frames a second takes half a megabyte.
pub(super) struct Recording {
    about: About,
    path: PathBuf,
    sequences: Vec<(Arc<str>, Rhythm)>,
    /// By sequence and the person's number.
    numbers: HashMap<(usize, i64), usize>,
    tracks: Vec<Track>,
}

/// A person in a sequence.
pub(super) struct Track {
    sequence: usize,
    id: i64,
    /// At least one; their frames' numbers rise.
    rows: Vec<Row>,
    /// (rows, J): metres from the root.
    joints: Vec<[f32; 3]>,
}

/// A person in a frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Row {
    /// The frame's number.
    pub frame: i32,
    /// Seconds, where known.
    pub time: Option<f64>,
    /// Where the person is, where known.
    pub root: Option<[f32; 3]>,
}

/// A track's joints where the person is.
pub(super) struct Poses<'a> {
    joints: std::slice::ChunksExact<'a, [f32; 3]>,
    /// One for each row.
    roots: Vec<[f32; 3]>,
}

impl Poses<'_> {
    /// Rows.
    pub(super) fn len(&self) -> usize {
        self.roots.len()
    }

    /// The joints (J) of a row, metres.
    pub(super) fn of(&self, row: usize) -> Vec<Vector3<f64>> {
        let vector = |point: &[f32; 3]| Vector3::from(point.map(f64::from));
        let root = self.roots.get(row).map(vector).unwrap_or_default();
        self.joints.clone().nth(row).into_iter().flatten().map(|joint| root + vector(joint)).collect()
    }
}

impl Track {
    /// A row whose root is not known has that of the row before, else the first that is known, else 0: a person who
    /// stays where they were harms less than one who jumps.
    fn poses(&self, joints: usize) -> Poses<'_> {
        let mut root = self.rows.iter().find_map(|row| row.root).unwrap_or_default();
        let known = |row: &Row| {
            root = row.root.unwrap_or(root);
            root
        };
        Poses { roots: self.rows.iter().map(known).collect(), joints: self.joints.chunks_exact(joints) }
    }
}

impl Recording {
    /// Nothing yet. Says at once whether the folder can be written to.
    pub(super) fn new(about: About, path: &Path) -> Result<Self> {
        WholeFile::create(path)?;
        let path = path.to_owned();
        Ok(Self { about, path, sequences: Vec::new(), numbers: HashMap::new(), tracks: Vec::new() })
    }

    /// What all frames have in common.
    pub(super) fn about(&self) -> &About {
        &self.about
    }

    /// Adds a frame; one without people counts for the steps between frames.
    ///
    /// # Errors
    /// If its numbers are not finite, or a person's frames do not follow each other.
    pub(super) fn push(&mut self, frame: &Lifted) -> Result<()> {
        check(frame, &self.about)?;
        let name = frame.sequence.clone().unwrap_or_default();
        // Frames come sequence by sequence, as a rule.
        let sequence = self.sequences.iter().rposition(|(known, _)| *known == name).unwrap_or_else(|| {
            self.sequences.push((name, Rhythm::default()));
            self.sequences.len() - 1
        });
        self.sequences[sequence].1.add(frame.frame, frame.time);
        for person in &frame.people {
            let number = *self.numbers.entry((sequence, person.id)).or_insert_with(|| {
                self.tracks.push(Track { sequence, id: person.id, rows: Vec::new(), joints: Vec::new() });
                self.tracks.len() - 1
            });
            let track = &mut self.tracks[number];
            if let Some(last) = track.rows.last().filter(|last| last.frame >= frame.frame) {
                let place = format!("frame {}, person {}", frame.frame, person.id);
                let problem = format!("the person has been in frame {} already", last.frame);
                let fix = "let the numbers of a sequence's frames rise, and give each person a number of their own; or \
                           write `jsonl`, which takes any";
                return Err(Error::file(&self.path, place, problem, fix));
            }
            let root = person.root.map(|root| self.about.up.of(root));
            track.rows.push(Row { frame: frame.frame, time: frame.time, root });
            track.joints.extend(person.joints.iter().map(|joint| self.about.up.of(*joint)));
        }
        Ok(())
    }

    /// Writes a file for each track. `gap`: what stands in a row in which the person is not. Says which files.
    ///
    /// # Errors
    /// What `write` says, or when a file cannot be written.
    pub(super) fn write(
        &self,
        gap: &str,
        mut write: impl FnMut(&Poses, &Timeline, &mut WholeFile) -> std::io::Result<()>,
    ) -> Result<Vec<String>> {
        if self.tracks.is_empty() {
            return Ok(vec![format!("nobody is in any frame: {} was not written", self.path.display())]);
        }
        let (mut said, mut is_assumed, mut failed) = (Vec::new(), false, Ok(()));
        for (track, path) in self.tracks.iter().zip(self.paths()) {
            let timeline = Timeline::new(&track.rows, &self.sequences[track.sequence].1, self.about.fps);
            let poses = track.poses(self.about.skeleton.joints);
            let written = WholeFile::create(&path).and_then(|mut file| {
                write(&poses, &timeline, &mut file).map_err(|error| Error::io(&path, "write", error))?;
                file.finish()
            });
            match written {
                Ok(()) => said.push(self.sentence(track, &timeline, &path, gap)),
                // One person's file that cannot be written costs no other's.
                Err(_) if failed.is_err() => {}
                Err(error) => failed = Err(error),
            }
            is_assumed |= timeline.is_assumed;
        }
        failed?;
        let more = said.len().saturating_sub(SHOWN);
        said.truncate(SHOWN);
        if more > 0 {
            said.push(format!("and {more} files more"));
        }
        if is_assumed {
            said.push(format!(
                "nothing says how fast frames follow each other: {USUAL_FPS} a second are assumed; set `fps`"
            ));
        }
        Ok(said)
    }

    /// What of a track is written, and what it lacks.
    fn sentence(&self, track: &Track, timeline: &Timeline, path: &Path, gap: &str) -> String {
        let frame = |row: Option<&Row>| row.map_or(0, |row| row.frame);
        let (first, last) = (frame(track.rows.first()), frame(track.rows.last()));
        let name = &self.sequences[track.sequence].0;
        let sequence = if name.is_empty() { String::new() } else { format!(" in {:?}", &**name) };
        let mut sentence = format!("person {}{sequence}: frames {first} to {last}, {}", track.id, path.display());
        if timeline.is_loose {
            sentence += "; numbers of frames are far apart: rows follow each other without what lies between";
        }
        let (rows, gaps) = (timeline.slots.len(), timeline.gaps());
        if gaps > 0 {
            sentence += &format!("; the person is not in {gaps} of {rows} frames: {gap}");
        }
        let unknown = track.rows.iter().filter(|row| row.root.is_none()).count();
        if unknown == track.rows.len() {
            sentence += "; where the person is is not known: the hip stays in one place; give `focal` to know";
        } else if unknown > 0 {
            sentence += &format!("; where the person is is not known in {unknown} frames: there the hip stays");
        }
        sentence
    }

    /// The file of each track: the path itself for only one, else names beside it, of which no two are the same.
    fn paths(&self) -> Vec<PathBuf> {
        if self.tracks.len() == 1 {
            return vec![self.path.clone()];
        }
        let part = |part: Option<&std::ffi::OsStr>| part.unwrap_or_default().to_os_string();
        let (stem, extension) = (part(self.path.file_stem()), part(self.path.extension()));
        // Some file systems do not tell capitals from small letters.
        let mut taken = HashSet::new();
        let path = |track: &Track| {
            let sequence = match self.sequences.len() {
                1 => String::new(),
                _ => format!("-{}", safe(&self.sequences[track.sequence].0)),
            };
            let plain = format!("{sequence}-{}", track.id);
            let mut name = plain.clone();
            let mut number = 2;
            while !taken.insert(name.to_lowercase()) {
                name = format!("{plain}-{number}");
                number += 1;
            }
            let mut file = stem.clone();
            file.push(name);
            if !extension.is_empty() {
                file.push(".");
                file.push(&extension);
            }
            self.path.with_file_name(file)
        };
        self.tracks.iter().map(path).collect()
    }
}

/// A name of letters, digits, `-` and `_` only.
fn safe(name: &str) -> String {
    let letter = |c: char| if c.is_alphanumeric() || c == '-' { c } else { '_' };
    let name: String = name.chars().take(LETTERS).map(letter).collect();
    if name.is_empty() { "unnamed".to_owned() } else { name }
}

#[cfg(test)]
#[path = "recording_tests.rs"]
mod tests;
