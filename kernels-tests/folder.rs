//! A scratch folder in which the program runs as users run it.

use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;

/// A scratch folder in which commands run.
pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs a command line; whatever happens, nothing may panic.
    pub(crate) fn run(&self, line: &str) -> Output {
        self.run_with(line.split_whitespace())
    }

    /// The same of words that may hold spaces.
    pub(crate) fn run_with<'a>(&self, words: impl Iterator<Item = &'a str>) -> Output {
        let words: Vec<&str> = words.collect();
        let output = self.command_of(&words).output().unwrap();
        assert!(!stderr(&output).contains("panicked"), "{words:?}: {}", stderr(&output));
        output
    }

    /// A command line that the test runs itself.
    pub(crate) fn command(&self, line: &str) -> Command {
        self.command_of(&line.split_whitespace().collect::<Vec<_>>())
    }

    fn command_of(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_isopose"));
        // What this machine's user has tuned is no part of the test.
        command.current_dir(self.0.path()).env("ISOPOSE_TILES", "off").args(words);
        command
    }

    pub(crate) fn succeed(&self, line: &str) -> String {
        let output = self.run(line);
        assert_eq!(output.status.code(), Some(0), "{line}: {}", stderr(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    pub(crate) fn json(&self, line: &str) -> Value {
        serde_json::from_str(&self.succeed(line)).unwrap()
    }

    /// Runs a command line that fails with `code` and one line of error that has all of `words`.
    pub(crate) fn fail(&self, line: &str, code: i32, words: &[&str]) {
        let output = self.run(line);
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(code), "{line}: {text}");
        assert!(text.starts_with("error: ") && text.trim_end().lines().count() == 1, "{line}: {text}");
        for word in words {
            assert!(text.contains(word), "{line}: `{word}` is not in: {text}");
        }
    }

    /// As [`Self::fail`] where notes may come before the error.
    pub(crate) fn fail_last(&self, line: &str, code: i32, words: &[&str]) {
        let output = self.run(line);
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(code), "{line}: {text}");
        let error = text.lines().last().unwrap_or_default();
        assert!(error.starts_with("error: "), "{line}: {text}");
        words.iter().for_each(|word| assert!(error.contains(word), "{line}: `{word}` is not in: {error}"));
    }

    pub(crate) fn synth(&self, name: &str, scenario: &str, poses: usize, joints: usize) {
        self.succeed(&format!("synth --scenario {scenario} --poses {poses} --joints {joints} --out {name}"));
    }

    /// A tiny model with a self-supervised task, trained with two sequences held back.
    pub(crate) fn train(&self) -> Value {
        self.synth("source.npz", "source", 320, 16);
        self.json(
            "train --data source.npz --out m.safetensors --ssl cycle --width 16 --steps 20 --batch 8 --device cpu \
             --hold-back 0.1 --json",
        )
    }
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
