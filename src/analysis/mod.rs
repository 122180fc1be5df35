//! What the study measures beyond the paper's metrics: ratios, distributions, parts, intervals, pictures of features.

pub(crate) mod bootstrap;
pub(crate) mod classifier;
pub(crate) mod distribution;
pub(crate) mod parts;
pub(crate) mod ratios;
pub(crate) mod seeds;
pub(crate) mod tsne;
