//! How a linear kernel's product is cut into workgroups: what stands where its WGSL says `#import tile`.
//!
//! The sizes are constants of the shader, not `override`s, because arrays in function scope, the sums that live in
//! registers, cannot be sized by overrides.

use super::{Kernel, Uniforms};
use crate::named::{Named, named_enum};

named_enum! {
    /// The product that a linear kernel makes.
    #[derive(Hash)]
    pub enum Product {
        /// `x W`: vec4 columns of the output.
        Forward = "forward",
        /// `dy W^T`: columns are fours of input features.
        BackwardInput = "backward_input",
        /// `x^T dy`: rows are rows of the parameters.
        Gradient = "gradient",
    }
}

impl Product {
    /// The product that a kernel's WGSL imports, if it imports one.
    #[must_use]
    pub fn of(kernel: &Kernel) -> Option<Self> {
        Self::ALL.iter().copied().find(|product| kernel.source.contains(&format!("#import {}\n", product.file())))
    }

    fn file(self) -> &'static str {
        match self {
            Self::Forward => "shared/linear_forward.wgsl",
            Self::BackwardInput => "shared/linear_backward_input.wgsl",
            Self::Gradient => "shared/linear_gradient.wgsl",
        }
    }

    /// Columns (of vec4), rows and instances of the result.
    fn size(self, u: &Uniforms) -> [u32; 3] {
        let columns = match self {
            Self::BackwardInput => u.u32("in_features").div_ceil(4),
            _ => u.u32("out_features") / 4,
        };
        let rows = if self == Self::Gradient { u.u32("in_features") + 1 } else { u.u32("rows") };
        [columns, rows, u.u32("instances")]
    }

    /// The tiles that can serve it, where the adapter can run them. Every one of them is tested against the twins.
    #[must_use]
    pub fn tiles(self) -> &'static [Tile] {
        match self {
            Self::Forward => &FORWARD,
            Self::BackwardInput => &BACKWARD_INPUT,
            Self::Gradient => &GRADIENT,
        }
    }

    /// Its tile in listings and declarations, also that of a GPU that was not tuned, for products of many rows.
    #[must_use]
    pub fn declared(self) -> &'static Tile {
        match self {
            Self::Forward => &FORWARD[0],
            Self::BackwardInput => &BACKWARD_INPUT[0],
            Self::Gradient => &GRADIENT[0],
        }
    }
}

/// The work of one workgroup: `rows` by `lanes * columns` vec4 columns, on `lanes * splits` invocations.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Tile {
    /// Rows that each invocation sums; a multiple of 4, and of the lanes that share.
    pub rows: u32,
    /// vec4 columns that each invocation sums.
    pub columns: u32,
    /// Invocations side by side along the columns.
    pub lanes: u32,
    /// Invocations that share the k of one sum.
    pub splits: u32,
    /// How all lanes come by the left side.
    pub left: Left,
}

/// How the lanes of a workgroup, which all need the same numbers of the left side, come by them.
#[derive(Debug, PartialEq, Eq, Hash)]
pub enum Left {
    /// Through workgroup memory: `shaders/shared/linear_tile.wgsl`.
    Memory {
        /// Steps of k that are there at once.
        depth: u32,
    },
    /// Out of each other's registers: `shaders/shared/linear_subgroup.wgsl`. Needs subgroups.
    Subgroup {
        /// Lanes of a subgroup that load as many rows each and hand them round.
        shared: u32,
        /// Steps of k that are added at once.
        steps: u32,
    },
}

/// A tile for any adapter.
const fn tile(rows: u32, columns: u32, lanes: u32, splits: u32, depth: u32) -> Tile {
    Tile { rows, columns, lanes, splits, left: Left::Memory { depth } }
}

/// A tile for adapters with subgroups of at least `shared` lanes.
const fn subgroup_tile(rows: u32, columns: u32, lanes: u32, shared: u32, steps: u32) -> Tile {
    Tile { rows, columns, lanes, splits: 1, left: Left::Subgroup { shared, steps } }
}

// The first of each is the declared one. Software adapters pay a hundred instructions for a load, so that the more sums
// a load serves the better; but they compile more sums for longer (docs/performance.md).
static FORWARD: [Tile; 6] = [
    tile(8, 1, 16, 8, 64),         // GPU
    tile(4, 1, 8, 32, 256),        // GPU, few rows
    tile(8, 1, 64, 1, 64),         // GPU, without splits
    tile(16, 2, 16, 1, 64),        // software
    tile(4, 4, 16, 1, 64),         // software, few rows
    subgroup_tile(16, 2, 8, 8, 2), // software with subgroups
];
static BACKWARD_INPUT: [Tile; 6] = [
    tile(8, 1, 4, 32, 64),         // GPU
    tile(4, 1, 4, 64, 256),        // GPU, few rows
    tile(16, 2, 16, 1, 64),        // software
    tile(4, 4, 16, 1, 64),         // software, few rows
    subgroup_tile(16, 2, 8, 8, 2), // software with subgroups
    subgroup_tile(4, 4, 8, 4, 1),  // software with subgroups, few rows
];
static GRADIENT: [Tile; 4] = [
    tile(8, 1, 64, 1, 64),         // GPU; software, few rows
    tile(8, 2, 16, 1, 64),         // software, 5 to 16 rows
    tile(16, 2, 16, 1, 64),        // software
    subgroup_tile(16, 2, 8, 8, 2), // software with subgroups
];

impl Tile {
    /// What distinguishes it: rows x columns of an invocation, lanes x splits, depth or `s` with the lanes that share
    /// and their steps.
    #[must_use]
    pub fn name(&self) -> String {
        let Self { rows, columns, lanes, splits, left } = self;
        let left = match left {
            Left::Memory { depth } => depth.to_string(),
            Left::Subgroup { shared, steps } => format!("s{shared}x{steps}"),
        };
        format!("{rows}x{columns}-{lanes}x{splits}-{left}")
    }

    /// Lanes that an adapter's smallest subgroup must have to run it; 0 where it need not have any.
    #[must_use]
    pub fn subgroup(&self) -> u32 {
        match self.left {
            Left::Memory { .. } => 0,
            Left::Subgroup { shared, .. } => shared,
        }
    }

    /// Its `@workgroup_size`.
    #[must_use]
    pub fn workgroup(&self) -> [u32; 3] {
        [self.lanes * self.splits, 1, 1]
    }

    /// Workgroups that cover the result.
    #[must_use]
    pub fn grid(&self, product: Product, u: &Uniforms) -> [u32; 3] {
        let [columns, rows, instances] = product.size(u);
        [columns.div_ceil(self.lanes * self.columns), rows.div_ceil(self.rows), instances]
    }

    /// vec4s of workgroup memory.
    #[must_use]
    pub fn memory(&self) -> u32 {
        let parts = if self.splits > 1 { self.rows * self.columns * self.lanes * self.splits } else { 0 };
        match self.left {
            Left::Memory { depth } => parts.max(depth * self.rows / 4),
            Left::Subgroup { .. } => 0,
        }
    }

    /// What stands where a shader says `#import tile`: constants, and the product that they are for.
    pub(super) fn wgsl(&self) -> String {
        let Self { rows, columns, lanes, splits, left } = self;
        let mut constants = vec![("ROWS", *rows), ("COLUMNS", *columns), ("LANES", *lanes), ("SPLITS", *splits)];
        let file = match left {
            Left::Memory { depth } => {
                constants.extend([("DEPTH", *depth), ("MEMORY", self.memory())]);
                "linear_tile"
            }
            Left::Subgroup { shared, steps } => {
                constants.extend([("SHARED", *shared), ("STEPS", *steps)]);
                "linear_subgroup"
            }
        };
        let constants: String = constants.iter().map(|(name, value)| format!("const {name} = {value}u;\n")).collect();
        format!("{constants}#import shared/{file}.wgsl\n")
    }
}

named_enum! {
    /// Products by their rows: each class has its own tile.
    pub enum RowClass {
        /// 1 to 4: the lift of one sample.
        Few = "few",
        /// 5 to 16.
        Some = "some",
        /// 17 and more.
        Many = "many",
    }
}

impl RowClass {
    /// The class of a product.
    #[must_use]
    pub fn of(rows: u32) -> Self {
        match rows {
            0..=4 => Self::Few,
            5..=16 => Self::Some,
            _ => Self::Many,
        }
    }
}

/// Which tile serves which product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tiling([[&'static Tile; 3]; 3]);

impl Tiling {
    /// For a GPU that was not tuned.
    #[must_use]
    pub fn of_gpu() -> Self {
        let ([many, few], [back, back_few], step) =
            ([&FORWARD[0], &FORWARD[1]], [&BACKWARD_INPUT[0], &BACKWARD_INPUT[1]], &GRADIENT[0]);
        Self([[few, many, many], [back_few, back, back], [step; 3]])
    }

    /// For a software adapter that was not tuned, whose smallest subgroup has `subgroup` lanes (0 without subgroups).
    /// Either every product has its subgroup tile or none: smaller subgroups than all of them need were never measured.
    #[must_use]
    pub fn of_software(subgroup: u32) -> Self {
        let [_, _, _, many, few, shared] = FORWARD.each_ref();
        let [_, _, back, back_few, back_shared, back_few_shared] = BACKWARD_INPUT.each_ref();
        let [step_few, step_some, step, step_shared] = GRADIENT.each_ref();
        if [shared, back_shared, back_few_shared, step_shared].iter().any(|tile| tile.subgroup() > subgroup) {
            return Self([[few, many, many], [back_few, back, back], [step_few, step_some, step]]);
        }
        Self([[few, shared, shared], [back_few_shared, back_shared, back_shared], [step_few, step_shared, step_shared]])
    }

    /// `tile` for every product of one kind; the others stay.
    #[must_use]
    pub fn with(mut self, product: Product, classes: &[RowClass], tile: &'static Tile) -> Self {
        for &class in classes {
            self.0[product as usize][class as usize] = tile;
        }
        self
    }

    /// The tile of a product by the uniforms of its dispatch.
    #[must_use]
    pub fn tile(&self, product: Product, u: &Uniforms) -> &'static Tile {
        self.get(product, RowClass::of(u.u32("rows")))
    }

    /// The tile of a product and class.
    #[must_use]
    pub fn get(&self, product: Product, class: RowClass) -> &'static Tile {
        self.0[product as usize][class as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::{Left, Product, RowClass, Tiling};
    use crate::named::Named;

    #[test]
    fn a_software_adapter_gets_tiles_that_it_can_run() {
        let needed = |subgroup| {
            let tiling = Tiling::of_software(subgroup);
            let of_product = |&product| RowClass::ALL.iter().map(move |&class| (product, class));
            let all = Product::ALL.iter().flat_map(of_product);
            all.map(|(product, class)| tiling.get(product, class).subgroup()).max().unwrap()
        };
        assert_eq!([0, 4, 8, 16].map(needed), [0, 0, 8, 8]);
    }

    #[test]
    fn tiles_are_portable() {
        for tile in Product::ALL.iter().flat_map(|product| product.tiles()) {
            match tile.left {
                Left::Memory { .. } => {
                    assert!(tile.rows.is_multiple_of(4), "{tile:?}: the left side is loaded four rows at a time");
                }
                Left::Subgroup { shared, .. } => {
                    assert!(tile.rows.is_multiple_of(shared), "{tile:?}: each lane loads as many rows as the others");
                    assert!(tile.lanes.is_multiple_of(shared), "{tile:?}: every lane that shares must be there");
                    assert_eq!(tile.splits, 1, "{tile:?}: there is no memory to add the parts in");
                }
            }
            assert!(tile.lanes * tile.splits <= 256, "{tile:?}: WebGPU's workgroups have 256 invocations");
            assert!(16 * tile.memory() <= 16384, "{tile:?}: WebGPU's workgroups have 16384 bytes");
        }
    }
}
