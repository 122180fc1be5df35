//! What a study works on, and how far it is.

use crate::data::PoseSet;

/// What a study works on.
#[derive(Clone, Copy, Debug)]
pub struct Data<'a> {
    /// Poses to train on.
    pub source: &'a PoseSet,
    /// Poses of the source that are kept out of training, if any.
    pub held_back: Option<&'a PoseSet>,
    /// The ids of their sequences.
    pub held_back_ids: &'a [i32],
    /// Poses to adapt to, with their positions.
    pub target: &'a PoseSet,
}

/// How far a study is.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    /// What is being done.
    pub name: &'a str,
    /// How much of it is done.
    pub done: usize,
    /// Of how much.
    pub total: usize,
    /// What went wrong and does not end the study.
    pub warning: Option<&'a str>,
}
