//! The model against an independent implementation of the same formulas, a script that reads listings, dispatch by
//! dispatch; and what it must say whatever the numbers are.

use super::{Bound, MACHINES, Machine, Model};
use crate::kernel::{Kernel, Left, Product, RowClass, Tile, Tiling};
use crate::kernels::*;
use crate::named::Named;
use crate::plan::{Plan, SectionId};
use crate::verify::Case;

/// A tile as the script knows it, which loads eight steps at a time.
const fn tile(rows: u32, lanes: u32, splits: u32, depth: u32) -> Tile {
    Tile { rows, columns: 1, lanes, splits, pack: 1, direct: false, left: Left::Memory { depth, steps: 8 } }
}

/// Tiles of the products of at most 4 rows and of more, and of the gradient.
static TILES: [[Tile; 2]; 3] = [
    [tile(4, 8, 32, 1024), tile(8, 16, 8, 512)],
    [tile(4, 4, 64, 1024), tile(8, 4, 32, 512)],
    [tile(8, 64, 1, 64), tile(8, 64, 1, 64)],
];

fn tiling() -> Tiling {
    let of_product = |tiling: Tiling, (&product, [few, more]): (&Product, &'static [Tile; 2])| {
        tiling.with(product, RowClass::ALL, more).with(product, &[RowClass::Few], few)
    };
    Product::ALL.iter().zip(&TILES).fold(Tiling::of_gpu(), of_product)
}

fn plan(kernel: &'static Kernel, dims: Vec<(&'static str, usize)>) -> (Plan, SectionId) {
    let values = [("row", 0u32.into()), ("rows", dims[0].1.into()), ("bias_input", 1.0.into())];
    let values = values.into_iter().filter(|(name, _)| kernel.uniforms.iter().any(|u| u.name() == *name)).collect();
    Case { kernel, dims, values }.plan().unwrap()
}

/// Microseconds without the launch, for each of [`MACHINES`].
fn predicted((plan, section): &(Plan, SectionId)) -> Vec<f64> {
    let of_machine = |(_, machine): (&str, Machine)| {
        let model = Model { machine, tiling: tiling() };
        1e3 * model.predict(plan, *section).iter().map(|kernel| kernel.ms).sum::<f64>() - model.machine.dispatch_us
    };
    MACHINES.into_iter().map(of_machine).collect()
}

fn agree(what: &str, found: &[f64], expected: &[f64]) {
    // Four digits were written down.
    let same = found.iter().zip(expected).all(|(a, b)| (a / b - 1.0).abs() < 1e-3);
    assert!(same && found.len() == expected.len(), "{what}: {found:?}, computed elsewhere {expected:?}");
}

/// Rows, in and out of a product, and its microseconds as in [`predicted`].
type Row = (&'static Kernel, [usize; 3], [f64; 4]);

#[rustfmt::skip]
static PRODUCTS: [Row; 18] = [
    (&LINEAR_FORWARD, [1, 1024, 1024], [3.09, 9.33, 49.39, 83.97]),
    (&LINEAR_FORWARD, [17, 1024, 1024], [12.29, 9.33, 49.39, 83.97]),
    (&LINEAR_FORWARD, [65, 1024, 1024], [12.29, 26.54, 141.6, 144.6]),
    (&LINEAR_FORWARD, [18, 1024, 48], [12.29, 9.269, 15.19, 16.42]),
    (&LINEAR_FORWARD, [65, 32, 1024], [0.9959, 0.8294, 6.104, 7.706]),
    (&LINEAR_BACKWARD_INPUT, [1, 1024, 1024], [2.265, 9.33, 49.39, 83.97]),
    (&LINEAR_BACKWARD_INPUT, [17, 1024, 1024], [3.596, 11.8, 62.91, 83.97]),
    (&LINEAR_BACKWARD_INPUT, [65, 1024, 1024], [10.3, 35.39, 188.7, 161.8]),
    (&LINEAR_BACKWARD_INPUT, [18, 1024, 48], [1.2, 1.043, 9.826, 11.67]),
    (&LINEAR_BACKWARD_INPUT, [65, 32, 1024], [3.596, 2.849, 5.898, 5.056]),
    (&LINEAR_BACKWARD_WEIGHT_ADAM, [1, 1024, 1024], [9.689, 55.98, 296.4, 503.8]),
    (&LINEAR_BACKWARD_WEIGHT_ADAM, [17, 1024, 1024], [9.689, 55.98, 296.4, 503.8]),
    (&LINEAR_BACKWARD_WEIGHT_ADAM, [65, 1024, 1024], [11.02, 55.98, 296.4, 503.8]),
    (&LINEAR_BACKWARD_WEIGHT_ADAM, [18, 1024, 48], [2.178, 2.624, 13.89, 23.62]),
    (&LINEAR_BACKWARD_WEIGHT_ADAM, [65, 32, 1024], [7.202, 5.268, 9.859, 16.22]),
    (&LINEAR_BACKWARD_WEIGHT_ADAM_FIRST, [17, 1024, 1024], [6.459, 37.32, 197.6, 335.9]),
    (&LINEAR_BACKWARD_WEIGHT_ADAM_LAST, [17, 1024, 1024], [6.459, 37.32, 197.6, 335.9]),
    (&LINEAR_BACKWARD_WEIGHT_ADAM_ONLY, [17, 1024, 1024], [3.23, 18.66, 98.79, 167.9]),
];

#[test]
fn products_take_what_an_independent_implementation_computes() {
    for (kernel, [rows, in_features, out_features], expected) in &PRODUCTS {
        let dims =
            [("x_rows", *rows), ("y_rows", *rows), ("in_features", *in_features), ("out_features", *out_features)];
        let ones = ["instances", "weight_instances", "source_instances"].map(|name| (name, 1));
        let used = |(name, _): &(&str, usize)| kernel.uniforms.iter().any(|uniform| uniform.name() == *name);
        let dims = dims.into_iter().chain(ones).filter(used).collect();
        agree(&format!("{} of {rows} rows", kernel.name), &predicted(&plan(kernel, dims)), expected);
    }
}

#[test]
fn sums_over_views_take_what_an_independent_implementation_computes() {
    let dims = vec![("copies", 16), ("instances", 1), ("pose_size", 48), ("pose_rows", 17)];
    let expected = [1.14, 0.98, 1.5, 1.5];
    let kernel = &SUM_VIEWS_BACKWARD;
    let values = vec![("joints", 16u32.into()), ("lifted", 1u32.into())];
    agree(kernel.name, &predicted(&Case { kernel, dims, values }.plan().unwrap()), &expected);
}

#[test]
fn numbers_that_no_gpu_has_are_named() {
    let machine = || Machine::named("h100").unwrap();
    assert_eq!(machine().check(), Ok(()));
    assert_eq!(Machine { ghz: f64::NAN, ..machine() }.check().unwrap_err().0, "ghz");
    assert_eq!(Machine { threads: 0, ..machine() }.check().unwrap_err().0, "threads");
    assert_eq!(Machine { dispatch_us: -1.0, ..machine() }.check().unwrap_err().0, "dispatch_us");
    assert_eq!(Machine { l2_gbps: 1e-308, ..machine() }.check().unwrap_err().0, "l2_gbps");
    assert_eq!(Machine { name: " ".into(), ..machine() }.check().unwrap_err().0, "name");
    assert_eq!(Machine { dispatch_us: 0.0, ..machine() }.check(), Ok(()));
    assert!(machine().is("NVIDIA H100 80GB HBM3") && !machine().is("llvmpipe (LLVM 15.0.7, 256 bits)"));
    assert!(Machine::named("rtx4070").unwrap().is("NVIDIA GeForce RTX 4070"));
}

#[test]
fn what_bounds_a_dispatch_is_said() {
    let dims = vec![("x_rows", 1), ("y_rows", 1), ("in_features", 1024), ("out_features", 1024), ("instances", 1)];
    let (plan, section) = plan(&LINEAR_BACKWARD_WEIGHT_ADAM, dims);
    let bound = |machine: Machine| Model::of(machine).predict(&plan, section)[0].bound;
    assert_eq!(bound(Machine::named("rtx4070").unwrap()), Bound::Dram);
    assert_eq!(bound(Machine { dispatch_us: 1e3, ..Machine::named("rtx4070").unwrap() }), Bound::Dispatch);
}
