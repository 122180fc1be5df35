// Inverted dropout, recomputed wherever it is needed, never stored.
// Needs globals: state, mask, dims {keep_threshold, keep_scale, stream, recorded}.
#import shared/random.wgsl

// Four factors: 0 where dropped, 1 / (1 - p) where kept. `local` indexes vec4s within the layer's own call and keys
// the random numbers; `word` is where a recorded mask has its first of four words.
fn dropout(local: u32, word: u32) -> vec4<f32> {
    var keep: vec4<bool>;
    if dims.recorded != 0u {
        keep = vec4<u32>(mask[word], mask[word + 1u], mask[word + 2u], mask[word + 3u]) != vec4<u32>(0u);
    } else {
        keep = pcg4d(vec4<u32>(state.seed, state.step, dims.stream, local)) >= vec4<u32>(dims.keep_threshold);
    }
    return select(vec4<f32>(0.0), vec4<f32>(dims.keep_scale), keep);
}
