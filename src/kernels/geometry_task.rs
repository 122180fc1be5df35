//! The geometry task: views of the flip-averaged lift, and what geometry asks of a lift.

use super::{PAIR, VIEWED, VIEWS, groups, pose_fits};
use crate::cpu::geometry_task as twin;
use crate::kernel::Uniform::{F32, U32};
use crate::kernel::{Element, Kernel, Span, Uniforms, no_products, read, update, write};

/// y = normalize(project(R X)) of the flip-averaged lift X, which is held.
pub static PROJECT_AVERAGE_VIEWS_FORWARD: Kernel = Kernel {
    name: "project_average_views_forward",
    source: include_str!("../../shaders/project_average_views_forward.wgsl"),
    bindings: &[
        read("pose", Element::F32, &["instances", "pose_rows", "pose_size"]).rows(&[PAIR]),
        read("views", Element::F32, &["instances", "view_rows", "2"]).rows(&[VIEWS]),
        read("skeleton", Element::U32, &["2", "joints"]),
        read("bones", Element::F32, &["joints"]),
        write("y", Element::F32, &["instances", "input_rows", "keypoint_size"]).rows(&[VIEWED]),
    ],
    uniforms: &[
        U32("instances"),
        U32("pose_rows"),
        U32("pose_size"),
        U32("view_rows"),
        U32("input_rows"),
        U32("keypoint_size"),
        U32("joints"),
        U32("lifted"),
        U32("copies"),
        U32("first_view"),
        U32("normalize"),
        U32("perspective"),
        F32("depth"),
        F32("min_depth"),
    ],
    workgroup: [64, 1, 1],
    grid: |u| [groups(u.u32("copies")), u.u32("instances"), 1],
    check: views_fit,
    twin: twin::project_average_views_forward,
    flops: no_products,
};

/// Plane, bone and view terms, and their gradient.
pub static GEOMETRY_LOSS: Kernel = Kernel {
    name: "geometry_loss",
    source: include_str!("../../shaders/geometry_loss.wgsl"),
    bindings: &[
        read("pose", Element::F32, &["instances", "pose_rows", "pose_size"]).rows(&[PAIR, VIEWED]),
        read("x", Element::F32, &["instances", "input_rows", "keypoint_size"]).rows(&[PAIR]),
        read("views", Element::F32, &["instances", "view_rows", "2"]).rows(&[VIEWS]),
        read("skeleton", Element::U32, &["2", "joints"]),
        read("bones", Element::F32, &["joints"]),
        read("seen", Element::F32, &["instances", "1", "joints"]),
        update("row_losses", Element::F32, &["instances", "loss_rows", "terms"])
            .rows(&[PAIR, VIEWED])
            .columns(Span("column", "3")),
        write("dout", Element::F32, &["instances", "pose_rows", "pose_size"]).rows(&[PAIR, VIEWED]),
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
        F32("bone_scale"),
        F32("gate"),
        F32("view_scale"),
        F32("weight_plane"),
        F32("weight_bone"),
        F32("weight_view"),
    ],
    workgroup: [64, 1, 1],
    grid: |u| [groups(2 + u.u32("copies")), u.u32("instances"), 1],
    check: terms_fit,
    twin: twin::geometry_loss,
    flops: no_products,
};

/// The lifts of an input and of its mirror image, and the views' rows, lie inside their tensors.
fn views_fit(u: &Uniforms) -> Result<(), String> {
    pose_fits(u)?;
    let (lifted, copies) = (u.size("lifted"), u.size("copies"));
    if lifted < 2 || copies == 0 {
        return Err(format!("{lifted} lifted rows and {copies} copies; 2 and 1 are needed"));
    }
    for (name, _) in u.iter() {
        let (size, needed) = match name {
            "input_rows" | "loss_rows" | "pose_rows" => (u.size(name), lifted + copies),
            "view_rows" => (u.size(name), u.size("first_view") + copies),
            _ => continue,
        };
        if size < needed {
            return Err(format!("`{name}` is {size}, but {needed} are needed"));
        }
    }
    Ok(())
}

fn terms_fit(u: &Uniforms) -> Result<(), String> {
    super::columns_fit(u, 3)?;
    views_fit(u)
}
