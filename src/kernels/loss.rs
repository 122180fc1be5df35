//! Losses and the gradients that start a backward pass.

use super::{LIFTED, VIEWED, VIEWS, columns_fit, copies_fit, groups, pose_fits};
use crate::cpu::loss as twin;
use crate::kernel::Uniform::{F32, U32};
use crate::kernel::{Element, Kernel, Span, Uniforms, no_check, no_products, read, update, write};

/// Eq. 4's cycle terms and their gradient.
pub static CYCLE_LOSS: Kernel = Kernel {
    name: "cycle_loss",
    source: include_str!("../../shaders/cycle_loss.wgsl"),
    bindings: &[
        read("pose", Element::F32, &["instances", "pose_rows", "pose_size"]).rows(&[LIFTED, VIEWED]),
        read("views", Element::F32, &["instances", "view_rows", "2"]).rows(&[VIEWS]),
        read("x", Element::F32, &["instances", "input_rows", "keypoint_size"]).rows(&[LIFTED]),
        read("seen", Element::F32, &["instances", "1", "joints"]),
        update("row_losses", Element::F32, &["instances", "loss_rows", "terms"])
            .rows(&[VIEWED])
            .columns(Span("column", "2")),
        write("dout", Element::F32, &["instances", "pose_rows", "pose_size"]).rows(&[VIEWED]),
        write("dpose", Element::F32, &["instances", "copies", "pose_size"]),
    ],
    uniforms: &[
        U32("instances"),
        U32("pose_rows"),
        U32("pose_size"),
        U32("view_rows"),
        U32("input_rows"),
        U32("keypoint_size"),
        U32("joints"),
        U32("loss_rows"),
        U32("terms"),
        U32("column"),
        U32("lifted"),
        U32("copies"),
        U32("first_view"),
        U32("perspective"),
        F32("depth"),
        F32("min_depth"),
        F32("loss_scale_2d"),
        F32("loss_scale_3d"),
        F32("weight_2d"),
        F32("weight_3d"),
    ],
    workgroup: [64, 1, 1],
    grid: copy_tiles,
    check: relift_fits,
    twin: twin::cycle_loss,
    flops: no_products,
};

/// Eq. 3's terms and both players' row factors.
pub static DISCRIMINATOR_LOSS: Kernel = Kernel {
    name: "discriminator_loss",
    source: include_str!("../../shaders/discriminator_loss.wgsl"),
    bindings: &[
        read("logits", Element::F32, &["instances", "input_rows", "logit_size"]).rows(&[LIFTED, VIEWED]),
        update("row_losses", Element::F32, &["instances", "loss_rows", "terms"])
            .rows(&[LIFTED, VIEWED])
            .columns(Span("column", "3")),
        write("row_scale", Element::F32, &["instances", "input_rows"]).rows(&[LIFTED, VIEWED]),
        write("generator_factor", Element::F32, &["instances", "input_rows"]).rows(&[LIFTED, VIEWED]),
    ],
    uniforms: &[
        U32("instances"),
        U32("input_rows"),
        U32("logit_size"),
        U32("loss_rows"),
        U32("terms"),
        U32("column"),
        U32("lifted"),
        U32("copies"),
        U32("saturating"),
        F32("weight"),
    ],
    workgroup: [64, 1, 1],
    grid: |u| [groups(u.u32("lifted") + u.u32("copies")), u.u32("instances"), 1],
    check: logits_fit,
    twin: twin::discriminator_loss,
    flops: no_products,
};

/// Eq. 2 and its gradient.
pub static SUPERVISED_LOSS: Kernel = Kernel {
    name: "supervised_loss",
    source: include_str!("../../shaders/supervised_loss.wgsl"),
    bindings: &[
        read("pose", Element::F32, &["1", "pose_rows", "pose_size"]).rows(&[Span("0", "rows")]),
        read("truth", Element::F32, &["1", "rows", "pose_size"]),
        read("skeleton", Element::U32, &["2", "joints"]),
        update("row_losses", Element::F32, &["1", "loss_rows", "terms"])
            .rows(&[Span("0", "rows")])
            .columns(Span("column", "1")),
        write("dout", Element::F32, &["1", "pose_rows", "pose_size"]).rows(&[Span("0", "rows")]),
    ],
    uniforms: &[
        U32("pose_rows"),
        U32("pose_size"),
        U32("rows"),
        U32("joints"),
        U32("loss_rows"),
        U32("terms"),
        U32("column"),
        F32("position_scale"),
        F32("bone_scale"),
        F32("weight_position"),
        F32("weight_bone"),
    ],
    workgroup: [64, 1, 1],
    grid: |u| [groups(u.u32("rows")), 1, 1],
    check: truth_fits,
    twin: twin::supervised_loss,
    flops: no_products,
};

/// A step's loss terms, averaged over their rows, to the ring.
pub static REDUCE_LOSSES: Kernel = Kernel {
    name: "reduce_losses",
    source: include_str!("../../shaders/reduce_losses.wgsl"),
    bindings: &[
        read("row_losses", Element::F32, &["instances", "loss_rows", "terms"]),
        read("columns", Element::U32, &["terms", "2"]),
        read("state", Element::State, &["8"]),
        update("ring", Element::F32, &["slots", "instances", "terms"]),
    ],
    uniforms: &[U32("instances"), U32("loss_rows"), U32("slots"), U32("terms")],
    workgroup: [64, 1, 1],
    grid: |u| [u.u32("terms"), u.u32("instances"), 1],
    check: no_check,
    twin: twin::reduce_losses,
    flops: no_products,
};

/// 64 copies x instance.
fn copy_tiles(u: &Uniforms) -> [u32; 3] {
    [groups(u.u32("copies")), u.u32("instances"), 1]
}

/// As for the projections, and the re-lift's rows follow the lift's.
fn relift_fits(u: &Uniforms) -> Result<(), String> {
    columns_fit(u, 2)?;
    let needed = u.size("lifted") + u.size("copies");
    if u.size("pose_rows") < needed {
        return Err(format!("`pose_rows` is {}, but {needed} are needed", u.size("pose_rows")));
    }
    copies_fit(u)
}

fn logits_fit(u: &Uniforms) -> Result<(), String> {
    columns_fit(u, 3)?;
    let needed = u.size("lifted") + u.size("copies");
    let short = ["input_rows", "loss_rows"].into_iter().find(|name| u.size(name) < needed);
    short.map_or(Ok(()), |name| Err(format!("`{name}` is {}, but {needed} are needed", u.size(name))))
}

fn truth_fits(u: &Uniforms) -> Result<(), String> {
    columns_fit(u, 1)?;
    let rows = u.size("rows");
    let short = ["pose_rows", "loss_rows"].into_iter().find(|name| u.size(name) < rows);
    short.map_or_else(|| pose_fits(u), |name| Err(format!("`{name}` is {}, but {rows} are needed", u.size(name))))
}
