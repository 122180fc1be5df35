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
use isopose::Result;
use isopose::adapt::{AdaptConfig, Mode, adapt_plan};
use isopose::bench::Subject;
use isopose::config::{Ssl, TrainConfig};
use isopose::gpu::Device;
use isopose::nn::{Store, Tensors};
use isopose::plan::{Cost, Executor, Plan, SectionId, prepare};
use isopose::train::train_plan;

fn main() -> Result<()> {
    let device = common::device()?;
    let subject = Subject::new(16, 1024, Ssl::Cycle)?;
    let parameters = subject.parameters();
    let mut criterion = common::criterion();
    let mut done = Vec::new();
    // Three steps, to have a first, a middle and a last one.
    let vanilla = AdaptConfig { iterations: 3, ..AdaptConfig::new(Mode::Vanilla) };
    for config in [vanilla, AdaptConfig::new(Mode::VanillaLr)] {
        let mut ids = adapt_plan(&subject.model, &config)?;
        let plan = std::mem::take(&mut ids.plan);
        let section = ids.adapt.unwrap_or(ids.predict);
        let mut executor = ready(plan, &ids.store, (&subject, &parameters), &device)?;
        executor.write(ids.samples, 0, &subject.poses.keypoints[..config.capacity * 2 * subject.model.joints]);
        kernels(&mut criterion, executor.as_mut(), section, &mut done)?;
    }
    let mut ids = train_plan(&subject.model, &TrainConfig::default(), subject.poses.len(), false)?;
    let plan = std::mem::take(&mut ids.plan);
    let mut executor = ready(plan, &ids.store, (&subject, &parameters), &device)?;
    executor.write(ids.keypoints, 0, &subject.poses.keypoints);
    executor.write(ids.positions, 0, &subject.padded_positions());
    kernels(&mut criterion, executor.as_mut(), ids.step, &mut Vec::new())?;
    criterion.final_summary();
    Ok(())
}

fn ready(
    plan: Plan,
    store: &Store,
    (subject, parameters): (&Subject, &Tensors),
    device: &Device,
) -> Result<Box<dyn Executor>> {
    let mut executor = prepare(plan, device)?;
    store.load(executor.as_mut(), &subject.model, parameters)?;
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
