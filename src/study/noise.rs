//! Gaussian noise on 2D keypoints, as a detector's (Sec. 4.4, Table 5).

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use crate::config::ModelConfig;
use crate::data::PoseSet;
use crate::named::named_enum;
use crate::pose::{Skeleton, bone_normalize};

/// The person's size in the paper's inputs: about 200 pixels from head to foot.
const PERSON_PX: f64 = 200.0;

named_enum! {
    /// Whose pixels noise is measured in.
    pub enum Pixels {
        /// Of an image in which the person, standing, is 200 px tall. How many pixels of its own image that is follows
        /// from each pose's bone scale.
        Person = "person",
        /// The data set's own.
        Image = "image",
    }
}

/// The poses with noise of standard deviation `sigma` on x and y of each joint. Missing joints stay as they are.
#[must_use]
pub(super) fn noisy(set: &PoseSet, model: &ModelConfig, (sigma, pixels): (f64, Pixels), seed: u32) -> PoseSet {
    let Some(skeleton) = Skeleton::of(set.joints).filter(|_| model.bone_lengths.len() + 1 == set.joints) else {
        return set.clone();
    };
    let height = standing_height(skeleton, &model.bone_lengths) / f64::from(model.depth);
    let seen = set.seen();
    let mut rng = ChaCha8Rng::seed_from_u64(seed.into());
    let mut keypoints = set.keypoints.clone();
    for (index, pose) in keypoints.chunks_exact_mut(2 * set.joints).enumerate() {
        let seen = seen.get(index * set.joints..(index + 1) * set.joints).unwrap_or_default();
        let deviation = match pixels {
            Pixels::Image => sigma,
            Pixels::Person => {
                let scale = bone_normalize(&mut pose.to_vec(), seen, skeleton, &model.bone_lengths, model.depth);
                sigma / PERSON_PX * f64::from(scale) * height
            }
        };
        for (k, value) in pose.iter_mut().enumerate() {
            let normal: f64 = StandardNormal.sample(&mut rng);
            if seen.get(k / 2).is_none_or(|&seen| seen > 0.0) {
                *value += (deviation * normal) as f32;
            }
        }
    }
    PoseSet { keypoints, ..set.clone() }
}

/// From foot to head along the bones, metres.
fn standing_height(skeleton: &Skeleton, bone_lengths: &[f32]) -> f64 {
    let to_root = |name: &str| {
        let mut joint = skeleton.names.iter().position(|n| *n == name).unwrap_or(0);
        let mut length = 0.0;
        while joint != 0 {
            length += f64::from(bone_lengths[joint - 1]);
            joint = skeleton.parents[joint];
        }
        length
    };
    // The first bone of a leg runs sideways.
    let hip = bone_lengths.first().map_or(0.0, |&length| f64::from(length));
    to_root("RFoot") - hip + to_root("Head")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Scenario, synthetic};
    use crate::pose::mean_bone_lengths;

    fn model_of(set: &PoseSet) -> ModelConfig {
        let skeleton = Skeleton::of(set.joints).unwrap();
        let bone_lengths = mean_bone_lengths(set.positions.as_ref().unwrap(), skeleton);
        ModelConfig { joints: set.joints, bone_lengths, ..ModelConfig::default() }
    }

    #[test]
    fn noise_has_the_size_asked_for() {
        // A person who stands upright before the camera, every bone in the image plane: focal length 1000 px, 4 m away.
        let (focal, distance, bone) = (1000.0, 4.0, 0.25);
        for joints in [16, 17] {
            let skeleton = Skeleton::of(joints).unwrap();
            let mut position = vec![[0.0f32; 2]; joints];
            for (joint, parent) in skeleton.bones() {
                let direction = match skeleton.names[joint] {
                    name if name.contains("Knee") || name.contains("Foot") => [0.0, 1.0],
                    name if name.starts_with('R') => [-1.0, 0.0],
                    name if name.starts_with('L') => [1.0, 0.0],
                    _ => [0.0, -1.0],
                };
                position[joint] = [0, 1].map(|k| position[parent][k] + bone * direction[k]);
            }
            // Two bones below the hip, the others above it: in metres, and so in pixels.
            let height = bone * if joints == 16 { 5.0 } else { 6.0 };
            let person = f64::from(focal * height / distance);
            let poses = 500;
            let pixels: Vec<f32> = position.concat().iter().map(|v| 700.0 + focal * v / distance).collect();
            let set = PoseSet { keypoints: pixels.repeat(poses), ..PoseSet::empty(skeleton) };
            let model = ModelConfig { joints, bone_lengths: vec![bone; joints - 1], ..ModelConfig::default() };
            let [a, b] = [5.0, 10.0].map(|sigma| noisy(&set, &model, (sigma, Pixels::Person), 3));
            let mut sum = 0.0;
            for ((a, b), x) in a.keypoints.iter().zip(&b.keypoints).zip(&set.keypoints) {
                sum += (f64::from(a - x) / person * 200.0).powi(2);
                // Twice the noise of the same seed moves twice as far, up to float32 pixels.
                assert!((f64::from(b - x) - 2.0 * f64::from(a - x)).abs() < 1e-3);
            }
            // 16,000 draws: the standard deviation is known to 0.6 %; four times that.
            let deviation = (sum / set.keypoints.len() as f64).sqrt();
            assert!((deviation / 5.0 - 1.0).abs() < 0.024, "{deviation}");
            // The same draws, of the image's own size.
            let own = noisy(&set, &model, (5.0, Pixels::Image), 3);
            for ((own, a), x) in own.keypoints.iter().zip(&a.keypoints).zip(&set.keypoints) {
                assert!((f64::from(own - x) * person / 200.0 - f64::from(a - x)).abs() < 1e-3);
            }
        }
    }

    #[test]
    fn missing_joints_stay_and_seeds_differ() {
        let mut set = synthetic(Scenario::Source, 8, 0, 16).unwrap();
        let model = model_of(&set);
        let mut confidence = vec![1.0; 8 * 16];
        confidence[16 + 3] = 0.0;
        set.confidence = Some(confidence);
        let moved = noisy(&set, &model, (5.0, Pixels::Person), 1);
        let at = 2 * (16 + 3);
        assert_eq!(moved.keypoints[at..at + 2], set.keypoints[at..at + 2]);
        assert_ne!(moved.keypoints[at + 2..at + 4], set.keypoints[at + 2..at + 4]);
        assert_eq!(moved, noisy(&set, &model, (5.0, Pixels::Person), 1));
        assert_ne!(moved, noisy(&set, &model, (5.0, Pixels::Person), 2));
    }
}
