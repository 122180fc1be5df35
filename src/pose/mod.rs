//! Skeletons and joint maps, cameras and projection, turned cameras, 2D normalisation.

pub(crate) mod camera;
mod joint_words;
pub(crate) mod missing;
mod normalize;
mod rays;
mod skeleton;

pub use camera::Camera;
pub(crate) use joint_words::words;
pub use missing::Fill;
pub use normalize::{bone_normalize, mean_bone_lengths, root_centred};
pub use rays::{Intrinsics, Turn};
pub use skeleton::{Skeleton, to_16};
