// Adam on a small parameter whose gradient was kept: batch norm's weight and bias, summed over the passes (groups).
// gradient (groups, 2, features); parameters, exp_avg, exp_avg_sq (2, features). Grid: 64 vec4s.
// Twin: cpu/optimizer.rs. PyTorch: torch.optim.Adam.
#import shared/state.wgsl
struct Dims { groups: u32, features: u32 }
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> gradient: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> state: State;
@group(0) @binding(3) var<storage, read_write> parameters: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> exp_avg: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> exp_avg_sq: array<vec4<f32>>;
#import shared/adam.wgsl

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3<u32>) {
    let index = gid.x;
    let size = dims.features / 2u;
    if index >= size { return; }
    var g = vec4<f32>(0.0);
    for (var group = 0u; group < dims.groups; group++) { g += gradient[group * size + index]; }
    let m = BETA1 * exp_avg[index] + ONE_MINUS_BETA1 * g;
    let v = BETA2 * exp_avg_sq[index] + ONE_MINUS_BETA2 * g * g;
    exp_avg[index] = m;
    exp_avg_sq[index] = v;
    parameters[index] += adam_move(m, v);
}
