// Ends a target sample (or `samples` of them): the cursor that picks the next. state. Grid: 1. Twin: cpu/state.rs.
#import shared/state.wgsl
struct Dims { samples: u32 }
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read_write> state: State;

@compute @workgroup_size(1)
fn main() {
    state.sample += dims.samples;
}
