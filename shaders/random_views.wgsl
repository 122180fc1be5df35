// Random views (Sec. 3.2.1): azimuth uniform in [-pi, pi), elevation in [-pi/9, pi/9), keyed by the sample (adaptation)
// or the step (training). views (instances, view_rows, 2). Grid: 64 views x instance. Twin: cpu/state.rs.
#import shared/state.wgsl
#import shared/rotation.wgsl
#import shared/streams.wgsl
struct Dims { instances: u32, view_rows: u32, by_sample: u32 }
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> state: State;
@group(0) @binding(2) var<storage, read_write> views: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3<u32>) {
    if gid.x >= dims.view_rows { return; }
    let key = select(state.step, state.sample + gid.y, dims.by_sample != 0u);
    let view = random_view(pcg4d(vec4<u32>(state.seed, key, STREAM_VIEWS, gid.x)));
    let at = 2u * (gid.y * dims.view_rows + gid.x);
    views[at] = view.x;
    views[at + 1u] = view.y;
}
