//! Pipelines are made when a plan is prepared, and never again.

use isopose::adapt::MODES;
use isopose::gpu::{Device, ShaderChecks};
use isopose::nn::{Program, initial_tensors};
use isopose::train::train_plan;

use crate::device::gpu;
use crate::models::{adaptation, adapter, keypoints, model, training};

#[test]
fn replays_make_no_pipelines() {
    if gpu(ShaderChecks::On).is_none() {
        return;
    }
    // A device of its own: the shared one counts the pipelines of other tests too.
    let device = Device::open("gpu", 0, ShaderChecks::On).unwrap();
    let Device::Gpu(gpu) = &device else { panic!("gpu was asked for") };
    let model = model(16, 20);
    for mode in MODES {
        let config = adaptation(mode.paper);
        let adapting = adapter(&model, &config, &device);
        let prepared = gpu.pipeline_count();
        assert!(prepared > 0);
        for _ in 0..3 {
            adapting.run(&keypoints(12, 16), None).unwrap();
            adapting.losses().unwrap();
            adapting.reset().unwrap();
        }
        assert_eq!(gpu.pipeline_count(), prepared, "{mode}");
        adapter(&model, &config, &device);
        assert_eq!(gpu.pipeline_count(), prepared, "{mode}: a second plan of the same kernels");
    }
    let plan = train_plan(&model, &training(), 10, false).unwrap();
    let mut program = Program::new(plan.recording, &device, &model, &initial_tensors(&model, 3)).unwrap();
    let prepared = gpu.pipeline_count();
    for _ in 0..3 {
        program.replay(plan.ids.step).unwrap();
        program.read(plan.ids.losses).unwrap();
    }
    assert_eq!(gpu.pipeline_count(), prepared, "training");
}
