// dy W^T in tiles; a column is four input features, and k runs along their rows of W, four at a time. Needs globals: dy
// (f32), parameters (vec4), dims {weight_instances, x_rows, y_rows, row, rows, in_features, out_features}.
// The importing kernel defines Old, old(instance, row, column) and store(instance, row, column, value, old), where row
// counts from dims.row.
#import tile

fn left(instance: u32, row: u32, k: u32) -> f32 {
    return dy[(instance * dims.y_rows + dims.row + row) * dims.out_features + k];
}

struct Right { k0: vec4<f32>, k1: vec4<f32>, k2: vec4<f32>, k3: vec4<f32> }

// Past the last input feature lies the bias, and past that nothing: neither is stored.
fn from_of(instance: u32, column: u32) -> vec4<u32> {
    let i = min(vec4<u32>(4u * column) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(dims.in_features));
    return ((instance % dims.weight_instances) * (dims.in_features + 1u) + i) * (dims.out_features / 4u);
}

fn along(k: u32) -> u32 { return k / 4u; }

fn right(origin: vec4<u32>, at: u32) -> Right {
    let a = parameters[origin.x + at];
    let b = parameters[origin.y + at];
    let c = parameters[origin.z + at];
    let d = parameters[origin.w + at];
    return Right(vec4<f32>(a.x, b.x, c.x, d.x), vec4<f32>(a.y, b.y, c.y, d.y),
        vec4<f32>(a.z, b.z, c.z, d.z), vec4<f32>(a.w, b.w, c.w, d.w));
}

fn start(instance: u32, column: u32) -> vec4<f32> { return vec4<f32>(0.0); }

fn size_of(instance: u32) -> Size { return Size(instance, dims.rows, (dims.in_features + 3u) / 4u, dims.out_features); }

// Splits come first: they read neighbouring weights, because k runs along a row of W here.
fn lane_of(index: u32) -> u32 { return index / SPLITS; }
fn split_of(index: u32) -> u32 { return index % SPLITS; }

// Where the four features of a column are in the rows of x. Past the last stands the last again.
fn features(instance: u32, row: u32, column: u32) -> vec4<u32> {
    let i = min(vec4<u32>(4u * column) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(dims.in_features - 1u));
    return (instance * dims.x_rows + dims.row + row) * dims.in_features + i;
}

// Which of them there are.
fn there(column: u32) -> vec4<bool> {
    return vec4<u32>(4u * column) + vec4<u32>(0u, 1u, 2u, 3u) < vec4<u32>(dims.in_features);
}
