// g = [x, 1]^T (dy * row_scale); m, v = Adam's moments; parameters += Adam's move: in place.
// The gradient never goes to memory.
// x (instances, x_rows, in_features); dy (instances, y_rows, out_features); row_scale (instances, y_rows);
// parameters and moments (instances, in_features + 1, out_features). Rows [row, row + rows).
// bias_input: 1, or 0 where a batch norm over batch statistics cancels the bias: its gradient is then exactly 0, and
// Adam would turn rounding noise into moves of the learning rate.
// Grid: tiles of vec4 columns x parameter rows x instance. Twin: cpu/linear_adam.rs. PyTorch: torch.optim.Adam.
struct Dims {
    instances: u32, x_rows: u32, y_rows: u32,
    row: u32, rows: u32, in_features: u32, out_features: u32, bias_input: f32,
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> dy: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> row_scale: array<f32>;
@group(0) @binding(4) var<storage, read_write> parameters: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> exp_avg: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read_write> exp_avg_sq: array<vec4<f32>>;
@group(0) @binding(7) var<storage, read> state: State;
#import shared/state.wgsl
#import shared/adam.wgsl
#import shared/linear_gradient.wgsl

struct Old { p: vec4<f32>, m: vec4<f32>, v: vec4<f32> }

fn old_at(index: u32) -> Old { return Old(parameters[index], exp_avg[index], exp_avg_sq[index]); }

fn adapt(index: u32, g: vec4<f32>, known: Old) {
    let m = BETA1 * known.m + ONE_MINUS_BETA1 * g;
    let v = BETA2 * known.v + ONE_MINUS_BETA2 * g * g;
    exp_avg[index] = m;
    exp_avg_sq[index] = v;
    parameters[index] = known.p + adam_move(m, v);
}
