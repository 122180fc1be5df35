//! Skeletons and joint maps, cameras and projection, 2D normalisation.

pub mod camera;
pub mod missing;
pub mod normalize;
pub mod skeleton;

pub use camera::Camera;
pub use normalize::{bone_normalize, mean_bone_lengths, root_centred};
pub use skeleton::{Skeleton, to_16};
