//! What a binding says it touches, proven on the twins: all else is poison, which must neither matter nor change.

use isopose::adapt::{AdaptConfig, AdaptPlan, MODES, adapt_plan};
use isopose::config::ModelConfig;
use isopose::kernel::{Access, Element, Inputs, Kernel, Outputs, Span, Uniform, Uniforms, read, write};
use isopose::plan::{CpuExecutor, Executor, Plan, SectionId};
use isopose::train::train_plan;
use isopose::verify::{Case, cases};

use crate::models::{adaptation, checkpoint, draws, geometry, keypoints, model, training};

/// A NaN that no kernel makes.
const POISON: u32 = 0x7fc5_a5a5;

/// Bindings whose area is wrong, of a section's dispatches; and how many said to touch a part of their tensor.
fn wrong(plan: &Plan, section: SectionId, prepare: impl Fn(&mut dyn Executor)) -> (Vec<String>, usize) {
    let [mut clean, mut poisoned] = [(); 2].map(|()| CpuExecutor::new(plan.clone(), 1).unwrap());
    prepare(&mut clean);
    let (mut wrong, mut parts) = (Vec::new(), 0);
    for (at, dispatch) in plan.section(section).dispatches.iter().enumerate() {
        let inside = |binding: usize, index: usize| {
            let area = dispatch.kernel.bindings[binding].area(&dispatch.uniforms);
            area.contains(&plan.tensor(dispatch.tensors[binding]).shape, index)
        };
        for (binding, (_, id)) in dispatch.bound().enumerate() {
            let mut content = clean.read(id).unwrap();
            let outside: Vec<usize> = (0..content.len()).filter(|&index| !inside(binding, index)).collect();
            parts += usize::from(!outside.is_empty());
            outside.iter().for_each(|&index| content[index] = f32::from_bits(POISON));
            poisoned.write(id, 0, &content);
        }
        let before: Vec<Vec<f32>> = dispatch.tensors.iter().map(|&id| clean.read(id).unwrap()).collect();
        for executor in [&mut clean, &mut poisoned] {
            executor.replay_range(section, at..at + 1).unwrap();
        }
        for (binding, (about, id)) in dispatch.bound().enumerate().filter(|(_, (b, _))| b.access != Access::Read) {
            let [after, other] = [&mut clean, &mut poisoned].map(|executor| executor.read(id).unwrap());
            let name = format!("{} ({}) {}", dispatch.label, dispatch.kernel.name, about.name);
            let all = || (0..after.len()).map(|index| (index, inside(binding, index)));
            let same = |a: f32, b: f32| a.to_bits() == b.to_bits();
            if all().any(|(index, inside)| inside && !same(after[index], other[index])) {
                wrong.push(format!("{name}: what the dispatch says it does not read changes this"));
            }
            let stays = |index: usize| other[index].to_bits() == POISON && same(after[index], before[binding][index]);
            if all().any(|(index, inside)| !inside && !stays(index)) {
                wrong.push(format!("{name}: written where it says it does not"));
            }
        }
    }
    (wrong, parts)
}

#[test]
fn every_kernel_touches_what_it_says() {
    let (mut failed, mut proven) = (Vec::new(), Vec::new());
    for case in cases() {
        let (plan, section) = case.plan().unwrap();
        let (found, parts) = wrong(&plan, section, |_| {});
        failed.extend(found.into_iter().map(|found| format!("{found}, {:?} {:?}", case.dims, case.values)));
        proven.extend((parts > 0).then_some(case.kernel.name));
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    for kernel in isopose::kernels::ALL {
        let claims = kernel.bindings.iter().any(|binding| !binding.rows.is_empty());
        assert!(!claims || proven.contains(&kernel.name), "{}: no case has rows outside of its own", kernel.name);
    }
}

fn of_a_plan(what: &str, model: &ModelConfig, config: &AdaptConfig) -> Vec<String> {
    let AdaptPlan { recording, ids } = adapt_plan(model, config).unwrap();
    let section = ids.adapt.unwrap_or(ids.predict);
    let xs = keypoints(recording.plan.tensor(ids.samples).shape[0], model.joints);
    let (found, parts) = wrong(&recording.plan, section, |executor| {
        recording.store.load(executor, model, &checkpoint(model).parameters, &[]).unwrap();
        executor.write(ids.samples, 0, &xs);
    });
    assert!(parts > 0 || ids.adapt.is_none(), "{what}: every dispatch says that it touches all");
    found.into_iter().map(|found| format!("{what}: {found}")).collect()
}

#[test]
fn plans_touch_what_they_say() {
    let mut failed = Vec::new();
    for mode in MODES {
        failed.extend(of_a_plan(mode.name, &model(16, 20), &adaptation(mode.paper)));
        let config = AdaptConfig { masked: true, instances: 1, ..adaptation(mode.geometry) };
        failed.extend(of_a_plan(&format!("geometry, {mode}"), &geometry(17, 20), &config));
    }
    let plan = train_plan(&model(16, 20), &training(), 10, false).unwrap();
    let (found, _) = wrong(&plan.recording.plan, plan.ids.step, |executor| {
        let model = model(16, 20);
        plan.recording.store.load(executor, &model, &checkpoint(&model).parameters, &[]).unwrap();
        executor.write(plan.ids.keypoints, 0, &keypoints(10, 16));
        executor.write(plan.ids.positions, 0, &draws(8, plan.recording.plan.tensor(plan.ids.positions).len()));
    });
    failed.extend(found);
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// Adds row 1 of x to row 0, of two instances.
fn sum_of_two(_: &Uniforms, inputs: &Inputs<'_>, outputs: &mut Outputs<'_>) {
    let (x, y) = (inputs.get("x"), outputs.take("y"));
    for row in [0, 3] {
        y[row] = x[row] + x[row + 1];
    }
}

const SHAPE: &[&str] = &["instances", "count", "1"];

/// `sum_of_two` with its bindings as given.
macro_rules! summing {
    ($($binding:expr),+) => {
        Kernel {
            name: "summing",
            source: "",
            bindings: &[$($binding),+],
            uniforms: &[Uniform::U32("instances"), Uniform::U32("count")],
            workgroup: [1, 1, 1],
            grid: |_| [1, 1, 1],
            check: |_| Ok(()),
            twin: sum_of_two,
            flops: |_| 0,
        }
    };
}

const FIRST: Span = Span("0", "1");
const SECOND: Span = Span("1", "1");

static HONEST: Kernel =
    summing!(read("x", Element::F32, SHAPE).rows(&[FIRST, SECOND]), write("y", Element::F32, SHAPE).rows(&[FIRST]));
static READS_MORE: Kernel =
    summing!(read("x", Element::F32, SHAPE).rows(&[FIRST]), write("y", Element::F32, SHAPE).rows(&[FIRST]));
static WRITES_MORE: Kernel = summing!(read("x", Element::F32, SHAPE), write("y", Element::F32, SHAPE).rows(&[SECOND]));

#[test]
fn a_wrong_area_is_found() {
    let of = |kernel: &'static Kernel| {
        let (plan, section) =
            Case { kernel, dims: vec![("instances", 2), ("count", 3)], values: Vec::new() }.plan().unwrap();
        wrong(&plan, section, |_| {}).0
    };
    assert_eq!(of(&HONEST), Vec::<String>::new());
    assert!(matches!(&of(&READS_MORE)[..], [found] if found.ends_with("changes this")));
    assert!(matches!(&of(&WRITES_MORE)[..], [found] if found.ends_with("written where it says it does not")));
}
