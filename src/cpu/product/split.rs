//! Hands parts of tensors that lie apart to threads. `unsafe` of the twins is here and in the tiles' loads.

use std::marker::PhantomData;
use std::ops::Range;
use std::sync::atomic::{AtomicPtr, Ordering};

use rayon::prelude::*;

/// Multiply-adds below which a product is not worth handing to other threads.
pub(super) const PARALLEL_FROM: usize = 1 << 16;

/// Row-major tensors (instances, rows, columns) cut into blocks of columns.
#[derive(Clone, Copy)]
pub(super) struct Grid {
    pub(super) instances: usize,
    pub(super) rows: usize,
    pub(super) columns: usize,
    /// Columns of a block; the last may have fewer.
    pub(super) chunk: usize,
}

/// Some columns of all rows of one instance.
pub(super) struct BlockMut<'a> {
    first: *mut f32,
    stride: usize,
    rows: usize,
    width: usize,
    tensor: PhantomData<&'a mut [f32]>,
}

impl BlockMut<'_> {
    /// The block's columns of a row of its instance.
    pub(super) fn row(&mut self, row: usize) -> &mut [f32] {
        assert!(row < self.rows, "row {row} of {}", self.rows);
        // SAFETY: the block lies inside its tensor, which `for_each_block` checked, and no other block has these
        // columns of this instance; the borrow of `self` keeps two rows from living at once.
        #[expect(unsafe_code, reason = "columns of a row-major tensor cannot be split by slices")]
        unsafe {
            std::slice::from_raw_parts_mut(self.first.add(row * self.stride), self.width)
        }
    }
}

/// Calls `work(instance, columns, blocks)` for each block of the grid, with that block of every tensor.
pub(super) fn for_each_block<const N: usize>(
    tensors: [&mut [f32]; N],
    grid: Grid,
    parallel: bool,
    work: impl Fn(usize, Range<usize>, [BlockMut<'_>; N]) + Sync,
) {
    let size = grid.rows * grid.columns;
    assert!(tensors.iter().all(|t| t.len() == grid.instances * size), "tensors must be as large as the grid");
    let shared = tensors.map(|t| AtomicPtr::new(t.as_mut_ptr()));
    let per_instance = grid.columns.div_ceil(grid.chunk);
    for_each(grid.instances * per_instance, parallel, |unit| {
        let (instance, start) = (unit / per_instance, unit % per_instance * grid.chunk);
        let columns = start..grid.columns.min(start + grid.chunk);
        let blocks = shared.each_ref().map(|tensor| BlockMut {
            first: tensor.load(Ordering::Relaxed).wrapping_add(instance * size + start),
            stride: grid.columns,
            rows: grid.rows,
            width: columns.len(),
            tensor: PhantomData,
        });
        work(instance, columns, blocks);
    });
}

/// Calls `work(part, parts)` with part number 0 to `count` of every tensor, where they lie apart in ascending order.
/// `range_of` is a pure function.
pub(super) fn for_each_part<'a, const N: usize>(
    tensors: [&'a mut [f32]; N],
    count: usize,
    parallel: bool,
    range_of: impl Fn(usize) -> Range<usize> + Sync,
    work: impl Fn(usize, [&'a mut [f32]; N]) + Sync,
) {
    let len = tensors.iter().map(|t| t.len()).min().unwrap_or(0);
    let ascend = (0..count).all(|part| {
        let (range, next) = (range_of(part), if part + 1 < count { range_of(part + 1).start } else { len });
        range.start <= range.end && range.end <= next
    });
    assert!(ascend, "parts must ascend and lie inside");
    let shared = tensors.map(|t| AtomicPtr::new(t.as_mut_ptr()));
    for_each(count, parallel, |part| {
        let range = range_of(part);
        let parts = shared.each_ref().map(|tensor| {
            let first = tensor.load(Ordering::Relaxed).wrapping_add(range.start);
            // SAFETY: inside the tensor and apart from every other part, asserted above for this pure `range_of`; each
            // part is made once.
            #[expect(unsafe_code, reason = "parts of uneven sizes cannot be split by chunks")]
            unsafe {
                std::slice::from_raw_parts_mut(first, range.len())
            }
        });
        work(part, parts);
    });
}

fn for_each(count: usize, parallel: bool, work: impl Fn(usize) + Sync) {
    if parallel {
        // One by one: a thread that is done takes any that is left. By itself rayon leaves the first of two threads
        // quarters, which cannot be shared once they are begun.
        (0..count).into_par_iter().with_max_len(1).for_each(&work);
    } else {
        (0..count).for_each(work);
    }
}
