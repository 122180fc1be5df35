//! Inference Stage Optimization: adapt to each target pose, then predict it (Sec. 3.2.2, Algorithm 1).

mod config;
mod plan;
mod session;

pub use crate::nn::LossTerms;
pub use config::{AdaptConfig, Mode};
pub use plan::{AdaptPlan, adapt_plan};
pub use session::Adapter;
