    // The end of linear_tile.wgsl without splits. All that is stored over is read before anything is stored: a read
    // cannot pass a write that might go to the same place. Past the edge it is what its owner may just store, and is not used.
    #each r ROWS c COLUMNS: let old_{r}_{c} = old(size.instance, min(first + {r}u, size.rows - 1u), column_{c});
    #each r ROWS c COLUMNS: store_inside(size, first + {r}u, column + {c}u * LANES, sum_{r}_{c}, old_{r}_{c});
