// One step's loss terms, each averaged over its rows, to the ring's slot (step - 1) mod slots.
// row_losses (instances, loss_rows, terms); columns (terms, 2): a term's first row and how many it has;
// ring (slots, instances, terms). Grid: 64 terms of all instances. Twin: cpu/loss.rs.
#import shared/state.wgsl
struct Dims { instances: u32, loss_rows: u32, slots: u32, terms: u32 }
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> row_losses: array<f32>;
@group(0) @binding(2) var<storage, read> columns: array<u32>;
@group(0) @binding(3) var<storage, read> state: State;
@group(0) @binding(4) var<storage, read_write> ring: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3<u32>) {
    if gid.x >= dims.instances * dims.terms { return; }
    let instance = gid.x / dims.terms;
    let term = gid.x % dims.terms;
    let first = instance * dims.loss_rows + columns[2u * term];
    let count = columns[2u * term + 1u];
    var sum = 0.0;
    for (var r = first; r < first + count; r++) { sum += row_losses[r * dims.terms + term]; }
    let slot = (state.step - 1u) % dims.slots;
    ring[slot * dims.instances * dims.terms + gid.x] = sum / f32(max(count, 1u));
}
