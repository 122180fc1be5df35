//! Online adaptation for as long as one likes: a small model of the geometry task adapts to synthetic people frame by
//! frame. A row for each tenth of the samples says whether memory or latency grow; the last line is a checksum of the bits
//! of every prediction, the same each time and for any number of threads.
//!
//! `cargo run --release --example soak -- [--samples N] [--threads T] [--width W] [--device D]`
//!
//! Fails if a pose is not finite, or if the last tenth takes more memory than the second (Linux alone says how much).
//! Latencies are shown, not judged: they are the machine's.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "an example shows its result")]

use std::process::ExitCode;
use std::time::Instant;

use crc32fast::Hasher;
use isopose::adapt::{Lifter, Mode};
use isopose::config::{ModelConfig, Preset, TrainConfig};
use isopose::data::{PoseSet, Scenario, synthetic};
use isopose::gpu::{Device, ShaderChecks};
use isopose::train::Trainer;
use isopose::{Error, Result};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Poses of a sequence of [`synthetic`].
const CLIP: usize = 16;
/// Poses that are gone through again and again, each time with other noise.
const POSES: usize = 320 * CLIP;
/// Pixels by which a keypoint is off at most, along x and y; a detector's are.
const NOISE: f32 = 3.0;

fn main() -> ExitCode {
    match settings().map_err(Into::into).and_then(|settings| soak(&settings)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

struct Settings {
    samples: usize,
    threads: usize,
    width: usize,
    device: String,
}

fn settings() -> Result<Settings> {
    let mut settings = Settings { samples: 100_000, threads: 0, width: 256, device: "cpu".to_owned() };
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or_else(|| Error::Usage(format!("{name}: its value is missing")))?;
        let number = || value.parse().map_err(|_| Error::Usage(format!("{name}: {value:?} is not a whole number")));
        match name.as_str() {
            "--samples" => settings.samples = number()?,
            "--threads" => settings.threads = number()?,
            "--width" => settings.width = number()?,
            "--device" => settings.device = value,
            _ => return Err(Error::Usage(format!("{name}: give --samples, --threads, --width or --device"))),
        }
    }
    if settings.samples < 10 {
        return Err(Error::Usage(format!("--samples: {} have no tenths; give at least 10", settings.samples)));
    }
    Ok(settings)
}

fn soak(settings: &Settings) -> std::result::Result<(), Box<dyn std::error::Error>> {
    let device = Device::open(&settings.device, settings.threads, ShaderChecks::Off)?;
    let lifter = train(settings.width, &device)?;
    let target = synthetic(Scenario::Target, POSES, 1, 16)?;
    let adapter = lifter.adapter(Mode::ONLINE.policy(lifter.model()))?;
    let mut track = adapter.track();

    println!("adapting online to {} samples on {}, width {}", settings.samples, device.name(), settings.width);
    println!("{:>9} {:>11} {:>10} {:>10}  checksum", "samples", "memory, MiB", "median, ms", "99 %, ms");
    let mut checksum = Hasher::new();
    let mut memory = Vec::with_capacity(10);
    let mut latencies = Vec::with_capacity(settings.samples.div_ceil(10));
    for tenth in 0..10 {
        let end = settings.samples * (tenth + 1) / 10;
        latencies.clear();
        for sample in settings.samples * tenth / 10..end {
            let pose = sample % POSES;
            if pose.is_multiple_of(CLIP) {
                track.cut();
                track.set_intrinsics(target.camera(pose))?;
            }
            let keypoints = noisy(&target, pose, sample as u64);
            let start = Instant::now();
            let lifted = track.push(&keypoints, None)?;
            latencies.push(start.elapsed().as_secs_f64() * 1e3);
            let joints = lifted.joints.as_flattened();
            if !lifted.adapted || !joints.iter().all(|v| v.is_finite()) {
                return Err(format!("sample {sample}: not adapted to, or its pose is not finite").into());
            }
            joints.iter().for_each(|v| checksum.update(&v.to_bits().to_le_bytes()));
        }
        latencies.sort_by(f64::total_cmp);
        let [median, slow] = [latencies.len() / 2, latencies.len() * 99 / 100].map(|place| latencies[place]);
        let resident = resident_mib();
        let shown = resident.map_or_else(|| "-".to_owned(), |mib| format!("{mib:.1}"));
        println!("{end:9} {shown:>11} {median:10.3} {slow:10.3}  {:08x}", checksum.clone().finalize());
        memory.push(resident);
    }
    println!("{:08x}", checksum.finalize());
    match (memory[1], memory[9]) {
        // What was allocated once is there by the second tenth; the rest is for what an allocator keeps back.
        (Some(early), Some(late)) if late > 1.05 * early + 8.0 => {
            Err(format!("memory grew from {early:.1} MiB in the second tenth to {late:.1} in the last").into())
        }
        _ => Ok(()),
    }
}

/// A small model of the source scenario; `train_synthetic` shows its training.
fn train(width: usize, device: &Device) -> Result<Lifter> {
    let source = synthetic(Scenario::Source, 4000, 0, 16)?;
    let model = ModelConfig { width, ..Preset::Geometry.model() };
    let config = TrainConfig { steps: 300, ..Preset::Geometry.training() };
    let mut trainer = Trainer::new(&source, &model, &config, device)?;
    trainer.run(config.steps, config.steps, |_, _| {})?;
    let trained = trainer.checkpoint(Vec::new())?;
    Lifter::new(trained.model, trained.parameters, device)
}

/// The keypoints of a pose, each off by some pixels that are `sample`'s alone.
fn noisy(set: &PoseSet, pose: usize, sample: u64) -> Vec<[f32; 2]> {
    let mut random = ChaCha8Rng::seed_from_u64(sample);
    let keypoints = &set.keypoints.as_chunks::<2>().0[pose * set.joints..][..set.joints];
    keypoints.iter().map(|point| point.map(|v| v + NOISE * random.random_range(-1.0..1.0f32))).collect()
}

/// Memory of this process that is not swapped out, where the system says it.
fn resident_mib() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<f64>().ok()? / 1024.0)
}
