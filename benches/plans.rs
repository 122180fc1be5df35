//! Whole programs at width 1024: a sample of each mode, a step of training, and what a dispatch costs that does
//! nothing.
//!
//! `ISOPOSE_BENCH_DEVICE=gpu cargo bench --bench plans -- online`
//!
//! A sample's time is that of `isopose bench`: replay, wait, read the prediction. Elements are samples (steps), or
//! empty dispatches.

mod common;

use criterion::{Criterion, SamplingMode, Throughput};
use isopose::Result;
use isopose::adapt::Lifter;
use isopose::bench::{Sizes, Subject, Timed, Workload};
use isopose::config::ModelConfig;
use isopose::gpu::Device;
use isopose::kernels;
use isopose::plan::{Recorder, prepare};

fn main() -> Result<()> {
    let device = common::device()?;
    let mut criterion = common::criterion();
    replay(&mut criterion, &device)?;
    samples(&mut criterion, &device)?;
    criterion.final_summary();
    Ok(())
}

/// Sections of kernels with a single invocation: the slope over their number is the overhead of a dispatch.
fn replay(criterion: &mut Criterion, device: &Device) -> Result<()> {
    let mut group = criterion.benchmark_group("replay");
    for dispatches in [1, 10, 100, 1000] {
        let mut rec = Recorder::new();
        let state = rec.tensor("state", &[isopose::cpu::State::WORDS]);
        let section = rec.section("empty");
        for _ in 0..dispatches {
            let samples = [("samples", 1u32.into())];
            rec.dispatch(&kernels::ADVANCE_SAMPLE, "advance_sample", &[("state", state)], &samples)?;
        }
        let mut executor = prepare(rec.finish(), device)?;
        group.throughput(Throughput::Elements(dispatches));
        group.bench_function(format!("{dispatches} dispatches"), |bencher| {
            bencher.iter(|| executor.replay(section).and_then(|()| executor.wait()).expect("the device answers"));
        });
    }
    group.finish();
    Ok(())
}

fn samples(criterion: &mut Criterion, device: &Device) -> Result<()> {
    let subject = Subject::new(&ModelConfig::default())?;
    let lifter = Lifter::new(subject.model.clone(), subject.parameters()?, device)?;
    for timed in Timed::all() {
        let mut group = criterion.benchmark_group(timed.name);
        group.sampling_mode(SamplingMode::Flat);
        for copies in if timed.start().is_some() { &[16, 64][..] } else { &[1] } {
            let sizes = Sizes { timed, copies: *copies, instances: 1, iterations: None, batch: 64 };
            let label = if timed.start().is_some() { format!("B={copies}") } else { "sample".to_owned() };
            let mut workload = Workload::new(&subject, &sizes, &lifter)?;
            // Whole rounds, so that a mode that leaves samples out has its share of adaptations.
            let round = workload.round();
            group.throughput(Throughput::Elements(round as u64));
            group.bench_function(label, |bencher| {
                bencher.iter(|| {
                    (0..round).try_for_each(|_| workload.run().map(|_| ())).expect("the device answers");
                });
            });
        }
        group.finish();
    }
    Ok(())
}
