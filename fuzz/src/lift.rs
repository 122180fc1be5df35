//! What reads the lines of a stream, without what lifts them.

#[path = "../../src/lift/frame.rs"]
mod frame;
#[path = "../../src/lift/input.rs"]
pub mod input;

pub use frame::{Frame, Person};
