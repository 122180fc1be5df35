//! Pipelines are made when a plan is prepared, and never again.

use isopose::adapt::{Adapter, Mode};
use isopose::gpu::{Device, ShaderChecks};
use isopose::nn::initial_tensors;
use isopose::plan::{Executor, GpuExecutor};
use isopose::train::train_plan;

use crate::device::gpu;
use crate::models::{adaptation, checkpoint, keypoints, model, training};

#[test]
fn replays_make_no_pipelines() {
    if gpu(ShaderChecks::On).is_none() {
        return;
    }
    // A device of its own: the shared one counts the pipelines of other tests too.
    let device = Device::open("gpu", 0, ShaderChecks::On).unwrap();
    let Device::Gpu(gpu) = &device else { panic!("gpu was asked for") };
    let model = model(16, 20);
    for mode in Mode::ALL {
        let mut adapter = Adapter::new(&checkpoint(&model), &adaptation(mode), &device).unwrap();
        let prepared = gpu.pipeline_count();
        assert!(prepared > 0);
        for _ in 0..3 {
            adapter.run(&keypoints(12, 16)).unwrap();
            adapter.losses().unwrap();
            adapter.reset().unwrap();
        }
        assert_eq!(gpu.pipeline_count(), prepared, "{mode}");
        Adapter::new(&checkpoint(&model), &adaptation(mode), &device).unwrap();
        assert_eq!(gpu.pipeline_count(), prepared, "{mode}: a second plan of the same kernels");
    }
    let ids = train_plan(&model, &training(), 10, false).unwrap();
    let mut executor = GpuExecutor::new(ids.plan, gpu).unwrap();
    ids.store.load(&mut executor, &model, &initial_tensors(&model, 3)).unwrap();
    let prepared = gpu.pipeline_count();
    for _ in 0..3 {
        executor.replay(ids.step).unwrap();
        executor.read(ids.losses).unwrap();
    }
    assert_eq!(gpu.pipeline_count(), prepared, "training");
}
