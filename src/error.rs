//! The one error type: every message names what was wrong, where, and what to do about it.

use std::path::{Path, PathBuf};

/// What can go wrong, grouped by who can mend it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The command line or a configuration asks for something impossible (exit code 2).
    #[error("{0}")]
    Usage(String),
    /// A setting is impossible (exit code 2). The command line puts the setting's flag in the place of its name.
    #[error("{setting}: {problem}")]
    Setting {
        /// Its name, as in [`crate::config`] and the other settings of this crate: `width`, `data`.
        setting: &'static str,
        /// What is wrong, and the fix.
        problem: String,
    },
    /// A file could not be opened, read or written.
    #[error("{}: cannot {action}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What was tried: "open", "read", "write".
        action: &'static str,
        /// Why it failed.
        source: std::io::Error,
    },
    /// A file was read but its content is wrong.
    #[error("{}: {field}: {problem}; {fix}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The field, array or tensor in it.
        field: String,
        /// What is wrong with it.
        problem: String,
        /// What the user can do.
        fix: String,
    },
    /// A plan that cannot be recorded: shapes that do not unify, unknown names.
    #[error("plan: {0}")]
    Plan(String),
    /// Numbers that are no longer finite: training or adaptation diverged.
    #[error("{0}")]
    Diverged(String),
    /// Whoever watches the work asked for its end; what was saved can be gone on from.
    #[error("stopped")]
    Stopped,
    /// The device is absent, too small for the plan, or cannot run it.
    #[error("device: {0}")]
    Device(String),
    /// The device failed at work: it was lost, has no memory left, or does not answer. Opened again
    /// ([`crate::gpu::Device::reopened`]), it may do that work.
    #[error("device: lost: {0}")]
    Lost(String),
}

impl Error {
    /// The exit code of the command line: 2 for usage, 1 for every other failure.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) | Self::Setting { .. } => 2,
            _ => 1,
        }
    }

    /// An error of a setting.
    pub fn setting(setting: &'static str, problem: impl Into<String>) -> Self {
        Self::Setting { setting, problem: problem.into() }
    }

    /// A content error of `field` in `path`.
    pub fn file(path: &Path, field: impl Into<String>, problem: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::File { path: path.to_owned(), field: field.into(), problem: problem.into(), fix: fix.into() }
    }

    /// An input or output error on `path` while doing `action`.
    pub fn io(path: &Path, action: &'static str, source: std::io::Error) -> Self {
        Self::Io { path: path.to_owned(), action, source }
    }
}

/// Shorthand for results with this crate's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;
