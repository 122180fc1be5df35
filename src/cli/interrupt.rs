//! Signals that ask for the end: the work that is being done is brought to an end and kept.

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use crate::error::{Error, Result};

/// The signal that came, 0 before.
static SIGNAL: OnceLock<Arc<AtomicUsize>> = OnceLock::new();

/// From now on the first INT or TERM is remembered, for [`check`] to tell; the second ends the process at once. Where they
/// cannot be caught, they end it as before.
pub(super) fn catch() {
    if SIGNAL.get().is_some() {
        return;
    }
    let (came, again) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    for signal in [SIGINT, SIGTERM] {
        // In this order: the first signal finds the flag down, and raises it for the second.
        let _ = flag::register_conditional_shutdown(signal, status(signal), Arc::clone(&again));
        let _ = flag::register(signal, Arc::clone(&again));
        let _ = flag::register_usize(signal, Arc::clone(&came), usize::try_from(signal).unwrap_or_default());
    }
    let _ = SIGNAL.set(came);
}

/// Fails with [`Error::Stopped`] once a signal has come.
pub(super) fn check() -> Result<()> {
    if signal() == 0 { Ok(()) } else { Err(Error::Stopped) }
}

/// How a process ends that a signal has stopped, as shells say it: 130 for INT, 143 for TERM.
pub(super) fn exit_code() -> ExitCode {
    let signal = i32::try_from(signal()).unwrap_or(SIGINT);
    ExitCode::from(u8::try_from(status(if signal == 0 { SIGINT } else { signal })).unwrap_or(1))
}

fn signal() -> usize {
    SIGNAL.get().map_or(0, |came| came.load(Ordering::Relaxed))
}

fn status(signal: i32) -> i32 {
    128 + signal
}
