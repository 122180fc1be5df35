//! Poses in, predictions out.

use super::{PAIRS, groups, pose_fits};
use crate::cpu::augment::augment_batch;
use crate::cpu::gather as twin;
use crate::kernel::Uniform::{F32, U32};
use crate::kernel::{Element, Kernel, Span, Uniforms, no_check, no_products, read, update, write};

/// A batch from the resident training set, mirrored at random.
pub static GATHER_BATCH: Kernel = Kernel {
    name: "gather_batch",
    source: include_str!("../../shaders/gather_batch.wgsl"),
    bindings: &[
        read("keypoints", Element::F32, &["poses", "keypoint_size"]),
        read("positions", Element::F32, &["poses", "pose_size"]),
        read("skeleton", Element::U32, &["2", "joints"]),
        read("state", Element::State, &["8"]),
        write("x", Element::F32, &["1", "input_rows", "keypoint_size"]).rows(&[Span("0", "batch")]),
        write("truth", Element::F32, &["1", "batch", "pose_size"]),
    ],
    uniforms: &[
        U32("poses"),
        U32("keypoint_size"),
        U32("pose_size"),
        U32("joints"),
        U32("input_rows"),
        U32("batch"),
        U32("flip"),
        U32("half_bits"),
    ],
    workgroup: [64, 1, 1],
    grid: |u| [groups(u.u32("batch")), 1, 1],
    check: batch_fits,
    twin: twin::gather_batch,
    flops: no_products,
};

/// That batch with limbs of other poses, turned to other views, with noise.
pub static AUGMENT_BATCH: Kernel = Kernel {
    name: "augment_batch",
    source: include_str!("../../shaders/augment_batch.wgsl"),
    bindings: &[
        read("positions", Element::F32, &["poses", "pose_size"]),
        read("skeleton", Element::U32, &["2", "joints"]),
        read("limbs", Element::U32, &["4", "3"]),
        read("bones", Element::F32, &["joints"]),
        read("state", Element::State, &["8"]),
        update("x", Element::F32, &["1", "input_rows", "keypoint_size"]).rows(&[Span("0", "batch")]),
        update("truth", Element::F32, &["1", "batch", "pose_size"]),
    ],
    uniforms: &[
        U32("poses"),
        U32("pose_size"),
        U32("keypoint_size"),
        U32("joints"),
        U32("input_rows"),
        U32("batch"),
        U32("turned"),
        U32("free"),
        U32("flip"),
        U32("normalize"),
        U32("perspective"),
        F32("limb_mixing"),
        F32("nearest"),
        F32("farthest"),
        F32("min_depth"),
        F32("noise"),
    ],
    workgroup: [64, 1, 1],
    grid: |u| [groups(u.u32("batch")), 1, 1],
    check: shares_fit,
    twin: augment_batch,
    flops: no_products,
};

/// The sample an instance adapts to.
pub static GATHER_SAMPLE: Kernel = Kernel {
    name: "gather_sample",
    source: include_str!("../../shaders/gather_sample.wgsl"),
    bindings: &[
        read("samples", Element::F32, &["capacity", "keypoint_size"]),
        read("state", Element::State, &["8"]),
        write("x", Element::F32, &["instances", "input_rows", "keypoint_size"]).rows(&[Span("0", "1")]),
    ],
    uniforms: &[U32("capacity"), U32("keypoint_size"), U32("instances"), U32("input_rows")],
    workgroup: [64, 1, 1],
    grid: |u| [groups(u.u32("keypoint_size")), u.u32("instances"), 1],
    check: no_check,
    twin: twin::gather_sample,
    flops: no_products,
};

/// A sample and its mirror image.
pub static GATHER_FLIP_PAIRS: Kernel = Kernel {
    name: "gather_flip_pairs",
    source: include_str!("../../shaders/gather_flip_pairs.wgsl"),
    bindings: &[
        read("samples", Element::F32, &["capacity", "keypoint_size"]),
        read("skeleton", Element::U32, &["2", "joints"]),
        read("state", Element::State, &["8"]),
        write("x", Element::F32, &["instances", "input_rows", "keypoint_size"]).rows(&PAIRS),
    ],
    uniforms: &[
        U32("capacity"),
        U32("keypoint_size"),
        U32("joints"),
        U32("instances"),
        U32("input_rows"),
        U32("poses"),
    ],
    workgroup: [64, 1, 1],
    grid: |u| [groups(u.u32("poses")), u.u32("instances"), 1],
    check: pairs_fit,
    twin: twin::gather_flip_pairs,
    flops: no_products,
};

/// The flip-averaged prediction.
pub static AVERAGE_FLIP_PAIRS: Kernel = Kernel {
    name: "average_flip_pairs",
    source: include_str!("../../shaders/average_flip_pairs.wgsl"),
    bindings: &[
        read("x", Element::F32, &["instances", "input_rows", "keypoint_size"]).rows(&PAIRS),
        read("pose", Element::F32, &["instances", "pose_rows", "pose_size"]).rows(&PAIRS),
        read("skeleton", Element::U32, &["2", "joints"]),
        read("state", Element::State, &["8"]),
        write("predictions", Element::F32, &["capacity", "pose_size"]),
    ],
    uniforms: &[
        U32("capacity"),
        U32("keypoint_size"),
        U32("pose_size"),
        U32("joints"),
        U32("instances"),
        U32("input_rows"),
        U32("pose_rows"),
        U32("poses"),
        U32("flip"),
        U32("corrected"),
        U32("perspective"),
        F32("depth"),
    ],
    workgroup: [64, 1, 1],
    grid: |u| [groups(u.u32("poses")), u.u32("instances"), 1],
    check: pairs_fit,
    twin: twin::average_flip_pairs,
    flops: no_products,
};

/// The batch fits its tensors, and each share of its rows the one before.
fn shares_fit(u: &Uniforms) -> Result<(), String> {
    for [part, whole] in [["free", "turned"], ["turned", "batch"], ["batch", "input_rows"]] {
        if u.u32(part) > u.u32(whole) {
            return Err(format!("`{part}` is {}, past `{whole}` = {}", u.u32(part), u.u32(whole)));
        }
    }
    pose_fits(u)
}

/// The batch fits its tensors, and `half_bits` spans the data set.
fn batch_fits(u: &Uniforms) -> Result<(), String> {
    if u.u32("batch") > u.u32("input_rows") {
        return Err(format!("`batch` is {}, past `input_rows` = {}", u.u32("batch"), u.u32("input_rows")));
    }
    if u.u32("half_bits") > 15 || 1u64 << (2 * u.u32("half_bits")) < u64::from(u.u32("poses")) {
        return Err(format!("2^(2 x `half_bits`) must span {} poses", u.u32("poses")));
    }
    pose_fits(u)
}

/// The pairs' rows exist.
fn pairs_fit(u: &Uniforms) -> Result<(), String> {
    let needed = 2 * u.size("poses");
    let rows = u.iter().filter(|(name, _)| matches!(*name, "input_rows" | "pose_rows"));
    if let Some((name, _)) = rows.into_iter().find(|(name, _)| u.size(name) < needed) {
        return Err(format!("`{name}` is {}, but {needed} rows are needed", u.size(name)));
    }
    pose_fits(u)
}
