//! The time of kernels without a matrix product: what their serial loads take.

use super::Machine;
use crate::plan::Dispatch;

/// Microseconds of a kernel that loads little.
const USUAL_US: f64 = 1.0;

/// What a dispatch takes, without its launch, microseconds. Loads are counted at 16 joints, from the cache.
pub(super) fn time(dispatch: &Dispatch, machine: &Machine) -> f64 {
    let (size, load) = (|name| f64::from(dispatch.uniforms.u32(name)), machine.l2_us);
    match dispatch.kernel.name {
        // Loads of every copy of a lift, four of them together.
        "sum_views_backward" => size("copies") / size("lifted") / 4.0 * load + 0.5,
        // Loads of every row, eight of them together.
        "reduce_losses" => size("loss_rows") / 8.0 * load,
        "project_views_backward" => 34.0 * load + 3.0,
        "project_views_forward" | "cycle_loss" => 18.0 * load + 2.0,
        "average_flip_pairs" | "gather_flip_pairs" => 17.0 * load,
        _ => USUAL_US,
    }
}
