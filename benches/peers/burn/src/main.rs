//! The work of `isopose bench` on the burn framework, timed by turns with it: burn's wgpu backend, autodiff, kernel
//! fusion and autotuning.
//!
//! ```text
//! cargo build --release                       # here, and in the root
//! cargo run --release -- --isopose-device gpu
//! ```
//!
//! The same networks, losses, random views and Adam steps as in `../torch_peer.py`: x is lifted once, the generator's
//! loss is the saturating one, so that one backward pass serves both players, and frozen batch norms are a scale and a
//! shift. One shortcut of isopose's is left out: vanilla's last step moves head and discriminator too, though they are
//! discarded. Prints a table: milliseconds from a sample in host memory to its prediction in host memory, the median (of
//! online-skip, whose samples differ, the mean) of a turn, and of these the median over the rounds.

mod args;
mod net;
mod session;

use std::process::Command;
use std::time::Instant;

use args::{Args, BATCH, Mode};
use session::Session;

fn main() {
    let args = Args::parse();
    let begun = Instant::now();
    let mut session = Session::new(&args);
    session.run(Mode::Baseline { flip: true }, 1, 0);
    note(&format!("first prediction of burn after {:.1} s", begun.elapsed().as_secs_f64()));
    println!("| mode | B | isopose ms | burn ms | burn / isopose |\n|---|---|---|---|---|");
    for &(name, mode) in &args.modes {
        for &copies in if mode.adapts() { &args.copies[..] } else { &[1] } {
            compare(&args, &mut session, (name, mode), copies);
        }
    }
}

/// One row: turns of isopose and burn, after a warm-up of burn, which compiles and tunes kernels.
fn compare(args: &Args, session: &mut Session, (name, mode): (&str, Mode), copies: usize) {
    let begun = Instant::now();
    (0..2).for_each(|i| session.run(mode, copies, i));
    note(&format!("{name} B={copies}: burn was warm after {:.1} s", begun.elapsed().as_secs_f64()));
    let (mut ours, mut theirs, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..args.rounds {
        ours.push(isopose(args, (name, mode), copies));
        // Not counted, as in `../torch_peer.py`.
        (0..mode.period()).for_each(|i| session.run(mode, copies, i));
        theirs.push(typical(
            mode,
            (0..args.samples.next_multiple_of(mode.period())).map(|i| {
                let begun = Instant::now();
                session.run(mode, copies, i);
                1e3 * begun.elapsed().as_secs_f64()
            }),
        ));
        ratios.push(theirs[theirs.len() - 1] / ours[ours.len() - 1]);
    }
    let shown = if mode.adapts() { copies.to_string() } else { String::new() };
    let least = ratios.iter().copied().fold(f64::INFINITY, f64::min);
    let most = ratios.iter().copied().fold(0.0, f64::max);
    let [ours, theirs, ratio] = [ours, theirs, ratios].map(|values| median(values.into_iter()));
    println!("| {name} | {shown} | {ours:.2} | {theirs:.2} | {ratio:.2} ({least:.2} to {most:.2}) |");
}

/// Of `isopose bench`, milliseconds.
fn isopose(args: &Args, (name, mode): (&str, Mode), copies: usize) -> f64 {
    let mut command = Command::new(&args.isopose);
    command.args(["bench", "--json", "--preset", "paper", "--device", &args.isopose_device, "--mode", name]);
    let sizes = [("--width", args.width), ("--joints", args.joints), ("--copies", copies), ("--batch", BATCH)];
    for (option, value) in sizes.into_iter().chain([("--samples", args.samples)]) {
        command.arg(option).arg(value.to_string());
    }
    let done = command.output().unwrap_or_else(|e| fail(&format!("--isopose {}: {e}", args.isopose)));
    if !done.status.success() {
        fail(&format!("{}: {}", args.isopose, String::from_utf8_lossy(&done.stderr).trim()));
    }
    let report: serde_json::Value =
        serde_json::from_slice(&done.stdout).unwrap_or_else(|e| fail(&format!("{}: {e}", args.isopose)));
    let key = if mode.period() == 1 { "ms_median" } else { "ms_mean" };
    report["rows"][0][key].as_f64().unwrap_or_else(|| fail(&format!("{}: no {key}", args.isopose)))
}

/// The median; the mean where samples differ.
fn typical(mode: Mode, samples: impl Iterator<Item = f64>) -> f64 {
    let samples: Vec<f64> = samples.collect();
    if mode.period() == 1 { median(samples.into_iter()) } else { samples.iter().sum::<f64>() / samples.len() as f64 }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    0.5 * (values[(values.len() - 1) / 2] + values[values.len() / 2])
}

fn note(what: &str) {
    eprintln!("{what}");
}

fn fail(what: &str) -> ! {
    eprintln!("error: {what}");
    std::process::exit(1)
}
