//! Motion seen by cameras: from joint positions in the world to pose sets.

use std::f64::consts::TAU;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{
    Label, Motion, PoseSet,
    observe::{observe, unobserved},
};
use crate::{
    error::{Error, Result},
    named::named_enum,
    pose::{Camera, Skeleton, camera::MIN_DEPTH},
};

named_enum! {
    /// Where the cameras stand.
    #[derive(Hash)]
    pub enum Rig {
        /// The four cameras of Human3.6M as placed for subject S1, with their distortion.
        H36m = "h36m",
        /// One random camera for each clip: azimuth uniform, elevation -15 to 40 degrees, 2.5 to 6 m away.
        Wild = "wild",
    }
}

/// Image side and focal length of the wild cameras, pixels: about those of Human3.6M.
const WILD_SIZE: u32 = 1000;
const WILD_FOCAL: f64 = 1145.0;

/// Every `stride`-th frame of every clip, seen by the cameras of `rig`; `joints` is 16 or 17.
///
/// One sequence for each clip and camera, in that order. `h36m` first moves each clip so that its mean root stands over
/// the world's origin, where those cameras look. A `wild` camera (undistorted, 1000 x 1000 pixels, focal length 1145)
/// looks at its clip's mean root; it is moved back along its axis until every joint of every frame is at least
/// 0.5 m in front of it. Frames with a joint that an `h36m` camera cannot project ([`Camera::sees`]) are left
/// out. Each clip's camera depends on `seed` and the clip's number only.
///
/// # Errors
/// [`Error::Setting`] if `stride` is 0, `joints` is neither 16 nor 17, or no frame is left.
pub fn views(motion: &Motion, rig: Rig, seed: u64, stride: usize, joints: usize) -> Result<PoseSet> {
    if Skeleton::of(joints).is_none() {
        return Err(Error::setting("joints", format!("it is {joints}; use 16 or 17")));
    }
    let (Some(skeleton), 1..) = (Skeleton::of(17), stride) else {
        return Err(Error::setting("stride", "it is 0; use 1 for every frame"));
    };
    let mut set = unobserved(skeleton);
    set.subject_names.clone_from(&motion.subject_names);
    set.action_names.clone_from(&motion.category_names);
    let studio = h36m_studio()?;
    for (clip, (range, name)) in motion.clips().zip(&motion.clip_names).enumerate() {
        let mut frames: Vec<[[f64; 3]; 17]> = range.clone().step_by(stride).map(|i| motion.joints_m(i)).collect();
        let mean_root = mean_root(&frames);
        let cameras = match rig {
            Rig::H36m => {
                for joint in frames.iter_mut().flatten() {
                    joint[0] -= mean_root[0];
                    joint[1] -= mean_root[1];
                }
                studio.clone()
            }
            Rig::Wild => {
                let mut rng = ChaCha8Rng::seed_from_u64(seed);
                rng.set_stream(clip as u64);
                vec![wild_camera(&mut rng, mean_root, &frames)]
            }
        };
        for camera in &cameras {
            let sequence = set.sequence_names.len();
            let seen = set.len();
            for (world, i) in frames.iter().zip(range.clone().step_by(stride)) {
                let (subject, action) = (Some(motion.subject[i]), Some(motion.category[i]));
                let label = Label { sequence: sequence as i32, frame: motion.frame[i], subject, action };
                observe(&mut set, camera, world, label);
            }
            if set.len() > seen {
                set.sequence_names.push(format!("{name}@{}", camera.id));
            }
        }
    }
    if set.is_empty() {
        let problem = format!("no frame of the motion is visible from the cameras of {rig}; use another");
        return Err(Error::setting("rig", problem));
    }
    Ok(if joints == 16 { set.to_16() } else { set })
}

/// The Human3.6M cameras as placed for S1.
pub(super) fn h36m_studio() -> Result<Vec<Camera>> {
    Camera::h36m("S1").ok_or_else(|| Error::Usage("the built-in calibration of Human3.6M is damaged".into()))
}

/// A random camera that looks at `target` and has every joint of `frames` (metres, world) in front of it.
pub(super) fn wild_camera(rng: &mut ChaCha8Rng, target: [f64; 3], frames: &[[[f64; 3]; 17]]) -> Camera {
    let azimuth = TAU * rng.random::<f64>();
    let elevation = uniform(rng, -15.0, 40.0).to_radians();
    let distance = uniform(rng, 2.5, 6.0);
    let (sin, cos) = elevation.sin_cos();
    let at = |distance: f64| {
        let position = [
            target[0] + distance * cos * azimuth.cos(),
            target[1] + distance * cos * azimuth.sin(),
            target[2] + distance * sin,
        ];
        Camera::look_at("wild", position, target, WILD_FOCAL, WILD_SIZE)
    };
    let camera = at(distance);
    let nearest = frames.iter().flatten().map(|&joint| camera.to_camera(joint)[2]).fold(f64::INFINITY, f64::min);
    // A hair more than needed, so that rounding cannot leave a joint too near.
    if nearest < MIN_DEPTH { at(distance + MIN_DEPTH - nearest + 1e-6) } else { camera }
}

/// Uniform in `low..high`.
pub(super) fn uniform(rng: &mut ChaCha8Rng, low: f64, high: f64) -> f64 {
    low + (high - low) * rng.random::<f64>()
}

/// The mean position of joint 0; the origin without frames.
pub(super) fn mean_root(frames: &[[[f64; 3]; 17]]) -> [f64; 3] {
    std::array::from_fn(|axis| frames.iter().map(|frame| frame[0][axis]).sum::<f64>() / frames.len().max(1) as f64)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    #[cfg(feature = "import")]
    use crate::data::motion::examples::mocap;
    use crate::data::motion::examples::motion;

    #[test]
    fn h36m_sees_every_clip_from_four_sides() {
        let set = views(&motion(), Rig::H36m, 0, 2, 17).unwrap();
        set.validate(Path::new("p")).unwrap();
        assert_eq!(set.sequence_names.len(), 8);
        assert_eq!(set.sequence_names[..2], ["stand@54138969", "stand@55011271"]);
        assert_eq!(set.sequence_starts().len(), 8);
        assert_eq!(set.frame.as_ref().unwrap()[..4], [0, 2, 0, 2], "clip, then camera, then every second frame");
        assert_eq!(set.subject.as_ref().unwrap()[0], 1);
        // Two frames a camera, then the next camera; the first and the ninth pose are of one camera and two clips.
        let cameras = set.intrinsics.as_ref().unwrap();
        assert!(cameras[0] == cameras[1] && cameras[1] != cameras[2] && cameras[0] == cameras[8], "{cameras:?}");
        // The standing clip is 7 m off in the file; recentred, it is near the middle of each image and 4 to 6 m away.
        for pose in 0..8 {
            let [u, v] = [set.keypoints[pose * 34], set.keypoints[pose * 34 + 1]];
            assert!((300.0..700.0).contains(&u) && (300.0..850.0).contains(&v), "{u} {v}");
            assert!((3.0..7.0).contains(&set.positions.as_ref().unwrap()[pose * 51 + 2]));
        }
    }

    #[test]
    fn wild_keeps_every_frame_in_front_and_follows_the_seed() {
        let run = |seed| views(&motion(), Rig::Wild, seed, 1, 16).unwrap();
        for seed in 0..50 {
            let set = run(seed);
            set.validate(Path::new("p")).unwrap();
            assert_eq!((set.len(), set.joints, set.sequence_names.len()), (24, 16, 2));
            assert_eq!(set.intrinsics, Some(vec![[1145.0, 1145.0, 500.0, 500.0]; 24]));
            let positions = set.positions.as_ref().unwrap();
            assert!(positions.iter().skip(2).step_by(3).all(|&z| f64::from(z) >= MIN_DEPTH - 1e-6));
            // Undistorted: the keypoint is the pinhole projection, also outside of the image.
            for (k, p) in set.keypoints.chunks_exact(2).zip(positions.chunks_exact(3)) {
                assert!((k[0] - (1145.0 * p[0] / p[2] + 500.0)).abs() < 1e-2 * (1.0 + k[0].abs() / 500.0));
            }
            let (root, head) = (&positions[..3], &positions[9 * 3..10 * 3]);
            assert!(head[1] < root[1], "an upright person's head is up in the image (y down)");
        }
        assert_eq!(run(3), run(3));
        assert_ne!(run(3).keypoints, run(4).keypoints);
    }

    #[test]
    fn impossible_requests_are_usage_errors() {
        for (stride, joints) in [(0, 17), (1, 15)] {
            assert!(matches!(views(&motion(), Rig::Wild, 0, stride, joints), Err(Error::Setting { .. })));
        }
        assert!(views(&Motion::default(), Rig::Wild, 0, 1, 17).is_err());
    }

    #[cfg(feature = "import")]
    #[test]
    fn real_motion_capture_is_seen_by_both_rigs() {
        let Some(motion) = mocap("target_dev.npz") else { return };
        let frames = motion.clips().map(|clip| clip.len().div_ceil(10)).sum::<usize>();
        let studio = views(&motion, Rig::H36m, 0, 10, 17).unwrap();
        assert!(studio.len() > frames * 4 * 99 / 100, "{} of {}", studio.len(), frames * 4);
        let wild = views(&motion, Rig::Wild, 1, 10, 16).unwrap();
        assert_eq!(wild.len(), frames);
        wild.validate(Path::new("p")).unwrap();
        let inside = wild.keypoints.iter().filter(|k| (0.0..1000.0).contains(*k)).count() as f64;
        assert!(inside / wild.keypoints.len() as f64 > 0.9);
    }
}
