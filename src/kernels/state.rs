//! The program's own state.

use super::groups;
use crate::cpu::state as twin;
use crate::kernel::Uniform::{F32, U32};
use crate::kernel::{Element, Kernel, no_check, no_products, read, update, write};

/// Random azimuths and elevations.
pub static RANDOM_VIEWS: Kernel = Kernel {
    name: "random_views",
    source: include_str!("../../shaders/random_views.wgsl"),
    bindings: &[read("state", Element::State, &["8"]), write("views", Element::F32, &["instances", "view_rows", "2"])],
    uniforms: &[U32("instances"), U32("view_rows"), U32("by_sample")],
    workgroup: [64, 1, 1],
    grid: |u| [groups(u.u32("view_rows")), u.u32("instances"), 1],
    check: no_check,
    twin: twin::random_views,
    flops: no_products,
};

/// Begins an optimisation step.
pub static ADVANCE_STEP: Kernel = Kernel {
    name: "advance_step",
    source: include_str!("../../shaders/advance_step.wgsl"),
    bindings: &[update("state", Element::State, &["8"])],
    uniforms: &[F32("lr"), F32("log2_decay"), U32("restart")],
    workgroup: [1, 1, 1],
    grid: |_| [1, 1, 1],
    check: no_check,
    twin: twin::advance_step,
    flops: no_products,
};

/// Ends a target sample.
pub static ADVANCE_SAMPLE: Kernel = Kernel {
    name: "advance_sample",
    source: include_str!("../../shaders/advance_sample.wgsl"),
    bindings: &[update("state", Element::State, &["8"])],
    uniforms: &[U32("samples")],
    workgroup: [1, 1, 1],
    grid: |_| [1, 1, 1],
    check: no_check,
    twin: twin::advance_sample,
    flops: no_products,
};
