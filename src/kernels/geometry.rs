//! Pose geometry: random projections and their gradient.

use super::{LIFTED, VIEWED, VIEWS, copies_fit, groups, pose_fits};
use crate::cpu::geometry as twin;
use crate::kernel::Uniform::{F32, U32};
use crate::kernel::{Element, Kernel, Span, Uniforms, no_products, read, update, write};

/// y = normalize(project(R X)).
pub static PROJECT_VIEWS_FORWARD: Kernel = Kernel {
    name: "project_views_forward",
    source: include_str!("../../shaders/project_views_forward.wgsl"),
    bindings: &[
        read("pose", Element::F32, &["instances", "pose_rows", "pose_size"]).rows(&[LIFTED]),
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
    grid: copy_tiles,
    check: copies_fit,
    twin: twin::project_views_forward,
    flops: no_products,
};

/// The gradient of each lifted pose through one view.
pub static PROJECT_VIEWS_BACKWARD: Kernel = Kernel {
    name: "project_views_backward",
    source: include_str!("../../shaders/project_views_backward.wgsl"),
    bindings: &[
        read("pose", Element::F32, &["instances", "pose_rows", "pose_size"]).rows(&[LIFTED]),
        read("views", Element::F32, &["instances", "view_rows", "2"]).rows(&[VIEWS]),
        read("skeleton", Element::U32, &["2", "joints"]),
        read("bones", Element::F32, &["joints"]),
        read("dy_disc", Element::F32, &["instances", "input_rows", "keypoint_size"]).rows(&[VIEWED]),
        read("dy_lift", Element::F32, &["instances", "input_rows", "keypoint_size"]).rows(&[VIEWED]),
        read("generator_factor", Element::F32, &["instances", "input_rows"]).rows(&[VIEWED]),
        update("dpose", Element::F32, &["instances", "copies", "pose_size"]),
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
        U32("cycle"),
    ],
    workgroup: [64, 1, 1],
    grid: copy_tiles,
    check: copies_fit,
    twin: twin::project_views_backward,
    flops: no_products,
};

/// Keypoints without the joints that a sample lacks.
pub static MASK_JOINTS: Kernel = Kernel {
    name: "mask_joints",
    source: include_str!("../../shaders/mask_joints.wgsl"),
    bindings: &[
        read("x", Element::F32, &["instances", "input_rows", "keypoint_size"]).rows(&[Span("0", "rows")]),
        read("seen", Element::F32, &["instances", "1", "joints"]),
        write("y", Element::F32, &["instances", "input_rows", "keypoint_size"]).rows(&[Span("0", "rows")]),
    ],
    uniforms: &[U32("instances"), U32("input_rows"), U32("keypoint_size"), U32("joints"), U32("rows")],
    workgroup: [64, 1, 1],
    grid: |u| [groups(u.u32("keypoint_size")), u.u32("rows"), u.u32("instances")],
    check: rows_fit,
    twin: twin::mask_joints,
    flops: no_products,
};

/// The sum of those over views, at the head's raw output.
pub static SUM_VIEWS_BACKWARD: Kernel = Kernel {
    name: "sum_views_backward",
    source: include_str!("../../shaders/sum_views_backward.wgsl"),
    bindings: &[
        read("dpose", Element::F32, &["instances", "copies", "pose_size"]),
        write("dout", Element::F32, &["instances", "pose_rows", "pose_size"]).rows(&[LIFTED]),
    ],
    uniforms: &[U32("instances"), U32("copies"), U32("pose_size"), U32("pose_rows"), U32("joints"), U32("lifted")],
    workgroup: [64, 1, 1],
    grid: |u| [u.u32("lifted"), u.u32("instances"), 1],
    check: pose_fits_a_workgroup,
    twin: twin::sum_views_backward,
    flops: no_products,
};

/// The root gathers what the workgroup's other invocations have summed.
fn pose_fits_a_workgroup(u: &Uniforms) -> Result<(), String> {
    match u.u32("pose_size") {
        size if size > 64 => Err(format!("`pose_size` is {size}, above 64")),
        _ => copies_fit(u),
    }
}

/// The masked rows exist.
fn rows_fit(u: &Uniforms) -> Result<(), String> {
    if u.u32("rows") > u.u32("input_rows") {
        return Err(format!("`rows` is {}, past `input_rows` = {}", u.u32("rows"), u.u32("input_rows")));
    }
    pose_fits(u)
}

/// 64 copies x instance.
fn copy_tiles(u: &Uniforms) -> [u32; 3] {
    [groups(u.u32("copies")), u.u32("instances"), 1]
}
