//! The joint orders that only data sets have, beside those of [`crate::pose::layout`]; and orders by the names that files
//! give. `docs/import.md` has the table for users.

mod names;
#[rustfmt::skip] // Lines of joints, not a joint a line.
mod tables;

pub(super) use crate::pose::layout::{
    BODY_25, COCO_17, H36M_16, H36M_17, HALPE_26, Layout, MEDIAPIPE_33, OPENPOSE_18, Slot, keypoints,
};
pub(super) use {
    names::{by_names, twice},
    tables::*,
};

#[cfg(test)]
mod tests;
