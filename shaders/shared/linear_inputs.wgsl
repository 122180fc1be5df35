// Eight rows of dy times one row of the weights: eight elements of dx.
// Needs globals: dy, parameters, dims {weight_instances, y_rows, row, rows, in_features, out_features}.
// The importing kernel defines store(instance, row, i, value), which drops rows past the end.

struct Inputs8 { r0: f32, r1: f32, r2: f32, r3: f32, r4: f32, r5: f32, r6: f32, r7: f32 }

fn linear_inputs(instance: u32, first: u32, i: u32) -> Inputs8 {
    let columns = dims.out_features / 4u;
    let weights = ((instance % dims.weight_instances) * (dims.in_features + 1u) + i) * columns;
    let last = dims.row + dims.rows - 1u;
    let base = instance * dims.y_rows;
    let y0 = (base + min(first, last)) * columns;
    let y1 = (base + min(first + 1u, last)) * columns;
    let y2 = (base + min(first + 2u, last)) * columns;
    let y3 = (base + min(first + 3u, last)) * columns;
    let y4 = (base + min(first + 4u, last)) * columns;
    let y5 = (base + min(first + 5u, last)) * columns;
    let y6 = (base + min(first + 6u, last)) * columns;
    let y7 = (base + min(first + 7u, last)) * columns;
    // Four partial sums per row, added at the end.
    var s0 = vec4<f32>(0.0); var s1 = s0; var s2 = s0; var s3 = s0;
    var s4 = s0; var s5 = s0; var s6 = s0; var s7 = s0;
    for (var o = 0u; o < columns; o++) {
        let w = parameters[weights + o];
        s0 = fma(dy[y0 + o], w, s0);
        s1 = fma(dy[y1 + o], w, s1);
        s2 = fma(dy[y2 + o], w, s2);
        s3 = fma(dy[y3 + o], w, s3);
        s4 = fma(dy[y4 + o], w, s4);
        s5 = fma(dy[y5 + o], w, s5);
        s6 = fma(dy[y6 + o], w, s6);
        s7 = fma(dy[y7 + o], w, s7);
    }
    let ones = vec4<f32>(1.0);
    return Inputs8(dot(s0, ones), dot(s1, ones), dot(s2, ones), dot(s3, ones),
        dot(s4, ones), dot(s5, ones), dot(s6, ones), dot(s7, ones));
}

// The eight rows from `first` on, stored.
fn store_inputs(instance: u32, first: u32, i: u32) {
    let d = linear_inputs(instance, first, i);
    store(instance, first, i, d.r0);
    store(instance, first + 1u, i, d.r1);
    store(instance, first + 2u, i, d.r2);
    store(instance, first + 3u, i, d.r3);
    store(instance, first + 4u, i, d.r4);
    store(instance, first + 5u, i, d.r5);
    store(instance, first + 6u, i, d.r6);
    store(instance, first + 7u, i, d.r7);
}
