//! What a detector gives, frame by frame.

use std::sync::Arc;

use crate::pose::{Intrinsics, Layout, layout};

/// A frame: who is seen where.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Frame {
    /// Its number in its recording; without one, it follows the frame before.
    pub number: Option<i32>,
    /// Seconds, where known.
    pub time: Option<f64>,
    /// The recording, where there are several. Nobody is followed from one to the next.
    pub sequence: Option<Arc<str>>,
    /// Everybody, in any order.
    pub people: Vec<Person>,
}

/// A person in a frame.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Person {
    /// Who it is, from frame to frame. Who has no number is followed by where they are.
    pub id: Option<i64>,
    /// Keypoints in the order of the view's layout, pixels: x right, y down.
    pub keypoints: Vec<[f32; 2]>,
    /// The confidence of each, 0 for one that was not found; what is more than 1 counts as 1. Empty: all were found.
    pub confidence: Vec<f32>,
}

/// What is known of all frames until another view begins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct View {
    /// The order of the keypoints.
    pub layout: &'static Layout,
    /// Width and height of the image in pixels, where known.
    pub image_size: Option<[i32; 2]>,
    /// The camera, for models of rays, and to say where people stand.
    pub camera: Option<Intrinsics>,
    /// Whether the camera is a guess. Where people stand before it is then not said.
    pub is_guess: bool,
}

impl Default for View {
    /// Human3.6M's 17 joints, seen by an unknown camera.
    fn default() -> Self {
        Self { layout: &layout::H36M_17, image_size: None, camera: None, is_guess: false }
    }
}
