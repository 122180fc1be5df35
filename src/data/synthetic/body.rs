//! The articulated body: joint angles with anatomical limits, body proportions, forward kinematics.

use nalgebra::{Matrix3, Vector3};

/// A joint angle. Degrees; zero is standing upright with the arms hanging. Those from `ShoulderFlexion` to `Knee` exist
/// once for each side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Angle {
    SpineFlexion,
    SpineSide,
    SpineTwist,
    NeckFlexion,
    NeckSide,
    NeckTwist,
    ShoulderFlexion,
    ShoulderAbduction,
    ShoulderRotation,
    Elbow,
    HipFlexion,
    HipAbduction,
    HipRotation,
    Knee,
}

/// Angles of the trunk, which come before those of the limbs.
const TRUNK: usize = 6;
/// Angles of one side.
const LIMBS: usize = 8;
const ANGLES: usize = TRUNK + 2 * LIMBS;

/// Anatomical limits in degrees, in the order of [`Angle`]: usual ranges of motion (AAOS, rounded) of the whole joint
/// chain, so the spine's are those of all its vertebrae. Flexion is forward, for the knee backward; abduction is away
/// from the body; rotation is outward. Knee and elbow are hinges: one angle, never negative.
pub(super) const LIMITS: [(f64, f64); TRUNK + LIMBS] = [
    (-30.0, 75.0),  // spine: backward, forward
    (-30.0, 30.0),  // spine: left, right
    (-40.0, 40.0),  // spine: twist
    (-50.0, 50.0),  // neck: backward, forward
    (-40.0, 40.0),  // neck: left, right
    (-70.0, 70.0),  // neck: twist
    (-50.0, 180.0), // shoulder: backward, forward and up
    (-20.0, 120.0), // shoulder: inward, outward
    (-70.0, 80.0),  // shoulder: turned in, turned out
    (0.0, 150.0),   // elbow
    (-20.0, 125.0), // hip: backward, forward
    (-20.0, 50.0),  // hip: inward, outward
    (-35.0, 45.0),  // hip: turned in, turned out
    (0.0, 145.0),   // knee
];

/// The side of the body that an angle is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Middle,
    Right,
    Left,
}

/// All angles of a body at one moment, and how its pelvis is turned in the world.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Posture {
    angles: [f64; ANGLES],
    /// Degrees: the pelvis pitched forward, rolled to the right, and turned (yaw) about the vertical.
    pelvis: [f64; 3],
}

fn index(side: Side, angle: Angle) -> usize {
    if side == Side::Left { angle as usize + LIMBS } else { angle as usize }
}

impl Posture {
    /// Standing upright.
    pub(super) fn neutral() -> Self {
        Self { angles: [0.0; ANGLES], pelvis: [0.0; 3] }
    }

    pub(super) fn get(&self, side: Side, angle: Angle) -> f64 {
        self.angles[index(side, angle)]
    }

    /// Sets an angle, limited to its range.
    pub(super) fn set(&mut self, side: Side, angle: Angle, degrees: f64) {
        let (low, high) = LIMITS[angle as usize];
        self.angles[index(side, angle)] = degrees.clamp(low, high);
    }

    /// Sets how far the pelvis is pitched forward and rolled to the right.
    pub(super) fn tilt(&mut self, pitch: f64, roll: f64) {
        self.pelvis[0] = pitch;
        self.pelvis[1] = roll;
    }

    /// Turns the body about the vertical.
    pub(super) fn turn(&mut self, degrees: f64) {
        self.pelvis[2] += degrees;
    }

    /// Left and right exchanged.
    pub(super) fn mirrored(mut self) -> Self {
        let (right, left) = self.angles[TRUNK..].split_at_mut(LIMBS);
        right.swap_with_slice(left);
        for angle in [Angle::SpineSide, Angle::SpineTwist, Angle::NeckSide, Angle::NeckTwist] {
            self.angles[angle as usize] *= -1.0;
        }
        self.pelvis[1] *= -1.0;
        self
    }

    /// `t` of the way from `a` to `b`; within the limits because they are intervals.
    pub(super) fn between(a: &Self, b: &Self, t: f64) -> Self {
        let mix = |a: f64, b: f64| a + t * (b - a);
        Self {
            angles: std::array::from_fn(|i| mix(a.angles[i], b.angles[i])),
            pelvis: std::array::from_fn(|i| mix(a.pelvis[i], b.pelvis[i])),
        }
    }
}

/// Bone lengths and offsets of one person, metres; left and right are equal.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Body {
    hip: f64,
    thigh: f64,
    shank: f64,
    pelvis_to_spine: f64,
    spine_to_thorax: f64,
    /// Thorax to Neck/Nose and from there to Head: forward, up.
    nose: [f64; 2],
    head: [f64; 2],
    shoulder: f64,
    upper_arm: f64,
    forearm: f64,
}

/// Height of the lowest joint above the floor (an ankle, a wrist), metres.
const FLOOR: f64 = 0.06;

impl Body {
    /// A person of `stature` metres; `vary` gives a factor about 1 for each group of bones. Fractions of stature after
    /// Drillis and Contini (1966), with the joints where Human3.6M has them.
    pub(super) fn new(stature: f64, mut vary: impl FnMut() -> f64) -> Self {
        // Shorter than 1.6 m is taken to be young: shorter legs, a larger head (at 1.2 m by 8 and 30 percent).
        let youth = ((1.6 - stature) / 0.4).clamp(0.0, 1.0);
        let leg = stature * vary() * (1.0 - 0.08 * youth);
        let shank = vary();
        let arm = stature * vary();
        let forearm = vary();
        let trunk = stature * vary();
        let head = stature * vary() * (1.0 + 0.3 * youth);
        let (hip, shoulder) = (stature * vary(), stature * vary());
        Self {
            hip: 0.065 * hip,
            thigh: 0.25 * leg,
            shank: 0.245 * leg * shank,
            pelvis_to_spine: 0.135 * trunk,
            spine_to_thorax: 0.145 * trunk,
            nose: [0.03 * head, 0.065 * head],
            head: [-0.02 * head, 0.065 * head],
            shoulder: 0.088 * shoulder,
            upper_arm: 0.165 * arm,
            forearm: 0.145 * arm * forearm,
        }
    }

    /// Joint positions (Human3.6M order, 17) in a world with Z up, metres; the body faces +Y before its yaw, its root is
    /// above `root` and its lowest joint just above the floor.
    pub(super) fn joints(&self, posture: &Posture, root: [f64; 2]) -> [[f64; 3]; 17] {
        let middle = |angle| posture.get(Side::Middle, angle);
        let up = |length: f64| Vector3::new(0.0, 0.0, length);
        let [pitch, roll, yaw] = posture.pelvis;
        let pelvis = about_z(yaw) * about_y(roll) * about_x(-pitch);
        let chest = pelvis
            * about_z(middle(Angle::SpineTwist))
            * about_y(middle(Angle::SpineSide))
            * about_x(-middle(Angle::SpineFlexion));
        let skull = chest
            * about_z(middle(Angle::NeckTwist))
            * about_y(middle(Angle::NeckSide))
            * about_x(-middle(Angle::NeckFlexion));
        let mut joints = [Vector3::zeros(); 17];
        joints[7] = pelvis * up(self.pelvis_to_spine);
        joints[8] = joints[7] + chest * up(self.spine_to_thorax);
        joints[9] = joints[8] + skull * Vector3::new(0.0, self.nose[0], self.nose[1]);
        joints[10] = joints[9] + skull * Vector3::new(0.0, self.head[0], self.head[1]);
        for (side, out, leg, arm) in [(Side::Right, 1.0, 1, 14), (Side::Left, -1.0, 4, 11)] {
            let limb = |angle| posture.get(side, angle);
            let thigh = pelvis
                * about_x(limb(Angle::HipFlexion))
                * about_y(-out * limb(Angle::HipAbduction))
                * about_z(-out * limb(Angle::HipRotation));
            joints[leg] = pelvis * Vector3::new(out * self.hip, 0.0, 0.0);
            joints[leg + 1] = joints[leg] + thigh * up(-self.thigh);
            joints[leg + 2] = joints[leg + 1] + thigh * about_x(-limb(Angle::Knee)) * up(-self.shank);
            let upper_arm = chest
                * about_x(limb(Angle::ShoulderFlexion))
                * about_y(-out * limb(Angle::ShoulderAbduction))
                * about_z(-out * limb(Angle::ShoulderRotation));
            joints[arm] = joints[8] + chest * Vector3::new(out * self.shoulder, 0.0, -0.1 * self.shoulder);
            joints[arm + 1] = joints[arm] + upper_arm * up(-self.upper_arm);
            joints[arm + 2] = joints[arm + 1] + upper_arm * about_x(limb(Angle::Elbow)) * up(-self.forearm);
        }
        let lowest = joints.iter().map(|joint| joint.z).fold(f64::INFINITY, f64::min);
        joints.map(|joint| [joint.x + root[0], joint.y + root[1], joint.z - lowest + FLOOR])
    }
}

fn about_x(degrees: f64) -> Matrix3<f64> {
    let (s, c) = degrees.to_radians().sin_cos();
    Matrix3::new(1.0, 0.0, 0.0, 0.0, c, -s, 0.0, s, c)
}

fn about_y(degrees: f64) -> Matrix3<f64> {
    let (s, c) = degrees.to_radians().sin_cos();
    Matrix3::new(c, 0.0, s, 0.0, 1.0, 0.0, -s, 0.0, c)
}

fn about_z(degrees: f64) -> Matrix3<f64> {
    let (s, c) = degrees.to_radians().sin_cos();
    Matrix3::new(c, -s, 0.0, s, c, 0.0, 0.0, 0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body() -> Body {
        Body::new(1.75, || 1.0)
    }

    #[test]
    fn neutral_is_upright_right_is_right_and_the_nose_is_in_front() {
        let joints = body().joints(&Posture::neutral(), [0.0; 2]);
        let [_, y, z] = [0, 1, 2].map(|axis| move |joint: usize| joints[joint][axis]);
        assert!((z(10) - 1.6).abs() < 0.1 && (z(3) - FLOOR).abs() < 1e-12, "head at 1.6 m, ankle on the floor");
        assert!(joints[1][0] > 0.0 && joints[14][0] > 0.0 && joints[4][0] < 0.0, "facing +Y, right is +X");
        assert!(y(9) > y(8) && z(13) < z(12) && z(12) < z(11));
    }

    #[test]
    fn angles_turn_the_way_they_are_named() {
        let with = |side, angle, degrees| {
            let mut posture = Posture::neutral();
            posture.set(side, angle, degrees);
            let joints = body().joints(&posture, [0.0; 2]);
            joints.map(|joint| std::array::from_fn::<f64, 3, _>(|axis| joint[axis] - joints[0][axis]))
        };
        assert!(with(Side::Right, Angle::HipFlexion, 90.0)[2][1] > 0.3, "thigh forward");
        assert!(with(Side::Right, Angle::HipAbduction, 40.0)[2][0] > 0.3, "right thigh to the right");
        assert!(with(Side::Left, Angle::HipAbduction, 40.0)[5][0] < -0.3, "left thigh to the left");
        assert!(with(Side::Left, Angle::Knee, 90.0)[6][1] < -0.3, "shank backward");
        assert!(with(Side::Right, Angle::ShoulderFlexion, 180.0)[16][2] > 0.9, "arm up");
        assert!(with(Side::Left, Angle::ShoulderAbduction, 90.0)[13][0] < -0.5, "arm sideways");
        assert!(with(Side::Left, Angle::Elbow, 90.0)[13][1] > 0.2, "forearm forward");
        assert!(with(Side::Middle, Angle::SpineFlexion, 60.0)[8][1] > 0.1, "chest forward");
        assert!(with(Side::Middle, Angle::SpineSide, 30.0)[8][0] > 0.05, "chest to the right");
        let knee = with(Side::Right, Angle::Knee, 400.0);
        assert_eq!(knee, with(Side::Right, Angle::Knee, 145.0), "limited");
    }

    #[test]
    fn a_mirrored_posture_is_the_mirror_image() {
        let mut posture = Posture::neutral();
        for (i, angle) in posture.angles.iter_mut().enumerate() {
            *angle = 3.0 + 2.0 * i as f64;
        }
        posture.tilt(20.0, 10.0);
        let swap = crate::pose::Skeleton::of(17).unwrap().swap;
        let (a, b) = (body().joints(&posture, [0.0; 2]), body().joints(&posture.mirrored(), [0.0; 2]));
        for joint in 0..17 {
            let [x, y, z] = b[swap[joint]];
            assert!((a[joint][0] + x).abs() + (a[joint][1] - y).abs() + (a[joint][2] - z).abs() < 1e-12);
        }
        assert_eq!(posture.mirrored().mirrored(), posture);
    }
}
