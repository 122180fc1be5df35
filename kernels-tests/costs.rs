//! Costs counted from plans against those worked out by hand.

use isopose::Named;
use isopose::adapt::{AdaptConfig, Mode, Policy, adapt_plan};
use isopose::config::{ModelConfig, Preset, TrainConfig};
use isopose::kernel::Tiling;
use isopose::kernels;
use isopose::plan::{Cost, Plan, Recorder, Schedule, SectionId};
use isopose::train::train_plan;

/// Entries of the weight matrices at width 1024 and 16 joints: stem, residual blocks, output.
const W: f64 = 1024.0;
const STEM: f64 = 32.0 * W;
const EXTRACTOR: f64 = STEM + 6.0 * W * W;
const HEAD: f64 = 2.0 * W * W + 48.0 * W;
const DISCRIMINATOR: f64 = STEM + 6.0 * W * W + W;

fn model() -> ModelConfig {
    ModelConfig { bone_lengths: vec![0.25; 15], ..ModelConfig::default() }
}

fn adaptation(config: &AdaptConfig) -> (Plan, SectionId) {
    let plan = adapt_plan(&model(), config).unwrap();
    (plan.recording.plan, plan.ids.adapt.unwrap_or(plan.ids.predict))
}

/// Settings for samples that have every joint.
fn of(policy: Policy) -> AdaptConfig {
    AdaptConfig { masked: false, ..policy.into() }
}

/// The steps of a sample, without its prediction, in GFLOP and MB.
fn steps(config: &AdaptConfig) -> [f64; 2] {
    let (plan, section) = adaptation(config);
    let steps = plan.section(section).dispatches.iter().filter(|d| !d.label.starts_with("predict"));
    let cost = Cost::of(&plan, steps);
    [cost.gflop(), cost.mbytes()]
}

fn close(what: &str, found: f64, expected: f64, tolerance: f64) {
    assert!((found / expected - 1.0).abs() <= tolerance, "{what}: {found} against {expected}");
}

#[test]
fn a_product_and_its_tensors_are_counted() {
    let mut rec = Recorder::new();
    let (x, y) = (rec.tensor("x", &[1, 5, 8]), rec.tensor("y", &[1, 5, 12]));
    let parameters = rec.tensor("parameters", &[1, 9, 12]);
    let section = rec.section("twice");
    for row in 0..2u32 {
        let tensors = [("x", x), ("parameters", parameters), ("y", y)];
        let rows = [("row", row.into()), ("rows", 3u32.into())];
        rec.dispatch(&kernels::LINEAR_FORWARD, "forward", &tensors, &rows).unwrap();
    }
    let cost = rec.finish().cost(section);
    assert_eq!(cost, Cost { flop: 2 * (2 * 3 * 8 * 12), bytes: 4 * (2 * 9 * 12 + 5 * 8 + 5 * 12) });
}

/// A step of online adaptation: three products of every weight with B + 1 rows, two operations each; every weight read
/// forward and backward, parameters and both moments read and written, and the extractor and the SSL head read once
/// more each way, because the re-lift waits for the lift.
#[test]
fn a_step_of_adaptation_costs_what_it_must() {
    for (copies, gflop) in [(16, 1.51), (64, 5.77)] {
        let [flop, mbytes] = steps(&of(Policy { copies, ..Policy::ONLINE }));
        close("arithmetic", flop, gflop, 0.01);
        let weights = 4e-6 * (8.0 * (EXTRACTOR + HEAD + DISCRIMINATOR) + 2.0 * (EXTRACTOR + HEAD));
        // What is above it is activations: some 70 tensors of B + 1 rows.
        let activations = mbytes - weights;
        let row = 4e-6 * W * (copies + 1) as f64;
        assert!((40.0 * row..100.0 * row).contains(&activations), "B = {copies}: {activations} MB, a row {row} MB");
        if copies == 16 {
            close("traffic", mbytes, 482.0 + 68.0, 0.01);
        }
    }
}

#[test]
fn vanilla_saves_moments_and_discarded_updates() {
    let [_, full] = steps(&AdaptConfig { discard: false, ..of(Policy { copies: 1, ..Policy::VANILLA }) });
    let [_, lean] = steps(&of(Policy { copies: 1, ..Policy::VANILLA }));
    // The last step writes no moments of the extractor. Head and discriminator save a whole in-place update, 6 words,
    // and their new last step writes no moments, 2 words.
    let saved = 4e-6 * (2.0 * EXTRACTOR + 8.0 * (HEAD + DISCRIMINATOR));
    close("saved", full - lean, saved, 0.02);
    // One step: source weights read twice a pass and at the update, the extractor's written.
    let [_, once] = steps(&of(Policy { copies: 1, ..Mode::named("vanilla-lr").unwrap().paper }));
    close("vanilla-lr", once, 4e-6 * (4.0 * (EXTRACTOR + HEAD) + 2.0 * DISCRIMINATOR + 2.0 * EXTRACTOR), 0.02);
}

#[test]
fn instances_multiply_what_is_theirs() {
    let many = |instances| steps(&AdaptConfig { instances, ..of(Policy { copies: 4, ..Policy::VANILLA }) });
    let [[flop, mbytes], [flop_4, mbytes_4]] = [many(1), many(4)];
    close("arithmetic", flop_4, 4.0 * flop, 1e-9);
    // The first step reads one source for all.
    assert!((3.5 * mbytes..4.0 * mbytes).contains(&mbytes_4), "{mbytes} MB, four instances {mbytes_4} MB");
}

/// A step of the geometry task: 6.3 M weights instead of 14.8 M move, the head is read only, and all rows go back in one
/// pass.
#[test]
fn a_step_of_geometry_is_shallower_and_lighter() {
    let model = ModelConfig { bone_lengths: vec![0.25; 15], plane_scale: 1.0, width: 1024, ..Preset::Geometry.model() };
    let plan = adapt_plan(&model, &of(Mode::ONLINE.policy(&model))).unwrap();
    let (plan, section) = (plan.recording.plan, plan.ids.adapt.unwrap());
    let dispatches = &plan.section(section).dispatches;
    // What is done once a sample: the sample, its views, its prediction.
    let once = |label: &str| label.starts_with("predict") || matches!(label, "pairs" | "views.draw");
    let step = dispatches.iter().filter(|d| !once(&d.label));
    assert!(step.clone().count() <= 50, "{} dispatches in a step", step.clone().count());
    let cost = Cost::of(&plan, step);
    // Two rows and R = 8 go forward, then B = 8 views; all 18 go back: through the head and the extractor's blocks, not
    // through its stem. The extractor's gradient is the third product.
    let rows = 18.0 * (2.0 * EXTRACTOR - STEM + 2.0 * HEAD + EXTRACTOR);
    close("arithmetic", cost.gflop(), 2e-9 * rows, 0.01);
    // Weights forward twice and back once; the extractor's and both its moments read and written.
    let weights = 4e-6 * (3.0 * (EXTRACTOR + HEAD) + 6.0 * EXTRACTOR);
    let activations = cost.mbytes() - weights;
    let row = 4e-6 * W * 18.0;
    assert!((30.0 * row..80.0 * row).contains(&activations), "{activations} MB, a row {row} MB");
    assert!((245.0..275.0).contains(&cost.mbytes()), "{} MB", cost.mbytes());
    let (paper, paper_section) = adaptation(&of(Policy { copies: 16, ..Policy::ONLINE }));
    let depth = |plan, section| Schedule::of(plan, section, &Tiling::of_gpu()).depth;
    let [ours, theirs] = [depth(&plan, section), depth(&paper, paper_section)];
    assert!(ours < theirs, "{ours} dispatches wait for each other with the prediction, the cycle {theirs}");
}

#[test]
fn a_prediction_reads_its_weights_once() {
    let (plan, section) = adaptation(&of(Policy::BASELINE));
    let cost = plan.cost(section);
    close("arithmetic", cost.gflop(), 4e-9 * (EXTRACTOR + HEAD), 0.01);
    close("traffic", cost.mbytes(), 4e-6 * (EXTRACTOR + HEAD), 0.02);
}

#[test]
fn a_training_step_lifts_every_pose_and_every_view() {
    let plan = train_plan(&model(), &TrainConfig::default(), 1024, false).unwrap();
    let cost = plan.recording.plan.cost(plan.ids.step);
    // Extractor, SSL head and discriminator take the batch and its views, the FSL head the batch; no gradient is needed
    // at the input of the lift.
    let rows = 2.0 * 64.0 * (EXTRACTOR + HEAD + DISCRIMINATOR) + 64.0 * HEAD;
    close("arithmetic", cost.gflop(), 1e-9 * 6.0 * rows, 0.01);
}
