//! Replay of labelled poses.

use super::{columns_fit, groups, pose_fits};
use crate::cpu::{loss, replay};
use crate::kernel::Uniform::{F32, U32};
use crate::kernel::{Element, Kernel, Span, Uniforms, no_products, read, update, write};

/// Labelled poses out of the reservoir, mirrored and turned at random.
pub static GATHER_REPLAY: Kernel = Kernel {
    name: "gather_replay",
    source: include_str!("../../shaders/gather_replay.wgsl"),
    bindings: &[
        read("keypoints", Element::F32, &["poses", "keypoint_size"]),
        read("pose", Element::F32, &["poses", "pose_size"]),
        read("skeleton", Element::U32, &["2", "joints"]),
        read("bones", Element::F32, &["joints"]),
        read("state", Element::State, &["8"]),
        write("x", Element::F32, &["instances", "input_rows", "keypoint_size"]).rows(&[Span("row", "replayed")]),
        write("truth", Element::F32, &["instances", "replayed", "pose_size"]),
    ],
    uniforms: &[
        U32("poses"),
        U32("keypoint_size"),
        U32("pose_size"),
        U32("joints"),
        U32("instances"),
        U32("input_rows"),
        U32("replayed"),
        U32("row"),
        U32("first"),
        U32("turned"),
        U32("drawn"),
        U32("normalize"),
        U32("perspective"),
        F32("depth"),
        F32("min_depth"),
        F32("noise"),
    ],
    workgroup: [64, 1, 1],
    grid: |u| [groups(u.u32("replayed")), u.u32("instances"), 1],
    check: rows_fit,
    twin: replay::gather_replay,
    flops: no_products,
};

/// Eq. 2 of the replayed poses and its gradient.
pub static REPLAY_LOSS: Kernel = Kernel {
    name: "replay_loss",
    source: include_str!("../../shaders/replay_loss.wgsl"),
    bindings: &[
        read("pose", Element::F32, &["instances", "pose_rows", "pose_size"]).rows(&[Span("row", "replayed")]),
        read("truth", Element::F32, &["instances", "replayed", "pose_size"]),
        read("skeleton", Element::U32, &["2", "joints"]),
        update("row_losses", Element::F32, &["instances", "loss_rows", "terms"])
            .rows(&[Span("row", "replayed")])
            .columns(Span("column", "1")),
        write("dout", Element::F32, &["instances", "pose_rows", "pose_size"]).rows(&[Span("row", "replayed")]),
    ],
    uniforms: &[
        U32("instances"),
        U32("pose_rows"),
        U32("pose_size"),
        U32("replayed"),
        U32("row"),
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
    grid: |u| [groups(u.u32("replayed")), u.u32("instances"), 1],
    check: loss_fits,
    twin: loss::replay_loss,
    flops: no_products,
};

/// The rows that are filled, and those they come from, exist.
fn rows_fit(u: &Uniforms) -> Result<(), String> {
    let needed = u.size("row") + u.size("replayed");
    for name in ["input_rows", "pose_rows", "loss_rows"] {
        if u.iter().any(|(known, _)| known == name) && u.size(name) < needed {
            return Err(format!("`{name}` is {}, but {needed} are needed", u.size(name)));
        }
    }
    pose_fits(u)
}

fn loss_fits(u: &Uniforms) -> Result<(), String> {
    columns_fit(u, 1)?;
    rows_fit(u)
}
