// Eight rows of x times one vec4 column of the weights, plus bias.
// Needs globals: x, parameters, dims {weight_instances, x_rows, row, rows, in_features, out_features}.
// The importing kernel defines store(instance, row, column, value), which drops rows past the end.
// Every lane of a workgroup reads the same x, so those loads are uniform; each weight is loaded once for 8 rows.

struct Rows8 {
    r0: vec4<f32>, r1: vec4<f32>, r2: vec4<f32>, r3: vec4<f32>,
    r4: vec4<f32>, r5: vec4<f32>, r6: vec4<f32>, r7: vec4<f32>,
}

fn linear_rows(instance: u32, first: u32, column: u32) -> Rows8 {
    let columns = dims.out_features / 4u;
    let weights = (instance % dims.weight_instances) * (dims.in_features + 1u) * columns + column;
    let last = dims.row + dims.rows - 1u;
    let base = instance * dims.x_rows;
    // Rows past the end repeat the last one; their results are not stored.
    let x0 = (base + min(first, last)) * dims.in_features;
    let x1 = (base + min(first + 1u, last)) * dims.in_features;
    let x2 = (base + min(first + 2u, last)) * dims.in_features;
    let x3 = (base + min(first + 3u, last)) * dims.in_features;
    let x4 = (base + min(first + 4u, last)) * dims.in_features;
    let x5 = (base + min(first + 5u, last)) * dims.in_features;
    let x6 = (base + min(first + 6u, last)) * dims.in_features;
    let x7 = (base + min(first + 7u, last)) * dims.in_features;
    let bias = parameters[weights + dims.in_features * columns];
    var sum = Rows8(bias, bias, bias, bias, bias, bias, bias, bias);
    for (var i = 0u; i < dims.in_features; i++) {
        let w = parameters[weights + i * columns];
        sum.r0 = fma(vec4<f32>(x[x0 + i]), w, sum.r0);
        sum.r1 = fma(vec4<f32>(x[x1 + i]), w, sum.r1);
        sum.r2 = fma(vec4<f32>(x[x2 + i]), w, sum.r2);
        sum.r3 = fma(vec4<f32>(x[x3 + i]), w, sum.r3);
        sum.r4 = fma(vec4<f32>(x[x4 + i]), w, sum.r4);
        sum.r5 = fma(vec4<f32>(x[x5 + i]), w, sum.r5);
        sum.r6 = fma(vec4<f32>(x[x6 + i]), w, sum.r6);
        sum.r7 = fma(vec4<f32>(x[x7 + i]), w, sum.r7);
    }
    return sum;
}

// The eight rows from `first` on, stored.
fn store_rows(instance: u32, first: u32, column: u32) {
    let sum = linear_rows(instance, first, column);
    store(instance, first, column, sum.r0);
    store(instance, first + 1u, column, sum.r1);
    store(instance, first + 2u, column, sum.r2);
    store(instance, first + 3u, column, sum.r3);
    store(instance, first + 4u, column, sum.r4);
    store(instance, first + 5u, column, sum.r5);
    store(instance, first + 6u, column, sum.r6);
    store(instance, first + 7u, column, sum.r7);
}
