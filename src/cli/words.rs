//! What the library says, in the words of the command line: it names settings and modules, a user types flags and
//! commands.

use std::ffi::OsString;

use clap::CommandFactory;

use super::Cli;
use crate::error::Error;

/// The command that was typed, with the flags that it takes.
pub(super) struct Words {
    program: clap::Command,
    command: clap::Command,
}

impl Words {
    /// Of the command that these arguments name.
    pub(super) fn of(arguments: impl IntoIterator<Item = OsString>) -> Self {
        let program = Cli::command();
        let mut command = &program;
        for word in arguments {
            let Some(inner) = command.find_subcommand(word) else { break };
            command = inner;
        }
        Self { command: command.clone(), program }
    }

    /// Of the command that runs.
    pub(super) fn typed() -> Self {
        Self::of(std::env::args_os().skip(1))
    }

    /// The message of an error: a setting that the command has goes by its flag, another by its name.
    pub(super) fn message(&self, error: &Error) -> String {
        match error {
            Error::Setting { setting, problem } => {
                let name = self.flag(setting).unwrap_or_else(|| (*setting).to_owned());
                format!("{name}: {}", self.said(problem))
            }
            Error::Usage(problem) => self.said(problem),
            Error::File { path, field, problem, fix } => {
                Error::file(path, self.said(field), problem, self.said(fix)).to_string()
            }
            // In what is wrong, tensors and kernels are in backticks; in what to do, settings.
            error => match error.to_string().rsplit_once("; ") {
                Some((problem, fix)) => format!("{problem}; {}", self.said(&self.lowered(fix))),
                None => error.to_string(),
            },
        }
    }

    /// The text with flags and commands in the place of their names in backticks: `copies` and `tune`, and
    /// `study.resume` for the flag of a command that need not be the one that was typed.
    pub(super) fn said(&self, text: &str) -> String {
        let command = |name: &str| Some(format!("`isopose {}`", self.program.find_subcommand(name)?.get_name()));
        let other = |name: &str| {
            let (command, setting) = name.split_once('.')?;
            Some(format!("isopose {command} {}", flag(self.program.find_subcommand(command)?, setting)?))
        };
        replaced(text, |name| self.flag(name).or_else(|| command(name)).or_else(|| other(name)))
    }

    /// Of the settings that a fix says to lower, those that the command takes: `eval` cannot change a model's width.
    fn lowered(&self, fix: &str) -> String {
        let Some(list) = fix.strip_prefix("lower ") else { return fix.to_owned() };
        let (list, rest) =
            list.split_once(", or ").map_or((list, String::new()), |(l, rest)| (l, format!(", or {rest}")));
        let names = list.split('`').skip(1).step_by(2);
        let known: Vec<String> =
            names.filter(|name| self.flag(name).is_some()).map(|name| format!("`{name}`")).collect();
        match &known[..] {
            [] => fix.to_owned(),
            [one] => format!("lower {one}{rest}"),
            [first @ .., last] => format!("lower {} or {last}{rest}", first.join(", ")),
        }
    }

    fn flag(&self, setting: &str) -> Option<String> {
        flag(&self.command, setting)
    }
}

/// The flag of a setting, if the command takes it.
fn flag(command: &clap::Command, setting: &str) -> Option<String> {
    let long = setting.replace('_', "-");
    let known = command.get_arguments().any(|flag| flag.get_long() == Some(&long) && !flag.is_hide_set());
    known.then(|| format!("--{long}"))
}

/// A text of the library's that names importers.
pub(super) fn with_importers(text: &str) -> String {
    let program = Cli::command();
    let importer = |name: &str| Some(program.find_subcommand("import")?.find_subcommand(name)?.get_name().to_owned());
    replaced(text, |name| importer(name).map(|name| format!("`isopose import {name}`")))
}

/// The text with `say` in the place of each name in backticks that it knows.
fn replaced(text: &str, say: impl Fn(&str) -> Option<String>) -> String {
    let mut pieces = text.split('`');
    let mut said = pieces.next().unwrap_or_default().to_owned();
    while let Some(name) = pieces.next() {
        match (pieces.next(), say(name)) {
            (Some(rest), Some(word)) => said += &(word + rest),
            (Some(rest), None) => said += &format!("`{name}`{rest}"),
            (None, _) => said += &format!("`{name}"),
        }
    }
    said
}
