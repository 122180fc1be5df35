//! Joint training on a source scenario (Sec. 3.2.1, Eq. 5).

mod augment;
mod gate;
mod keep;
mod plan;
mod scale;
mod set;
mod trainer;

pub use keep::{Training, train_and_keep};
#[doc(hidden)]
pub use plan::{TrainIds, TrainPlan, train_plan};
#[doc(hidden)]
pub use set::TrainingSet;
pub(crate) use set::checksum;
pub use trainer::Trainer;
