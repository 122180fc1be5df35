// The product of linear_tile.wgsl, with the same definitions asked for and the same sums in the same order, where lanes
// of a subgroup hand `left` round: each loads one row out of SHARED, and all take every row from its lane. Nothing goes
// through workgroup memory, and there is no barrier and no split. It is for software adapters, where a load costs as
// much as many products; src/kernel/tile.rs says which can run it. The first SHARED lanes of every subgroup must be
// there: so LANES is a multiple of SHARED, no lane leaves early, and subgroups are filled from their first lane on.
// STEPS of k are added at a time: where a loop carries its sums through memory, that halves the traffic and more.

struct Size { instance: u32, rows: u32, columns: u32, depth: u32 }

struct Place {
    @builtin(local_invocation_index) index: u32,
    @builtin(subgroup_invocation_id) neighbour: u32,
}

// The tile of workgroup `group`; `lane` < LANES is the invocation's place in it, and `split` is 0.
fn product(size: Size, group: vec3<u32>, place: Place, lane: u32, split: u32) {
    let first = group.y * ROWS;
    let column = group.x * LANES * COLUMNS + lane;
    var sum: array<array<vec4<f32>, COLUMNS>, ROWS>;
    for (var c = 0u; c < COLUMNS; c++) {
        let bias = start(size.instance, min(column + c * LANES, size.columns - 1u));
        for (var r = 0u; r < ROWS; r++) { sum[r][c] = bias; }
    }
    for (var k0 = 0u; k0 < size.depth; k0 += STEPS) {
        // All loads come before all sums, because a load may be branches: those between sums cost half the speed.
        var w: array<array<vec4<f32>, COLUMNS>, STEPS>;
        var own: array<array<f32, ROWS / SHARED>, STEPS>;
        for (var s = 0u; s < STEPS; s++) {
            // Past the end stands the last step again, with zeros on the left.
            let k = min(k0 + s, size.depth - 1u);
            for (var c = 0u; c < COLUMNS; c++) {
                w[s][c] = right(size.instance, k, min(column + c * LANES, size.columns - 1u));
            }
            for (var q = 0u; q < ROWS / SHARED; q++) {
                let row = first + q * SHARED + place.neighbour % SHARED;
                own[s][q] = select(0.0, left(size.instance, min(row, size.rows - 1u), k), k0 + s < size.depth);
            }
        }
        for (var q = 0u; q < ROWS / SHARED; q++) {
            for (var r = 0u; r < SHARED; r++) {
                for (var s = 0u; s < STEPS; s++) {
                    let x = vec4<f32>(subgroupShuffle(own[s][q], r));
                    for (var c = 0u; c < COLUMNS; c++) {
                        sum[q * SHARED + r][c] = fma(x, w[s][c], sum[q * SHARED + r][c]);
                    }
                }
            }
        }
    }
    for (var r = 0u; r < ROWS; r++) {
        for (var c = 0u; c < COLUMNS; c++) {
            if first + r < size.rows && column + c * LANES < size.columns {
                store(size.instance, first + r, column + c * LANES, sum[r][c]);
            }
        }
    }
}
