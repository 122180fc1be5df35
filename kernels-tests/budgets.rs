//! What plans may cost on a GPU, without one: waits, traffic and how products are cut, as a golden table of every mode,
//! and limits that no plan may pass.

use isopose::Named;
use isopose::adapt::{AdaptConfig, MODES, Mode, Policy, adapt_plan};
use isopose::config::{ModelConfig, Preset};
use isopose::kernel::{Product, RowClass, Tile, Tiling};
use isopose::plan::model::{Cut, summed};
use isopose::plan::{Dispatch, Plan, Schedule, SectionId};

use crate::plans::golden;

/// Multiprocessors of a large GPU: a product with fewer workgroups leaves some of them idle.
const MULTIPROCESSORS: u32 = 132;

/// A mode as it is adapted in, or predicted.
fn plan(preset: Preset, mode: &Mode, width: usize, copies: Option<usize>) -> (Plan, SectionId) {
    let model = ModelConfig { bone_lengths: vec![0.25; 15], plane_scale: 1.0, width, ..preset.model() };
    let usual = mode.policy(&model);
    let policy = Policy { copies: copies.unwrap_or(usual.copies), ..usual };
    let plan = adapt_plan(&model, &AdaptConfig { masked: false, ..policy.into() }).unwrap();
    (plan.recording.plan, plan.ids.adapt.unwrap_or(plan.ids.predict))
}

/// A linear product of a plan, cut for a GPU.
struct Cutting {
    label: String,
    rows: u32,
    features: [u32; 2],
    workgroups: u32,
    /// Workgroups if the smallest tile cut it: as many as there could be.
    pieces: u32,
    steps: u32,
}

impl Cutting {
    fn of(dispatch: &Dispatch) -> Option<Self> {
        let (product, u) = (Product::of(dispatch.kernel)?, &dispatch.uniforms);
        let [in_features, out_features] = ["in_features", "out_features"].map(|name| u.u32(name));
        let tile = Tiling::of_gpu().tile(product, u);
        let workgroups = |tile: &Tile| tile.grid(product, u).iter().product();
        Some(Self {
            label: format!("{} {product} of {} rows, {in_features} to {out_features}", dispatch.label, u.u32("rows")),
            rows: u.u32("rows"),
            features: [in_features, out_features],
            workgroups: workgroups(tile),
            pieces: workgroups(smallest_tile()),
            steps: Cut::of(tile).serial_steps(summed(product, u)),
        })
    }

    fn of_plan(plan: &Plan, section: SectionId) -> Vec<Self> {
        plan.section(section).dispatches.iter().filter_map(Self::of).collect()
    }
}

fn gpu_tiles() -> Vec<&'static Tile> {
    let of_product = |&product| RowClass::ALL.iter().map(move |&class| Tiling::of_gpu().get(product, class));
    Product::ALL.iter().flat_map(of_product).collect()
}

/// The tile of a GPU that sums least.
fn smallest_tile() -> &'static Tile {
    gpu_tiles().into_iter().min_by_key(|tile| tile.rows * tile.columns * tile.lanes).unwrap()
}

/// Bytes of workgroup memory of the largest tile of a GPU.
fn workgroup_bytes() -> u32 {
    gpu_tiles().into_iter().map(|tile| 16 * tile.memory()).max().unwrap()
}

fn line(preset: Preset, mode: &Mode, width: usize, copies: Option<usize>) -> String {
    let (plan, section) = plan(preset, mode, width, copies);
    let Schedule { dispatches, barriers, buffer_barriers, pipeline_switches, depth } =
        Schedule::of(&plan, section, &Tiling::of_gpu());
    let products = Cutting::of_plan(&plan, section);
    let large = products.iter().filter(|product| product.pieces >= MULTIPROCESSORS);
    let workgroups = large.map(|product| product.workgroups).min().map_or("-".to_owned(), |least| least.to_string());
    let steps = products.iter().map(|product| product.steps).max().unwrap_or(0);
    let copies = copies.map_or("-".to_owned(), |copies| copies.to_string());
    format!(
        "{:<9} {:<12} {width:>5} {copies:>3} {dispatches:>11} {barriers:>9} {buffer_barriers:>8} \
         {pipeline_switches:>9} {depth:>6} {:>8.1} {workgroups:>11} {steps:>6}\n",
        preset.name(),
        mode.name,
        plan.cost(section).mbytes()
    )
}

#[test]
fn every_mode_costs_what_the_table_says() {
    let smallest = smallest_tile();
    let [rows, columns] = [smallest.rows, smallest.columns * smallest.lanes];
    let mut table = format!(
        "Budgets of a sample, its T steps and its prediction; products cut for a GPU that was not tuned.\n\
         workgroups: the fewest of a product that tiles of {rows} rows and {columns} vec4 columns would cut into {MULTIPROCESSORS} or more.\n\
         steps: the most steps of k that an invocation takes one after the other.\n\
         Workgroup memory: {} bytes at the most.\n\n\
         {:<9} {:<12} {:>5} {:>3} {:>11} {:>9} {:>8} {:>9} {:>6} {:>8} {:>11} {:>6}\n",
        workgroup_bytes(),
        "preset",
        "mode",
        "width",
        "B",
        "dispatches",
        "barriers",
        "buffers",
        "pipelines",
        "depth",
        "MB",
        "workgroups",
        "steps"
    );
    for &preset in Preset::ALL {
        for mode in MODES {
            // Without views, B is none; the paper's B is compared at two sizes.
            let copies: &[Option<usize>] = match (preset, mode.adapts()) {
                (Preset::Paper, true) => &[Some(16), Some(64)],
                _ => &[None],
            };
            for &copies in copies {
                for width in [256, 512, 1024] {
                    table += &line(preset, mode, width, copies);
                }
            }
        }
    }
    golden("budgets", &table);
}

#[test]
fn an_online_step_of_geometry_waits_seldom() {
    let (plan, section) = plan(Preset::Geometry, &Mode::ONLINE, 1024, None);
    let Schedule { dispatches, depth, .. } = Schedule::of(&plan, section, &Tiling::of_gpu());
    assert!(dispatches <= 60 && depth <= 50, "{dispatches} dispatches (at most 60), depth {depth} (at most 50)");
}

/// Half of what WebGPU grants, so that multiprocessors hold several workgroups.
#[test]
fn tiles_of_a_gpu_leave_workgroup_memory_to_others() {
    let bytes = workgroup_bytes();
    assert!(bytes <= 8192, "{bytes} bytes of workgroup memory (at most 8192)");
}

/// Products of every mode at width 1024 that do not hold.
fn products(holds: impl Fn(&Cutting) -> bool) -> Vec<String> {
    let mut broken = Vec::new();
    for (preset, copies) in [(Preset::Geometry, None), (Preset::Paper, Some(16)), (Preset::Paper, Some(64))] {
        for mode in MODES {
            let (plan, section) = plan(preset, mode, 1024, copies);
            let all = Cutting::of_plan(&plan, section).into_iter().filter(|product| !holds(product));
            let said =
                |p: Cutting| format!("{preset} {mode} {}: {} workgroups, {} steps", p.label, p.workgroups, p.steps);
            broken.extend(all.map(said));
        }
    }
    broken
}

#[test]
fn an_invocation_adds_few_products_one_after_the_other() {
    let broken = products(|product| product.steps <= 32);
    assert!(broken.is_empty(), "{} products with more than 32 steps of k:\n{}", broken.len(), few(&broken));
}

#[test]
fn a_hidden_layer_of_several_rows_fills_a_large_gpu() {
    let hidden = |product: &Cutting| product.features == [1024, 1024] && product.rows >= 5;
    let broken = products(|product| !hidden(product) || product.workgroups >= 128);
    assert!(broken.is_empty(), "{} products of fewer than 128 workgroups:\n{}", broken.len(), few(&broken));
}

fn few(broken: &[String]) -> String {
    broken.iter().take(8).cloned().collect::<Vec<_>>().join("\n")
}
