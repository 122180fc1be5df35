//! The command line.

use burn::tensor::DeviceKind;

const USAGE: &str = "\
usage: burn-peer [--device default|cpu|discrete:N|integrated:N] [--isopose PROGRAM] [--isopose-device D]
                 [--width W] [--joints 16|17] [--modes M,M,...] [--copies B,B,...] [--samples N] [--rounds N]

  --device          burn's: the adapter that wgpu thinks best, a software adapter, or one by number [default: default]
  --isopose         [default: ../../../target/release/isopose]
  --isopose-device  isopose's: must name the same adapter [default: gpu]
  --modes           of baseline, baseline-no-flip, vanilla, vanilla-lr, online, online-skip, train-step [default: all]
  --samples         timed samples of a turn, for online-skip rounded up to tens [default: 20]
  --rounds          turns of each side [default: 3]";

/// What is timed.
#[derive(Clone, Copy, PartialEq)]
pub enum Mode {
    Baseline {
        flip: bool,
    },
    /// From the source parameters and a fresh Adam: steps, learning rate.
    Vanilla(usize, f64),
    Online,
    /// A step at one sample in [`Mode::period`].
    OnlineSkip,
    /// A joint training step of [`BATCH`] poses.
    TrainStep,
}

impl Mode {
    /// Whether the number of copies matters.
    pub fn adapts(self) -> bool {
        matches!(self, Self::Vanilla(..) | Self::Online | Self::OnlineSkip)
    }

    /// Samples until the work repeats.
    pub fn period(self) -> usize {
        if self == Self::OnlineSkip { 10 } else { 1 }
    }
}

/// Poses in a training step.
pub const BATCH: usize = 64;

const MODES: [(&str, Mode); 7] = [
    ("baseline", Mode::Baseline { flip: true }),
    ("baseline-no-flip", Mode::Baseline { flip: false }),
    ("vanilla", Mode::Vanilla(10, 2e-5)),
    ("vanilla-lr", Mode::Vanilla(1, 2e-4)),
    ("online", Mode::Online),
    ("online-skip", Mode::OnlineSkip),
    ("train-step", Mode::TrainStep),
];

#[derive(Clone)]
pub struct Args {
    pub device: DeviceKind,
    pub isopose: String,
    pub isopose_device: String,
    pub width: usize,
    pub joints: usize,
    pub modes: Vec<(&'static str, Mode)>,
    pub copies: Vec<usize>,
    pub samples: usize,
    pub rounds: usize,
}

impl Args {
    pub fn parse() -> Self {
        let mut parsed = Self {
            device: DeviceKind::DefaultDevice,
            isopose: "../../../target/release/isopose".to_owned(),
            isopose_device: "gpu".to_owned(),
            width: 1024,
            joints: 16,
            modes: MODES.to_vec(),
            copies: vec![16, 64],
            samples: 20,
            rounds: 3,
        };
        let mut words = std::env::args().skip(1);
        while let Some(option) = words.next() {
            let value = words.next().unwrap_or_else(|| fail(&format!("{option} needs a value")));
            let number = |text: &str| {
                let found = text.parse().ok().filter(|n| *n > 0);
                found.unwrap_or_else(|| fail(&format!("{option}: `{text}` is not a whole number above 0")))
            };
            match option.as_str() {
                "--device" => parsed.device = device(&value),
                "--isopose" => parsed.isopose = value,
                "--isopose-device" => parsed.isopose_device = value,
                "--width" => parsed.width = number(&value),
                "--joints" => parsed.joints = number(&value),
                "--modes" => parsed.modes = value.split(',').map(mode).collect(),
                "--copies" => parsed.copies = value.split(',').map(number).collect(),
                "--samples" => parsed.samples = number(&value),
                "--rounds" => parsed.rounds = number(&value),
                _ => fail(&format!("{option} is not an option")),
            }
        }
        if !matches!(parsed.joints, 16 | 17) {
            fail("--joints: use 16 or 17");
        }
        parsed
    }
}

fn mode(name: &str) -> (&'static str, Mode) {
    let known = MODES.into_iter().find(|(known, _)| *known == name);
    known.unwrap_or_else(|| fail(&format!("--modes: `{name}` is none of them")))
}

fn device(value: &str) -> DeviceKind {
    let (kind, index) = value.split_once(':').unwrap_or((value, "0"));
    let index = || index.parse().unwrap_or_else(|_| fail(&format!("--device: `{index}` is not a number")));
    match kind {
        "default" => DeviceKind::DefaultDevice,
        "cpu" => DeviceKind::Cpu,
        "discrete" => DeviceKind::DiscreteGpu(index()),
        "integrated" => DeviceKind::IntegratedGpu(index()),
        _ => fail(&format!("--device: `{value}` is neither default, cpu, discrete:N nor integrated:N")),
    }
}

/// Ends the program: bad usage.
fn fail(what: &str) -> ! {
    eprintln!("error: {what}\n{USAGE}");
    std::process::exit(2)
}
