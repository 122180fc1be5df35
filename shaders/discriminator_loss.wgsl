// The adversary's terms (Eq. 3) from D's logits l: rows [0, lifted) real, [lifted, lifted + copies) fake.
// Losses: log D(r) = log_sigmoid(l), log(1 - D(y)) = log_sigmoid(-l), and what the generator minimises:
// -log_sigmoid(l), or log_sigmoid(-l) where saturating is set.
// row_scale: d(-weight * objective of D) / dl, so that a descent step is D's ascent; generator_factor: d(weight *
// generator loss) / dl, 0 on real rows. Both multiply one backward pass through D from a unit seed.
// logits (instances, input_rows, logit_size): column 0; row_losses (instances, loss_rows, terms), three columns from column on.
// Grid: 64 rows x instance. Twin: cpu/loss.rs.
struct Dims {
    instances: u32, input_rows: u32, logit_size: u32, loss_rows: u32, terms: u32, column: u32,
    lifted: u32, copies: u32, saturating: u32, weight: f32,
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> logits: array<f32>;
@group(0) @binding(2) var<storage, read_write> row_losses: array<f32>;
@group(0) @binding(3) var<storage, read_write> row_scale: array<f32>;
@group(0) @binding(4) var<storage, read_write> generator_factor: array<f32>;
#import shared/math.wgsl

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3<u32>) {
    let r = gid.x;
    if r >= dims.lifted + dims.copies { return; }
    let row = gid.y * dims.input_rows + r;
    let losses = (gid.y * dims.loss_rows + r) * dims.terms + dims.column;
    let l = logits[row * dims.logit_size];
    if r < dims.lifted {
        row_losses[losses] = log_sigmoid(l);
        row_scale[row] = -dims.weight / f32(dims.lifted) * sigmoid(-l);
        generator_factor[row] = 0.0;
        return;
    }
    let each = dims.weight / f32(dims.copies);
    row_losses[losses + 1u] = log_sigmoid(-l);
    row_scale[row] = each * sigmoid(l);
    if dims.saturating != 0u {
        row_losses[losses + 2u] = log_sigmoid(-l);
        generator_factor[row] = -each * sigmoid(l);
    } else {
        row_losses[losses + 2u] = -log_sigmoid(l);
        generator_factor[row] = -each * sigmoid(-l);
    }
}
