// x W + b in tiles. Needs globals: x, parameters,
// dims {weight_instances, x_rows, row, rows, in_features, out_features}.
// The importing kernel defines Old, old(instance, row, column) and store(instance, row, column, value, old), where row
// counts from dims.row.
#import tile

fn left(instance: u32, row: u32, k: u32) -> f32 {
    return x[(instance * dims.x_rows + dims.row + row) * dims.in_features + k];
}

struct Right { k0: vec4<f32> }

fn from_of(instance: u32, column: u32) -> u32 {
    return (instance % dims.weight_instances) * (dims.in_features + 1u) * (dims.out_features / 4u) + column;
}

fn along(k: u32) -> u32 { return k * (dims.out_features / 4u); }

fn right(origin: u32, at: u32) -> Right { return Right(parameters[origin + at]); }

// The bias is the row behind the weights.
fn start(instance: u32, column: u32) -> vec4<f32> {
    return parameters[from_of(instance, column) + along(dims.in_features)];
}

fn size_of(instance: u32) -> Size { return Size(instance, dims.rows, dims.out_features / 4u, dims.in_features); }

// Lanes are neighbouring columns: they read neighbouring weights.
fn lane_of(index: u32) -> u32 { return index % LANES; }
fn split_of(index: u32) -> u32 { return index / LANES; }
