//! The kernels' declarations, grouped by what they serve. Each names its WGSL file in `shaders/` and its twin in
//! [`crate::cpu`]; the formulas are at the head of the WGSL and in `docs/kernels.md`.

mod activation;
mod batch_norm;
mod gather;
mod geometry;
mod geometry_task;
mod lift;
mod linear;
mod loss;
mod optimizer;
mod replay;
mod state;

pub use activation::*;
pub use batch_norm::*;
pub use gather::*;
pub use geometry::*;
pub use geometry_task::*;
pub use lift::*;
pub use linear::*;
pub use loss::*;
pub use optimizer::*;
pub use replay::*;
pub use state::*;

use crate::kernel::{Kernel, Span, Uniforms};

/// Every kernel, in the order of `docs/kernels.md`.
pub static ALL: &[&Kernel] = &[
    &LINEAR_FORWARD,
    &LINEAR_BATCH_NORM_LEAKY_RELU_FORWARD,
    &LINEAR_BATCH_NORM_LEAKY_RELU_RESIDUAL_FORWARD,
    &LINEAR_BACKWARD_INPUT,
    &LINEAR_BACKWARD_INPUT_RESIDUAL,
    &LINEAR_BACKWARD_INPUT_SCALE_SHIFT_LEAKY_RELU,
    &LINEAR_BACKWARD_INPUT_AND_SCALE_SHIFT_LEAKY_RELU,
    &LINEAR_BACKWARD_INPUT_RESIDUAL_AND_SCALE_SHIFT_LEAKY_RELU,
    &LINEAR_BACKWARD_WEIGHT_ADAM,
    &LINEAR_BACKWARD_WEIGHT_ADAM_FIRST,
    &LINEAR_BACKWARD_WEIGHT_ADAM_LAST,
    &LINEAR_BACKWARD_WEIGHT_ADAM_ONLY,
    &ADD,
    &LEAKY_RELU_DROPOUT_FORWARD,
    &LEAKY_RELU_DROPOUT_BACKWARD,
    &BATCH_NORM_STATISTICS,
    &BATCH_NORM_LEAKY_RELU_DROPOUT_FORWARD,
    &BATCH_NORM_LEAKY_RELU_DROPOUT_BACKWARD_REDUCE,
    &BATCH_NORM_LEAKY_RELU_DROPOUT_BACKWARD_INPUT,
    &ADAM,
    &PROJECT_VIEWS_FORWARD,
    &PROJECT_VIEWS_BACKWARD,
    &MASK_JOINTS,
    &SUM_VIEWS_BACKWARD,
    &LIFT_CORRECTED_FORWARD,
    &LIFT_CORRECTED_BACKWARD,
    &PROJECT_AVERAGE_VIEWS_FORWARD,
    &CYCLE_LOSS,
    &DISCRIMINATOR_LOSS,
    &SUPERVISED_LOSS,
    &GEOMETRY_LOSS,
    &REPLAY_LOSS,
    &REDUCE_LOSSES,
    &GATHER_BATCH,
    &AUGMENT_BATCH,
    &GATHER_SAMPLE,
    &GATHER_REPLAY,
    &GATHER_FLIP_PAIRS,
    &AVERAGE_FLIP_PAIRS,
    &RANDOM_VIEWS,
    &ADVANCE_STEP,
    &ADVANCE_SAMPLE,
];

/// Rows of the lift.
const LIFTED: Span = Span("0", "lifted");
/// Rows of the views of it.
const VIEWED: Span = Span("lifted", "copies");
/// The views that show it.
const VIEWS: Span = Span("first_view", "copies");
/// The lifts of an input and of its mirror image.
const PAIR: Span = Span("0", "2");
/// Samples, then their mirror images.
const PAIRS: [Span; 2] = [Span("0", "poses"), Span("poses", "poses")];

/// Workgroups of 64 that cover `count` invocations.
fn groups(count: u32) -> u32 {
    count.div_ceil(64)
}

/// Fails unless a pose of `joints` fits in `keypoint_size` and `pose_size`, where the kernel has them.
fn pose_fits(u: &Uniforms) -> Result<(), String> {
    let joints = u.size("joints");
    if !(2..=17).contains(&joints) {
        return Err(format!("`joints` is {joints}, not 2 to 17"));
    }
    for (name, _) in u.iter() {
        match (name, u.size(name)) {
            ("keypoint_size", size) if size != 2 * joints => {
                return Err(format!("`keypoint_size` is {size}, not 2 x {joints}"));
            }
            ("pose_size", size) if size < 3 * joints => {
                return Err(format!("`pose_size` is {size}, below 3 x {joints}"));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Fails unless the task's columns lie inside the row of losses.
fn columns_fit(u: &Uniforms, columns: usize) -> Result<(), String> {
    let (needed, terms) = (u.size("column") + columns, u.size("terms"));
    if needed > terms { Err(format!("`terms` is {terms}, but {needed} are needed")) } else { Ok(()) }
}

/// Fails unless the rows [0, lifted + copies) and the views lie inside their tensors and the copies divide evenly.
fn copies_fit(u: &Uniforms) -> Result<(), String> {
    pose_fits(u)?;
    let (lifted, copies) = (u.size("lifted"), u.size("copies"));
    if lifted == 0 || copies == 0 || copies % lifted != 0 {
        return Err(format!("{copies} copies cannot be shared among {lifted} lifted rows"));
    }
    for (name, _) in u.iter() {
        let (size, needed) = match name {
            "input_rows" | "loss_rows" => (u.size(name), lifted + copies),
            "pose_rows" => (u.size(name), lifted),
            "view_rows" => (u.size(name), u.size("first_view") + copies),
            _ => continue,
        };
        if size < needed {
            return Err(format!("`{name}` is {size}, but {needed} are needed"));
        }
    }
    Ok(())
}
