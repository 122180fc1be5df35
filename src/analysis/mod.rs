//! What the study measures beyond the paper's metrics: ratios, distributions, parts, intervals, pictures of features.

pub mod bootstrap;
pub mod classifier;
pub mod distribution;
pub mod parts;
pub mod ratios;
pub mod seeds;
pub mod tsne;
