// The one matrix product behind every linear kernel: value[row][column] = start + sum over k of left[row][k] right[k].
// A workgroup makes ROWS rows by LANES x COLUMNS vec4 columns of one instance. Each invocation holds ROWS x COLUMNS
// vec4 sums in registers: a number that is loaded serves as many products as the tile is long on the other side.
// `left` goes through workgroup memory, DEPTH steps of k at a time, because all lanes read the same numbers. SPLITS
// invocations share the k of one sum, so that products with few rows fill a GPU too; their parts are added in an order
// of their own: the same bits every time.
// An invocation takes STEPS of k in a turn: PACK neighbouring ones to a load, the loads SPLITS x PACK apart, and all
// loads before any product, because a GPU waits for each load that it needs next.
// It stands, behind its constants, where a kernel says `#import tile`, see src/kernel/tile.rs; some adapters get
// linear_subgroup.wgsl instead. What a tile counts is written out (`#each`): compilers keep an array in memory.
// The importing kernel defines size_of(instance), lane_of(index), split_of(index); left(instance, row, k);
// from_of(instance, column) and along(k), which together say where right(from, along) is; start(instance, column);
// what is stored over, Old and old(instance, row, column); and store(instance, row, column, value, old). Rows count
// from 0; only rows, columns and k that exist are asked for or stored.

#import shared/linear_store.wgsl

// First `left` of one chunk of k, four rows a vec4; then the parts of the splits.
var<workgroup> memory: array<vec4<f32>, MEMORY>;

fn load_left(size: Size, first: u32, k0: u32, count: u32, index: u32) {
    let last = size.rows - 1u;
    for (var t = index; t < DEPTH * QUADS; t += LANES * SPLITS) {
        let k = t % DEPTH;
        let row = first + t / DEPTH * 4u;
        // A turn that goes past the end multiplies by zeros there.
        var four = vec4<f32>(0.0);
        if k < count {
            four = vec4<f32>(
                left(size.instance, min(row, last), k0 + k), left(size.instance, min(row + 1u, last), k0 + k),
                left(size.instance, min(row + 2u, last), k0 + k), left(size.instance, min(row + 3u, last), k0 + k));
        }
        memory[k * QUADS + t / DEPTH] = four;
    }
}

@compute @workgroup_size(LANES * SPLITS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let size = size_of(group.z);
    let lane = lane_of(index);
    let split = split_of(index);
    let first = group.y * ROWS;
    let column = group.x * LANES * COLUMNS + lane;
    #each c COLUMNS: let column_{c} = min(column + {c}u * LANES, size.columns - 1u);
    #each c COLUMNS: let from_{c} = from_of(size.instance, column_{c});
    #each c COLUMNS: let begin_{c} = select(vec4<f32>(0.0), start(size.instance, column_{c}), split == 0u);
    #each r ROWS c COLUMNS: var sum_{r}_{c} = begin_{c};
    let apart = along(SPLITS * PACK);
    let end = along(size.depth - PACK);
    for (var k0 = 0u; k0 < size.depth; k0 += DEPTH) {
        let count = min(DEPTH, size.depth - k0);
        var k = split * PACK;
        var at = along(k0 + k);
        #each l LOADS c COLUMNS: var w_{l}_{c} = right(from_{c}, min(at + {l}u * apart, end));
        workgroupBarrier();
        load_left(size, first, k0, count, index);
        workgroupBarrier();
        loop {
            #each u STEPS q QUADS: let x_{u}_{q} = memory[(k + {u/PACK}u * SPLITS * PACK + {u%PACK}u) * QUADS + {q}u];
            #each u STEPS r ROWS c COLUMNS: sum_{r}_{c} = fma(vec4<f32>(x_{u}_{r/4}[{r%4}u]), w_{u/PACK}_{c}.k{u%PACK}, sum_{r}_{c});
            k += STEPS * SPLITS;
            if DEPTH == STEPS * SPLITS || k >= count { break; }
            at = along(k0 + k);
            #each l LOADS c COLUMNS: w_{l}_{c} = right(from_{c}, min(at + {l}u * apart, end));
        }
    }
    #import finish
}
