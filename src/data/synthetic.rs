//! Two synthetic scenarios to train and adapt on without any data set: everyday adults in a studio, and everybody doing
//! anything anywhere.

mod actions;
mod body;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use self::{
    actions::{Action, SOURCE, TARGET},
    body::{Body, Posture},
};
use super::{
    Label, PoseSet,
    observe::{observe, unobserved},
    views::{h36m_studio, mean_root, uniform, wild_camera},
};
use crate::{
    error::{Error, Result},
    named::named_enum,
    pose::Skeleton,
};

named_enum! {
    /// Which people, poses and cameras.
    #[derive(Hash)]
    pub enum Scenario {
        /// Adults of 1.6 to 1.9 m in upright everyday poses, seen by the four distorted cameras of Human3.6M.
        Source = "source",
        /// People of 1.2 to 2.05 m, children's proportions included, who crouch, lie, stretch, kick and stand on their
        /// hands, each clip seen by its own `wild` camera (see [`super::Rig::Wild`]).
        Target = "target",
    }
}

/// Poses in one sequence.
const CLIP: usize = 16;
/// Most poses of a set: 10 million take about 4 GB.
const MAX_POSES: usize = 10_000_000;
/// People in one scenario.
const SUBJECTS: usize = 40;
/// People of the source scenario stand within this distance of the studio's middle, metres, along x and along y.
const STUDIO: f64 = 0.7;

impl Scenario {
    fn actions(self) -> &'static [Action] {
        match self {
            Self::Source => SOURCE,
            Self::Target => TARGET,
        }
    }

    /// Range of stature in metres, and how much proportions vary about the mean.
    fn bodies(self) -> (f64, f64, f64) {
        match self {
            Self::Source => (1.6, 1.9, 0.04),
            Self::Target => (1.2, 2.05, 0.1),
        }
    }

    /// An independent stream of random numbers for each clip and for each subject.
    fn random(self, seed: u64, stream: u64) -> ChaCha8Rng {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(2 * stream + self as u64);
        rng
    }

    fn body(self, seed: u64, subject: usize) -> Body {
        let (shortest, tallest, variation) = self.bodies();
        let mut rng = self.random(seed, (1 << 40) + subject as u64);
        let stature = uniform(&mut rng, shortest, tallest);
        Body::new(stature, || uniform(&mut rng, 1.0 - variation, 1.0 + variation))
    }
}

/// `poses` poses of `joints` (16 or 17) joints: sequences of 16 frames, each one person moving smoothly between two key
/// poses of one action in front of one camera.
///
/// Joint angles stay within the anatomical limits of `synthetic/body.rs`, bone lengths are constant for each subject, left equals
/// right. Deterministic: the same arguments give the same bytes, and a longer set starts with the shorter one.
///
/// # Errors
/// [`Error::Setting`] if `poses` is 0 or `joints` is neither 16 nor 17.
pub fn synthetic(scenario: Scenario, poses: usize, seed: u64, joints: usize) -> Result<PoseSet> {
    if Skeleton::of(joints).is_none() {
        return Err(Error::setting("joints", format!("it is {joints}; use 16 or 17")));
    }
    let (Some(skeleton), 1..) = (Skeleton::of(17), poses) else {
        return Err(Error::setting("poses", "it is 0; ask for at least 1"));
    };
    if poses > MAX_POSES {
        return Err(Error::setting("poses", format!("it is {poses}; ask for at most {MAX_POSES}")));
    }
    let studio = h36m_studio()?;
    let bodies: Vec<Body> = (0..SUBJECTS).map(|subject| scenario.body(seed, subject)).collect();
    let mut set = unobserved(skeleton);
    set.subject_names = (0..SUBJECTS).map(|subject| format!("{scenario}_{subject:02}")).collect();
    set.action_names = scenario.actions().iter().map(|action| action.name.to_owned()).collect();
    for sequence in 0..poses.div_ceil(CLIP) {
        let mut rng = scenario.random(seed, sequence as u64);
        let subject = rng.random_range(0..SUBJECTS as u32) as usize;
        let action = actions::draw(&mut rng, scenario.actions());
        let frames = clip(&mut rng, &scenario.actions()[action], &bodies[subject]);
        let camera = match scenario {
            Scenario::Source => studio[rng.random_range(0..studio.len() as u32) as usize].clone(),
            Scenario::Target => wild_camera(&mut rng, mean_root(&frames), &frames),
        };
        for (frame, world) in frames.iter().take(poses - sequence * CLIP).enumerate() {
            let (sequence, frame) = (sequence as i32, frame as i32);
            let label = Label { sequence, frame, subject: Some(subject as i32), action: Some(action as i32) };
            // Always seen: the studio is well in front of its cameras, and a wild camera makes room.
            observe(&mut set, &camera, world, label);
        }
        set.sequence_names.push(format!("{}_{sequence:05}@{}", scenario.actions()[action].name, camera.id));
    }
    Ok(if joints == 16 { set.to_16() } else { set })
}

/// One clip: joints in the world, metres, the lowest always on the floor.
fn clip(rng: &mut ChaCha8Rng, action: &Action, body: &Body) -> Vec<[[f64; 3]; 17]> {
    let mirrored = rng.random::<bool>();
    let mut first = action.posture(rng, mirrored);
    // The second key of a stride leads with the other leg.
    let mut last = action.posture(rng, mirrored != (action.stride_m > 0.0));
    let yaw = uniform(rng, -180.0, 180.0);
    first.turn(yaw);
    last.turn(yaw + uniform(rng, -30.0, 30.0));
    let stride = action.stride_m * uniform(rng, 0.7, 1.2);
    let start = [uniform(rng, -STUDIO, STUDIO), uniform(rng, -STUDIO, STUDIO)];
    let ahead = [-yaw.to_radians().sin() * stride, yaw.to_radians().cos() * stride];
    (0..CLIP)
        .map(|frame| {
            let t = frame as f64 / (CLIP - 1) as f64;
            // Starts and ends at rest, except for a stride, which goes on.
            let t = if stride > 0.0 { t } else { t * t * (3.0 - 2.0 * t) };
            let root = [start[0] + t * ahead[0], start[1] + t * ahead[1]];
            body.joints(&Posture::between(&first, &last, t), root)
        })
        .collect()
}

#[cfg(test)]
#[path = "synthetic/tests.rs"]
mod tests;
