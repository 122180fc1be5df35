//! The command line: the only place that reads arguments and prints.

mod bench;
mod demo;
mod devices;
mod eval;
mod import;
mod info;
mod interrupt;
mod lift;
mod merge;
mod options;
mod output;
mod parts;
mod plan;
mod programs;
mod report;
mod settings;
mod shard;
mod study;
mod synth;
#[cfg(test)]
mod tests;
mod train;
mod tune;
mod verify;
mod views;
mod words;

use std::error::Error as _;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::error::Error;
use words::Words;

/// Inference Stage Optimization of 3D human pose lifting: train a 2D-to-3D lifter, then adapt it to each pose while
/// predicting, on a GPU or on the CPU.
#[derive(Debug, Parser)]
#[command(name = "isopose", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Devices(devices::Devices),
    Verify(verify::Verify),
    Synth(synth::Synth),
    Views(views::Views),
    Import(import::Import),
    Info(info::Info),
    Train(train::Train),
    Eval(eval::Eval),
    Merge(merge::Merge),
    Lift(lift::Lift),
    Study(study::Study),
    Report(report::Report),
    Plan(plan::PlanCommand),
    Bench(bench::Bench),
    Demo(demo::Demo),
    Tune(tune::Tune),
}

/// Why a command ended early.
enum Failure {
    /// The engine, or a file, says no.
    Engine(Error),
    /// Standard output cannot be written.
    Output(io::Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Engine(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

/// How a command ends.
type Outcome = Result<ExitCode, Failure>;

/// Runs the command that the process was started with: 0 for success, 1 for failure, 2 for a wrong command line.
#[must_use]
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        // Help and version come here too. That nobody reads them is no failure.
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    // What is lifted to standard output is data, and goes past this.
    let mut out = output::Shown::new(io::stdout().lock());
    let outcome = cli.command.run(&mut out).and_then(|code| Ok(out.flush().map(|()| code)?));
    match outcome {
        Ok(code) => code,
        // The reader has seen enough, as in `isopose plan show train | head`.
        Err(Failure::Output(error)) if error.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(Failure::Engine(Error::Io { source, .. })) if source.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        // What is left and how to go on with it, the command has said.
        Err(Failure::Engine(Error::Stopped)) => interrupt::exit_code(),
        Err(Failure::Output(error)) => fail(&format!("standard output: cannot write: {error}"), 1),
        Err(Failure::Engine(error)) => fail(&one_line(&error, &Words::typed()), error.exit_code()),
    }
}

impl Command {
    fn run(&self, out: &mut dyn Write) -> Outcome {
        match self {
            Self::Devices(command) => command.run(out),
            Self::Verify(command) => command.run(out),
            Self::Synth(command) => command.run(out),
            Self::Views(command) => command.run(out),
            Self::Import(command) => command.run(out),
            Self::Info(command) => command.run(out),
            Self::Train(command) => command.run(out),
            Self::Eval(command) => command.run(out),
            Self::Merge(command) => command.run(out),
            Self::Lift(command) => command.run(out),
            Self::Study(command) => command.run(out),
            Self::Report(command) => command.run(out),
            Self::Plan(command) => command.run(out),
            Self::Bench(command) => command.run(out),
            Self::Demo(command) => command.run(out),
            Self::Tune(command) => command.run(out),
        }
    }
}

fn fail(message: &str, code: u8) -> ExitCode {
    output::note(&format!("error: {message}"));
    ExitCode::from(code)
}

/// The message with those of its causes that it does not quote already, without line breaks.
fn one_line(error: &Error, words: &Words) -> String {
    let mut message = words.message(error);
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !message.contains(&text) {
            message = format!("{message}: {text}");
        }
        cause = error.source();
    }
    message.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}
