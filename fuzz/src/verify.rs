//! What reads recorded states, without what replays them.

#[path = "../../src/verify/layout.rs"]
mod layout;
#[path = "../../src/verify/recorded.rs"]
pub mod recorded;
