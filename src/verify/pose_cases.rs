//! The cases of the kernels that work on keypoints, views and poses.

use super::cases::Case;
use crate::kernel::{Kernel, Value};
use crate::kernels::*;

/// Every case of each.
pub(super) fn all(all: &mut Vec<Case>) {
    views(all);
    pose_rows(all);
    losses(all);
    sets(all);
}

/// (joints, lifted, copies, instances, first view)
const VIEWS: &[[usize; 5]] =
    &[[16, 1, 1, 1, 0], [17, 1, 2, 2, 3], [16, 1, 63, 1, 64], [17, 1, 65, 3, 0], [16, 8, 8, 1, 0], [17, 3, 15, 2, 5]];

/// As [`VIEWS`], where the lifted rows are those of an input, of its mirror image, and others.
const AVERAGE_VIEWS: &[[usize; 5]] =
    &[[16, 2, 1, 1, 0], [17, 3, 2, 2, 3], [16, 10, 61, 1, 64], [17, 2, 65, 3, 0], [16, 5, 62, 2, 7]];

/// (joints, row, rows, instances)
const POSE_ROWS: &[[usize; 4]] = &[[16, 0, 1, 1], [17, 2, 2, 3], [16, 1, 63, 1], [17, 0, 64, 2], [16, 3, 65, 1]];

/// Dimensions and numbers of a kernel that sees views.
fn view_case(kernel: &'static Kernel, [joints, lifted, copies, instances, first]: [usize; 5], index: usize) -> Case {
    let rows = lifted + copies + index % 2;
    let dims = vec![
        ("joints", joints),
        ("instances", instances),
        ("copies", copies),
        ("pose_size", (3 * joints).next_multiple_of(4)),
        ("keypoint_size", 2 * joints),
        ("pose_rows", rows),
        ("input_rows", rows),
        ("loss_rows", rows),
        ("view_rows", first + copies + index),
        ("logit_size", 4),
        ("terms", 7),
        ("slots", 5),
    ];
    let known = |name: &str| -> Value {
        match name {
            "column" => (index % 4).into(),
            "lifted" => lifted.into(),
            "copies" => copies.into(),
            "joints" => joints.into(),
            "first_view" => first.into(),
            "rows" => (lifted + copies).into(),
            "normalize" | "cycle" | "saturating" => (index.is_multiple_of(2)).into(),
            "perspective" => (index % 3 != 2).into(),
            // Odd cases clamp many depths.
            "depth" => (if index % 2 == 1 { 0.5 } else { 10.0 }).into(),
            "min_depth" => 0.5.into(),
            "loss_scale_2d" | "loss_scale_3d" | "view_scale" => 0.25.into(),
            // From lengths in the plane to metres; a gate that closes for some and not for others.
            "bone_scale" => 10.0.into(),
            "gate" => [0.0, 0.5, 50.0][index % 3].into(),
            "weight_2d" => 3.0.into(),
            "weight_3d" => 0.7.into(),
            _ => 0.1.into(),
        }
    };
    let symbols: Vec<&str> = kernel.bindings.iter().flat_map(|b| b.shape).copied().collect();
    let numbers = kernel.uniforms.iter().map(|u| u.name()).filter(|name| !symbols.contains(name));
    Case { kernel, dims, values: numbers.map(|name| (name, known(name))).collect() }
}

fn views(all: &mut Vec<Case>) {
    for kernel in [&PROJECT_VIEWS_FORWARD, &PROJECT_VIEWS_BACKWARD, &SUM_VIEWS_BACKWARD, &MASK_JOINTS] {
        all.extend(VIEWS.iter().enumerate().map(|(index, &sizes)| view_case(kernel, sizes, index)));
    }
    for kernel in [&PROJECT_AVERAGE_VIEWS_FORWARD, &GEOMETRY_LOSS] {
        all.extend(AVERAGE_VIEWS.iter().enumerate().map(|(index, &sizes)| view_case(kernel, sizes, index)));
    }
}

/// Kernels on rows of keypoints and poses.
fn pose_rows(all: &mut Vec<Case>) {
    for kernel in [&LIFT_CORRECTED_FORWARD, &LIFT_CORRECTED_BACKWARD, &GATHER_REPLAY, &REPLAY_LOSS] {
        for (index, &[joints, row, rows, instances]) in POSE_ROWS.iter().enumerate() {
            let dims = vec![
                ("joints", joints),
                ("instances", instances),
                ("keypoint_size", 2 * joints),
                ("pose_size", (3 * joints).next_multiple_of(4)),
                ("input_rows", row + rows + index % 2),
                ("pose_rows", row + rows + index % 3),
                ("loss_rows", row + rows + 1),
                ("replayed", rows),
                ("poses", rows * instances + 5 * index),
                ("terms", 4),
            ];
            let known = |name: &str| -> Value {
                match name {
                    "joints" => joints.into(),
                    "row" => row.into(),
                    "rows" => rows.into(),
                    "first" | "column" => (index % 4).into(),
                    "turned" => (rows / 2).into(),
                    "noise" => [0.0, 8.0][index % 2].into(),
                    "drawn" | "normalize" => (index != 1).into(),
                    "perspective" => (index % 3 != 2).into(),
                    "depth" => 10.0.into(),
                    "min_depth" => 0.5.into(),
                    _ => 0.1.into(),
                }
            };
            let symbols: Vec<&str> = kernel.bindings.iter().flat_map(|b| b.shape).copied().collect();
            let numbers = kernel.uniforms.iter().map(|u| u.name()).filter(|name| !symbols.contains(name));
            all.push(Case { kernel, dims, values: numbers.map(|name| (name, known(name))).collect() });
        }
    }
}

fn losses(all: &mut Vec<Case>) {
    for kernel in [&CYCLE_LOSS, &DISCRIMINATOR_LOSS] {
        all.extend(VIEWS.iter().enumerate().map(|(index, &sizes)| view_case(kernel, sizes, index)));
    }
    for (joints, rows) in [(16usize, 1usize), (17, 2), (16, 63), (17, 64), (16, 65)] {
        let dims = vec![
            ("joints", joints),
            ("rows", rows),
            ("pose_rows", rows + 1),
            ("loss_rows", rows + 2),
            ("pose_size", (3 * joints).next_multiple_of(4)),
            ("terms", 1 + rows % 3),
        ];
        let values = vec![
            ("column", (rows % 3).into()),
            ("position_scale", 1.0.into()),
            ("bone_scale", 0.5.into()),
            ("weight_position", 0.1.into()),
            ("weight_bone", 0.05.into()),
        ];
        all.push(Case { kernel: &SUPERVISED_LOSS, dims, values });
    }
    all.extend(VIEWS.iter().enumerate().map(|(index, &sizes)| view_case(&REDUCE_LOSSES, sizes, index)));
}

/// Kernels that take their rows from a set.
fn sets(all: &mut Vec<Case>) {
    let dims = |joints: usize, poses, batch| {
        vec![
            ("poses", poses),
            ("batch", batch),
            ("input_rows", batch + 3),
            ("joints", joints),
            ("keypoint_size", 2 * joints),
            ("pose_size", (3 * joints).next_multiple_of(4)),
        ]
    };
    for (joints, poses, batch) in [(16usize, 1usize, 2), (17, 2, 5), (16, 63, 64), (17, 1000, 65), (16, 4097, 257)] {
        let bits = usize::BITS - (poses - 1).leading_zeros();
        let values = vec![("flip", true.into()), ("half_bits", bits.div_ceil(2).max(1).into())];
        all.push(Case { kernel: &GATHER_BATCH, dims: dims(joints, poses, batch), values });
    }
    for (joints, poses, batch, turned, free, noise) in [
        (16usize, 1usize, 2usize, 1usize, 0usize, 0.0),
        (17, 2, 5, 5, 2, 9.0),
        (16, 63, 64, 0, 0, 3.0),
        (17, 97, 65, 33, 33, 0.0),
    ] {
        let values = vec![
            ("turned", turned.into()),
            ("free", free.into()),
            ("flip", (poses > 1).into()),
            ("normalize", (batch != 64).into()),
            ("perspective", (batch != 2).into()),
            ("limb_mixing", 0.6.into()),
            ("nearest", 2.5.into()),
            ("farthest", 6.0.into()),
            ("min_depth", 0.5.into()),
            ("noise", noise.into()),
        ];
        all.push(Case { kernel: &AUGMENT_BATCH, dims: dims(joints, poses, batch), values });
    }
    for kernel in [&GATHER_SAMPLE, &GATHER_FLIP_PAIRS, &AVERAGE_FLIP_PAIRS] {
        for (joints, capacity, instances, poses) in
            [(16usize, 1, 1, 1usize), (17, 7, 3, 1), (16, 64, 1, 63), (17, 130, 1, 65)]
        {
            let dims = vec![
                ("capacity", capacity),
                ("instances", instances),
                ("input_rows", 2 * poses + 1),
                ("pose_rows", 2 * poses + 1),
                ("joints", joints),
                ("keypoint_size", 2 * joints),
                ("pose_size", (3 * joints).next_multiple_of(4)),
            ];
            let names = kernel.uniforms.iter().map(|u| u.name());
            let values = names.filter_map(|name| match name {
                "poses" => Some((name, poses.into())),
                "flip" => Some((name, (poses != 63).into())),
                "corrected" => Some((name, (joints == 17).into())),
                "perspective" => Some((name, (capacity == 7).into())),
                "depth" => Some((name, 10.0.into())),
                _ => None,
            });
            all.push(Case { kernel, dims, values: values.collect() });
        }
    }
}
