// The one matrix product behind every linear kernel: value[row][column] = start + sum over k of left[row][k] right[k].
// A workgroup makes ROWS rows by LANES x COLUMNS vec4 columns of one instance. Each invocation holds ROWS x COLUMNS
// vec4 sums in registers: a number that is loaded serves as many products as the tile is long on the other side.
// `left` goes through workgroup memory, DEPTH steps of k at a time, because all lanes read the same numbers. SPLITS
// invocations share the k of one sum, so that products with few rows fill a GPU too; their parts are added in the order
// of the splits: the same bits every time.
// It stands, behind its constants, where a kernel says `#import tile`, see src/kernel/tile.rs; some adapters get
// linear_subgroup.wgsl instead. Loops over the constants are for the compiler to unroll.
// The importing kernel defines left(instance, row, k), right(instance, k, column), start(instance, column) and
// store(instance, row, column, value); rows count from 0, and only rows and columns that exist are asked for or stored.

struct Size { instance: u32, rows: u32, columns: u32, depth: u32 }

// The invocation: apart from its workgroup, so that the group stays uniform.
struct Place {
    @builtin(local_invocation_index) index: u32,
}

// First `left` of one chunk of k, four rows a vec4; then the parts of the splits.
var<workgroup> memory: array<vec4<f32>, MEMORY>;

fn load_left(size: Size, first: u32, k0: u32, count: u32, index: u32) {
    let last = size.rows - 1u;
    for (var t = index; t < DEPTH * ROWS / 4u; t += LANES * SPLITS) {
        let k = t % DEPTH;
        let row = first + t / DEPTH * 4u;
        if k < count {
            memory[k * (ROWS / 4u) + t / DEPTH] = vec4<f32>(
                left(size.instance, min(row, last), k0 + k), left(size.instance, min(row + 1u, last), k0 + k),
                left(size.instance, min(row + 2u, last), k0 + k), left(size.instance, min(row + 3u, last), k0 + k));
        }
    }
}

// The tile of workgroup `group`; `lane` < LANES and `split` < SPLITS are the invocation's place in it.
fn product(size: Size, group: vec3<u32>, place: Place, lane: u32, split: u32) {
    let first = group.y * ROWS;
    let column = group.x * LANES * COLUMNS + lane;
    var sum: array<array<vec4<f32>, COLUMNS>, ROWS>;
    for (var c = 0u; c < COLUMNS; c++) {
        let bias = start(size.instance, min(column + c * LANES, size.columns - 1u));
        let begin = select(vec4<f32>(0.0), bias, split == 0u);
        for (var r = 0u; r < ROWS; r++) { sum[r][c] = begin; }
    }
    for (var k0 = 0u; k0 < size.depth; k0 += DEPTH) {
        let count = min(DEPTH, size.depth - k0);
        workgroupBarrier();
        load_left(size, first, k0, count, place.index);
        workgroupBarrier();
        for (var k = split; k < count; k += SPLITS) {
            var w: array<vec4<f32>, COLUMNS>;
            for (var c = 0u; c < COLUMNS; c++) {
                w[c] = right(size.instance, k0 + k, min(column + c * LANES, size.columns - 1u));
            }
            for (var q = 0u; q < ROWS / 4u; q++) {
                let x = memory[k * (ROWS / 4u) + q];
                for (var c = 0u; c < COLUMNS; c++) {
                    sum[4u * q][c] = fma(vec4<f32>(x.x), w[c], sum[4u * q][c]);
                    sum[4u * q + 1u][c] = fma(vec4<f32>(x.y), w[c], sum[4u * q + 1u][c]);
                    sum[4u * q + 2u][c] = fma(vec4<f32>(x.z), w[c], sum[4u * q + 2u][c]);
                    sum[4u * q + 3u][c] = fma(vec4<f32>(x.w), w[c], sum[4u * q + 3u][c]);
                }
            }
        }
    }
    if SPLITS == 1u {
        for (var r = 0u; r < ROWS; r++) {
            for (var c = 0u; c < COLUMNS; c++) { store_inside(size, first + r, column + c * LANES, sum[r][c]); }
        }
        return;
    }
    workgroupBarrier();
    for (var r = 0u; r < ROWS; r++) {
        for (var c = 0u; c < COLUMNS; c++) { memory[((r * COLUMNS + c) * SPLITS + split) * LANES + lane] = sum[r][c]; }
    }
    workgroupBarrier();
    for (var t = place.index; t < ROWS * COLUMNS * LANES; t += LANES * SPLITS) {
        let part = t / LANES * SPLITS * LANES + t % LANES;
        var total = memory[part];
        for (var s = 1u; s < SPLITS; s++) { total += memory[part + s * LANES]; }
        let c = t / LANES % COLUMNS;
        store_inside(size, first + t / (LANES * COLUMNS), group.x * LANES * COLUMNS + c * LANES + t % LANES, total);
    }
}

fn store_inside(size: Size, row: u32, column: u32, value: vec4<f32>) {
    if row < size.rows && column < size.columns { store(size.instance, row, column, value); }
}
