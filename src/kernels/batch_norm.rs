//! Batch norm over batch statistics, fused with leaky ReLU and dropout.

use super::groups;
use crate::cpu::batch_norm as twin;
use crate::kernel::Uniform::{F32, U32};
use crate::kernel::{Element, Kernel, Uniforms, no_products, read, rows_fit, update, write};

/// Mean and reciprocal standard deviation of a pass, and the running statistics.
pub static BATCH_NORM_STATISTICS: Kernel = Kernel {
    name: "batch_norm_statistics",
    source: include_str!("../../shaders/batch_norm_statistics.wgsl"),
    bindings: &[
        read("z", Element::F32, &["1", "all_rows", "features"]),
        update("statistics", Element::F32, &["groups", "2", "features"]),
        update("running", Element::F32, &["2", "features"]),
    ],
    uniforms: &[
        U32("all_rows"),
        U32("row"),
        U32("rows"),
        U32("features"),
        U32("groups"),
        U32("group"),
        F32("eps"),
        F32("momentum"),
    ],
    workgroup: [64, 1, 1],
    grid: |u| [groups(u.u32("features")), 1, 1],
    check: pass_fits,
    twin: twin::batch_norm_statistics,
    flops: no_products,
};

/// y = dropout(leaky_relu(batch_norm(z))), plus a residual.
pub static BATCH_NORM_LEAKY_RELU_DROPOUT_FORWARD: Kernel = Kernel {
    name: "batch_norm_leaky_relu_dropout_forward",
    source: include_str!("../../shaders/batch_norm_leaky_relu_dropout_forward.wgsl"),
    bindings: &[
        read("z", Element::Vec4, &["1", "all_rows", "features"]),
        read("statistics", Element::Vec4, &["groups", "2", "features"]),
        read("weight_bias", Element::Vec4, &["2", "features"]),
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
        U32("groups"),
        U32("group"),
        F32("slope"),
        U32("add_residual"),
        U32("keep_threshold"),
        F32("keep_scale"),
        U32("stream"),
        U32("recorded"),
    ],
    workgroup: [64, 1, 1],
    grid: row_tiles,
    check: pass_fits,
    twin: twin::batch_norm_leaky_relu_dropout_forward,
    flops: no_products,
};

/// The sums over rows that batch norm's backward pass needs.
pub static BATCH_NORM_LEAKY_RELU_DROPOUT_BACKWARD_REDUCE: Kernel = Kernel {
    name: "batch_norm_leaky_relu_dropout_backward_reduce",
    source: include_str!("../../shaders/batch_norm_leaky_relu_dropout_backward_reduce.wgsl"),
    bindings: &[
        read("dy", Element::Vec4, &["1", "all_rows", "features"]),
        read("z", Element::Vec4, &["1", "all_rows", "features"]),
        read("statistics", Element::Vec4, &["groups", "2", "features"]),
        read("weight_bias", Element::Vec4, &["2", "features"]),
        read("mask", Element::U32, &["mask_rows", "mask_features"]),
        read("state", Element::State, &["8"]),
        update("dweight_bias", Element::Vec4, &["groups", "2", "features"]),
    ],
    uniforms: &[
        U32("all_rows"),
        U32("row"),
        U32("rows"),
        U32("features"),
        U32("groups"),
        U32("group"),
        F32("slope"),
        U32("keep_threshold"),
        F32("keep_scale"),
        U32("stream"),
        U32("recorded"),
    ],
    workgroup: [64, 1, 1],
    grid: |u| [groups(u.u32("features") / 4), 1, 1],
    check: pass_fits,
    twin: twin::batch_norm_leaky_relu_dropout_backward_reduce,
    flops: no_products,
};

/// dz of batch norm over batch statistics.
pub static BATCH_NORM_LEAKY_RELU_DROPOUT_BACKWARD_INPUT: Kernel = Kernel {
    name: "batch_norm_leaky_relu_dropout_backward_input",
    source: include_str!("../../shaders/batch_norm_leaky_relu_dropout_backward_input.wgsl"),
    bindings: &[
        read("dy", Element::Vec4, &["1", "all_rows", "features"]),
        read("z", Element::Vec4, &["1", "all_rows", "features"]),
        read("statistics", Element::Vec4, &["groups", "2", "features"]),
        read("weight_bias", Element::Vec4, &["2", "features"]),
        read("dweight_bias", Element::Vec4, &["groups", "2", "features"]),
        read("mask", Element::U32, &["mask_rows", "mask_features"]),
        read("state", Element::State, &["8"]),
        write("dz", Element::Vec4, &["1", "all_rows", "features"]),
    ],
    uniforms: &[
        U32("all_rows"),
        U32("row"),
        U32("rows"),
        U32("features"),
        U32("groups"),
        U32("group"),
        F32("slope"),
        U32("keep_threshold"),
        F32("keep_scale"),
        U32("stream"),
        U32("recorded"),
    ],
    workgroup: [64, 1, 1],
    grid: row_tiles,
    check: pass_fits,
    twin: twin::batch_norm_leaky_relu_dropout_backward_input,
    flops: no_products,
};

/// 64 vec4s of a row x row.
fn row_tiles(u: &Uniforms) -> [u32; 3] {
    [groups(u.u32("features") / 4), u.u32("rows"), 1]
}

/// The pass's rows and group exist, and batch statistics have two rows at least.
fn pass_fits(u: &Uniforms) -> Result<(), String> {
    if u.u32("group") >= u.u32("groups") {
        return Err(format!("`group` is {}, of {}", u.u32("group"), u.u32("groups")));
    }
    if u.u32("rows") < 2 {
        return Err("batch statistics need at least 2 `rows`".to_owned());
    }
    rows_fit(u, &["all_rows"])
}
