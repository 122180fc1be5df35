//! Joint training on a source scenario (Sec. 3.2.1, Eq. 5).

mod plan;
mod set;
mod trainer;

#[doc(hidden)]
pub use plan::{TrainIds, TrainPlan, train_plan};
#[doc(hidden)]
pub use set::TrainingSet;
pub use trainer::Trainer;
