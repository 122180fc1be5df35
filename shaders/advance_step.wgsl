// Begins an optimisation step: Adam's bias corrections by the recurrence 1 - b^t = q + (1 - b)(1 - q), the learning
// rate lr * 2^(log2_decay * step), and the step counter. restart begins a fresh Adam (vanilla's first step).
// state. Grid: 1. Twin: cpu/state.rs.
#import shared/state.wgsl
struct Dims { lr: f32, log2_decay: f32, restart: u32 }
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read_write> state: State;

@compute @workgroup_size(1)
fn main() {
    var c1 = 0.0;
    var c2 = 0.0;
    if dims.restart == 0u {
        c1 = state.correction1;
        c2 = state.correction2;
    }
    c1 += 0.1 * (1.0 - c1);
    c2 += 0.001 * (1.0 - c2);
    state.correction1 = c1;
    state.correction2 = c2;
    state.step_size = dims.lr * exp2(dims.log2_decay * f32(state.step)) / c1;
    state.inverse_sqrt2 = 1.0 / sqrt(c2);
    state.step += 1u;
}
