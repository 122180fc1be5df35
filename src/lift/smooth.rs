//! Smoothing over time, where it is asked for: of what was lifted, person by person.

use std::collections::VecDeque;

use nalgebra::{Matrix3, Vector3};

use super::{Lifted, LiftedPerson};
use crate::named::named_enum;
use crate::pose::follow::MAX_GAP;

named_enum! {
    /// How poses are smoothed over time.
    #[derive(Default)]
    pub enum Smooth {
        /// Not at all.
        #[default]
        None = "none",
        /// The 1 € filter (Casiez et al., CHI 2012): from the past alone, so that it serves live streams.
        OneEuro = "one-euro",
        /// A parabola fitted to nine frames, four on each side (Savitzky and Golay, 1964): it looks ahead.
        Savgol = "savgol",
    }
}

/// The 1 € filter's cutoff at rest, Hz, and how it rises with the speed, Hz per m/s; that of the speed itself, Hz. Chosen on
/// motion at 15 frames a second, see `docs/lift.md`.
const MIN_CUTOFF: f32 = 2.0;
const BETA: f32 = 5.0;
const SPEED_CUTOFF: f32 = 1.0;

/// Frames on each side that a parabola is fitted to.
const REACH: usize = 4;

/// Frames a second where neither times nor a rate are known.
pub const USUAL_FPS: f64 = 30.0;

/// Smooths what a session gives.
pub struct Smoother {
    kind: Smooth,
    fps: f64,
    filters: Vec<Filter>,
    /// As lifted: up to [`REACH`] that were given back, then those that wait for the frames after them.
    frames: VecDeque<Lifted>,
    given: usize,
}

impl Smoother {
    /// Smooths frames whose times, where they have none, follow from this many a second, 30 without.
    #[must_use]
    pub fn new(kind: Smooth, fps: Option<f64>) -> Self {
        Self { kind, fps: fps.unwrap_or(USUAL_FPS), filters: Vec::new(), frames: VecDeque::new(), given: 0 }
    }

    /// Takes a frame; gives those that are ready, in order.
    pub fn push(&mut self, mut frame: Lifted, mut ready: impl FnMut(Lifted)) {
        match self.kind {
            Smooth::None => ready(frame),
            Smooth::OneEuro => {
                self.filter(&mut frame);
                ready(frame);
            }
            Smooth::Savgol => {
                let goes_on = self.frames.back().is_none_or(|last| last.sequence == frame.sequence);
                if !goes_on {
                    self.finish(&mut ready);
                }
                self.frames.push_back(frame);
                while self.frames.len() > self.given + REACH {
                    self.give(&mut ready);
                }
            }
        }
    }

    /// Gives the frames that still wait; the next one begins anew.
    pub fn finish(&mut self, mut ready: impl FnMut(Lifted)) {
        while self.given < self.frames.len() {
            self.give(&mut ready);
        }
        self.frames.clear();
        self.given = 0;
    }

    fn time(&self, frame: &Lifted) -> f64 {
        frame.time.unwrap_or(f64::from(frame.frame) / self.fps)
    }

    fn filter(&mut self, frame: &mut Lifted) {
        let (number, time) = (frame.frame, self.time(frame));
        self.filters.retain(|filter| (0..=MAX_GAP).contains(&i64::from(number.wrapping_sub(filter.frame))));
        for person in &mut frame.people {
            let known = self.filters.iter().position(|filter| filter.id == person.id && !person.begins);
            let trained = person.trained.iter_mut().flatten();
            let points = person.joints.iter_mut().chain(trained).chain(&mut person.root);
            match known {
                Some(index) => self.filters[index].apply(number, time, points),
                None => {
                    self.filters.retain(|filter| filter.id != person.id);
                    let at = points.map(|point| (*point, [0.0; 3])).collect();
                    self.filters.push(Filter { id: person.id, frame: number, time, at });
                }
            }
        }
    }

    /// Gives the first frame that waits, each person fitted to the frames around it.
    fn give(&mut self, ready: &mut impl FnMut(Lifted)) {
        let mut frame = self.frames[self.given].clone();
        let now = self.time(&frame);
        for person in &mut frame.people {
            let around = self.around(person);
            let times: Vec<f64> = around.iter().map(|(time, _)| time - now).collect();
            let weights = at_zero(&times);
            let fitted = |of: &dyn Fn(&LiftedPerson) -> Option<[f32; 3]>| {
                let mut sum = [0.0; 3];
                for ((_, person), weight) in around.iter().zip(&weights) {
                    let point = of(person)?;
                    (0..3).for_each(|axis| sum[axis] += weight * f64::from(point[axis]));
                }
                Some(sum.map(|v| v as f32))
            };
            let joint = |joint: usize| fitted(&|person| person.joints.get(joint).copied());
            let joints: Vec<_> = (0..person.joints.len()).map(joint).collect();
            let trained = |joint: usize| fitted(&|person| person.trained.as_ref()?.get(joint).copied());
            let trained: Vec<_> = (0..person.trained.as_ref().map_or(0, Vec::len)).map(trained).collect();
            let root = fitted(&|person| person.root);
            person.joints.iter_mut().zip(joints).for_each(|(to, joint)| *to = joint.unwrap_or(*to));
            let kept = person.trained.iter_mut().flatten().zip(trained);
            kept.for_each(|(to, joint)| *to = joint.unwrap_or(*to));
            person.root = root.or(person.root);
        }
        ready(frame);
        if self.given == REACH {
            self.frames.pop_front();
        } else {
            self.given += 1;
        }
    }

    /// The person in the frames around the one to be given, as far as the track goes, with the times.
    fn around(&self, person: &LiftedPerson) -> Vec<(f64, &LiftedPerson)> {
        let same = |frame: usize| {
            let person = self.frames[frame].people.iter().find(|other| other.id == person.id)?;
            Some((self.time(&self.frames[frame]), person))
        };
        let mut found: Vec<_> = same(self.given).into_iter().collect();
        let mut first = person.begins;
        for before in (0..self.given).rev().take(REACH) {
            let Some((time, person)) = same(before).filter(|_| !first) else { break };
            first = person.begins;
            found.push((time, person));
        }
        for after in self.given + 1..self.frames.len().min(self.given + REACH + 1) {
            let Some((time, person)) = same(after).filter(|(_, person)| !person.begins) else { break };
            found.push((time, person));
        }
        found
    }
}

/// What the parabola of least squares through values at these times is at time 0, as weights of the values. Fewer than
/// three different times have none: the first counts alone.
fn at_zero(times: &[f64]) -> Vec<f64> {
    // In units of the window, so that nothing is ill-conditioned.
    let unit = times.iter().fold(0.0, |most: f64, time| most.max(time.abs())).max(f64::MIN_POSITIVE);
    let powers = |time: &f64| Vector3::new(1.0, time / unit, (time / unit).powi(2));
    let normal: Matrix3<f64> = times.iter().map(powers).map(|row| row * row.transpose()).sum();
    let well_posed = normal.determinant() > 1e-6;
    match normal.try_inverse().filter(|_| well_posed) {
        Some(inverse) => times.iter().map(|time| (inverse * powers(time))[0]).collect(),
        None => (0..times.len()).map(|place| if place == 0 { 1.0 } else { 0.0 }).collect(),
    }
}

/// A person's 1 € filter.
struct Filter {
    id: i64,
    frame: i32,
    time: f64,
    /// Each point as filtered, and its speed, m/s.
    at: Vec<([f32; 3], [f32; 3])>,
}

impl Filter {
    /// Filters the points of the next frame. The cutoff rises with a point's speed, whatever its direction.
    fn apply<'a>(&mut self, frame: i32, time: f64, points: impl Iterator<Item = &'a mut [f32; 3]>) {
        let seconds = (time - self.time) as f32;
        (self.frame, self.time) = (frame, time);
        let alpha = |cutoff: f32| 1.0 / (1.0 + 1.0 / (std::f32::consts::TAU * cutoff * seconds));
        let mut count = 0;
        for (place, point) in points.enumerate() {
            count = place + 1;
            // A root that is known from here on.
            let Some((at, speed)) = self.at.get_mut(place) else {
                self.at.push((*point, [0.0; 3]));
                continue;
            };
            // Times that stand still say nothing of speeds.
            if seconds > 0.0 {
                let mix = |from: &mut [f32; 3], to: [f32; 3], share: f32| {
                    from.iter_mut().zip(to).for_each(|(from, to)| *from += share * (to - *from));
                };
                mix(speed, std::array::from_fn(|axis| (point[axis] - at[axis]) / seconds), alpha(SPEED_CUTOFF));
                let norm = speed.iter().map(|v| v * v).sum::<f32>().sqrt();
                mix(at, *point, alpha(MIN_CUTOFF + BETA * norm));
            } else {
                *at = *point;
            }
            *point = *at;
        }
        self.at.truncate(count);
    }
}

#[cfg(test)]
#[path = "smooth_tests.rs"]
mod tests;
