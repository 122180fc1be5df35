//! How a linear kernel's product is cut into workgroups: what stands where its WGSL says `#import tile`.
//!
//! The sizes are constants of the shader, not `override`s, because its lines are written out for each row and column.

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
    /// Steps of k that one load of the right side brings: 4 where k runs along a row of the weights.
    pub pack: u32,
    /// Whether an invocation stores its sums straight from its registers, having read all that they are stored over. Else
    /// they go through workgroup memory: where splits are added up; and on software adapters, which would compile the
    /// stores of many sums, one by one, for up to half a minute and run no faster.
    pub direct: bool,
    /// How all lanes come by the left side.
    pub left: Left,
}

/// How the lanes of a workgroup, which all need the same numbers of the left side, come by them.
#[derive(Debug, PartialEq, Eq, Hash)]
pub enum Left {
    /// Through workgroup memory: `shaders/shared/linear_tile.wgsl`.
    Memory {
        /// Steps of k that are there at once; a multiple of `steps` times the splits.
        depth: u32,
        /// Steps of k that an invocation loads before it multiplies any.
        steps: u32,
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
const fn tile(rows: u32, columns: u32, [lanes, splits]: [u32; 2], [depth, steps]: [u32; 2]) -> Tile {
    Tile { rows, columns, lanes, splits, pack: 1, direct: false, left: Left::Memory { depth, steps } }
}

/// A tile for adapters with subgroups of at least `shared` lanes.
const fn subgroup_tile(rows: u32, columns: u32, lanes: u32, shared: u32, steps: u32) -> Tile {
    Tile { rows, columns, lanes, splits: 1, pack: 1, direct: false, left: Left::Subgroup { shared, steps } }
}

/// A tile that stores from registers.
const fn direct(tile: Tile) -> Tile {
    Tile { direct: true, ..tile }
}

/// A tile whose k runs along the rows of the weights: four at a time.
const fn along(tile: Tile) -> Tile {
    Tile { pack: 4, ..tile }
}

/// vec4s of workgroup memory of a tile: 8 KiB, half of what WebGPU grants, so that several workgroups share a
/// multiprocessor.
const MEMORY: u32 = 512;

// The first of each is the declared one. A GPU waits for loads: its tiles have many of them in flight, and many
// invocations share a sum. Software adapters pay a hundred instructions for a load, so that the more sums a load serves
// the better; but they compile more sums for longer (docs/performance.md).
static FORWARD: [Tile; 6] = [
    tile(8, 1, [4, 64], [256, 4]),        // GPU
    tile(4, 1, [4, 64], [512, 8]),        // GPU, up to 20 rows
    direct(tile(8, 1, [64, 1], [64, 4])), // GPU, without splits
    tile(16, 2, [16, 1], [64, 1]),        // software
    tile(4, 4, [16, 1], [64, 1]),         // software, few rows
    subgroup_tile(16, 2, 8, 8, 2),        // software with subgroups
];
static BACKWARD_INPUT: [Tile; 6] = [
    along(tile(8, 1, [4, 32], [256, 8])), // GPU
    along(tile(4, 1, [4, 64], [512, 8])), // GPU, few rows
    along(tile(16, 2, [16, 1], [64, 4])), // software
    along(tile(4, 4, [16, 1], [64, 4])),  // software, few rows
    along(subgroup_tile(16, 2, 8, 8, 4)), // software with subgroups
    along(subgroup_tile(4, 4, 8, 4, 4)),  // software with subgroups, few rows
];
static GRADIENT: [Tile; 6] = [
    direct(tile(8, 1, [64, 1], [64, 4])), // GPU
    tile(8, 1, [16, 4], [64, 4]),         // GPU, 21 rows and more, or few parameters
    tile(8, 1, [64, 1], [64, 1]),         // software, few rows
    tile(8, 2, [16, 1], [64, 1]),         // software, 5 to 20 rows
    tile(16, 2, [16, 1], [64, 1]),        // software
    subgroup_tile(16, 2, 8, 8, 2),        // software with subgroups
];

impl Tile {
    /// What distinguishes it: rows x columns of an invocation, lanes x splits, depth or `s` and the lanes that share, and
    /// steps.
    #[must_use]
    pub fn name(&self) -> String {
        let Self { rows, columns, lanes, splits, left, .. } = self;
        let left = match left {
            Left::Memory { depth, steps } => format!("{depth}x{steps}"),
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
        let parts = if self.direct { 0 } else { self.rows * self.columns * self.lanes * self.group() };
        match self.left {
            Left::Memory { depth, .. } => parts.max(depth * self.rows / 4),
            Left::Subgroup { .. } => parts,
        }
    }

    /// Splits whose parts of the sums are in workgroup memory at once: all, or a half, a quarter, ...
    fn group(&self) -> u32 {
        let mut group = self.splits;
        while group > 1 && self.rows * self.columns * self.lanes * group > MEMORY {
            group /= 2;
        }
        group
    }

    /// The constants of its WGSL, and what is counted with them.
    fn constants(&self) -> Vec<(&'static str, u32)> {
        let Self { rows, columns, lanes, splits, pack, ref left, .. } = *self;
        let (Left::Memory { steps, .. } | Left::Subgroup { steps, .. }) = *left;
        let mut constants = vec![("ROWS", rows), ("COLUMNS", columns), ("LANES", lanes), ("SPLITS", splits)];
        constants.extend([("STEPS", steps), ("PACK", pack), ("LOADS", steps / pack)]);
        // An array has an element, used or not.
        constants.extend([("MEMORY", self.memory().max(1)), ("GROUP", self.group())]);
        constants.extend(match *left {
            Left::Memory { depth, .. } => [("DEPTH", depth), ("QUADS", rows / 4)],
            Left::Subgroup { shared, .. } => [("SHARED", shared), ("SHARES", rows / shared)],
        });
        constants
    }

    /// A constant of its WGSL by name, or a number.
    pub(super) fn constant(&self, name: &str) -> Option<u32> {
        let known = self.constants().into_iter().find(|(known, _)| *known == name).map(|(_, value)| value);
        known.or_else(|| name.parse().ok())
    }

    /// What stands where a shader says `#import tile`: constants, and the product that they are for.
    pub(super) fn wgsl(&self) -> String {
        let file = match self.left {
            Left::Memory { .. } => "linear_tile",
            Left::Subgroup { .. } => "linear_subgroup",
        };
        let constants = self.constants().into_iter().map(|(name, value)| format!("const {name} = {value}u;\n"));
        format!("{}#import shared/{file}.wgsl\n", constants.collect::<String>())
    }

    /// What stands where that says `#import finish`: how the sums are stored.
    pub(super) fn finish(&self) -> &'static str {
        if self.direct { "shared/linear_tile_store.wgsl" } else { "shared/linear_tile_parts.wgsl" }
    }
}

named_enum! {
    /// Products by their rows: each class has its own tile.
    pub enum RowClass {
        /// 1 to 4: the lift of one sample.
        Few = "few",
        /// 5 to 20: a sample and its mirror image with views and replayed poses.
        Some = "some",
        /// 21 and more.
        Many = "many",
    }
}

impl RowClass {
    /// The class of a product.
    #[must_use]
    pub fn of(rows: u32) -> Self {
        match rows {
            0..=4 => Self::Few,
            5..=20 => Self::Some,
            _ => Self::Many,
        }
    }
}

/// Workgroups that a large GPU has room for at once: its multiprocessors.
const ENOUGH: u32 = 132;

/// Which tile serves which product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tiling {
    by_class: [[&'static Tile; 3]; 3],
    /// For gradients that their own tile would cut into fewer than [`ENOUGH`] workgroups.
    small_gradient: Option<&'static Tile>,
}

impl Tiling {
    /// For a GPU that was not tuned.
    #[must_use]
    pub fn of_gpu() -> Self {
        let ([many, few, ..], [back, back_few, ..], [step, step_many, ..]) = (&FORWARD, &BACKWARD_INPUT, &GRADIENT);
        let by_class = [[few, few, many], [back_few, back, back], [step, step, step_many]];
        Self { by_class, small_gradient: Some(step_many) }
    }

    /// For a software adapter that was not tuned, whose smallest subgroup has `subgroup` lanes (0 without subgroups).
    /// Either every product has its subgroup tile or none: smaller subgroups than all of them need were never measured.
    #[must_use]
    pub fn of_software(subgroup: u32) -> Self {
        let [_, _, _, many, few, shared] = FORWARD.each_ref();
        let [_, _, back, back_few, back_shared, back_few_shared] = BACKWARD_INPUT.each_ref();
        let [_, _, step_few, step_some, step, step_shared] = GRADIENT.each_ref();
        if [shared, back_shared, back_few_shared, step_shared].iter().any(|tile| tile.subgroup() > subgroup) {
            return Self::of_classes([[few, many, many], [back_few, back, back], [step_few, step_some, step]]);
        }
        let [forward, back] = [[few, shared, shared], [back_few_shared, back_shared, back_shared]];
        Self::of_classes([forward, back, [step_few, step_shared, step_shared]])
    }

    fn of_classes(by_class: [[&'static Tile; 3]; 3]) -> Self {
        Self { by_class, small_gradient: None }
    }

    /// `tile` for the products of one kind and these classes, whatever their size; other kinds and classes stay, but for
    /// small gradients, which lose the tile of their own.
    #[must_use]
    pub fn with(mut self, product: Product, classes: &[RowClass], tile: &'static Tile) -> Self {
        for &class in classes {
            self.by_class[product as usize][class as usize] = tile;
        }
        self.small_gradient = self.small_gradient.filter(|_| product != Product::Gradient);
        self
    }

    /// The tile of a product by the uniforms of its dispatch.
    #[must_use]
    pub fn tile(&self, product: Product, u: &Uniforms) -> &'static Tile {
        let tile = self.get(product, RowClass::of(u.u32("rows")));
        let few = || tile.grid(product, u).iter().product::<u32>() < ENOUGH;
        self.small_gradient.filter(|_| product == Product::Gradient && few()).unwrap_or(tile)
    }

    /// The tile of a product and class.
    #[must_use]
    pub fn get(&self, product: Product, class: RowClass) -> &'static Tile {
        self.by_class[product as usize][class as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::{Left, MEMORY, Product, RowClass, Tiling, Uniforms};
    use crate::kernels::LINEAR_BACKWARD_WEIGHT_ADAM;
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
    fn a_gradient_of_few_workgroups_is_cut_finer() {
        let gpu = Tiling::of_gpu();
        let tile = |tiling: &Tiling, in_features: u32| {
            let words = [1, 18, 18, 0, 18, in_features, 1024, 1.0f32.to_bits()];
            let u = Uniforms::new(LINEAR_BACKWARD_WEIGHT_ADAM.uniforms, words.into_iter().collect());
            let tile = tiling.tile(Product::Gradient, &u);
            (tile, tile.grid(Product::Gradient, &u).iter().product::<u32>())
        };
        let (large, small) = (tile(&gpu, 1024), tile(&gpu, 32));
        assert_eq!(large, (gpu.get(Product::Gradient, RowClass::Some), 516));
        assert_eq!((small.0.lanes, small.1), (16, 80));
        let tuned = gpu.with(Product::Gradient, RowClass::ALL, large.0);
        assert_eq!(tile(&tuned, 32).0, large.0, "what was measured is taken for every size");
    }

    #[test]
    fn tiles_are_portable() {
        for tile in Product::ALL.iter().flat_map(|product| product.tiles()) {
            match tile.left {
                Left::Memory { depth, steps } => {
                    assert!(tile.rows.is_multiple_of(4), "{tile:?}: the left side is loaded four rows at a time");
                    assert!(
                        depth.is_multiple_of(steps * tile.splits),
                        "{tile:?}: what is there is used in whole turns"
                    );
                    assert!(steps.is_multiple_of(tile.pack), "{tile:?}: a load is used whole");
                    assert!(tile.splits.is_multiple_of(tile.group()), "{tile:?}: parts are added in whole groups");
                }
                Left::Subgroup { shared, steps } => {
                    assert!(tile.rows.is_multiple_of(shared), "{tile:?}: each lane loads as many rows as the others");
                    assert!(tile.lanes.is_multiple_of(shared), "{tile:?}: every lane that shares must be there");
                    assert!(steps.is_multiple_of(tile.pack), "{tile:?}: a load is used whole");
                    assert_eq!(tile.splits, 1, "{tile:?}: there is no memory to add the parts in");
                }
            }
            assert!(!tile.direct || tile.splits == 1, "{tile:?}: parts are added in workgroup memory");
            assert!(tile.lanes * tile.splits <= 256, "{tile:?}: WebGPU's workgroups have 256 invocations");
            assert!(tile.memory() <= MEMORY, "{tile:?}: workgroups must be able to share a multiprocessor");
        }
    }
}
