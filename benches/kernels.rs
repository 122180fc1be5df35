//! Each kernel alone, at the largest size that it has in a step of vanilla adaptation (B = 64), and at the largest in a
//! step of training (64 poses), at width 1024.
//!
//! `ISOPOSE_BENCH_DEVICE=gpu cargo bench --bench kernels -- linear_forward`
//!
//! Elements are floating-point operations of matrix products: Gelem/s are GFLOP/s. Bytes are those of every tensor that
//! the dispatch binds, once a direction. A dispatch that is repeated alone finds in a cache what fits there; in a plan
//! it may not. On a GPU every dispatch is a submission of its own, two of them in flight: short kernels show the cost
//! of submitting, which `isopose plan profile` does not.

mod common;

use std::collections::BTreeMap;
use std::time::Instant;

use criterion::{Criterion, Throughput};
use isopose::Named;
use isopose::Result;
use isopose::adapt::{AdaptConfig, Mode, Policy, adapt_plan};
use isopose::bench::Subject;
use isopose::checkpoint::Tensors;
use isopose::config::{ModelConfig, TrainConfig};
use isopose::gpu::Device;
use isopose::nn::Recording;
use isopose::plan::{Cost, Executor, SectionId, prepare};
use isopose::train::{TrainingSet, train_plan};

fn main() -> Result<()> {
    let device = common::device()?;
    let subject = Subject::new(&ModelConfig::default())?;
    let parameters = subject.parameters()?;
    let mut criterion = common::criterion();
    let mut done = Vec::new();
    // Three steps, to have a first, a middle and a last one.
    let three = Policy { iterations: 3, ..Policy::VANILLA };
    let one = Mode::named("vanilla-lr").map_or(Policy { iterations: 1, ..three }, |mode| mode.paper);
    for policy in [three, one] {
        let config = AdaptConfig { masked: false, ..policy.into() };
        let plan = adapt_plan(&subject.model, &config)?;
        let mut executor = ready(plan.recording, (&subject, &parameters), &device)?;
        executor.write(plan.ids.samples, 0, &subject.keypoints[..config.capacity * 2 * subject.model.joints]);
        let section = plan.ids.adapt.unwrap_or(plan.ids.predict);
        kernels(&mut criterion, executor.as_mut(), section, &mut done)?;
    }
    let set = TrainingSet::new(&subject.set, &subject.model)?;
    let plan = train_plan(&subject.model, &TrainConfig::default(), set.poses, false)?;
    let mut executor = ready(plan.recording, (&subject, &parameters), &device)?;
    executor.write(plan.ids.keypoints, 0, &set.keypoints);
    executor.write(plan.ids.positions, 0, &set.positions);
    kernels(&mut criterion, executor.as_mut(), plan.ids.step, &mut Vec::new())?;
    criterion.final_summary();
    Ok(())
}

fn ready(
    Recording { plan, store, .. }: Recording,
    (subject, parameters): (&Subject, &Tensors),
    device: &Device,
) -> Result<Box<dyn Executor>> {
    let mut executor = prepare(plan, device)?;
    store.load(executor.as_mut(), &subject.model, parameters, &[])?;
    Ok(executor)
}

/// Times the costliest dispatch of every kernel of the section that is not `done` yet.
fn kernels(
    criterion: &mut Criterion,
    executor: &mut dyn Executor,
    section: SectionId,
    done: &mut Vec<&'static str>,
) -> Result<()> {
    // Every tensor gets its content.
    executor.replay(section)?;
    executor.wait()?;
    let plan = executor.plan();
    let mut costliest: BTreeMap<&'static str, (Cost, usize)> = BTreeMap::new();
    for (index, dispatch) in plan.section(section).dispatches.iter().enumerate() {
        let cost = Cost::of(plan, [dispatch]);
        let best = costliest.entry(dispatch.kernel.name).or_insert((cost, index));
        if (cost.flop, cost.bytes) > (best.0.flop, best.0.bytes) {
            *best = (cost, index);
        }
    }
    for (name, (cost, index)) in costliest {
        if done.contains(&name) {
            continue;
        }
        done.push(name);
        let label = executor.plan().section(section).dispatches[index].label.clone();
        let mut group = criterion.benchmark_group(name);
        group.throughput(match cost.flop {
            0 => Throughput::Bytes(cost.bytes),
            elements => Throughput::ElementsAndBytes { elements, bytes: cost.bytes },
        });
        group.bench_function(label, |bencher| {
            bencher.iter_custom(|count| {
                let begun = Instant::now();
                let replays = (0..count).try_for_each(|_| executor.replay_range(section, index..index + 1));
                replays.and_then(|()| executor.wait()).expect("the device answers");
                begun.elapsed()
            });
        });
        group.finish();
    }
    Ok(())
}
