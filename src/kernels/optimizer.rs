//! Adam.

use super::groups;
use crate::cpu::optimizer as twin;
use crate::kernel::Uniform::U32;
use crate::kernel::{Element, Kernel, no_check, no_products, read, update};

/// Adam on a small parameter, its gradient summed over passes.
pub static ADAM: Kernel = Kernel {
    name: "adam",
    source: include_str!("../../shaders/adam.wgsl"),
    bindings: &[
        read("gradient", Element::Vec4, &["groups", "2", "features"]),
        read("state", Element::State, &["8"]),
        update("parameters", Element::Vec4, &["2", "features"]),
        update("exp_avg", Element::Vec4, &["2", "features"]),
        update("exp_avg_sq", Element::Vec4, &["2", "features"]),
    ],
    uniforms: &[U32("groups"), U32("features")],
    workgroup: [64, 1, 1],
    grid: |u| [groups(u.u32("features") / 2), 1, 1],
    check: no_check,
    twin: twin::adam,
    flops: no_products,
};
