//! Counts what a replay on the CPU allocates. A binary of its own: the count is of all threads.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use isopose::adapt::{MODES, Policy, adapt_plan};
use isopose::config::{ModelConfig, Preset, TrainConfig};
use isopose::plan::{CpuExecutor, Executor, Plan, SectionId};
use isopose::train::train_plan;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

struct Counting;

// SAFETY: every call goes to the system's allocator unchanged.
#[expect(unsafe_code, reason = "an allocator is unsafe by its trait")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Replays after which rayon's queue, through which a replay reaches the threads, takes its next block.
const REPLAYS_PER_BLOCK: usize = 63;

fn check(what: &str, plan: Plan, section: SectionId) {
    let mut executor = CpuExecutor::new(plan, 2).unwrap();
    // A thread that has only just begun allocates what is its own.
    for _ in 0..REPLAYS_PER_BLOCK {
        executor.replay(section).unwrap();
    }
    let replays = 2 * REPLAYS_PER_BLOCK;
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    for _ in 0..replays {
        executor.replay(section).unwrap();
    }
    let allocations = ALLOCATIONS.load(Ordering::Relaxed) - before;
    assert!(allocations <= replays / REPLAYS_PER_BLOCK + 1, "{what}: {allocations} allocations in {replays} replays");
}

#[test]
fn a_replay_allocates_nothing() {
    // Wide enough for the products to run on both threads.
    let model = ModelConfig { width: 128, bone_lengths: vec![0.25; 15], ..ModelConfig::default() };
    let geometry = ModelConfig { width: 128, plane_scale: 1.0, ..Preset::Geometry.model() };
    let geometry = ModelConfig { bone_lengths: model.bone_lengths.clone(), ..geometry };
    for (model, mode) in [&model, &geometry].into_iter().flat_map(|model| MODES.iter().map(move |mode| (model, mode))) {
        let usual = mode.policy(model);
        let policy = Policy { copies: 16, iterations: usual.iterations.min(3), ..usual };
        let plan = adapt_plan(model, &policy.into()).unwrap();
        check(mode.name, plan.recording.plan, plan.ids.adapt.unwrap_or(plan.ids.predict));
    }
    let config = TrainConfig { batch: 8, steps: 6, ..TrainConfig::default() };
    let plan = train_plan(&model, &config, 20, false).unwrap();
    check("train", plan.recording.plan, plan.ids.step);
}
