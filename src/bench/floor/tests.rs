use super::{Meter, Rates, Shape, Traffic, Work};
use crate::kernel::{Access, Value};
use crate::kernels;
use crate::plan::{Dispatch, Moved, Pass, Plan, Recorder, SectionId, TensorId, once, passes};

const ROW: (&str, Value) = ("row", Value::U32(0));
const ROWS: (&str, Value) = ("rows", Value::U32(3));

/// Two layers: x -> h -> y, back to dh, and a step on the first layer's parameters; `times` of them.
fn steps(times: usize) -> (Plan, SectionId) {
    let mut rec = Recorder::new();
    let [x, h, y, dh] = ["x", "h", "y", "dh"].map(|name| rec.tensor(name, &[1, 3, 8]));
    let [first, second, exp_avg, exp_avg_sq] =
        ["first", "second", "exp_avg", "exp_avg_sq"].map(|name| rec.tensor(name, &[1, 9, 8]));
    let (state, row_scale) = (rec.tensor("state", &[8]), rec.tensor("row_scale", &[1, 3]));
    let section = rec.section("steps");
    for _ in 0..times {
        let mut forward = |x, parameters, y| {
            let tensors = [("x", x), ("parameters", parameters), ("y", y)];
            rec.dispatch(&kernels::LINEAR_FORWARD, "forward", &tensors, &[ROW, ROWS]).unwrap();
        };
        forward(x, first, h);
        forward(h, second, y);
        let tensors = [("dy", y), ("parameters", second), ("dx", dh)];
        rec.dispatch(&kernels::LINEAR_BACKWARD_INPUT, "backward", &tensors, &[ROW, ROWS]).unwrap();
        let tensors = [
            ("x", x),
            ("dy", dh),
            ("row_scale", row_scale),
            ("parameters", first),
            ("exp_avg", exp_avg),
            ("exp_avg_sq", exp_avg_sq),
            ("state", state),
        ];
        let values = [ROW, ROWS, ("bias_input", Value::F32(1.0))];
        rec.dispatch(&kernels::LINEAR_BACKWARD_WEIGHT_ADAM, "adam", &tensors, &values).unwrap();
    }
    (rec.finish(), section)
}

fn all(plan: &Plan, section: SectionId) -> Vec<Pass> {
    passes(&plan.section(section).dispatches.iter().collect::<Vec<&Dispatch>>())
}

fn of(plan: &Plan, passes: &[Pass], name: &str) -> Vec<(Access, usize)> {
    let own = |pass: &&Pass| plan.tensor(pass.tensor).name == name;
    passes.iter().filter(own).map(|pass| (pass.access, pass.dispatch)).collect()
}

#[test]
fn a_pass_waits_for_what_it_depends_on() {
    let (plan, section) = steps(1);
    let passes = all(&plan, section);
    // The gradient needs all that came after the layer, so its weights are read, then updated.
    assert_eq!(of(&plan, &passes, "first"), [(Access::Read, 0), (Access::Update, 3)]);
    // The second layer's input gradient needs its output.
    assert_eq!(of(&plan, &passes, "second"), [(Access::Read, 1), (Access::Read, 2)]);
    assert_eq!(of(&plan, &passes, "exp_avg"), [(Access::Update, 3)]);
    assert_eq!(of(&plan, &passes, "h"), [(Access::Write, 0)]);
    assert!(of(&plan, &passes, "x").is_empty() && of(&plan, &passes, "state").is_empty());
}

#[test]
fn what_does_not_depend_is_one_pass() {
    let mut rec = Recorder::new();
    let [x, y, dy, dx] = ["x", "y", "dy", "dx"].map(|name| rec.tensor(name, &[1, 3, 8]));
    let weights = rec.tensor("weights", &[1, 9, 8]);
    let section = rec.section("apart");
    let tensors = [("x", x), ("parameters", weights), ("y", y)];
    rec.dispatch(&kernels::LINEAR_FORWARD, "forward", &tensors, &[ROW, ROWS]).unwrap();
    let tensors = [("dy", dy), ("parameters", weights), ("dx", dx)];
    rec.dispatch(&kernels::LINEAR_BACKWARD_INPUT, "backward", &tensors, &[ROW, ROWS]).unwrap();
    let plan = rec.finish();
    assert_eq!(of(&plan, &all(&plan, section), "weights"), [(Access::Read, 1)]);
}

#[test]
fn an_update_joins_the_next_steps_first_reading() {
    let (plan, section) = steps(2);
    let passes = all(&plan, section);
    // Step by step: read, then updated and, on the way, read by the next step, then updated.
    assert_eq!(of(&plan, &passes, "first"), [(Access::Read, 0), (Access::Update, 4), (Access::Update, 7)]);
    assert_eq!(of(&plan, &once(&passes), "first"), [(Access::Update, 7)]);
}

#[test]
fn what_is_moved_is_no_more_than_the_cost() {
    let (plan, section) = steps(1);
    let passes = all(&plan, section);
    let (layer, rows) = (4 * 9 * 8, 4 * 3 * 8);
    let moved = Moved::by(&plan, &passes);
    assert_eq!(moved, Moved { read: 3 * layer, written: 3 * rows, updated: 3 * layer });
    assert_eq!(moved.bytes(), moved.read + moved.written + 2 * moved.updated);
    assert!(moved.bytes() <= plan.cost(section).bytes);
    let least = Moved::by(&plan, &once(&passes));
    assert_eq!(least, Moved { read: layer, written: 3 * rows, updated: 3 * layer });
}

/// A meter of one step with made-up times.
fn metered() -> (Meter, Rates, Shape) {
    let (plan, section) = steps(1);
    let mut meter = Meter::new(Work::of(&plan, &[section]));
    let mut traffic = Traffic::none(4);
    traffic.add(0, Access::Read, 0.001);
    traffic.add(3, Access::Update, 0.004);
    meter.traffic = Some(traffic);
    let shape = Shape { instances: 1, rows: 3, in_features: 8, out_features: 8 };
    (meter, Rates::default(), shape)
}

#[test]
fn a_floor_is_the_longer_of_its_parts() {
    let (meter, mut rates, shape) = metered();
    rates.saw(shape, "slow", 0.002);
    rates.saw(shape, "fast", 0.001);
    rates.saw(shape, "slower", 0.003);
    let floor = meter.floor(&rates, 2.0);
    // Four products of a millisecond and 5 ms of traffic, two samples.
    assert!((floor.arithmetic_ms - 2.0).abs() < 1e-9 && (floor.traffic_ms - 2.5).abs() < 1e-9, "{floor:?}");
    assert_eq!(floor.ms(), floor.traffic_ms);
    assert_eq!(floor.products.len(), 1);
    assert_eq!((floor.products[0].count, floor.products[0].kernel), (4, "fast"));
    assert!((floor.products[0].gflops - 2e-9 * 3.0 * 64.0 / 0.001).abs() < 1e-12);
    let layer = 4e-6 * 72.0;
    assert!((floor.read_mb - 3.0 * layer / 2.0).abs() < 1e-12 && (floor.updated_mb - 3.0 * layer / 2.0).abs() < 1e-12);
    // Rates are bytes through the device, both ways of an update.
    assert!((floor.read_gbps - 1e-3 * 3.0 * layer / 0.001).abs() < 1e-9, "{floor:?}");
    assert!((floor.update_gbps - 1e-3 * 6.0 * layer / 0.004).abs() < 1e-9, "{floor:?}");
    assert_eq!(floor.write_gbps, 0.0);
    rates.saw(shape, "fast", 0.000_5);
    assert_eq!(meter.floor(&rates, 2.0).ms(), 2.5, "a better product lowers the arithmetic");
}

#[test]
fn a_kernel_has_its_own_floor() {
    let (meter, mut rates, shape) = metered();
    rates.saw(shape, "any", 0.002);
    let ms = |kernel| meter.kernel_ms(&rates, kernel);
    assert!((ms("linear_forward") - 4.0).abs() < 1e-9, "two products of 2 ms against 1 ms of traffic");
    assert!((ms("linear_backward_weight_adam") - 4.0).abs() < 1e-9, "a product of 2 ms against 4 ms of traffic");
    assert_eq!(ms("add"), 0.0);
}

#[test]
fn sweeps_find_times_for_what_they_pass_over() {
    let (plan, section) = steps(1);
    let passes = all(&plan, section);
    let sweep = super::sweep::Sweep::new(1, &passes, 4, |id: TensorId| 1000 * plan.tensor(id).len() as u64).unwrap();
    let traffic = sweep.measure();
    assert!(traffic.seconds().is_finite() && traffic.by_access.iter().all(|seconds| *seconds > 0.0), "{traffic:?}");
    let sum: f64 = traffic.by_dispatch.iter().sum();
    assert!((sum / traffic.seconds() - 1.0).abs() < 1e-9, "{traffic:?}");
}
