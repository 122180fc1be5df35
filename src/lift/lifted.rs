//! What is made of a frame, and what a whole output is about.

use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::named::named_enum;
use crate::pose::Skeleton;
use crate::task::Losses;

named_enum! {
    /// The axes that poses are given in.
    #[derive(Default)]
    pub enum Up {
        /// The camera's: x right, y down, z forward.
        #[default]
        Camera = "camera",
        /// Those of a world before a camera that is held level: x right, y up, z back towards the camera.
        World = "world",
    }
}

impl Up {
    /// A point or a direction, from the camera's axes.
    #[must_use]
    pub fn of(self, [x, y, z]: [f32; 3]) -> [f32; 3] {
        match self {
            Self::Camera => [x, y, z],
            Self::World => [x, -y, -z],
        }
    }

    /// The axes in words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Camera => "camera: x right, y down, z forward",
            Self::World => "level camera: x right, y up, z back",
        }
    }
}

/// What all frames of an output have in common.
#[derive(Clone, Debug)]
pub struct About {
    /// The joints, and which hangs on which.
    pub skeleton: &'static Skeleton,
    /// The axes of what is written. What a session gives is in the camera's.
    pub up: Up,
    /// The model's file, or another name for it.
    pub checkpoint: String,
    /// The mode's name.
    pub mode: String,
    /// Frames a second, where the user says so.
    pub fps: Option<f64>,
}

/// A frame as lifted.
#[derive(Clone, Debug, PartialEq)]
pub struct Lifted {
    /// The frame's number in its sequence.
    pub frame: i32,
    /// Seconds, where known.
    pub time: Option<f64>,
    /// The recording, where the input names it; `take (2)` where there is another of the same name, whose frames' numbers begin
    /// again.
    pub sequence: Option<Arc<str>>,
    /// The people in it, in the input's order.
    pub people: Vec<LiftedPerson>,
    /// What this frame took, from when it was read, milliseconds.
    pub ms: f64,
}

/// A person as lifted; arrays are in the order of the model's joints.
#[derive(Clone, Debug, PartialEq)]
pub struct LiftedPerson {
    /// The track's number: the input's where it has one.
    pub id: i64,
    /// Keypoints (J), pixels; at a missing joint (0, 0).
    pub keypoints: Vec<[f32; 2]>,
    /// (J): as the input has it, 0 for a missing joint.
    pub confidence: Vec<f32>,
    /// (J): metres from the root, camera axes.
    pub joints: Vec<[f32; 3]>,
    /// (J): whether a joint is a guess, because the input lacks it.
    pub guessed: Vec<bool>,
    /// The root in the camera's axes, metres, where intrinsics and keypoints say where it is.
    pub root: Option<[f32; 3]>,
    /// Whether the track begins here: of somebody new, or back after a while, or elsewhere all at once.
    pub begins: bool,
    /// Whether the model was adapted to this frame before it was lifted.
    pub adapted: bool,
    /// Losses of the last adaptation step, where there was one and they are finite.
    pub losses: Option<Losses>,
    /// (J): as lifted without adaptation, where asked for.
    pub trained: Option<Vec<[f32; 3]>>,
}

/// As in the first line of JSON lines.
impl Serialize for About {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Line<'a> {
            format: &'static str,
            joint_names: &'a [&'static str],
            units: &'static str,
            axes: &'static str,
            checkpoint: &'a str,
            mode: &'a str,
        }
        let line = Line {
            format: "isopose-lift-1",
            joint_names: self.skeleton.names,
            units: "m",
            axes: self.up.words(),
            checkpoint: &self.checkpoint,
            mode: &self.mode,
        };
        line.serialize(to)
    }
}
