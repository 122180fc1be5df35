//! Biovision's BVH: a file for each person.
//!
//! A network's bones change their lengths from frame to frame, and BVH's OFFSET does not. So each joint has its position
//! among its channels, as Blender, MotionBuilder and others read them, and lies where it was lifted. Readers that heed
//! rotations alone have a skeleton whose bones are as long as they are in the middle of all frames.

use std::io::{self, Write};

use nalgebra::{Rotation3, Vector3};

use super::recording::{Poses, Recording};
use super::rig::{Rig, angles};
use super::timeline::Timeline;
use super::{Lifted, Sink};
use crate::error::Result;
use crate::pose::Skeleton;

/// Writes files when all frames are there.
pub(super) struct Bvh {
    recording: Recording,
}

impl Bvh {
    /// Of what is recorded.
    pub(super) fn new(recording: Recording) -> Self {
        Self { recording }
    }
}

impl Sink for Bvh {
    fn push(&mut self, frame: &Lifted) -> Result<()> {
        self.recording.push(frame)
    }

    fn finish(self: Box<Self>) -> Result<Vec<String>> {
        let about = self.recording.about();
        self.recording.write("there they hold their pose", |poses, timeline, file| {
            let rig = Rig::new(about.skeleton, about.up).fitted((0..poses.len()).map(|row| poses.of(row)));
            write(&rig, poses, timeline, file)
        })
    }
}

/// The names that MotionBuilder gave to such joints, by which tools for retargeting know them, and `import::motion`
/// without a map. `Head` is in Human3.6M the top of the head, here the joint on which the head turns.
const NAMES: [(&str, &str); 17] = [
    ("Hip", "Hips"),
    ("RHip", "RightUpLeg"),
    ("RKnee", "RightLeg"),
    ("RFoot", "RightFoot"),
    ("LHip", "LeftUpLeg"),
    ("LKnee", "LeftLeg"),
    ("LFoot", "LeftFoot"),
    ("Spine", "Spine"),
    ("Thorax", "Neck"),
    ("Neck/Nose", "Head"),
    ("Head", "HeadTop_End"),
    ("LShoulder", "LeftArm"),
    ("LElbow", "LeftForeArm"),
    ("LWrist", "LeftHand"),
    ("RShoulder", "RightArm"),
    ("RElbow", "RightForeArm"),
    ("RWrist", "RightHand"),
];

/// How far an end site lies from its joint: it only shows where that is turned to.
const END: f64 = 0.05;

/// What a joint is called in the file.
fn name(skeleton: &Skeleton, joint: usize) -> &'static str {
    // Without Neck/Nose, the head is one bone.
    match skeleton.names[joint] {
        "Head" if skeleton.joints == 16 => "Head",
        own => NAMES.iter().find(|(name, _)| *name == own).map_or(own, |(_, theirs)| theirs),
    }
}

fn write(rig: &Rig, poses: &Poses, timeline: &Timeline, file: &mut impl Write) -> io::Result<()> {
    let lengths = lengths(rig, poses);
    writeln!(file, "HIERARCHY")?;
    hierarchy(rig, &lengths, 0, 0, file)?;
    writeln!(file, "MOTION\nFrames: {}\nFrame Time: {:.8}", timeline.slots.len(), timeline.seconds)?;
    let mut line = Vec::new();
    let mut before = vec![[0.0; 3]; rig.skeleton.joints];
    for slot in &timeline.slots {
        if let Some(row) = slot.row {
            line.clear();
            frame(rig, &poses.of(row), &mut before, &mut line)?;
        }
        file.write_all(&line)?;
    }
    Ok(())
}

/// The median length of the bone from each joint's parent to it.
fn lengths(rig: &Rig, poses: &Poses) -> Vec<f64> {
    let mut lengths = vec![Vec::with_capacity(poses.len()); rig.skeleton.joints];
    for row in 0..poses.len() {
        let joints = poses.of(row);
        for (joint, parent) in rig.skeleton.bones() {
            lengths[joint].push((joints[joint] - joints[parent]).norm());
        }
    }
    let median = |mut lengths: Vec<f64>| {
        lengths.sort_by(f64::total_cmp);
        lengths.get(lengths.len() / 2).copied().unwrap_or(0.0)
    };
    lengths.into_iter().map(median).collect()
}

/// A joint and what hangs on it; the skeleton is nowhere deeper than an arm.
fn hierarchy(rig: &Rig, lengths: &[f64], joint: usize, depth: usize, file: &mut impl Write) -> io::Result<()> {
    let indent = "  ".repeat(depth);
    let offset = |at: Vector3<f64>| format!("OFFSET {} {} {}", fixed(at.x), fixed(at.y), fixed(at.z));
    let kind = if joint == 0 { "ROOT" } else { "JOINT" };
    let axes = rig.orders[joint].map(|axis| ["Xrotation", "Yrotation", "Zrotation"][axis]).join(" ");
    writeln!(file, "{indent}{kind} {}\n{indent}{{", name(rig.skeleton, joint))?;
    writeln!(file, "{indent}  {}", offset(rig.rest[joint] * lengths[joint]))?;
    writeln!(file, "{indent}  CHANNELS 6 Xposition Yposition Zposition {axes}")?;
    for &child in &rig.children[joint] {
        hierarchy(rig, lengths, child, depth + 1, file)?;
    }
    if rig.children[joint].is_empty() {
        // Importers take the end site of a `Head` for the top of the head, which is this joint itself.
        let length = if name(rig.skeleton, joint) == "Head" { 0.0 } else { END };
        writeln!(file, "{indent}  End Site\n{indent}  {{")?;
        writeln!(file, "{indent}    {}\n{indent}  }}", offset(rig.rest[joint] * length))?;
    }
    writeln!(file, "{indent}}}")
}

/// A line of channels, in the order of the hierarchy, which is that of the joints. `before`: the angles of the frame
/// before, radians.
fn frame(rig: &Rig, joints: &[Vector3<f64>], before: &mut [[f64; 3]], line: &mut Vec<u8>) -> io::Result<()> {
    let turns = rig.turns(joints);
    for (joint, at) in joints.iter().enumerate() {
        let (turn, from) = match joint {
            0 => (Rotation3::identity(), Vector3::zeros()),
            _ => (turns[rig.skeleton.parents[joint]], joints[rig.skeleton.parents[joint]]),
        };
        let place = turn.inverse() * (at - from);
        let own = turn.inverse() * turns[joint];
        before[joint] = angles(&own, rig.orders[joint], before[joint]);
        let numbers = place.iter().copied().chain(before[joint].map(f64::to_degrees));
        for (k, number) in numbers.enumerate() {
            let space = if joint + k == 0 { "" } else { " " };
            write!(line, "{space}{}", fixed(number))?;
        }
    }
    line.push(b'\n');
    Ok(())
}

/// A micrometre, or a millionth of a degree; 0 has no sign.
fn fixed(number: f64) -> String {
    let text = format!("{number:.6}");
    if text.trim_start_matches(['-', '0', '.']).is_empty() { "0.000000".to_owned() } else { text }
}

#[cfg(test)]
#[path = "bvh_tests.rs"]
mod tests;
