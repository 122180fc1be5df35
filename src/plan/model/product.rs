//! The time of a linear product: how it is cut, and how long a workgroup of it takes.

use super::{Bound, Machine, Parts};
use crate::kernel::{Access, Element, Left, Product, Tile, Uniforms};
use crate::plan::{Dispatch, Plan};

/// How a product is cut, as far as its time depends on it: see [`Tile`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Rows that each invocation sums.
    pub rows: u32,
    /// vec4 columns that each invocation sums.
    pub columns: u32,
    /// Invocations side by side along the columns.
    pub lanes: u32,
    /// Invocations that share the k of one sum.
    pub splits: u32,
    /// Steps of k between two barriers.
    pub depth: u32,
    /// Steps of k whose loads are issued before their multiply-adds.
    pub steps: u32,
    /// vec4s of workgroup memory.
    pub memory: u32,
}

impl Cut {
    /// Of a tile.
    #[must_use]
    pub fn of(tile: &Tile) -> Self {
        let (depth, steps) = match tile.left {
            Left::Memory { depth, steps } => (depth, steps),
            // Nothing waits in between.
            Left::Subgroup { steps, .. } => (u32::MAX, steps),
        };
        let &Tile { rows, columns, lanes, splits, .. } = tile;
        Self { rows, columns, lanes, splits, depth, steps, memory: tile.memory() }
    }

    /// Steps of k that an invocation takes one after the other, for sums of `k` products.
    #[must_use]
    pub fn serial_steps(&self, k: u32) -> u32 {
        // A turn is taken whole.
        let of_chunk = |k: u32| k.div_ceil(self.splits * self.steps) * self.steps;
        k / self.depth * of_chunk(self.depth) + of_chunk(k % self.depth)
    }

    fn chunks(&self, k: u32) -> u32 {
        k.div_ceil(self.depth)
    }

    fn steps_of_chunk(&self, k: u32) -> u32 {
        k.min(self.depth).div_ceil(self.splits)
    }

    fn invocations(&self) -> u32 {
        self.lanes * self.splits
    }

    /// Workgroups that one multiprocessor holds at once: by its invocations, its workgroup memory, and 32 in number, or
    /// 16 of 64 invocations and less.
    fn resident(&self, machine: &Machine) -> u32 {
        let kib = (f64::from(self.memory) * 16.0 / 1024.0).max(0.5);
        let by_memory = (f64::from(machine.workgroup_kib) / kib) as u32;
        let most = if self.invocations() <= 64 { 16 } else { 32 };
        (machine.threads / self.invocations()).min(by_memory).min(most).max(1)
    }
}

/// The k of a product: how many products are added up in each of its sums.
#[must_use]
pub fn summed(product: Product, u: &Uniforms) -> u32 {
    u.u32(match product {
        Product::Forward => "in_features",
        Product::BackwardInput => "out_features",
        Product::Gradient => "rows",
    })
}

/// Instructions of a step of k beside its multiply-adds: so many, and so many a row.
///
/// Read off the machine code of one compiler (RADV, RDNA3, `cargo xtask isa`): forward takes 32.6 and 61.2 instructions with
/// 4 and 8 rows, backward 31.4 and 48.8, the gradient 43.5 with 8, whose half an instruction a row is assumed.
fn overhead(product: Product) -> [f64; 2] {
    match product {
        Product::Forward => [4.0, 3.15],
        Product::BackwardInput => [14.0, 0.35],
        Product::Gradient => [7.5, 0.5],
    }
}

/// Instructions of a step of k: four multiply-adds for each row and vec4 column, and the overhead.
fn instructions(product: Product, cut: &Cut) -> f64 {
    let [constant, each_row] = overhead(product);
    f64::from(4 * cut.rows * cut.columns) + constant + each_row * f64::from(cut.rows)
}

/// Adam's instructions for one vec4 of parameters.
const ADAM_INSTRUCTIONS: f64 = 80.0;

/// What a dispatch of a linear kernel takes, without its launch.
pub(super) fn time(
    plan: &Plan,
    dispatch: &Dispatch,
    product: Product,
    cut: &Cut,
    workgroups: u32,
    machine: &Machine,
) -> Parts {
    let k = summed(product, &dispatch.uniforms);
    let gradient = product == Product::Gradient;
    let (chunks, steps) = (f64::from(cut.chunks(k)), f64::from(cut.steps_of_chunk(k)));
    let per_step = instructions(product, cut);
    let sums = f64::from(cut.rows * cut.columns);

    // One workgroup, alone: each chunk of k is a load of the left side and a barrier, then its steps' loads, as many at
    // once as are issued together, and its instructions.
    let load = if gradient { machine.l2_us } else { machine.dram_us };
    let batches = cut.steps_of_chunk(k).div_ceil(cut.steps);
    let loads = f64::from(batches) * load;
    let mut alone = chunks * (machine.l2_us + BARRIER_US + loads + machine.instructions_us(steps * per_step));
    if cut.splits > 1 {
        alone += 0.1 + 0.012 * f64::from(cut.splits);
    }
    if gradient {
        // What is stored over is loaded at once.
        alone += 1.5 * machine.dram_us + machine.instructions_us(sums * ADAM_INSTRUCTIONS);
    }
    let at_once = machine.multiprocessors * cut.resident(machine);
    let latency = f64::from(workgroups.div_ceil(at_once)) * alone;

    let weights = weight_bytes(plan, dispatch);
    let each = f64::from(k) * f64::from(16 * cut.lanes * cut.columns + 4 * cut.rows);
    let cached = f64::from(workgroups) * each + if gradient { weights } else { 0.0 };

    // The busiest multiprocessor's instructions.
    let subgroups = f64::from(workgroups.div_ceil(machine.multiprocessors)) * f64::from(cut.invocations()) / 32.0;
    let adam = if gradient { sums * ADAM_INSTRUCTIONS } else { 0.0 };
    let issued = subgroups * (chunks * steps * per_step + adam);
    Parts::of([
        (Bound::Dram, weights / machine.dram_gbps / 1e3),
        (Bound::L2, cached / machine.l2_gbps / 1e3),
        (Bound::Latency, latency),
        (Bound::Issue, machine.instructions_us(issued / machine.subgroups())),
    ])
}

/// A barrier of a workgroup, microseconds.
const BARRIER_US: f64 = 0.05;

/// Bytes of parameters and moments that move: each at every read and every write.
fn weight_bytes(plan: &Plan, dispatch: &Dispatch) -> f64 {
    let weights = dispatch.bound().filter(|(binding, _)| binding.element == Element::Weight);
    let moved = weights.map(|(b, id)| if b.access == Access::Update { 2 } else { 1 } * 4 * plan.tensor(id).len());
    moved.sum::<usize>() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the compiler was seen to make of the tiles.
    #[test]
    fn instructions_are_those_that_were_counted() {
        let counted = [
            (Product::Forward, 4, 32.6),
            (Product::Forward, 8, 61.2),
            (Product::BackwardInput, 4, 31.4),
            (Product::BackwardInput, 8, 48.8),
            (Product::Gradient, 8, 43.5),
        ];
        for (product, rows, expected) in counted {
            let cut = Cut { rows, columns: 1, lanes: 8, splits: 1, depth: 64, steps: 4, memory: 0 };
            assert!((instructions(product, &cut) - expected).abs() < 1e-9, "{product}, {rows} rows");
        }
    }
}
