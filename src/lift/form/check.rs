//! What a form may count on: arrays of the skeleton's length, and finite numbers.

use super::{About, Lifted, LiftedPerson};
use crate::error::{Error, Result};

/// That a frame can be written.
///
/// # Errors
/// If an array has another length than the skeleton, or a number is not finite; with frame and person.
pub(super) fn check(frame: &Lifted, about: &About) -> Result<()> {
    if frame.time.is_some_and(|time| !time.is_finite()) {
        return Err(Error::Usage(format!("frame {}: its time is no finite number; give seconds", frame.frame)));
    }
    frame.people.iter().try_for_each(|person| check_person(frame.frame, person, about))
}

fn check_person(frame: i32, person: &LiftedPerson, about: &About) -> Result<()> {
    let id = person.id;
    let lengths = [
        ("keypoints", person.keypoints.len()),
        ("confidence", person.confidence.len()),
        ("joints", person.joints.len()),
        ("guessed", person.guessed.len()),
        ("trained", person.trained.as_ref().map_or(about.skeleton.joints, Vec::len)),
    ];
    if let Some((array, length)) = lengths.iter().find(|(_, length)| *length != about.skeleton.joints) {
        let problem = format!("{array} has {length} joints, the skeleton {}", about.skeleton.joints);
        return Err(Error::Usage(format!("frame {frame}, person {id}: {problem}; give one for each joint")));
    }
    let is_finite = |point: &[f32; 3]| point.iter().all(|number| number.is_finite());
    let losses = person.losses.iter().flat_map(|losses| losses.terms());
    let lost = (person.joints.iter().position(|joint| !is_finite(joint)))
        .or_else(|| person.trained.iter().flatten().position(|joint| !is_finite(joint)))
        .or_else(|| person.confidence.iter().position(|number| !number.is_finite()))
        .or_else(|| person.keypoints.iter().position(|keypoint| !keypoint.iter().all(|number| number.is_finite())))
        .map(|joint| about.skeleton.names[joint])
        .or_else(|| person.root.filter(|root| !is_finite(root)).map(|_| "the root"))
        .or_else(|| losses.into_iter().find(|term| !term.value.is_finite()).map(|term| term.name));
    match lost {
        None => Ok(()),
        Some(what) => Err(Error::Diverged(format!(
            "frame {frame}, person {id}: {what} is no finite number; adaptation may have diverged: lower its learning \
             rate, or lift without it"
        ))),
    }
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
