//! Activations.

use super::groups;
use crate::cpu::activation as twin;
use crate::kernel::Uniform::{F32, U32};
use crate::kernel::{Element, Kernel, Uniforms, no_products, read, rows_fit, update, write};

/// y += x.
pub static ADD: Kernel = Kernel {
    name: "add",
    source: include_str!("../../shaders/add.wgsl"),
    bindings: &[
        read("x", Element::Vec4, &["instances", "all_rows", "features"]),
        update("y", Element::Vec4, &["instances", "all_rows", "features"]),
    ],
    uniforms: &[U32("instances"), U32("all_rows"), U32("row"), U32("rows"), U32("features")],
    workgroup: [64, 1, 1],
    grid: |u| [groups(u.u32("features") / 4), u.u32("rows"), u.u32("instances")],
    check: rows_inside,
    twin: twin::add,
    flops: no_products,
};

/// y = dropout(leaky_relu(z)), plus a residual.
pub static LEAKY_RELU_DROPOUT_FORWARD: Kernel = Kernel {
    name: "leaky_relu_dropout_forward",
    source: include_str!("../../shaders/leaky_relu_dropout_forward.wgsl"),
    bindings: &[
        read("z", Element::Vec4, &["1", "all_rows", "features"]),
        read("residual", Element::Vec4, &["1", "all_rows", "features"]),
        read("mask", Element::U32, &["mask_rows", "mask_features"]),
        read("state", Element::State, &["8"]),
        write("y", Element::Vec4, &["1", "all_rows", "features"]),
    ],
    uniforms: &[
        U32("all_rows"),
        U32("row"),
        U32("rows"),
        U32("features"),
        F32("slope"),
        U32("add_residual"),
        U32("keep_threshold"),
        F32("keep_scale"),
        U32("stream"),
        U32("recorded"),
    ],
    workgroup: [64, 1, 1],
    grid: row_tiles,
    check: rows_inside,
    twin: twin::leaky_relu_dropout_forward,
    flops: no_products,
};

/// dz = dy * dropout factor * leaky_relu'(z).
pub static LEAKY_RELU_DROPOUT_BACKWARD: Kernel = Kernel {
    name: "leaky_relu_dropout_backward",
    source: include_str!("../../shaders/leaky_relu_dropout_backward.wgsl"),
    bindings: &[
        read("dy", Element::Vec4, &["1", "all_rows", "features"]),
        read("z", Element::Vec4, &["1", "all_rows", "features"]),
        read("mask", Element::U32, &["mask_rows", "mask_features"]),
        read("state", Element::State, &["8"]),
        write("dz", Element::Vec4, &["1", "all_rows", "features"]),
    ],
    uniforms: &[
        U32("all_rows"),
        U32("row"),
        U32("rows"),
        U32("features"),
        F32("slope"),
        U32("keep_threshold"),
        F32("keep_scale"),
        U32("stream"),
        U32("recorded"),
    ],
    workgroup: [64, 1, 1],
    grid: row_tiles,
    check: rows_inside,
    twin: twin::leaky_relu_dropout_backward,
    flops: no_products,
};

/// 64 vec4s of a row x row x instance.
fn row_tiles(u: &Uniforms) -> [u32; 3] {
    [groups(u.u32("features") / 4), u.u32("rows"), 1]
}

fn rows_inside(u: &Uniforms) -> Result<(), String> {
    rows_fit(u, &["all_rows"])
}
