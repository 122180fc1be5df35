//! Joint orders, and how each of Human3.6M's 17 joints is made of them: of detectors here, of data sets where they are
//! imported. Sources beside each.

#[rustfmt::skip] // Lines of joints, not a joint a line.
mod tables;

pub(crate) use tables::*;

/// How one of the 17 joints is made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Slot {
    /// The joint of this number.
    Joint(usize),
    /// Half way between two.
    Middle(usize, usize),
    /// A quarter of each of four: half way between the middle of the hips and the middle of the shoulders.
    Quarter([usize; 4]),
    /// Half way between the middle of the first two, the hips, and the third, the neck.
    Spine([usize; 3]),
    /// There is none.
    Absent,
}

use Slot::{Absent, Joint, Middle, Quarter, Spine};

/// A joint order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Layout {
    /// What it is called in messages.
    pub name: &'static str,
    /// Its joints.
    pub joints: &'static [&'static str],
    /// Hip, RHip, RKnee, RFoot, LHip, LKnee, LFoot, Spine, Thorax, Neck/Nose, Head, LShoulder, LElbow, LWrist,
    /// RShoulder, RElbow, RWrist.
    pub slots: [Slot; 17],
}

impl Slot {
    /// The joints that it is made of, each with its weight.
    pub(crate) fn parts(&self) -> ([(usize, f32); 4], usize) {
        match *self {
            Joint(a) => ([(a, 1.0), (0, 0.0), (0, 0.0), (0, 0.0)], 1),
            Middle(a, b) => ([(a, 0.5), (b, 0.5), (0, 0.0), (0, 0.0)], 2),
            Quarter([a, b, c, d]) => ([(a, 0.25), (b, 0.25), (c, 0.25), (d, 0.25)], 4),
            Spine([a, b, c]) => ([(a, 0.25), (b, 0.25), (c, 0.5), (0, 0.0)], 3),
            Absent => ([(0, 0.0); 4], 0),
        }
    }

    /// The same of joints that have other numbers; `None` if one has none.
    #[cfg(feature = "import")]
    pub(crate) fn renumbered(self, number: impl Fn(usize) -> Option<usize>) -> Option<Self> {
        let all = |joints: [usize; 4]| {
            let [a, b, c, d] = joints.map(&number);
            Some([a?, b?, c?, d?])
        };
        Some(match self {
            Joint(a) => Joint(number(a)?),
            Middle(a, b) => Middle(number(a)?, number(b)?),
            Quarter(joints) => Quarter(all(joints)?),
            Spine([a, b, c]) => Spine([number(a)?, number(b)?, number(c)?]),
            Absent => Absent,
        })
    }
}

/// The orders of streams, each by its name there.
pub static LAYOUTS: [(&str, &Layout); 7] = [
    ("h36m16", &H36M_16),
    ("h36m17", &H36M_17),
    ("coco17", &COCO_17),
    ("openpose18", &OPENPOSE_18),
    ("body25", &BODY_25),
    ("halpe26", &HALPE_26),
    ("mediapipe33", &MEDIAPIPE_33),
];

impl Layout {
    /// The order of [`LAYOUTS`] that has this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        LAYOUTS.iter().find(|(own, _)| *own == name).map(|(_, layout)| *layout)
    }

    /// Keypoints and confidences of [`Self::joints`] to the 17 joints. A joint made of a missing one (no
    /// confidence, at (0, 0), no pixel) is missing.
    #[must_use]
    pub fn keypoints(&self, xy: &[[f32; 2]], confidence: &[f32]) -> ([[f32; 2]; 17], [f32; 17]) {
        keypoints(&self.slots, xy, confidence)
    }

    /// Positions of [`Self::joints`] to the 17 joints. An absent joint, which 3D layouts do not have, is at 0.
    ///
    /// # Panics
    /// With fewer positions than joints.
    #[must_use]
    pub fn positions(&self, xyz: &[[f32; 3]]) -> [[f32; 3]; 17] {
        std::array::from_fn(|slot| {
            let (parts, count) = self.slots[slot].parts();
            mix(&parts[..count], xyz)
        })
    }
}

/// No image has so many pixels a side: a keypoint is nearer to its corner, or none.
pub(crate) const FAR_PIXELS: f32 = 100_000.0;

/// Whether a coordinate is so far from the image, in pixels, that it is none: also where it is not finite.
pub(crate) fn is_far(pixel: f32) -> bool {
    pixel.is_nan() || pixel.abs() >= FAR_PIXELS
}

/// Whether a keypoint is one: its coordinates are finite and below [`FAR_PIXELS`], it is not at exactly (0, 0), where writers put
/// what they did not find whatever its score, nor at a negative marker such as (-1, -1).
pub(crate) fn is_there(xy: [f32; 2]) -> bool {
    let [x, y] = xy;
    !xy.iter().any(|v| is_far(*v)) && xy != [0.0; 2] && !(x < 0.0 && x == y)
}

/// The 17 joints made of keypoints and their confidences. A joint made of a missing one (confidence 0, or none by
/// [`is_there`]) is missing: at (0, 0) with confidence 0. Others have the least confidence of their parts. Joints beyond
/// the end of the slices are missing.
pub(crate) fn keypoints(slots: &[Slot; 17], xy: &[[f32; 2]], confidence: &[f32]) -> ([[f32; 2]; 17], [f32; 17]) {
    let (mut points, mut sure) = ([[0.0; 2]; 17], [0.0; 17]);
    for ((point, sure), slot) in points.iter_mut().zip(&mut sure).zip(slots) {
        let (parts, count) = slot.parts();
        let part_confidence = |&(joint, _): &(usize, f32)| {
            let known = xy.get(joint).is_some_and(|xy| is_there(*xy));
            confidence.get(joint).copied().filter(|c| known && *c > 0.0).unwrap_or(0.0)
        };
        *sure = parts[..count].iter().map(part_confidence).fold(f32::INFINITY, f32::min);
        if count == 0 || *sure <= 0.0 {
            *sure = 0.0;
            continue;
        }
        *point = mix(&parts[..count], xy);
    }
    (points, sure)
}

fn mix<const D: usize>(parts: &[(usize, f32)], points: &[[f32; D]]) -> [f32; D] {
    // A joint that is taken over keeps its bits.
    if let [(joint, _)] = parts {
        return points[*joint];
    }
    std::array::from_fn(|axis| parts.iter().map(|&(joint, weight)| weight * points[joint][axis]).sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_go_by_their_names() {
        for (name, layout) in LAYOUTS {
            assert_eq!(Layout::named(name), Some(layout));
            assert!(name.ends_with(&layout.joints.len().to_string()), "{name}");
        }
        assert_eq!(Layout::named("coco18"), None);
    }
}
