//! Skeletons and joint maps, cameras and projection, turned cameras, 2D normalisation.

pub(crate) mod camera;
pub(crate) mod follow;
mod joint_words;
pub(crate) mod layout;
pub(crate) mod missing;
mod normalize;
mod rays;
mod root;
mod skeleton;

pub use camera::Camera;
pub(crate) use joint_words::words;
pub(crate) use layout::{FAR_PIXELS, is_far};
pub use layout::{LAYOUTS, Layout, Slot};
pub use missing::Fill;
pub use normalize::{bone_normalize, mean_bone_lengths, root_centred};
pub use rays::{Intrinsics, Turn};
pub use root::locate_root;
pub use skeleton::{Skeleton, to_16};
