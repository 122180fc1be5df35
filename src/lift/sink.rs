//! Where lifted frames go.

use super::Lifted;
use crate::error::Result;

/// Where lifted frames go, one after the other.
pub trait Sink {
    /// Takes the next frame.
    ///
    /// # Errors
    /// When it cannot be written.
    fn push(&mut self, frame: &Lifted) -> Result<()>;

    /// Is told of a line of the input (from 1) that could not be read. Only JSON lines have a place for it.
    ///
    /// # Errors
    /// When it cannot be written.
    fn unreadable(&mut self, _line: usize, _message: &str) -> Result<()> {
        Ok(())
    }

    /// Writes what is left. Says, in sentences for the user, what was written and what it lacks.
    ///
    /// # Errors
    /// When it cannot be written.
    fn finish(self: Box<Self>) -> Result<Vec<String>>;
}
