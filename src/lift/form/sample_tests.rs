//! Frames for the tests of the forms.

use std::cell::RefCell;
use std::io::Write;
use std::rc::Rc;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{About, Form, Lifted, LiftedPerson, Output, Up};
use crate::error::Result;
use crate::pose::Skeleton;

pub(super) fn about(joints: usize, up: Up) -> About {
    let skeleton = Skeleton::of(joints).unwrap();
    About { skeleton, up, checkpoint: "model.safetensors".to_owned(), mode: "online".to_owned(), fps: None }
}

/// Of an adult, metres, by the joint at the bone's end.
fn length(name: &str) -> f32 {
    match name.trim_start_matches(['L', 'R']) {
        "Hip" => 0.13,
        "Knee" | "Foot" => 0.44,
        "Spine" | "Thorax" => 0.24,
        "Neck/Nose" | "Head" => 0.11,
        "Shoulder" => 0.15,
        _ => 0.27,
    }
}

/// Joints (J), metres from the root, camera axes: a person who stands before the camera and waves about, somewhat more
/// bent with every frame; lengths change by a twentieth, as a network's do.
pub(super) fn pose(joints: usize, frame: i32, id: i64) -> Vec<[f32; 3]> {
    let skeleton = Skeleton::of(joints).unwrap();
    let mut places = vec![[0.0f32; 3]; joints];
    for (joint, parent) in skeleton.bones() {
        let name = skeleton.names[joint];
        let side = if name.starts_with('L') { 1.0 } else { -1.0 };
        let phase = frame as f32 * 0.1 + joint as f32 + id as f32;
        let (swing, wave) = (phase.sin() * 0.5, (phase * 0.7).cos() * 0.4);
        let (sin, cos) = swing.sin_cos();
        // World axes: y up, z towards the camera.
        let [x, y, z] = match &name[1..] {
            "Hip" | "Shoulder" => [side * 0.95, 0.2 * swing, 0.2 * wave],
            "Knee" | "Foot" => [0.1 * side, -cos, sin],
            "Elbow" | "Wrist" => [side * cos, sin, wave],
            _ => [0.2 * wave, cos, 0.5 * sin],
        };
        let scale = length(name) * (1.0 + 0.05 * phase.cos()) / (x * x + y * y + z * z).sqrt();
        let [px, py, pz] = places[parent];
        places[joint] = [px + x * scale, py - y * scale, pz - z * scale];
    }
    places
}

pub(super) fn person(joints: usize, frame: i32, id: i64) -> LiftedPerson {
    let missing = |joint: usize| (joint + frame.unsigned_abs() as usize) % 11 == 3;
    LiftedPerson {
        id,
        keypoints: (0..joints).map(|joint| [joint as f32 + 0.25, frame as f32]).collect(),
        confidence: (0..joints).map(|joint| if missing(joint) { 0.0 } else { 0.87654 }).collect(),
        joints: pose(joints, frame, id),
        guessed: (0..joints).map(missing).collect(),
        root: Some([0.01 * frame as f32, 0.2, 4.0 + id as f32 * 0.001]),
        begins: false,
        adapted: frame % 2 == 0,
        losses: None,
        trained: None,
    }
}

pub(super) fn frame(number: i32, people: Vec<LiftedPerson>) -> Lifted {
    Lifted { frame: number, time: Some(f64::from(number) / 25.0), sequence: None, people, ms: 1.0 }
}

/// One person in each of these frames, whose number is 1.
pub(super) fn alone(joints: usize, frames: impl IntoIterator<Item = i32>) -> Vec<Lifted> {
    frames.into_iter().map(|number| frame(number, vec![person(joints, number, 1)])).collect()
}

/// Joints (J) anywhere, of which some lie on their parents, or all on one line.
pub(super) fn wild(joints: usize, seed: u64) -> Vec<[f32; 3]> {
    let skeleton = Skeleton::of(joints).unwrap();
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut places: Vec<[f32; 3]> = (0..joints).map(|_| [0; 3].map(|_| random.random_range(-1.0..1.0))).collect();
    places[0] = [0.0; 3];
    for (joint, parent) in skeleton.bones() {
        match seed % 8 {
            1 if random.random_bool(0.5) => places[joint] = places[parent],
            2 => places[joint] = [0.0, joint as f32 * if random.random_bool(0.5) { 0.1 } else { -0.1 }, 0.0],
            3 => places[joint] = [0.0; 3],
            // Against how the skeleton is at rest, bone by bone.
            4 => places[joint] = [-places[joint][0].signum() * 0.3 * joint as f32, 0.3 * joint as f32, 0.0],
            _ => {}
        }
    }
    places
}

/// A stream that can be looked at while a sink has it.
#[derive(Clone, Default)]
pub(super) struct Shared(Rc<RefCell<Vec<u8>>>);

impl Shared {
    pub(super) fn text(&self) -> String {
        String::from_utf8(self.0.borrow().clone()).unwrap()
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A stream whose reader has gone.
pub(super) struct Closed;

impl Write for Closed {
    fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
        Err(std::io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What a form says of these frames, in the file at `path`.
pub(super) fn write(form: Form, about: About, frames: &[Lifted], path: &std::path::Path) -> Result<Vec<String>> {
    let mut sink = form.sink(about, Output::File(path.to_owned()))?;
    frames.iter().try_for_each(|frame| sink.push(frame))?;
    sink.finish()
}

/// What a form writes of these frames to a stream.
pub(super) fn stream(form: Form, about: About, frames: &[Lifted]) -> String {
    let out = Shared::default();
    let mut sink = form.sink(about, Output::Stream(Box::new(out.clone()))).unwrap();
    frames.iter().for_each(|frame| sink.push(frame).unwrap());
    sink.finish().unwrap();
    out.text()
}
