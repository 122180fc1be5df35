//! Frames as they come, in little memory.

use std::collections::HashMap;
use std::sync::Arc;

use crate::lift::{Lifted, LiftedPerson};
use crate::pose::Skeleton;

/// Stands for a coordinate that is not there.
pub(super) const MISSING: i16 = i16::MIN;

/// The person was adapted to in this frame.
pub(super) const ADAPTED: u8 = 1;

/// A frame, whoever is in it.
#[derive(Debug)]
pub(super) struct Frame {
    /// The place of its recording in [`Store::sequences`].
    pub(super) sequence: usize,
    pub(super) number: i32,
    pub(super) time: Option<f64>,
    pub(super) ms: f64,
}

/// A person in a frame.
#[derive(Debug)]
pub(super) struct Row {
    /// The place of the frame in [`Store::frames`].
    pub(super) frame: usize,
    /// The place of the person in [`Store::people`].
    pub(super) person: usize,
    pub(super) flags: u8,
    /// A bit a joint: the input has it.
    pub(super) found: u32,
    /// A bit a joint: it is a guess.
    pub(super) guessed: u32,
    /// Where its pose as trained begins in [`Store::trained`].
    pub(super) trained: Option<usize>,
    /// Where its losses begin in [`Store::losses`].
    pub(super) losses: Option<usize>,
}

/// Somebody in a recording.
#[derive(Debug)]
pub(super) struct Person {
    pub(super) sequence: usize,
    pub(super) id: i64,
}

/// What was lifted so far: whole millimetres, and pixels as they came, whose grain is chosen when all are known.
#[derive(Debug)]
pub(super) struct Store {
    pub(super) joints: usize,
    /// How many poses it takes; frames without people count as one.
    pub(super) limit: usize,
    pub(super) frames: Vec<Frame>,
    pub(super) rows: Vec<Row>,
    /// (rows, J, 2)
    pub(super) keypoints: Vec<f32>,
    /// (rows, J, 3), millimetres from the root
    pub(super) adapted: Vec<i16>,
    /// As `adapted`, for the rows that have it.
    pub(super) trained: Vec<i16>,
    /// (rows that have some, terms)
    pub(super) losses: Vec<f32>,
    /// The names of the losses, as the first row with losses has them.
    pub(super) terms: Vec<&'static str>,
    pub(super) sequences: Vec<Option<Arc<str>>>,
    pub(super) people: Vec<Person>,
    /// Frames that came after the limit.
    pub(super) left_out: usize,
    taken: usize,
    known_sequences: HashMap<Option<Arc<str>>, usize>,
    /// By recording, number, and how many of that number came before in the frame: two people never share a row.
    known_people: HashMap<(usize, i64, usize), usize>,
}

impl Store {
    pub(super) fn new(skeleton: &Skeleton, limit: usize) -> Self {
        Self {
            joints: skeleton.joints,
            limit,
            frames: Vec::new(),
            rows: Vec::new(),
            keypoints: Vec::new(),
            adapted: Vec::new(),
            trained: Vec::new(),
            losses: Vec::new(),
            terms: Vec::new(),
            sequences: Vec::new(),
            people: Vec::new(),
            left_out: 0,
            taken: 0,
            known_sequences: HashMap::new(),
            known_people: HashMap::new(),
        }
    }

    /// Takes a frame, or counts it, once a frame did not fit.
    pub(super) fn push(&mut self, frame: &Lifted) {
        let more = frame.people.len().max(1);
        if self.left_out > 0 || self.taken + more > self.limit {
            self.left_out += 1;
            return;
        }
        self.taken += more;
        let sequence = *self.known_sequences.entry(frame.sequence.clone()).or_insert_with(|| {
            self.sequences.push(frame.sequence.clone());
            self.sequences.len() - 1
        });
        let place = self.frames.len();
        self.frames.push(Frame { sequence, number: frame.frame, time: frame.time, ms: frame.ms });
        let mut same: HashMap<i64, usize> = HashMap::new();
        for person in &frame.people {
            let before = same.entry(person.id).or_default();
            let key = (sequence, person.id, *before);
            *before += 1;
            self.push_person(place, key, person);
        }
    }

    fn push_person(&mut self, frame: usize, key: (usize, i64, usize), person: &LiftedPerson) {
        let (sequence, id, _) = key;
        let number = *self.known_people.entry(key).or_insert_with(|| {
            self.people.push(Person { sequence, id });
            self.people.len() - 1
        });
        let joints = self.joints;
        let keypoint = |joint: usize| person.keypoints.get(joint).copied().unwrap_or([f32::NAN; 2]);
        let is_found = |joint: usize| {
            let sure = person.confidence.get(joint).is_some_and(|&confidence| confidence > 0.0);
            sure && keypoint(joint).iter().all(|value| value.is_finite())
        };
        let found = bits(joints, is_found);
        self.keypoints.extend((0..joints).flat_map(|joint| match is_found(joint) {
            true => keypoint(joint),
            false => [f32::NAN; 2],
        }));
        millimetres(joints, &person.joints, &mut self.adapted);
        let trained = person.trained.as_ref().map(|pose| {
            let start = self.trained.len();
            millimetres(joints, pose, &mut self.trained);
            start
        });
        let losses = person.losses.as_ref().map(|losses| {
            if self.terms.is_empty() {
                self.terms = losses.terms().iter().map(|term| term.name).collect();
            }
            let start = self.losses.len();
            self.losses.extend(self.terms.iter().map(|name| losses.get(name).unwrap_or(f32::NAN)));
            start
        });
        self.rows.push(Row {
            frame,
            person: number,
            flags: if person.adapted { ADAPTED } else { 0 },
            found,
            guessed: bits(joints, |joint| person.guessed.get(joint).copied().unwrap_or(false)),
            trained,
            losses,
        });
    }
}

fn bits(joints: usize, is: impl Fn(usize) -> bool) -> u32 {
    (0..joints.min(32)).filter(|&joint| is(joint)).fold(0, |bits, joint| bits | 1 << joint)
}

/// A pose in whole millimetres; a joint that is not finite or out of reach is [`MISSING`] as a whole.
fn millimetres(joints: usize, pose: &[[f32; 3]], into: &mut Vec<i16>) {
    let whole = |metres: f32| {
        let value = (1000.0 * metres).round();
        (value.abs() <= f32::from(i16::MAX)).then_some(value as i16)
    };
    into.extend((0..joints).flat_map(|joint| {
        let [x, y, z] = pose.get(joint).map_or([None; 3], |&point| point.map(whole));
        match (x, y, z) {
            (Some(x), Some(y), Some(z)) => [x, y, z],
            _ => [MISSING; 3],
        }
    }));
}
