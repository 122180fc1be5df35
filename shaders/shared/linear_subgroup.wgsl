// The product of linear_tile.wgsl, with the same definitions asked for and the same sums in the same order, where lanes
// of a subgroup hand `left` round: each loads one row out of SHARED, and all take every row from its lane. Until the sums
// are there nothing goes through workgroup memory, and there is no barrier; and there is no split. It is for software adapters, where a load costs as
// much as many products; src/kernel/tile.rs says which can run it. The first SHARED lanes of every subgroup must be
// there: so LANES is a multiple of SHARED, no lane leaves early, and subgroups are filled from their first lane on.
// STEPS of k are added at a time: where a loop carries its sums through memory, that halves the traffic and more.

#import shared/linear_store.wgsl

// The parts of the sums.
var<workgroup> memory: array<vec4<f32>, MEMORY>;

// The lane in its subgroup is an argument of its own: in a struct, HLSL gets it without a semantic.
@compute @workgroup_size(LANES * SPLITS)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) index: u32,
    @builtin(subgroup_invocation_id) neighbour: u32,
) {
    let size = size_of(group.z);
    let first = group.y * ROWS;
    let column = group.x * LANES * COLUMNS + lane_of(index);
    #each c COLUMNS: let column_{c} = min(column + {c}u * LANES, size.columns - 1u);
    #each c COLUMNS: let from_{c} = from_of(size.instance, column_{c});
    #each c COLUMNS: let begin_{c} = start(size.instance, column_{c});
    #each r ROWS c COLUMNS: var sum_{r}_{c} = begin_{c};
    #each q SHARES: let row_{q} = min(first + {q}u * SHARED + neighbour % SHARED, size.rows - 1u);
    let end = along(size.depth - PACK);
    for (var k = 0u; k < size.depth; k += STEPS) {
        // All loads come before all sums, because a load may be branches: those between sums cost half the speed.
        // Past the end stands the last step again, with zeros on the left.
        #each l LOADS c COLUMNS: let w_{l}_{c} = right(from_{c}, min(along(k + {l}u * PACK), end));
        #each s STEPS q SHARES: let own_{s}_{q} = select(0.0, left(size.instance, row_{q}, min(k + {s}u, size.depth - 1u)), k + {s}u < size.depth);
        #each r ROWS s STEPS: let x_{s}_{r} = vec4<f32>(subgroupShuffle(own_{s}_{r/SHARED}, {r%SHARED}u));
        #each r ROWS s STEPS c COLUMNS: sum_{r}_{c} = fma(x_{s}_{r}, w_{s/PACK}_{c}.k{s%PACK}, sum_{r}_{c});
    }
    let lane = lane_of(index);
    let split = 0u;
    #import finish
}
