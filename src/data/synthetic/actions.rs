//! What people do in each scenario: for each action, ranges of joint angles from which its key poses are drawn.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use self::Part::{Both, Left, Mid, Right};
use super::{
    super::views::uniform,
    body::{Angle, Angle::*, Posture, Side},
};

/// Whom a range is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// The trunk.
    Mid,
    Right,
    Left,
    /// Both sides, moving mostly together.
    Both,
}

/// One kind of movement. Lopsided actions are given for the right side; half of the clips mirror them.
#[derive(Debug)]
pub(super) struct Action {
    pub(super) name: &'static str,
    /// How often it is drawn, relative to the others of its scenario.
    weight: u32,
    /// Metres moved ahead in a clip; if not 0, the legs change places between the clip's two key poses.
    pub(super) stride_m: f64,
    /// Pelvis pitch (forward) and roll (to the right), degrees.
    pitch: (f64, f64),
    roll: (f64, f64),
    /// Ranges in degrees, uniform, that replace those of [`RELAXED`].
    ranges: &'static [(Part, Angle, f64, f64)],
}

/// Standing at ease, the start of every action.
const RELAXED: &[(Part, Angle, f64, f64)] = &[
    (Mid, SpineFlexion, -6.0, 14.0),
    (Mid, SpineSide, -7.0, 7.0),
    (Mid, SpineTwist, -14.0, 14.0),
    (Mid, NeckFlexion, -12.0, 25.0),
    (Mid, NeckSide, -10.0, 10.0),
    (Mid, NeckTwist, -45.0, 45.0),
    (Right, ShoulderFlexion, -15.0, 25.0),
    (Left, ShoulderFlexion, -15.0, 25.0),
    (Both, ShoulderAbduction, 2.0, 20.0),
    (Both, ShoulderRotation, -35.0, 15.0),
    (Right, Elbow, 5.0, 45.0),
    (Left, Elbow, 5.0, 45.0),
    (Both, HipFlexion, -5.0, 10.0),
    (Both, HipAbduction, 0.0, 10.0),
    (Both, HipRotation, -5.0, 18.0),
    (Both, Knee, 0.0, 12.0),
];

const UPRIGHT: Action =
    Action { name: "", weight: 3, stride_m: 0.0, pitch: (-4.0, 8.0), roll: (-4.0, 4.0), ranges: &[] };

/// Everyday actions, all upright.
pub(super) const SOURCE: &[Action] = &[
    Action { name: "standing", ..UPRIGHT },
    Action {
        name: "walking",
        stride_m: 0.65,
        ranges: &[
            (Right, HipFlexion, 12.0, 35.0),
            (Right, Knee, 0.0, 25.0),
            (Left, HipFlexion, -20.0, 0.0),
            (Left, Knee, 5.0, 60.0),
            (Right, ShoulderFlexion, -30.0, -5.0),
            (Left, ShoulderFlexion, 5.0, 35.0),
        ],
        ..UPRIGHT
    },
    Action {
        name: "sitting",
        pitch: (-20.0, 15.0),
        ranges: &[
            (Mid, SpineFlexion, -5.0, 35.0),
            (Both, HipFlexion, 70.0, 105.0),
            (Both, HipAbduction, 0.0, 25.0),
            (Both, Knee, 65.0, 110.0),
            (Both, ShoulderFlexion, 0.0, 50.0),
            (Both, Elbow, 20.0, 100.0),
        ],
        ..UPRIGHT
    },
    Action {
        name: "reaching",
        pitch: (-4.0, 20.0),
        ranges: &[
            (Mid, SpineFlexion, -5.0, 25.0),
            (Right, ShoulderFlexion, 50.0, 125.0),
            (Right, ShoulderAbduction, -10.0, 60.0),
            (Right, Elbow, 0.0, 50.0),
        ],
        ..UPRIGHT
    },
    Action {
        name: "gesturing",
        ranges: &[
            (Right, ShoulderFlexion, -10.0, 80.0),
            (Left, ShoulderFlexion, -10.0, 80.0),
            (Right, ShoulderAbduction, 0.0, 70.0),
            (Left, ShoulderAbduction, 0.0, 70.0),
            (Right, ShoulderRotation, -60.0, 50.0),
            (Left, ShoulderRotation, -60.0, 50.0),
            (Right, Elbow, 20.0, 120.0),
            (Left, Elbow, 20.0, 120.0),
        ],
        ..UPRIGHT
    },
    Action {
        name: "phoning",
        ranges: &[
            (Right, ShoulderFlexion, 20.0, 70.0),
            (Right, ShoulderAbduction, 5.0, 50.0),
            (Right, ShoulderRotation, -50.0, 10.0),
            (Right, Elbow, 115.0, 148.0),
            (Left, Elbow, 5.0, 110.0),
        ],
        ..UPRIGHT
    },
];

/// Actions that the source does not have.
pub(super) const TARGET: &[Action] = &[
    Action {
        name: "crouching",
        pitch: (-10.0, 45.0),
        ranges: &[
            (Mid, SpineFlexion, 0.0, 60.0),
            (Both, HipFlexion, 75.0, 125.0),
            (Both, HipAbduction, 0.0, 40.0),
            (Both, Knee, 80.0, 145.0),
            (Right, ShoulderFlexion, -20.0, 120.0),
            (Left, ShoulderFlexion, -20.0, 120.0),
            (Both, ShoulderAbduction, 0.0, 70.0),
            (Both, Elbow, 0.0, 120.0),
        ],
        ..UPRIGHT
    },
    Action {
        name: "lying_on_the_back",
        weight: 1,
        pitch: (-100.0, -80.0),
        roll: (-20.0, 20.0),
        ranges: &[
            (Right, HipFlexion, 10.0, 90.0),
            (Left, HipFlexion, 10.0, 90.0),
            (Right, Knee, 0.0, 60.0),
            (Left, Knee, 0.0, 60.0),
            (Right, ShoulderFlexion, 0.0, 175.0),
            (Left, ShoulderFlexion, 0.0, 175.0),
            (Both, ShoulderAbduction, 0.0, 90.0),
        ],
        ..UPRIGHT
    },
    Action {
        name: "lying_prone",
        weight: 1,
        pitch: (75.0, 100.0),
        roll: (-25.0, 25.0),
        ranges: &[
            (Mid, SpineFlexion, -30.0, 10.0),
            (Mid, NeckFlexion, -45.0, 10.0),
            (Right, HipFlexion, -15.0, 15.0),
            (Left, HipFlexion, -15.0, 15.0),
            (Right, Knee, 0.0, 110.0),
            (Left, Knee, 0.0, 110.0),
            (Both, ShoulderFlexion, 110.0, 180.0),
            (Both, ShoulderAbduction, 0.0, 90.0),
            (Both, Elbow, 0.0, 130.0),
        ],
        ..UPRIGHT
    },
    Action {
        name: "high_reaching",
        pitch: (-15.0, 10.0),
        ranges: &[
            (Mid, SpineFlexion, -30.0, 5.0),
            (Mid, SpineSide, -25.0, 25.0),
            (Mid, NeckFlexion, -45.0, 0.0),
            (Both, ShoulderFlexion, 135.0, 180.0),
            (Both, ShoulderAbduction, -5.0, 40.0),
            (Both, Elbow, 0.0, 45.0),
        ],
        ..UPRIGHT
    },
    Action {
        name: "far_reaching",
        pitch: (10.0, 50.0),
        ranges: &[
            (Mid, SpineFlexion, 10.0, 60.0),
            (Mid, SpineTwist, -40.0, 10.0),
            (Right, HipFlexion, 50.0, 115.0),
            (Right, Knee, 30.0, 110.0),
            (Left, HipFlexion, -20.0, 25.0),
            (Left, Knee, 0.0, 50.0),
            (Right, ShoulderFlexion, 70.0, 170.0),
            (Right, ShoulderAbduction, -20.0, 80.0),
            (Right, Elbow, 0.0, 30.0),
            (Left, ShoulderFlexion, -50.0, 100.0),
        ],
        ..UPRIGHT
    },
    Action {
        name: "kicking",
        pitch: (-35.0, 10.0),
        roll: (-25.0, 10.0),
        ranges: &[
            (Mid, SpineFlexion, -10.0, 40.0),
            (Mid, SpineTwist, -35.0, 35.0),
            (Right, HipFlexion, 50.0, 125.0),
            (Right, HipAbduction, 0.0, 50.0),
            (Right, Knee, 0.0, 100.0),
            (Left, HipFlexion, -20.0, 15.0),
            (Left, Knee, 0.0, 35.0),
            (Right, ShoulderFlexion, -45.0, 90.0),
            (Left, ShoulderFlexion, -20.0, 110.0),
            (Both, ShoulderAbduction, 10.0, 90.0),
            (Both, Elbow, 10.0, 120.0),
        ],
        ..UPRIGHT
    },
    Action {
        name: "handstand",
        weight: 1,
        pitch: (155.0, 205.0),
        roll: (-15.0, 15.0),
        ranges: &[
            (Mid, SpineFlexion, -25.0, 15.0),
            (Mid, NeckFlexion, -45.0, 10.0),
            (Both, ShoulderFlexion, 150.0, 180.0),
            (Both, ShoulderAbduction, -5.0, 25.0),
            (Both, Elbow, 0.0, 20.0),
            (Right, HipFlexion, -20.0, 70.0),
            (Left, HipFlexion, -20.0, 70.0),
            (Both, HipAbduction, -5.0, 45.0),
            (Right, Knee, 0.0, 80.0),
            (Left, Knee, 0.0, 80.0),
        ],
        ..UPRIGHT
    },
];

/// The number of an action, drawn by weight.
pub(super) fn draw(rng: &mut ChaCha8Rng, actions: &[Action]) -> usize {
    let total: u32 = actions.iter().map(|action| action.weight).sum();
    let mut left = rng.random_range(0..total.max(1));
    for (number, action) in actions.iter().enumerate() {
        if left < action.weight {
            return number;
        }
        left -= action.weight;
    }
    0
}

impl Action {
    /// A key pose, drawn from the ranges.
    pub(super) fn posture(&self, rng: &mut ChaCha8Rng, mirrored: bool) -> Posture {
        let mut posture = Posture::neutral();
        posture.tilt(uniform(rng, self.pitch.0, self.pitch.1), uniform(rng, self.roll.0, self.roll.1));
        for &(part, angle, low, high) in RELAXED.iter().chain(self.ranges) {
            match part {
                Mid => posture.set(Side::Middle, angle, uniform(rng, low, high)),
                Right => posture.set(Side::Right, angle, uniform(rng, low, high)),
                Left => posture.set(Side::Left, angle, uniform(rng, low, high)),
                Both => {
                    let shared: f64 = rng.random();
                    for side in [Side::Right, Side::Left] {
                        let share = 0.75 * shared + 0.25 * rng.random::<f64>();
                        posture.set(side, angle, low + (high - low) * share);
                    }
                }
            }
        }
        if mirrored { posture.mirrored() } else { posture }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::body::LIMITS, *};

    #[test]
    fn actions_are_drawn_by_weight() {
        let mut rng = rand::SeedableRng::seed_from_u64(0);
        let mut drawn = [0; TARGET.len()];
        (0..15_000).for_each(|_| drawn[draw(&mut rng, TARGET)] += 1);
        for (count, action) in drawn.iter().zip(TARGET) {
            assert!((count - 1000 * action.weight as i32).abs() < 200, "{} {count}", action.name);
        }
    }

    #[test]
    fn ranges_are_within_the_anatomical_limits() {
        for action in SOURCE.iter().chain(TARGET) {
            for &(part, angle, low, high) in RELAXED.iter().chain(action.ranges) {
                let (least, most) = LIMITS[angle as usize];
                assert!(least <= low && low < high && high <= most, "{} {part:?} {angle:?}", action.name);
                assert_eq!(part == Mid, (angle as usize) < 6, "{} {part:?} {angle:?}", action.name);
            }
            assert!(!action.name.is_empty());
        }
    }
}
