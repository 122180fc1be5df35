//! Who is who from frame to frame.

use std::collections::{HashMap, HashSet};

use super::Detection;

/// The least overlap of a person with the same person some frames ago, as intersection over union of the boxes around
/// the joints. 0.3 is what SORT (`abewley/sort`) and MMPose's tracking demo take: at 25 frames a second a walker's box
/// keeps far more, and two people who stand side by side have less.
const MIN_OVERLAP: f32 = 0.3;

/// A person who is not seen for more frames is a new one: in a third of a second somebody walks out of the own box.
const MAX_GAP: i64 = 10;

/// Sorts by frame, and counts the most people in one.
pub(super) fn largest_crowd(people: &mut [Detection]) -> usize {
    people.sort_by_key(|person| person.frame);
    people.chunk_by(|a, b| a.frame == b.frame).map(<[_]>::len).max().unwrap_or(0)
}

/// Each person's detections in time order, at most one a frame; people in the order of appearance.
///
/// People with a number are told apart by it. The others are followed from frame to frame: of all pairs of a person
/// before and a person now, the one that overlaps most is joined first.
pub(super) fn tracks(mut people: Vec<Detection>) -> Vec<Vec<Detection>> {
    let crowd = largest_crowd(&mut people);
    // AlphaPose without tracking gives everybody the number 0.
    let first = people.iter().find_map(|person| person.track);
    let usable = crowd < 2 || people.iter().any(|person| person.track.is_some() && person.track != first);
    let (numbered, others): (Vec<_>, Vec<_>) = people.into_iter().partition(|p| usable && p.track.is_some());
    let mut tracks = by_number(&numbered);
    tracks.extend(by_overlap(&others));
    tracks.sort_by_key(|track| track.first().map(|person| person.frame));
    tracks
}

/// If a frame has a number twice, the first counts.
fn by_number(people: &[Detection]) -> Vec<Vec<Detection>> {
    let mut tracks: Vec<Vec<Detection>> = Vec::new();
    let mut known = HashMap::new();
    for person in people {
        let track = *known.entry(person.track).or_insert(tracks.len());
        match tracks.get_mut(track) {
            None => tracks.push(vec![*person]),
            Some(track) if track.last().is_some_and(|last| last.frame != person.frame) => track.push(*person),
            Some(_) => {}
        }
    }
    tracks
}

fn by_overlap(people: &[Detection]) -> Vec<Vec<Detection>> {
    let mut tracks: Vec<Vec<Detection>> = Vec::new();
    let mut recent: Vec<usize> = Vec::new();
    for now in people.chunk_by(|a, b| a.frame == b.frame) {
        let last = |track: usize| tracks[track].last().filter(|last| frames_between(last, &now[0]) <= MAX_GAP);
        recent.retain(|&track| last(track).is_some());
        let boxes: Vec<[f32; 4]> = now.iter().map(bounds).collect();
        let mut pairs = Vec::new();
        for &track in &recent {
            let before = last(track).map(bounds).unwrap_or_default();
            let overlaps = boxes.iter().map(|&now| overlap(before, now)).enumerate();
            pairs.extend(overlaps.filter(|(_, o)| *o >= MIN_OVERLAP).map(|(person, o)| (o, track, person)));
        }
        // Ties go to who came first, so that the result depends on nothing else.
        pairs.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)).then(a.2.cmp(&b.2)));
        let mut track_of: Vec<Option<usize>> = vec![None; now.len()];
        let mut taken = HashSet::new();
        for (_, track, person) in pairs {
            if track_of[person].is_none() && taken.insert(track) {
                track_of[person] = Some(track);
            }
        }
        for (person, track) in now.iter().zip(track_of) {
            if let Some(track) = track {
                tracks[track].push(*person);
            } else {
                recent.push(tracks.len());
                tracks.push(vec![*person]);
            }
        }
    }
    tracks
}

fn frames_between(a: &Detection, b: &Detection) -> i64 {
    i64::from(b.frame) - i64::from(a.frame)
}

/// Left, top, right, bottom of the joints that are there.
fn bounds(person: &Detection) -> [f32; 4] {
    let none = [f32::INFINITY, f32::INFINITY, f32::NEG_INFINITY, f32::NEG_INFINITY];
    person.known().fold(none, |[l, t, r, b], [x, y]| [l.min(x), t.min(y), r.max(x), b.max(y)])
}

fn box_area([l, t, r, b]: [f32; 4]) -> f32 {
    (r - l).max(0.0) * (b - t).max(0.0)
}

/// The area in the image, in square pixels.
pub(super) fn area(person: &Detection) -> f32 {
    box_area(bounds(person))
}

/// Intersection over union of two boxes; 0 if both are empty.
fn overlap(a: [f32; 4], b: [f32; 4]) -> f32 {
    let common = box_area([a[0].max(b[0]), a[1].max(b[1]), a[2].min(b[2]), a[3].min(b[3])]);
    let union = box_area(a) + box_area(b) - common;
    if union > 0.0 { common / union } else { 0.0 }
}

#[cfg(test)]
#[path = "tracks_tests.rs"]
mod tests;
