//! Frames of a pose set, in the order of time: what was recorded of several people comes frame by frame.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use super::{Frame, Person, View};
use crate::data::PoseSet;
use crate::pose::{Intrinsics, layout};

/// A pose set as frames.
pub struct Recorded<'a> {
    set: &'a PoseSet,
    /// Whether the set's intrinsics are a guess.
    is_guess: bool,
    /// Recordings in the order of appearance: the poses of each in the order of time, with their number and person.
    recordings: Vec<(Option<Arc<str>>, Vec<Seen>)>,
}

/// A pose of a recording.
#[derive(Clone, Copy)]
struct Seen {
    pose: usize,
    frame: i32,
    id: i64,
}

impl<'a> Recorded<'a> {
    /// The frames of a set. Sequences that are called `name#1`, `name#2`, as importers of detectors do, are people of one
    /// recording; others are recordings of one person. Without sequences there is one.
    #[must_use]
    pub fn new(set: &'a PoseSet, is_guess: bool) -> Self {
        let mut recordings: Vec<(Option<Arc<str>>, Vec<Seen>)> = Vec::new();
        let mut known: HashMap<i32, (usize, i64)> = HashMap::new();
        let (mut named, mut people) = (HashMap::<String, usize>::new(), HashSet::new());
        let mut next = 0;
        for pose in 0..set.len() {
            if set.begins_sequence(pose) {
                next = 0;
            }
            let frame = set.frame.as_ref().map_or(next, |frames| frames[pose]);
            next = frame.saturating_add(1);
            let Some(sequence) = set.sequence.as_ref().map(|all| all[pose]) else {
                if recordings.is_empty() {
                    recordings.push((None, Vec::new()));
                }
                recordings[0].1.push(Seen { pose, frame, id: 1 });
                continue;
            };
            let (recording, id) = *known.entry(sequence).or_insert_with(|| {
                let name = usize::try_from(sequence).ok().and_then(|number| set.sequence_names.get(number));
                let name = name.cloned().unwrap_or_else(|| sequence.to_string());
                let (mut name, id) = person_of(&name);
                // Two people of one number are of two recordings.
                while !people.insert((name.clone(), id)) {
                    name += " (2)";
                }
                let recording = *named.entry(name.clone()).or_insert_with(|| {
                    recordings.push((Some(Arc::from(name)), Vec::new()));
                    recordings.len() - 1
                });
                (recording, id)
            });
            recordings[recording].1.push(Seen { pose, frame, id });
        }
        for (_, poses) in &mut recordings {
            // One person's poses stay as they are: where numbers go back, another take begins.
            if poses.iter().any(|seen| seen.id != poses[0].id) {
                poses.sort_by_key(|seen| seen.frame);
            }
        }
        Self { set, is_guess, recordings }
    }

    /// The number of the first frame of each recording.
    #[must_use]
    pub fn starts(&self) -> Vec<usize> {
        let lengths = self.recordings.iter().map(|(_, poses)| frames_of(poses).count());
        let sums = lengths.scan(0, |sum, length| Some(std::mem::replace(sum, *sum + length)));
        sums.collect()
    }

    /// Those recordings alone whose first frame is in `range`.
    #[must_use]
    pub fn only(mut self, range: Range<usize>) -> Self {
        let mut starts = self.starts().into_iter();
        self.recordings.retain(|_| starts.next().is_some_and(|start| range.contains(&start)));
        self
    }

    /// How many frames there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.groups().count()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.recordings.is_empty()
    }

    /// The frames, each with what it is seen by.
    pub fn frames(&self) -> impl Iterator<Item = (View, Frame)> + '_ {
        self.groups().map(|(sequence, seen)| {
            let (set, first) = (self.set, seen[0]);
            let layout = if set.joints == 16 { &layout::H36M_16 } else { &layout::H36M_17 };
            let view = View {
                layout,
                image_size: set.image_size.as_ref().map(|sizes| sizes[first.pose]),
                camera: set.intrinsics.as_ref().map(|cameras| Intrinsics::from(cameras[first.pose])),
                is_guess: self.is_guess,
            };
            let people = seen.iter().map(|seen| self.person(*seen)).collect();
            (view, Frame { number: Some(first.frame), time: None, sequence: sequence.clone(), people })
        })
    }

    /// The poses that are of one frame.
    fn groups(&self) -> impl Iterator<Item = (&Option<Arc<str>>, &[Seen])> + '_ {
        self.recordings.iter().flat_map(|(sequence, poses)| frames_of(poses).map(move |seen| (sequence, seen)))
    }

    fn person(&self, Seen { pose, id, .. }: Seen) -> Person {
        let joints = self.set.joints;
        let keypoints = self.set.keypoints[2 * joints * pose..][..2 * joints].as_chunks().0.to_vec();
        let confidence = self.set.confidence.as_ref().map(|all| all[joints * pose..][..joints].to_vec());
        Person { id: Some(id), keypoints, confidence: confidence.unwrap_or_default() }
    }
}

/// The poses of a recording, frame by frame.
fn frames_of(poses: &[Seen]) -> impl Iterator<Item = &[Seen]> {
    poses.chunk_by(|a, b| a.frame == b.frame && a.id != b.id)
}

/// The recording that a sequence is of, and the number of the person.
fn person_of(sequence: &str) -> (String, i64) {
    let numbered = sequence.rsplit_once('#').and_then(|(name, number)| {
        let id: i64 = number.parse().ok()?;
        // As importers write it: `name#01` is a name.
        (id.to_string() == number).then(|| (name.to_owned(), id))
    });
    numbered.unwrap_or_else(|| (sequence.to_owned(), 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(sequences: &[i32], frames: &[i32], names: &[&str]) -> PoseSet {
        let n = frames.len();
        PoseSet {
            joints: 16,
            keypoints: (0..32 * n).map(|i| i as f32 + 1.0).collect(),
            sequence: (!sequences.is_empty()).then(|| sequences.to_vec()),
            frame: Some(frames.to_vec()),
            sequence_names: names.iter().map(ToString::to_string).collect(),
            ..PoseSet::default()
        }
    }

    /// Recording, frame, and each person with the number of the pose.
    type Told = (String, i32, Vec<(i64, usize)>);

    fn told(set: &PoseSet) -> Vec<Told> {
        let recorded = Recorded::new(set, false);
        assert_eq!(recorded.len(), recorded.frames().count());
        let person = |person: &Person| (person.id.unwrap(), (person.keypoints[0][0] as usize - 1) / 32);
        let frame = |(_, frame): (View, Frame)| {
            let name = frame.sequence.as_deref().unwrap_or("-").to_owned();
            (name, frame.number.unwrap(), frame.people.iter().map(person).collect())
        };
        recorded.frames().map(frame).collect()
    }

    #[test]
    fn people_of_one_recording_come_frame_by_frame() {
        let set = set(&[0, 0, 0, 1, 1, 2], &[1, 2, 3, 2, 4, 0], &["a#1", "a#2", "b"]);
        let of = |name: &str| name.to_owned();
        assert_eq!(
            told(&set),
            [
                (of("a"), 1, vec![(1, 0)]),
                (of("a"), 2, vec![(1, 1), (2, 3)]),
                (of("a"), 3, vec![(1, 2)]),
                (of("a"), 4, vec![(2, 4)]),
                (of("b"), 0, vec![(1, 5)]),
            ]
        );
    }

    #[test]
    fn recordings_can_be_had_apart() {
        let set = set(&[0, 0, 0, 1, 1, 2], &[1, 2, 3, 2, 4, 0], &["a#1", "a#2", "b"]);
        let recorded = || Recorded::new(&set, false);
        assert_eq!(recorded().starts(), [0, 4]);
        assert_eq!([0..5, 0..4, 4..5, 1..4, 5..5].map(|range| recorded().only(range).len()), [5, 4, 1, 0, 0]);
    }

    #[test]
    fn two_people_of_one_number_are_of_two_recordings() {
        let set = set(&[0, 1, 2, 3], &[0, 0, 0, 0], &["w#1", "w#1", "w#01", "w#2"]);
        let names: Vec<_> = told(&set).into_iter().map(|(name, _, people)| (name, people.len())).collect();
        assert_eq!(names, [("w".into(), 2), ("w (2)".into(), 1), ("w#01".into(), 1)]);
    }

    #[test]
    fn sequences_without_names_and_sets_without_sequences_are_recordings_too() {
        assert_eq!(told(&set(&[7, 7], &[0, 1], &[])), [("7".into(), 0, vec![(1, 0)]), ("7".into(), 1, vec![(1, 1)])]);
        let mut all = set(&[], &[5, 5, 4], &[]);
        let one = |frame, pose| ("-".to_owned(), frame, vec![(1, pose)]);
        assert_eq!(told(&all), [one(5, 0), one(5, 1), one(4, 2)]);
        all.frame = None;
        assert_eq!(told(&all), [one(0, 0), one(1, 1), one(2, 2)]);
        all.keypoints.clear();
        assert!(Recorded::new(&all, false).is_empty());
    }
}
