//! Who is who from frame to frame, by where people are in the image.

use std::collections::HashSet;

/// The least overlap of a person with the same person some frames ago, as intersection over union of the boxes around
/// the joints. 0.3 is what SORT (`abewley/sort`) and MMPose's tracking demo take: at 25 frames a second a walker's box
/// keeps far more, and two people who stand side by side have less.
const MIN_OVERLAP: f32 = 0.3;

/// A person who is not seen for more frames is a new one, and a joint may be anywhere: in a third of a second somebody walks
/// out of the own box.
pub(crate) const MAX_GAP: i64 = 10;

/// A box in an image: left, top, right, bottom, pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Bounds([f32; 4]);

impl Bounds {
    /// The least box around points; one that overlaps nothing where there are none.
    pub(crate) fn around(points: impl Iterator<Item = [f32; 2]>) -> Self {
        let none = [f32::INFINITY, f32::INFINITY, f32::NEG_INFINITY, f32::NEG_INFINITY];
        Self(points.fold(none, |[l, t, r, b], [x, y]| [l.min(x), t.min(y), r.max(x), b.max(y)]))
    }

    /// Its area, square pixels.
    pub(crate) fn area(self) -> f32 {
        let [l, t, r, b] = self.0;
        (r - l).max(0.0) * (b - t).max(0.0)
    }

    /// Whether the other is too far away for the same person a moment later: the middles of the boxes are more than a
    /// person apart. A few joints say where somebody is, if not how large.
    pub(crate) fn is_far(self, other: Self) -> bool {
        let [a, b] = [self.0, other.0];
        let middle = |[l, t, r, b]: [f32; 4]| [(l + r) / 2.0, (t + b) / 2.0];
        let side = |[l, t, r, b]: [f32; 4]| (r - l).max(b - t);
        let ([ax, ay], [bx, by]) = (middle(a), middle(b));
        (ax - bx).hypot(ay - by) > side(a).max(side(b))
    }

    /// Intersection over union; 0 if both are empty.
    pub(crate) fn overlap(self, other: Self) -> f32 {
        let (a, b) = (self.0, other.0);
        let common = Self([a[0].max(b[0]), a[1].max(b[1]), a[2].min(b[2]), a[3].min(b[3])]).area();
        let union = self.area() + other.area() - common;
        if union > 0.0 { common / union } else { 0.0 }
    }
}

/// Follows people from frame to frame: of all pairs of a person before and a person now, the one that overlaps most is
/// joined first.
#[derive(Debug, Clone, Default)]
pub(crate) struct Follower {
    /// Those who may go on: the number, the last frame and the box in it.
    recent: Vec<(usize, i64, Bounds)>,
    next: usize,
}

impl Follower {
    /// The number of each person of the next frame, whose boxes these are. Numbers count from 0, and who is new has the
    /// next.
    pub(crate) fn assign(&mut self, frame: i64, boxes: &[Bounds]) -> Vec<usize> {
        self.recent.retain(|(_, last, _)| frame - last <= MAX_GAP);
        let mut pairs = Vec::new();
        for (track, (.., before)) in self.recent.iter().enumerate() {
            let overlaps = boxes.iter().map(|now| before.overlap(*now)).enumerate();
            pairs.extend(overlaps.filter(|(_, o)| *o >= MIN_OVERLAP).map(|(person, o)| (o, track, person)));
        }
        // Ties go to who came first, so that the result depends on nothing else.
        pairs.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)).then(a.2.cmp(&b.2)));
        let mut track_of: Vec<Option<usize>> = vec![None; boxes.len()];
        let mut taken = HashSet::new();
        for (_, track, person) in pairs {
            if track_of[person].is_none() && taken.insert(track) {
                track_of[person] = Some(track);
            }
        }
        let mut number = |(track, now): (Option<usize>, &Bounds)| match track {
            Some(track) => {
                (self.recent[track].1, self.recent[track].2) = (frame, *now);
                self.recent[track].0
            }
            None => {
                self.recent.push((self.next, frame, *now));
                self.next += 1;
                self.next - 1
            }
        };
        track_of.into_iter().zip(boxes).map(&mut number).collect()
    }

    /// Forgets everybody; numbers go on.
    pub(crate) fn cut(&mut self) {
        self.recent.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A box of 40 by 100 pixels whose middle is at `x`.
    fn person(x: f32) -> Bounds {
        Bounds::around([[x - 20.0, 0.0], [x + 20.0, 100.0], [x, 50.0]].into_iter())
    }

    #[test]
    fn overlap_is_intersection_over_union() {
        assert_eq!(person(100.0), Bounds([80.0, 0.0, 120.0, 100.0]));
        assert_eq!(person(100.0).overlap(person(100.0)), 1.0);
        // 20 of 60 pixels in width.
        assert!((person(100.0).overlap(person(120.0)) - 1.0 / 3.0).abs() < 1e-6);
        assert_eq!(person(100.0).overlap(person(140.0)), 0.0);
        assert!(!person(100.0).is_far(person(190.0)) && person(100.0).is_far(person(210.0)));
        // One joint of them.
        let joint = Bounds::around([[110.0, 90.0]].into_iter());
        assert!(!person(100.0).is_far(joint) && !joint.is_far(person(100.0)));
        let nobody = Bounds::around(std::iter::empty());
        assert_eq!((person(7.0).area(), nobody.area(), nobody.overlap(nobody)), (4000.0, 0.0, 0.0));
    }

    #[test]
    fn the_nearest_pair_is_joined_first_and_the_absent_come_back_for_a_while() {
        let mut follower = Follower::default();
        assert_eq!(follower.assign(0, &[person(100.0)]), [0]);
        // Both overlap the person of frame 0; the second more.
        assert_eq!(follower.assign(1, &[person(115.0), person(105.0)]), [1, 0]);
        assert_eq!(follower.assign(2, &[]), [0; 0]);
        assert_eq!(follower.assign(11, &[person(105.0)]), [0]);
        assert_eq!(follower.assign(22, &[person(105.0)]), [2]);
        follower.cut();
        assert_eq!(follower.assign(23, &[person(105.0)]), [3]);
    }
}
