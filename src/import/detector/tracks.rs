//! Who is who from frame to frame.

use std::collections::HashMap;

use super::Detection;
use crate::pose::follow::{Bounds, Follower};

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
    let (mut tracks, mut follower) = (Vec::<Vec<Detection>>::new(), Follower::default());
    for now in people.chunk_by(|a, b| a.frame == b.frame) {
        let boxes: Vec<Bounds> = now.iter().map(bounds).collect();
        for (person, track) in now.iter().zip(follower.assign(i64::from(now[0].frame), &boxes)) {
            match tracks.get_mut(track) {
                Some(track) => track.push(*person),
                None => tracks.push(vec![*person]),
            }
        }
    }
    tracks
}

/// The box around the joints that are there.
fn bounds(person: &Detection) -> Bounds {
    Bounds::around(person.known())
}

/// The area in the image, in square pixels.
pub(super) fn area(person: &Detection) -> f32 {
    bounds(person).area()
}

#[cfg(test)]
#[path = "tracks_tests.rs"]
mod tests;
