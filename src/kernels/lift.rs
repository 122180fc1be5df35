//! The corrected lift.

use super::{groups, pose_fits};
use crate::cpu::lift as twin;
use crate::kernel::Uniform::{F32, U32};
use crate::kernel::{Element, Kernel, Uniforms, no_products, read, update};

/// A head's raw output to a pose that corrects what the image says.
pub static LIFT_CORRECTED_FORWARD: Kernel = Kernel {
    name: "lift_corrected_forward",
    source: include_str!("../../shaders/lift_corrected_forward.wgsl"),
    bindings: &[
        read("x", Element::F32, &["instances", "input_rows", "keypoint_size"]),
        update("pose", Element::F32, &["instances", "pose_rows", "pose_size"]),
    ],
    uniforms: &[
        U32("instances"),
        U32("input_rows"),
        U32("keypoint_size"),
        U32("pose_rows"),
        U32("pose_size"),
        U32("joints"),
        U32("row"),
        U32("rows"),
        U32("perspective"),
        F32("depth"),
    ],
    workgroup: [64, 1, 1],
    grid: |u| [groups(u.u32("rows")), u.u32("instances"), 1],
    check: rows_fit,
    twin: twin::lift_corrected_forward,
    flops: no_products,
};

/// Its gradient.
pub static LIFT_CORRECTED_BACKWARD: Kernel = Kernel {
    name: "lift_corrected_backward",
    source: include_str!("../../shaders/lift_corrected_backward.wgsl"),
    bindings: &[
        read("x", Element::F32, &["instances", "input_rows", "keypoint_size"]),
        update("dpose", Element::F32, &["instances", "pose_rows", "pose_size"]),
    ],
    uniforms: &[
        U32("instances"),
        U32("input_rows"),
        U32("keypoint_size"),
        U32("pose_rows"),
        U32("pose_size"),
        U32("joints"),
        U32("row"),
        U32("rows"),
        U32("perspective"),
    ],
    workgroup: [64, 1, 1],
    grid: |u| [groups(u.u32("rows")), u.u32("instances"), 1],
    check: rows_fit,
    twin: twin::lift_corrected_backward,
    flops: no_products,
};

/// The rows exist, of keypoints and of poses.
fn rows_fit(u: &Uniforms) -> Result<(), String> {
    let needed = u.size("row") + u.size("rows");
    let short = ["input_rows", "pose_rows"].into_iter().find(|name| u.size(name) < needed);
    short.map_or_else(|| pose_fits(u), |name| Err(format!("`{name}` is {}, but {needed} are needed", u.size(name))))
}
