//! Skeletons and joint maps, cameras and projection, turned cameras, 2D normalisation.

pub(crate) mod camera;
pub(crate) mod missing;
mod normalize;
mod rays;
mod skeleton;

pub use camera::Camera;
pub use missing::Fill;
pub use normalize::{bone_normalize, mean_bone_lengths, root_centred};
pub use rays::{Intrinsics, Turn};
pub use skeleton::{Skeleton, to_16};
