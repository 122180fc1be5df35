//! A sample's replay and its reads are one submission, encoded while the host waited for the sample before.

use isopose::gpu::{Device, ShaderChecks};
use isopose::kernels::ADD;
use isopose::plan::{Executor, GpuExecutor, Init, Recorder, SectionId, TensorId};

use crate::device::gpu;

/// Dispatches of the long section: more than two parts of a command buffer each.
const LONG: usize = 130;

/// `sum += 1` so many times, then once.
fn counting() -> Option<(GpuExecutor, [SectionId; 2], [TensorId; 2])> {
    gpu(ShaderChecks::On)?;
    // A device of its own: how a replay is submitted depends on whether the device has other work.
    let Device::Gpu(gpu) = Device::open("gpu", 0, ShaderChecks::On).unwrap() else { panic!("gpu was asked for") };
    let mut rec = Recorder::new();
    let one = rec.tensor_with("one", &[1, 2, 4], Init::Fill(1.0));
    let sum = rec.tensor("sum", &[1, 2, 4]);
    let sections = [LONG, 1].map(|count| {
        let section = rec.section(format!("{count}"));
        let rows = [("row", 0u32.into()), ("rows", 2u32.into())];
        (0..count).for_each(|_| rec.dispatch(&ADD, "sum", &[("x", one), ("y", sum)], &rows).unwrap());
        section
    });
    Some((GpuExecutor::new(rec.finish(), &gpu).unwrap(), sections, [one, sum]))
}

/// The first number of each tensor after a replay, and how often the driver was called.
fn replay(executor: &mut GpuExecutor, section: SectionId, tensors: &[TensorId]) -> (Vec<f32>, usize) {
    let before = executor.submissions();
    let reads = executor.replay_reading(section, tensors).unwrap();
    assert_eq!(reads.len(), tensors.len());
    let submitted = executor.submissions() - before;
    (reads.into_iter().map(|read| executor.finish_read(read).unwrap()[0]).collect(), submitted)
}

#[test]
fn a_replay_that_lies_ready_is_one_submission() {
    let Some((mut executor, [long, short], [one, sum])) = counting() else { return };
    assert_eq!(replay(&mut executor, long, &[sum]), (vec![130.0], 3), "the first is submitted part by part");
    assert_eq!(replay(&mut executor, long, &[sum]), (vec![260.0], 1));
    assert_eq!(replay(&mut executor, short, &[sum]), (vec![261.0], 1));
    assert_eq!(replay(&mut executor, long, &[sum]), (vec![391.0], 1), "two kinds lie ready");
    assert_eq!(replay(&mut executor, short, &[sum]), (vec![392.0], 1));
    assert_eq!(replay(&mut executor, long, &[sum, one]), (vec![522.0, 1.0], 3), "other reads are another kind");
    assert_eq!(replay(&mut executor, long, &[sum, one]), (vec![652.0, 1.0], 1));
    assert!(executor.guards_intact().unwrap());
}

#[test]
fn what_happens_after_it_was_encoded_is_seen_by_it() {
    let Some((mut executor, [long, short], [_, sum])) = counting() else { return };
    assert_eq!(replay(&mut executor, short, &[sum]).0, [1.0]);
    executor.write(sum, 0, &[10.0]);
    assert_eq!(replay(&mut executor, short, &[sum]).0, [11.0]);
    executor.replay(long).unwrap();
    executor.replay_range(long, 0..3).unwrap();
    assert_eq!(replay(&mut executor, short, &[sum]).0, [145.0]);
    // Reads that are never waited for do not disturb those that are.
    executor.replay_reading(short, &[sum]).unwrap();
    assert_eq!(executor.read(sum).unwrap()[0], 146.0);
    assert_eq!(replay(&mut executor, short, &[sum]).0, [147.0]);
}
