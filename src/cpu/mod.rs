//! The CPU twins: the kernels' names and meanings in plain multi-threaded Rust. They are the oracle for the shaders
//! and the executor of machines without a GPU.

pub(crate) mod activation;
pub(crate) mod augment;
pub(crate) mod batch_norm;
pub(crate) mod gather;
pub(crate) mod geometry;
pub(crate) mod geometry_task;
pub(crate) mod lift;
pub(crate) mod linear;
pub(crate) mod linear_adam;
pub mod loss;
pub mod math;
mod memory;
pub(crate) mod optimizer;
mod product;
pub mod random;
pub(crate) mod replay;
pub(crate) mod state;

pub(crate) use memory::Memory;
pub(crate) use product::{fill_past_caches, reserve};
pub use state::State;

use pulp::Arch;
use rayon::prelude::*;

/// Elements below which a loop is not worth handing to other threads.
const PARALLEL_FROM: usize = 1 << 15;

/// Runs `work(row, chunk)` on each chunk of `size` elements of `out`, on all threads when there is enough of it.
fn for_each_row(out: &mut [f32], size: usize, work: impl Fn(usize, &mut [f32]) + Sync) {
    if out.len() < PARALLEL_FROM {
        out.chunks_exact_mut(size).enumerate().for_each(|(row, chunk)| work(row, chunk));
    } else {
        out.par_chunks_exact_mut(size).enumerate().for_each(|(row, chunk)| work(row, chunk));
    }
}

/// Features that an elementwise twin works on at once: a few of the widest vectors.
const BLOCK: usize = 64;

/// Runs `work(row, first feature, block)` on each block of features of each row, compiled for the processor's vectors.
fn for_each_block(out: &mut [f32], features: usize, work: impl Fn(usize, usize, &mut [f32]) + Sync) {
    for_each_row(out, features, |row, out| {
        Arch::new().dispatch(|| {
            for (block, out) in out.chunks_mut(BLOCK).enumerate() {
                work(row, block * BLOCK, out);
            }
        });
    });
}

/// `leaky_relu(n)`.
#[inline(always)]
fn leaky_relu(n: f32, slope: f32) -> f32 {
    if n > 0.0 { n } else { slope * n }
}

/// `leaky_relu'(n)`.
#[inline(always)]
fn leaky_relu_derivative(n: f32, slope: f32) -> f32 {
    if n > 0.0 { 1.0 } else { slope }
}
