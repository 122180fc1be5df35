    // The end of a tile through workgroup memory, one GROUP of splits at a time: the parts of the last GROUP are added to
    // those of the GROUP before, and so on, then those of the first in their order.
    let place = split % GROUP * LANES + lane;
    for (var last = SPLITS - GROUP; last > 0u; last -= GROUP) {
        workgroupBarrier();
        if split / GROUP == last / GROUP {
            #each r ROWS c COLUMNS: memory[({r}u * COLUMNS + {c}u) * GROUP * LANES + place] = sum_{r}_{c};
        }
        workgroupBarrier();
        if split / GROUP == last / GROUP - 1u {
            #each r ROWS c COLUMNS: sum_{r}_{c} += memory[({r}u * COLUMNS + {c}u) * GROUP * LANES + place];
        }
    }
    workgroupBarrier();
    if split < GROUP {
        #each r ROWS c COLUMNS: memory[({r}u * COLUMNS + {c}u) * GROUP * LANES + place] = sum_{r}_{c};
    }
    workgroupBarrier();
    for (var t = index; t < ROWS * COLUMNS * LANES; t += LANES * SPLITS) {
        let row = first + t / (LANES * COLUMNS);
        let column = group.x * LANES * COLUMNS + t % (LANES * COLUMNS);
        if row >= size.rows || column >= size.columns { continue; }
        // What is stored over is on its way while the parts are added.
        let known = old(size.instance, row, column);
        let part = t / LANES * GROUP * LANES + t % LANES;
        var total = vec4<f32>(0.0);
        #each s GROUP: total += memory[part + {s}u * LANES];
        store(size.instance, row, column, total, known);
    }
