//! What became of the records of an import.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    hash::{DefaultHasher, Hash, Hasher},
};

use super::Detection;
use crate::{
    error::Result,
    import::{Collector, damaged::Damaged, sources::counted},
};

/// Counts over all files.
#[derive(Debug)]
pub(super) struct Tally {
    /// Records of people.
    records: Damaged,
    files: Damaged,
    /// Frames, or images.
    pub(super) frames: usize,
    /// Records that have no keypoints: boxes, crowds; and what the first is.
    pub(super) without: (usize, Option<String>),
    /// What the objects of files have, for the message where that is nothing that is known.
    pub(super) fields: BTreeSet<String>,
    /// People of whom no joint is there.
    pub(super) nobody: usize,
    /// People who stand in another file too.
    pub(super) twice: usize,
    /// People without any score.
    pub(super) unscored: usize,
    /// Keypoints too far from the image.
    pub(super) far: usize,
    /// What is no person, by its category, and how many.
    pub(super) others: BTreeMap<String, usize>,
    /// Whether a category was asked for, and others are none of that.
    pub(super) is_asked: bool,
    /// Sentences of the readers.
    pub(super) notes: Vec<String>,
}

impl Tally {
    pub(super) fn new(strict: bool) -> Self {
        Self {
            records: Damaged::new("record", strict),
            files: Damaged::new("file", strict),
            frames: 0,
            without: (0, None),
            fields: BTreeSet::new(),
            nobody: 0,
            twice: 0,
            unscored: 0,
            far: 0,
            others: BTreeMap::new(),
            is_asked: false,
            notes: Vec::new(),
        }
    }

    /// A record's person; none if it is damaged, which ends only itself.
    ///
    /// # Errors
    /// That of a damaged record, if one is to end the import.
    pub(super) fn record<T>(&mut self, result: Result<T>) -> Result<Option<T>> {
        self.records.sift(result)
    }

    /// The same for a record that was taken, and turns out to be damaged.
    pub(super) fn late<T>(&mut self, result: Result<T>) -> Result<Option<T>> {
        self.records.sift_again(result)
    }

    /// The same for a file.
    pub(super) fn file<T>(&mut self, result: Result<T>) -> Result<Option<T>> {
        self.files.sift(result)
    }

    /// Whether a person has a joint; counts those who have none.
    pub(super) fn is_there(&mut self, person: &Detection) -> bool {
        let is_there = person.known().next().is_some();
        self.nobody += usize::from(!is_there);
        is_there
    }

    /// Whether a person is not among the `known`: the very same joints in the same annotated image.
    pub(super) fn is_new(&mut self, person: &Detection, known: &mut HashSet<u64>) -> bool {
        if person.image == 0 {
            return true;
        }
        let mut hash = DefaultHasher::new();
        let values = person.keypoints.as_flattened().iter().chain(&person.confidence).map(|v| v.to_bits());
        (person.image, values.collect::<Vec<u32>>()).hash(&mut hash);
        let is_new = known.insert(hash.finish());
        self.twice += usize::from(!is_new);
        is_new
    }

    /// So many records of people so far, damaged ones too.
    pub(super) fn records(&self) -> usize {
        self.records.seen()
    }

    /// Tells of everything that was not taken as it stands.
    ///
    /// # Errors
    /// If more was damaged than ends only itself.
    pub(super) fn finish(self, to: &mut Collector<'_>) -> Result<()> {
        let Self { records, files, without, nobody, twice, unscored, far, others, is_asked, notes, .. } = self;
        to.warn_all(files.tell()?);
        to.warn_all(records.tell()?);
        for (other, count) in others {
            let why = if is_asked { ", not the one asked for" } else { ", no person; `category` takes them" };
            to.warn(format!("{} left out: {other}{why}", counted(count, "record")));
        }
        let told = [
            (without.0, "record without keypoints", "left out"),
            (nobody, "person without any joint", "left out"),
            (twice, "person", "there more than once, in the same image, and counted once"),
            (far, "keypoint", "100,000 pixels or more from the image, and taken as missing"),
            (unscored, "person", "without scores, or with 0 only: every joint that has a place counts"),
        ];
        for (count, what, how) in told.into_iter().filter(|(count, ..)| *count > 0) {
            to.warn(format!("{} {how}", counted(count, what)));
        }
        notes.into_iter().for_each(|note| to.warn(note));
        Ok(())
    }

    /// Whether the files had nothing that this detector writes.
    pub(super) fn is_of_nothing(&self) -> bool {
        self.records.seen() == 0 && self.frames == 0
    }

    /// Why nobody is there: what the file says, or what was asked for.
    pub(super) fn why_nobody(&self, people: usize) -> (String, &'static str) {
        let Self { frames, without, nobody, .. } = self;
        if people > 0 {
            let fix = "ask for a lower score (`min_score`) or fewer frames (`min_frames`)";
            return (format!("of {people} people nobody is left"), fix);
        }
        if *nobody > 0 {
            return (
                format!("no joint of {nobody} people is there: all are at (0, 0), have no score or are no pixels"),
                "detect again",
            );
        }
        if let Some((other, count)) = self.others.first_key_value() {
            let fix = "name the category of people with `category`";
            return (format!("there is no person in it, but {count} records of {other}"), fix);
        }
        if let (count @ 1.., first) = without {
            let first = first.as_ref().map_or(String::new(), |first| format!("; the first is {first}"));
            let fix = "give the file of the keypoints, not of boxes or captions";
            return (format!("none of its {count} records has keypoints{first}"), fix);
        }
        if *frames > 0 {
            return (format!("all of its {frames} frames are empty: nobody was detected"), "detect again");
        }
        let fields: Vec<&str> = self.fields.iter().map(String::as_str).take(8).collect();
        let but = if fields.is_empty() { String::new() } else { format!(", but {}", fields.join(", ")) };
        (format!("it has neither frames nor people{but}"), "check that this is the detector's output")
    }
}
