// One step's six loss terms, averaged over their rows, to the ring's slot (step - 1) mod slots:
// supervised and log D(r) over the lifted rows; log(1 - D(y)), the generator's term, cyc2d and cyc3d over the copies.
// row_losses (instances, loss_rows, 6); ring (slots, instances, 6). Grid: 64 terms of all instances. Twin: cpu/loss.rs.
#import shared/state.wgsl
struct Dims { instances: u32, loss_rows: u32, slots: u32, lifted: u32, copies: u32 }
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> row_losses: array<f32>;
@group(0) @binding(2) var<storage, read> state: State;
@group(0) @binding(3) var<storage, read_write> ring: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3<u32>) {
    if gid.x >= dims.instances * 6u { return; }
    let instance = gid.x / 6u;
    let term = gid.x % 6u;
    let count = select(dims.copies, dims.lifted, term < 2u);
    let first = select(dims.lifted, 0u, term < 2u);
    var sum = 0.0;
    for (var r = first; r < first + count; r++) { sum += row_losses[(instance * dims.loss_rows + r) * 6u + term]; }
    let slot = (state.step - 1u) % dims.slots;
    ring[slot * dims.instances * 6u + gid.x] = sum / f32(max(count, 1u));
}
