//! Lifts what a webcam's detector sees, over a pipe: a JSON line a frame comes in, a line a person goes out. `isopose
//! lift --input - --out -` does that and more; this shows how little it takes in a program of one's own.
//!
//! `detector | cargo run --release --example lift_pipe -- model.safetensors`
//!
//! Without a model it trains a small one, without lines it makes some up.
#![expect(clippy::print_stdout, reason = "an example shows its result")]

use std::io::{IsTerminal, stdin};
use std::path::Path;

use isopose::adapt::{Lifter, Mode};
use isopose::config::{ModelConfig, Preset, TrainConfig};
use isopose::data::{Scenario, synthetic};
use isopose::gpu::{Device, ShaderChecks};
use isopose::lift::input::{Line, parse};
use isopose::lift::{Frame, Recorded, Session, View};
use isopose::pose::{Intrinsics, Layout};
use isopose::train::Trainer;
use isopose::{Error, Result};

fn main() -> Result<()> {
    let device = Device::open("cpu", 0, ShaderChecks::Off)?;
    let lifter = match std::env::args().nth(1) {
        Some(path) => Lifter::open(Path::new(&path), &device)?,
        None => train(&device)?,
    };
    let mut session = Session::new(&lifter, Mode::ONLINE.policy(lifter.model()))?;
    let coco = Layout::named("coco17").ok_or_else(|| Error::Usage("there is no such layout".to_owned()))?;
    // Of a webcam of 1280 by 720 pixels whose focal length is not known.
    let view = View { layout: coco, camera: Some(Intrinsics::guess([1280, 720])), is_guess: true, ..View::default() };
    session.set_view(view)?;
    let mut frames = 0;
    for (number, line) in (1..).zip(stdin().lines().take_while(|_| !stdin().is_terminal())) {
        let line = line.map_err(|error| Error::io(Path::new("standard input"), "read", error))?;
        match parse(line.as_bytes(), coco) {
            Ok(Line { frame: Some(frame), .. }) => show(&mut session, &frame)?,
            Ok(_) => println!("line {number}: this example knows its camera"),
            Err(wrong) => println!("line {number}: {}", wrong.problem),
        }
        frames += 1;
    }
    if frames == 0 {
        println!("no line came: synthetic people instead");
        for (view, frame) in Recorded::new(&synthetic(Scenario::Target, 32, 1, 16)?, false).frames().take(8) {
            session.set_view(view)?;
            show(&mut session, &frame)?;
        }
    }
    Ok(())
}

/// Lifts a frame and says where heads are.
fn show(session: &mut Session, frame: &Frame) -> Result<()> {
    let lifted = session.push(frame)?;
    for person in lifted.people {
        let [x, y, z] = person.joints[person.joints.len() - 7];
        let (frame, id, ms) = (lifted.frame, person.id, lifted.ms);
        println!("frame {frame}, person {id}: head at ({x:.2}, {y:.2}, {z:.2}) m from the hip, {ms:.2} ms");
    }
    Ok(())
}

/// A small model of synthetic people; `train_synthetic` shows its training.
fn train(device: &Device) -> Result<Lifter> {
    let poses = synthetic(Scenario::Source, 2000, 0, 16)?;
    let model = ModelConfig { width: 64, ..Preset::Geometry.model() };
    let settings = TrainConfig { steps: 500, ..Preset::Geometry.training() };
    let mut trainer = Trainer::new(&poses, &model, &settings, device)?;
    trainer.run(settings.steps, settings.steps, |_, _| {})?;
    let trained = trainer.checkpoint(Vec::new())?;
    Lifter::new(trained.model, trained.parameters, device)
}
