// One step's loss terms, each averaged over its rows, to the ring's slot (step - 1) mod slots.
// row_losses (instances, loss_rows, terms); columns (terms, 2): a term's first row and how many it has;
// ring (slots, instances, terms). Grid: a term x instance. Twin: cpu/loss.rs.
#import shared/state.wgsl
struct Dims { instances: u32, loss_rows: u32, slots: u32, terms: u32 }
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> row_losses: array<f32>;
@group(0) @binding(2) var<storage, read> columns: array<u32>;
@group(0) @binding(3) var<storage, read> state: State;
@group(0) @binding(4) var<storage, read_write> ring: array<f32>;

var<workgroup> rows: array<f32, 64>;

// 64 invocations load, one adds, in the order of the rows.
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let term = group.x;
    let instance = group.y;
    let first = instance * dims.loss_rows + columns[2u * term];
    let count = columns[2u * term + 1u];
    var sum = 0.0;
    // As many turns for every term: which rows it has is data, and barriers must not depend on data.
    for (var r = 0u; r < dims.loss_rows; r += 64u) {
        if r + index < count { rows[index] = row_losses[(first + r + index) * dims.terms + term]; }
        workgroupBarrier();
        if index == 0u {
            for (var k = 0u; k < 64u && r + k < count; k++) { sum += rows[k]; }
        }
        workgroupBarrier();
    }
    if index == 0u {
        let slot = (state.step - 1u) % dims.slots;
        ring[(slot * dims.instances + instance) * dims.terms + term] = sum / f32(max(count, 1u));
    }
}
