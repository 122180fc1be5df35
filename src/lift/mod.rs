//! 2D in, adapted 3D out: people before a camera, frame by frame.
//!
//! A [`Session`] takes a [`Frame`] of people and gives it back [`Lifted`]: who is who, adapted to and lifted, and where they
//! stand. A [`Smoother`] smooths what comes, a [`Sink`] writes it: in one of the [`Form`]s, or as a page that plays it.

mod crowd;
mod form;
mod frame;
pub mod input;
#[cfg(feature = "import")]
mod join;
mod lifted;
mod pace;
#[cfg(feature = "report")]
mod page;
mod recorded;
mod session;
mod sink;
mod smooth;

pub use form::{Form, Output, STANDARD_OUTPUT};
pub use frame::{Frame, Person, View};
#[cfg(feature = "import")]
pub use join::join;
pub use lifted::{About, Lifted, LiftedPerson, Up};
#[cfg(feature = "report")]
pub use page::Page;
pub use recorded::Recorded;
pub use session::{Counts, Session, SessionConfig};
pub use sink::Sink;
pub use smooth::{Smooth, Smoother, USUAL_FPS};
