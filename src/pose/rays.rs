//! Rays, not pixels: a camera turned, about its own centre, so that a person's root lies on its optical axis.
//!
//! What a camera sees of a pose depends on where in the image the person stands, though the person does not. A turn takes
//! that out, exactly, where the camera's intrinsics are known. It is a yaw, then a pitch, without a roll: before a level
//! camera, what is upright stays upright.

/// A joint more than about 87 degrees off the turned axis is seen at the plane's edge, on its side: beyond 90 degrees
/// `x / z` would change its sign, and just before it grows without bound.
const MIN_COSINE: f64 = 0.05;

/// Over an image's longer side: what MeTRAbs takes where it does not know the camera (Sárándi et al., 2021,
/// `default_fov_degrees`).
const USUAL_VIEW_DEGREES: f64 = 55.0;

/// What a pinhole camera is but for its place: pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Intrinsics {
    /// Focal length, horizontal and vertical.
    pub focal: [f64; 2],
    /// Principal point.
    pub center: [f64; 2],
}

impl Intrinsics {
    /// A camera of one focal length whose principal point is the middle of an image of this width and height.
    #[must_use]
    pub fn of_focal(focal: f64, size: [i32; 2]) -> Self {
        Self { focal: [focal; 2], center: size.map(|side| f64::from(side) / 2.0) }
    }

    /// A guess for images of this width and height: the longer side is seen under 55 degrees.
    #[must_use]
    pub fn guess(size: [i32; 2]) -> Self {
        let half = f64::from(size[0].max(size[1])) / 2.0;
        Self::of_focal(half / (USUAL_VIEW_DEGREES / 2.0).to_radians().tan(), size)
    }

    /// Checks that there can be such a camera.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn validate(&self) -> Result<(), String> {
        let all = [self.focal, self.center].concat();
        if let Some(value) = all.iter().find(|value| !value.is_finite()) {
            return Err(format!("{value} is not finite"));
        }
        match self.focal.iter().find(|focal| **focal <= 0.0) {
            Some(focal) => Err(format!("a focal length of {focal} is not positive")),
            None => Ok(()),
        }
    }

    /// Turns one pose (J, 2), pixels, in place to the plane at unit distance before the turned camera, where the root is
    /// in the middle. In f64.
    pub fn turn(&self, pose: &mut [f32]) -> Turn {
        let (points, _) = pose.as_chunks_mut::<2>();
        let turn = points.first().map_or(Turn::NONE, |root| Turn::to(self.ray(*root)));
        for point in points {
            let [x, y, z] = turn.rotated(self.ray(*point));
            *point = [x, y].map(|v| (v / z.max(MIN_COSINE)) as f32);
        }
        turn
    }

    /// The direction of a pixel, a unit vector.
    fn ray(&self, [x, y]: [f32; 2]) -> [f64; 3] {
        unit([(f64::from(x) - self.center[0]) / self.focal[0], (f64::from(y) - self.center[1]) / self.focal[1], 1.0])
    }
}

impl From<[f32; 4]> for Intrinsics {
    /// From fx, fy, cx, cy, as files have them.
    fn from([fx, fy, cx, cy]: [f32; 4]) -> Self {
        Self { focal: [fx, fy].map(f64::from), center: [cx, cy].map(f64::from) }
    }
}

impl From<Intrinsics> for [f32; 4] {
    fn from(Intrinsics { focal: [fx, fy], center: [cx, cy] }: Intrinsics) -> Self {
        [fx, fy, cx, cy].map(|v| v as f32)
    }
}

/// The rotation from a camera's axes to those of the turned camera.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Turn {
    rows: [[f64; 3]; 3],
}

impl Turn {
    /// The camera stays as it is.
    const NONE: Self = Self { rows: [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]] };

    /// The turn that brings the direction `r`, a unit vector before the camera, onto the axis: `Rx(pitch) Ry(yaw)` with
    /// yaw = atan2(r_x, r_z) and pitch = atan2(-r_y, hypot(r_x, r_z)), whose sines and cosines are in `r`.
    fn to([x, y, z]: [f64; 3]) -> Self {
        let level = x.hypot(z);
        let [sin, cos] = [x / level, z / level];
        Self { rows: [[cos, 0.0, -sin], [-y * sin, level, -y * cos], [x, y, z]] }
    }

    fn rotated(&self, point: [f64; 3]) -> [f64; 3] {
        self.rows.map(|row| row[0] * point[0] + row[1] * point[1] + row[2] * point[2])
    }

    /// Turns a root-centred pose (J, 3) in place, to the turned camera's axes.
    pub fn apply(&self, pose: &mut [f32]) {
        self.each(pose);
    }

    /// Turns a root-centred pose (J, 3) in place back to the camera's own axes.
    pub fn undo(&self, pose: &mut [f32]) {
        let inverse = Self { rows: std::array::from_fn(|row| self.rows.map(|of| of[row])) };
        inverse.each(pose);
    }

    fn each(&self, pose: &mut [f32]) {
        for point in pose.as_chunks_mut::<3>().0 {
            *point = self.rotated(point.map(f64::from)).map(|v| v as f32);
        }
    }
}

fn unit([x, y, z]: [f64; 3]) -> [f64; 3] {
    // Scaled first: a hostile pixel's square need not overflow.
    let most = x.abs().max(y.abs()).max(z.abs());
    let scaled = [x, y, z].map(|v| v / most);
    let length = scaled.iter().map(|v| v * v).sum::<f64>().sqrt();
    scaled.map(|v| v / length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pose::{Camera, Skeleton};

    const RIG: Intrinsics = Intrinsics { focal: [1145.0; 2], center: [500.0; 2] };
    const STUDIO: Intrinsics = Intrinsics { focal: [1500.172, 1500.837], center: [1017.387, 1043.032] };
    const PIXELS: [f32; 8] = [700.0, 300.0, 650.0, 420.0, 830.0, 110.0, 40.0, 960.0];
    /// Root-centred, metres.
    const POSE: [f32; 9] = [-0.1, 0.4, 0.2, 0.6, -0.5, -0.3, -2.0, 2.2, -0.1];

    fn close(got: &[f32], expected: &[f64], limit: f64) {
        assert_eq!(got.len(), expected.len());
        for (got, expected) in got.iter().zip(expected) {
            assert!((f64::from(*got) - expected).abs() <= limit, "{got} {expected}");
        }
    }

    #[test]
    fn agrees_with_the_float64_reference() {
        // Yaw and pitch by atan2, the matrices multiplied, in Python.
        let cases: [(Intrinsics, [f64; 6], [f64; 9]); 2] = [
            (
                RIG,
                [
                    -0.042_807_850_115_414_735,
                    0.101_515_925_171_189_5,
                    0.103_804_016_623_400_84,
                    -0.148_705_412_286_123_58,
                    -0.680_380_169_914_503_3,
                    0.660_525_618_427_673_8,
                ],
                [
                    -0.132_921_976_673_647_58,
                    0.424_698_278_071_430_6,
                    0.109_376_051_859_317_79,
                    0.642_671_304_693_946_5,
                    -0.525_365_432_739_939_5,
                    -0.104_712_731_818_803_89,
                    -1.952_963_670_221_229_4,
                    2.093_076_600_669_259_6,
                    -0.809_297_996_121_849_9,
                ],
            ),
            (
                STUDIO,
                [
                    -0.029_453_908_615_971_088,
                    0.067_715_394_998_191_54,
                    0.072_167_777_438_641_11,
                    -0.103_641_031_644_831_14,
                    -0.419_522_253_158_201_46,
                    0.424_441_961_534_535_06,
                ],
                [
                    -0.056_437_326_593_827_13,
                    0.454_312_915_240_718_93,
                    0.020_361_807_690_406_575,
                    0.524_910_805_593_015_6,
                    -0.632_073_252_377_899_7,
                    -0.157_962_178_384_939_12,
                    -1.977_386_608_235_671_3,
                    2.117_781_576_800_13,
                    -0.674_494_918_095_151_8,
                ],
            ),
        ];
        for (camera, plane, turned) in cases {
            let (mut x, mut pose) = (PIXELS, POSE);
            let turn = camera.turn(&mut x);
            close(&x, &[&[0.0; 2][..], &plane].concat(), 1e-7);
            turn.apply(&mut pose);
            close(&pose, &turned, 3e-7);
        }
    }

    #[test]
    fn turning_back_is_the_inverse() {
        for pixel in [[700.0, 300.0], [-900.0, 2000.0], [500.0, 500.0], [1e6, -1e6]] {
            let turn = RIG.turn(&mut pixel.clone());
            let mut pose = POSE;
            turn.apply(&mut pose);
            turn.undo(&mut pose);
            close(&pose, &POSE.map(f64::from), 5e-7);
            // A rotation: rows of length 1, right angles, right-handed.
            let [a, b, c] = turn.rows.map(nalgebra::Vector3::from);
            assert!((a.cross(&b) - c).norm() < 1e-12 && (b.norm() - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn the_root_is_on_the_axis() {
        for root in [[700.0f32, 300.0], [20.0, 990.0], [500.0, 500.0], [-3000.0, 4000.0], [3e38, -3e38]] {
            let mut x = [root[0], root[1], 510.0, 480.0];
            let turn = RIG.turn(&mut x);
            assert!(x[0].abs() < 1e-15 && x[1].abs() < 1e-15, "{x:?}");
            assert!(x.iter().all(|v| v.is_finite()));
            assert!(turn.rotated(RIG.ray(root))[2] > 0.999_999);
        }
        let mut middle = [500.0, 500.0, 614.5, 385.5];
        assert_eq!(RIG.turn(&mut middle), Turn::NONE, "a person in the middle is seen as before");
        close(&middle, &[0.0, 0.0, 0.1, -0.1], 1e-7);
    }

    #[test]
    fn a_joint_behind_the_turned_camera_stays_on_its_side() {
        // The root 60 degrees to the right, a joint as far to the left, and one straight behind the root's side.
        let right = 500.0 + 1145.0 * 3.0f32.sqrt();
        let mut x = [right, 500.0, 1000.0 - right, 500.0, 1000.0 - right, 200.0];
        RIG.turn(&mut x);
        assert!(x[2] < -10.0 && x[2] >= -20.0 && x[3].abs() < 1e-6, "{x:?}");
        assert!(x[4] < -10.0 && x[5] < 0.0);
        for hostile in [f32::MAX, f32::MIN] {
            let mut x = [hostile, 0.0, -hostile, hostile, 1.0, 2.0];
            let tiny = Intrinsics { focal: [f64::from(f32::MIN_POSITIVE); 2], center: [f64::from(hostile); 2] };
            for camera in [RIG, tiny] {
                camera.turn(&mut x);
                assert!(x.iter().all(|v| v.abs() <= 20.0), "{x:?}");
            }
        }
    }

    #[test]
    fn turning_commutes_with_mirroring() {
        let skeleton = Skeleton::of(16).unwrap();
        let middle = |x: &mut [f32]| x.iter_mut().step_by(2).for_each(|v| *v = 1000.0 - *v);
        let mut x: Vec<f32> = (0..32).map(|i| 640.0 + (37 * i % 101) as f32).collect();
        let mut pose: Vec<f32> = (0..48).map(|i| (29 * i % 53) as f32 / 100.0).collect();
        // The image mirrored about its middle, then turned; the same turned, then mirrored.
        let mut mirrored = x.clone();
        middle(&mut mirrored);
        let swapped = skeleton.swap.iter().flat_map(|&j| [mirrored[2 * j], mirrored[2 * j + 1]]);
        let mut mirrored: Vec<f32> = swapped.collect();
        let other = RIG.turn(&mut mirrored);
        let turn = RIG.turn(&mut x);
        skeleton.flip(&mut x, 2);
        assert_eq!(x, mirrored);
        let mut flipped = pose.clone();
        skeleton.flip(&mut flipped, 3);
        other.apply(&mut flipped);
        turn.apply(&mut pose);
        skeleton.flip(&mut pose, 3);
        assert_eq!(pose, flipped);
    }

    #[test]
    fn where_a_person_stands_does_not_matter() {
        // A camera that looks at a person, and level ones of the same place that look past.
        let position = [0.5, -4.0, 1.6];
        let joints: Vec<[f64; 3]> =
            (0..16).map(|j| [0.03 * f64::from(j % 5), 0.1 * f64::from(j % 3), 0.9 + 0.05 * f64::from(j)]).collect();
        let seen = |target| {
            let camera = Camera::look_at("c", position, target, 1145.0, 1000);
            let points: Vec<[f64; 3]> = joints.iter().map(|&joint| camera.to_camera(joint)).collect();
            let mut x: Vec<f32> = points.iter().flat_map(|&p| camera.project(p)).map(|v| v as f32).collect();
            let centred = |p: &[f64; 3]| [0, 1, 2].map(|k| (p[k] - points[0][k]) as f32);
            let mut pose: Vec<f32> = points.iter().flat_map(centred).collect();
            let turn = camera.intrinsics().turn(&mut x);
            turn.apply(&mut pose);
            (x, pose)
        };
        let (x, pose) = seen(joints[0]);
        for target in [[1.4, 0.0, 1.6], [0.5, 0.0, 1.6], [-2.5, 0.5, 1.6]] {
            let (other, turned) = seen(target);
            // Pixels are f32: 1e-7 of 1000 over a focal length of 1145, at up to 40 degrees.
            close(&other, &x.iter().map(|&v| f64::from(v)).collect::<Vec<_>>(), 2e-7);
            close(&turned, &pose.iter().map(|&v| f64::from(v)).collect::<Vec<_>>(), 1e-6);
        }
    }

    #[test]
    fn cameras_that_cannot_be_are_named() {
        assert_eq!(RIG.validate(), Ok(()));
        for (values, expected) in [
            ([0.0, 1.0, 0.0, 0.0], "a focal length of 0 is not positive"),
            ([1.0, -2.0, 0.0, 0.0], "a focal length of -2 is not positive"),
            ([f32::NAN, 1.0, 0.0, 0.0], "NaN is not finite"),
            ([1.0, 1.0, 0.0, f32::INFINITY], "inf is not finite"),
        ] {
            assert_eq!(Intrinsics::from(values).validate(), Err(expected.to_owned()));
        }
        assert_eq!(<[f32; 4]>::from(Intrinsics::from([1.5, 2.5, 3.5, 4.5])), [1.5, 2.5, 3.5, 4.5]);
        let guess = Intrinsics::guess([1080, 1920]);
        assert_eq!((guess.center, guess.focal[0].round()), ([540.0, 960.0], 1844.0));
    }
}
