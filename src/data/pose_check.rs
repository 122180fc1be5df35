//! Whether poses can be those of people seen by a camera. One check for every reader, and for pose sets themselves.

use super::{
    PoseSet,
    findings::{Findings, Wrong},
};
use crate::pose::Skeleton;

/// A person's bones add up to about this, metres: 5.3 in Human3.6M (17 joints), children less.
const BONES_M: std::ops::Range<f64> = 2.0..9.0;

/// What they add up to in most data.
const USUAL_BONES_M: f64 = 5.3;

/// Beyond this it is another unit: centimetres, inches and millimetres are 39 times as many and more.
const POSSIBLE_BONES_M: std::ops::Range<f64> = 0.8..40.0;

/// A unit that was taken for another, and so many times too long everything is then; the other way round, too short.
const TAKEN: [(&str, &str, f64); 5] = [
    ("millimetres", "metres", 1000.0),
    ("centimetres", "metres", 100.0),
    ("inches", "metres", 39.37),
    ("millimetres", "inches", 25.4),
    ("millimetres", "centimetres", 10.0),
];

/// A person is over ten pixels wide or tall, and coordinates that are not pixels are mostly below 2.
const LEAST_PIXELS: f32 = 10.0;

/// So few people may all be small: far away in a picture or two.
const FEW: usize = 10;

/// No camera sees a person's joints from so many metres: the largest of images has not a pixel for each.
const FAR_M: f32 = 1000.0;

/// A keypoint of less confidence may be anywhere: detectors put what they do not see outside of the image.
const SURE: f32 = 0.5;

/// More than this share of keypoints outside of their images, or of sides that differ, is worth a warning.
const ODD_SHARE: f64 = 0.1;

/// Counts what is to be seen of poses, one after the other.
#[derive(Debug, Clone, Default)]
pub struct PoseCheck {
    /// All poses, and for each joint how many have it.
    all: usize,
    seen: Vec<usize>,
    /// Poses of which two joints or more are known.
    poses: usize,
    /// Of these, those whose coordinates are all below [`LEAST_PIXELS`], and those that are smaller than that.
    near_zero: usize,
    tiny: usize,
    /// Whether a coordinate near zero was negative.
    negative: bool,
    /// Keypoints that are sure, and how many of them lie outside of the image.
    sure: usize,
    outside: usize,
    /// Of those outside, how many have a negative coordinate.
    negatives: usize,
    /// Poses of which two thirds of the joints lie at one place.
    collapsed: usize,
    /// Poses whose joints all lie outside of their image, whose size is known.
    gone: usize,
    /// Poses of which hips and head are known, and how many have the head below.
    upright: [usize; 2],
    bones: Bones,
}

/// Of 3D.
#[derive(Debug, Clone, Default)]
struct Bones {
    poses: usize,
    /// Poses whose joints are all at (0, 0, 0): of nobody.
    nowhere: usize,
    joints: usize,
    /// The sum over the poses of each bone's length.
    lengths: Vec<f64>,
    upside_down: usize,
    /// Poses with a joint farther than [`FAR_M`].
    far: usize,
}

impl PoseCheck {
    /// All of a set.
    #[must_use]
    pub fn of(set: &PoseSet) -> Self {
        let mut check = Self::default();
        (0..set.len()).for_each(|pose| check.add(set, pose));
        check
    }

    /// Looks at one pose of a set.
    pub fn add(&mut self, set: &PoseSet, pose: usize) {
        let joints = set.joints;
        let Some(skeleton) = Skeleton::of(joints).filter(|_| pose < set.len()) else { return };
        // What not all poses have is an error when the set is saved.
        fn row<T>(all: &[T], pose: usize, width: usize) -> Option<&[T]> {
            all.get(width * pose..width * (pose + 1))
        }
        let (points, _) = row(&set.keypoints, pose, 2 * joints).unwrap_or_default().as_chunks::<2>();
        let confidence = set.confidence.as_ref().and_then(|all| row(all, pose, joints));
        self.add_keypoints(points, confidence, set.image_size.as_ref().and_then(|sizes| sizes.get(pose)).copied());
        if let Some(positions) = set.positions.as_ref().and_then(|all| row(all, pose, 3 * joints)) {
            let (positions, _) = positions.as_chunks::<3>();
            self.bones.add(positions, skeleton);
        }
    }

    /// Looks at the keypoints of one pose, in an image of that size where it is known.
    pub(crate) fn add_keypoints(&mut self, points: &[[f32; 2]], confidence: Option<&[f32]>, size: Option<[i32; 2]>) {
        let sure = |joint: usize| confidence.map_or(1.0, |confidence| confidence[joint]);
        self.all += 1;
        self.seen.resize(points.len(), 0);
        self.seen.iter_mut().enumerate().for_each(|(joint, seen)| *seen += usize::from(sure(joint) > 0.0));
        self.keypoints(points, sure, size.map(|size| size.map(|side| side as f32)));
    }

    fn keypoints(&mut self, points: &[[f32; 2]], sure: impl Fn(usize) -> f32, size: Option<[f32; 2]>) {
        let known = || (0..points.len()).filter(|joint| sure(*joint) > 0.0);
        let count = known().count();
        if count < 2 {
            return;
        }
        self.poses += 1;
        let [mut least, mut most] = [[f32::INFINITY; 2], [f32::NEG_INFINITY; 2]];
        let (mut all_outside, mut place, mut votes) = (true, [0.0; 2], 0);
        for joint in known() {
            let [x, y] = points[joint];
            least = [least[0].min(x), least[1].min(y)];
            most = [most[0].max(x), most[1].max(y)];
            let is_outside = x < 0.0 || y < 0.0 || size.is_some_and(|[width, height]| x > width || y > height);
            all_outside &= is_outside;
            if sure(joint) >= SURE {
                self.sure += 1;
                self.outside += usize::from(is_outside);
                self.negatives += usize::from(x < 0.0 || y < 0.0);
            }
            // What more than half have in common is left over when unlike ones cancel out (Boyer and Moore, 1981).
            match votes {
                0 => (place, votes) = ([x, y], 1),
                _ if place == [x, y] => votes += 1,
                _ => votes -= 1,
            }
        }
        let near_zero = least.iter().chain(&most).all(|v| v.abs() < LEAST_PIXELS);
        self.near_zero += usize::from(near_zero);
        self.negative |= near_zero && least.iter().any(|v| *v < 0.0);
        self.tiny += usize::from((most[0] - least[0]).max(most[1] - least[1]) < LEAST_PIXELS);
        self.gone += usize::from(size.is_some() && all_outside);
        let at_one = known().filter(|joint| points[*joint] == place).count();
        self.collapsed += usize::from(count > 3 && 3 * at_one >= 2 * count);
        let (hip, head) = (0, points.len() - 7);
        if sure(hip) > 0.0 && sure(head) > 0.0 {
            self.upright[usize::from(points[head][1] > points[hip][1])] += 1;
        }
    }

    /// What is wrong or odd with the poses so far.
    #[must_use]
    pub fn findings(&self) -> Findings {
        let (poses, share) = (self.poses, |part: usize, all: usize| part as f64 / all.max(1) as f64);
        let mut odd = Vec::new();
        let names = Skeleton::of(self.seen.len()).map_or(&[][..], |skeleton| skeleton.names);
        let unseen: Vec<&str> = names.iter().zip(&self.seen).filter(|(_, seen)| **seen == 0).map(|(n, _)| *n).collect();
        if !unseen.is_empty() && self.all > 0 {
            odd.push(format!("no pose has {}, guessed throughout", unseen.join(", ")));
        }
        if self.gone > 0 {
            let gone = self.gone;
            odd.push(format!("{gone} of {poses} poses lie wholly outside of their images; check units and image_size"));
        }
        if self.tiny > 0 {
            odd.push(format!("{} of {poses} poses are smaller than {LEAST_PIXELS} pixels", self.tiny));
        }
        if self.collapsed > 0 {
            odd.push(format!("in {} of {poses} poses most joints lie at one place", self.collapsed));
        }
        let outside = share(self.outside, self.sure);
        if outside > ODD_SHARE {
            odd.push(format!("{:.0} % of the keypoints lie outside of their images", 100.0 * outside));
        }
        let [up, down] = self.upright;
        if down > up && !self.bones.is_upside_down() {
            let all = up + down;
            odd.push(format!(
                "in {down} of {all} poses the head is below the hips: y points up, or the joints are in another order"
            ));
        }
        self.bones.odd(&mut odd);
        // Keypoints that were projected from positions are wrong with them.
        Findings { wrong: self.bones.wrong().or_else(|| self.wrong_keypoints(outside)), odd }
    }

    fn wrong_keypoints(&self, outside: f64) -> Option<Wrong> {
        let wrong = |problem: String, fix: &str| Some(Wrong { field: "keypoints", problem, fix: fix.to_owned() });
        if 2 * self.near_zero > self.poses {
            let (count, poses) = (self.near_zero, self.poses);
            let what = if self.negative { "normalised (-1 to 1), or metres" } else { "shares of the image (0 to 1)" };
            let problem = format!("{count} of {poses} poses have coordinates below {LEAST_PIXELS}: {what}, not pixels");
            return wrong(problem, "have pixels written, or say how they are `normalised`");
        }
        if 2 * self.tiny > self.poses && self.poses >= FEW {
            let (count, poses) = (self.tiny, self.poses);
            let problem = format!("{count} of {poses} people are smaller than {LEAST_PIXELS} pixels");
            return wrong(problem, "have pixels of the image written, not of a heat map or another unit");
        }
        if 2 * self.collapsed > self.poses && self.poses >= FEW {
            let problem = format!("in {} of {} poses most joints lie at one place", self.collapsed, self.poses);
            return wrong(problem, "detect again");
        }
        // A close-up has joints below the image, coordinates about the hips on all sides of the corner.
        let negatives = self.negatives as f64 / self.sure.max(1) as f64;
        if outside > 0.5 && negatives > 0.25 || outside > 0.8 {
            let share = 100.0 * outside;
            let problem = format!(
                "{share:.0} % of the keypoints lie outside of their images: coordinates about the hips (world \
                 landmarks, metres), or the size of another image"
            );
            return wrong(problem, "give keypoints in pixels of the image, and its size");
        }
        None
    }
}

impl Bones {
    fn add(&mut self, positions: &[[f32; 3]], skeleton: &Skeleton) {
        if positions.as_flattened().iter().all(|v| *v == 0.0) {
            self.nowhere += 1;
            return;
        }
        let length = |(joint, parent): (usize, usize)| {
            let [a, b] = [positions[joint], positions[parent]];
            a.iter().zip(b).map(|(a, b)| (f64::from(*a) - f64::from(b)).powi(2)).sum::<f64>().sqrt()
        };
        self.lengths.resize(skeleton.joints - 1, 0.0);
        self.lengths.iter_mut().zip(skeleton.bones()).for_each(|(sum, bone)| *sum += length(bone));
        self.far += usize::from(positions.as_flattened().iter().any(|v| v.abs() > FAR_M));
        self.upside_down += usize::from(positions[skeleton.joints - 7][1] > positions[0][1]);
        self.poses += 1;
        self.joints = skeleton.joints;
    }

    fn is_upside_down(&self) -> bool {
        2 * self.upside_down > self.poses
    }

    fn mean(&self) -> Vec<f64> {
        self.lengths.iter().map(|sum| sum / self.poses.max(1) as f64).collect()
    }

    fn wrong(&self) -> Option<Wrong> {
        let lengths = self.mean();
        let (sum, wrong) = (lengths.iter().sum::<f64>(), |problem: String, fix: &str| {
            Some(Wrong { field: "positions", problem, fix: fix.to_owned() })
        });
        let collapsed = lengths.iter().filter(|length| **length < 1e-6).count();
        if self.poses > 0 && 2 * collapsed > lengths.len() {
            let problem = format!("{collapsed} of {} bones have no length: joints lie at one place", lengths.len());
            return wrong(problem, "export the positions again");
        }
        if self.poses == 0 || POSSIBLE_BONES_M.contains(&sum) {
            return None;
        }
        let both = |(a, b, times)| [(a, b, times), (b, a, 1.0 / times)];
        let from_usual = |times: f64| (sum / times / USUAL_BONES_M).ln().abs();
        let taken = TAKEN.into_iter().flat_map(both).min_by(|a, b| from_usual(a.2).total_cmp(&from_usual(b.2)));
        let taken = taken.filter(|(.., times)| POSSIBLE_BONES_M.contains(&(sum / times)));
        let unit = taken.map_or(String::new(), |(unit, other, _)| format!(": they are {unit}, taken for {other}"));
        let digits = if sum < 0.1 { 5 } else { 2 };
        let problem = format!("a person's bones add up to {sum:.digits$} m, where 2 to 9 are human{unit}");
        wrong(problem, "give metres, or say the `unit`")
    }

    fn odd(&self, odd: &mut Vec<String>) {
        if self.far > 0 {
            let (far, poses) = (self.far, self.poses);
            odd.push(format!("{far} of {poses} poses are over {FAR_M} m from the camera; check unit and translation"));
        }
        if self.nowhere > 0 {
            let all = self.nowhere + self.poses;
            odd.push(format!(
                "in {} of {all} poses all positions are 0: they are nobody's, and count all the same",
                self.nowhere
            ));
        }
        let Some(skeleton) = Skeleton::of(self.joints) else { return };
        let lengths = self.mean();
        let sum: f64 = lengths.iter().sum();
        if !BONES_M.contains(&sum) {
            odd.push(format!("the bones add up to {sum:.2} m, a person's to 2 to 9; check the unit"));
        }
        let differs = |((joint, _), length): &((usize, usize), &f64)| {
            let mirror = skeleton.swap[*joint];
            mirror > *joint && (*length / lengths[mirror - 1] - 1.0).abs() > ODD_SHARE
        };
        let sides = skeleton.bones().zip(&lengths).filter(differs);
        let pairs: Vec<String> = sides
            .map(|((joint, _), _)| format!("{} and {}", skeleton.names[joint], skeleton.names[skeleton.swap[joint]]))
            .collect();
        if !pairs.is_empty() {
            odd.push(format!("the bones to {} differ by more than 10 %", pairs.join(", to ")));
        }
        if self.is_upside_down() {
            let all = (self.upside_down, self.poses);
            let axes = "camera axes are x right, y down, z forward";
            odd.push(format!("in {} of {} poses the head is below the hips; {axes}", all.0, all.1));
        }
    }
}

#[cfg(test)]
#[path = "pose_check_tests.rs"]
mod tests;
